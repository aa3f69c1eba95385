//! `sim VENDOR`: run one simulator until Ctrl-C.

use serde::Serialize;

use crate::cli::args::SimArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Out, say};
use crate::cli::signals;
use crate::domain::safe_text::visible;
use crate::sim::{self, SimOptions};

/// The one line that is printed when the simulator can be talked to.
#[derive(Serialize)]
#[serde(tag = "type", rename = "sim")]
struct Ready<'a> {
    vendor: &'a str,
    base_url: &'a str,
    /// The settings a profile needs.
    profile: &'a serde_json::Map<String, serde_json::Value>,
}

pub async fn run(args: &SimArgs, out: &mut Out) -> Result<Exit, Failure> {
    let stop = signals::listen();
    let switches: Result<Vec<_>, Failure> = args.switch.iter().map(|switch| parted(switch)).collect();
    let usual = sim::registry::find(&args.vendor).map_err(Failure::wrong_use)?.leads;
    let options = SimOptions {
        addr: args.addr,
        leads: args.leads.unwrap_or(usual),
        owners: args.owners,
        campaigns: args.campaigns,
        seed: args.seed,
        faults: args.fault.clone(),
        switches: switches?,
        now: None,
    };
    let simulator = sim::start(&args.vendor, options).await.map_err(Failure::wrong_use)?;
    out.json(&Ready { vendor: &args.vendor, base_url: &simulator.base_url, profile: &simulator.profile })?;
    out.flush()?;
    stop.stopped().await;
    say("stopped");
    Ok(Exit::Done)
}

fn parted(switch: &str) -> Result<(String, String), Failure> {
    match switch.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Failure::wrong_use(format!("--switch takes NAME=VALUE, not \"{}\"", visible(switch)))),
    }
}
