//! What the tests of all simulators have in common: asking them as any client would.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;
use switchboard::sim::{self, SimOptions, Simulator};

/// A simulator with these switches beside the options.
pub async fn start(vendor: &str, mut options: SimOptions, switches: &[(&str, &str)]) -> Simulator {
    switchboard::vendor::http::install_tls();
    options.switches.extend(switches.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    sim::start(vendor, options).await.unwrap()
}

/// What the simulator has to say against its client.
pub fn complaints(sim: &Simulator) -> Vec<String> {
    sim.log().complaints().into_iter().map(|(_, what)| what).collect()
}

/// Waits for what comes by itself.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}

/// A status and a body; one that is not JSON comes as a text.
pub type Reply = (u16, Value);

pub async fn reply(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// What a `{"command": "printf %s …"}` secret prints.
pub fn printed(secret: &Value) -> String {
    secret["command"].as_str().unwrap().strip_prefix("printf %s ").unwrap().to_owned()
}
