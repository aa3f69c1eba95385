//! Benchmark: what an operation needs of memory while it runs, by its length.
//!
//! `cargo bench --bench memory`; `-- --items 50000` for another longest one. Each length is applied by a process of its own
//! against a simulator in another one; the first figure is what the process had before, the others come on top of it, at
//! their highest. Part of it does not depend on the length (the journal's cache, connections, stacks), so what an item
//! takes is seen from one length to the next.

mod common;
#[path = "common/house.rs"]
mod house;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value};

use switchboard::backend::{StopToken, Watch};
use switchboard::domain::VendorKind;
use switchboard::sim::{self, SimOptions};

/// Set for the processes that this one starts.
const SERVE: &str = "SWITCHBOARD_BENCH_SERVE";
const APPLY: &str = "SWITCHBOARD_BENCH_APPLY";
/// Of the longest.
const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// Bytes: with the leads loaded, what the plan adds to that, and what applying it adds at its highest.
#[derive(Clone, Copy)]
struct Figures {
    items: f64,
    before: f64,
    plan: f64,
    applying: f64,
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    if let Some(leads) = number(SERVE) {
        return serve(leads);
    }
    if let Ok(profile) = std::env::var(APPLY) {
        return apply(&serde_json::from_str(&profile).expect("a profile"));
    }
    let arguments: Vec<String> = std::env::args().collect();
    let given = arguments.iter().position(|argument| argument == "--items");
    let given = given.and_then(|at| arguments.get(at + 1)?.parse::<usize>().ok());
    let long = given.unwrap_or(if common::quick() { 40_000 } else { 200_000 });
    println!("single writes, 16 in flight, journal on disk; MiB, and bytes an item");
    println!("{:>10} {:>14} {:>18} {:>18}", "items", "leads loaded", "the plan", "applying it");
    let mut shorter: Option<Figures> = None;
    let mut first: Option<Figures> = None;
    for share in SHARES {
        let figures = measure((long as f64 * share) as usize);
        let Figures { items, before, plan, applying } = figures;
        let both = |bytes: f64| format!("{:.1} ({:.0})", bytes / 1048576.0, bytes / items);
        let more = shorter.map_or(String::new(), |than| figures.an_item_more(&than));
        println!("{items:>10} {:>14.1} {:>18} {:>18}   {more}", before / 1048576.0, both(plan), both(applying));
        first.get_or_insert(figures);
        shorter = Some(figures);
    }
    if let (Some(first), Some(last)) = (first, shorter) {
        println!("from the shortest to the longest: {}", last.an_item_more(&first));
    }
}

impl Figures {
    fn an_item_more(&self, than: &Self) -> String {
        let more = self.items - than.items;
        let (plan, applying) = ((self.plan - than.plan) / more, (self.applying - than.applying) / more);
        format!("each item more: {plan:.0} bytes in the plan, {applying:.0} while it is applied")
    }
}

fn measure(items: usize) -> Figures {
    let mut server = myself(SERVE, &items.to_string());
    let mut profile = String::new();
    let out = server.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut profile).expect("a profile");
    let mut client = myself(APPLY, &profile);
    let mut told = String::new();
    client.stdout.take().expect("its output").read_to_string(&mut told).expect("figures");
    assert!(client.wait().expect("an end").success(), "applying failed");
    // The server works until nobody listens any more.
    drop(server.stdin.take());
    server.wait().expect("an end");
    let mut numbers = told.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
    let mut next = || numbers.next().expect("four numbers");
    Figures { items: next(), before: next(), plan: next(), applying: next() }
}

fn myself(role: &str, value: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.env(role, value.trim()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("a process")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn serve(leads: usize) {
    runtime().block_on(async {
        let switches = vec![("initial_ou".to_owned(), "default".to_owned())];
        let options = SimOptions { leads, owners: 4, switches, ..SimOptions::default() };
        let sim = sim::start("kenbun", options).await.expect("the simulator");
        println!("{}", serde_json::to_string(&sim.profile).expect("a profile"));
        let wait = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let _ = wait.await;
    });
}

fn apply(profile: &Map<String, Value>) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "requests_per_minute = 0\nparallel = 16\nbulk_size = 1\nfreshness_s = 86400\n";
    runtime().block_on(async {
        let engine = house::engine(profile, settings, folder.path(), None);
        let table = house::leads(&engine).await;
        let before = resident("VmRSS:");
        let plan = house::plan(VendorKind::Kenbun, house::from_owners(&engine, &table, 0..table.len() as u32).await);
        let items = plan.changes();
        let planned = resident("VmRSS:");
        // From here on the highest counts.
        std::fs::write("/proc/self/clear_refs", "5").expect("the mark of the highest");
        let report = engine.apply(plan, Watch::none(), StopToken::new()).await.expect("a report");
        let first = engine.journal().items(&report.summary.id, 0, 1);
        assert_eq!(report.summary.tally.done, items, "{:?} {first:?}", report.summary.tally);
        println!("{items} {before} {} {}", planned - before, resident("VmHWM:") - planned);
    });
}

/// Bytes of this process that are in memory.
fn resident(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next()?.parse::<f64>().ok());
    found.expect("a figure") * 1024.0
}
