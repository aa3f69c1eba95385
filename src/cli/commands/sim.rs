//! `sim VENDOR`: run one simulator until Ctrl-C.

use clap::CommandFactory;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::args::{Cli, SimArgs};
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
    profile: &'a Map<String, Value>,
    /// The same server with other credentials or settings, by name.
    other_profiles: Map<String, Value>,
}

pub async fn run(args: &SimArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.help {
        return help(args.vendor.as_deref(), out);
    }
    let vendor = args.vendor.as_deref().unwrap_or_default();
    let stop = signals::listen();
    let switches: Result<Vec<_>, Failure> = args.switch.iter().map(|switch| parted(switch)).collect();
    let usual = sim::registry::find(vendor).map_err(Failure::wrong_use)?.leads;
    let options = SimOptions {
        addr: args.addr,
        leads: args.leads.unwrap_or(usual),
        owners: args.owners,
        campaigns: args.campaigns,
        seed: args.seed,
        faults: args.fault.clone(),
        switches: switches?,
        now: None,
        folder: None,
    };
    let simulator = sim::start(vendor, options).await.map_err(Failure::wrong_use)?;
    let others = simulator.other_profiles().into_iter().map(|(name, settings)| (name, settings.into()));
    out.json(&Ready {
        vendor,
        base_url: &simulator.base_url,
        profile: &simulator.profile,
        other_profiles: others.collect(),
    })?;
    out.flush()?;
    stop.stopped().await;
    say("stopped");
    Ok(Exit::Done)
}

/// What the command takes, and what the simulator does: its switches and the faults, or all simulators.
fn help(vendor: Option<&str>, out: &mut Out) -> Result<Exit, Failure> {
    let about = match vendor {
        Some(vendor) => sim::registry::help(sim::registry::find(vendor).map_err(Failure::wrong_use)?),
        None => {
            let line = |entry: &sim::vendor::Entry| format!("  {:<10} {}\n", entry.name, entry.about);
            let all: String = sim::registry::VENDORS.iter().map(line).collect();
            format!("Vendors (`switchboard sim VENDOR --help` has the switches of each, and the faults):\n{all}")
        }
    };
    let mut all = Cli::command();
    // Fills in the parts that are only worked out when arguments are parsed, such as global options.
    all.build();
    let usage = all.find_subcommand_mut("sim").map(|sim| sim.render_long_help().to_string()).unwrap_or_default();
    out.write(|to| write!(to, "{usage}\n{about}"))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn parted(switch: &str) -> Result<(String, String), Failure> {
    match switch.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Failure::wrong_use(format!("--switch takes NAME=VALUE, not \"{}\"", visible(switch)))),
    }
}
