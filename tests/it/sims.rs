//! What the tests of all simulators have in common: asking them as any client would.

use reqwest::RequestBuilder;
use serde_json::Value;

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
