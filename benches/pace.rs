//! Benchmark: how much of a vendor's limit is used, and how often it is overrun, over real HTTP.
//!
//! `cargo bench --bench pace`; `-- --seconds 300` for a longer look, `-- --limit 20` for another limit a second.

mod common;
#[path = "common/house.rs"]
mod house;

use std::time::Duration;

use switchboard::backend::{StopToken, Watch};
use switchboard::sim::log::{Entry, Outcome};
use switchboard::sim::{self, SimOptions, Simulator};

/// One vendor, its limit, and what the profile knows of it.
struct Case {
    what: &'static str,
    vendor: &'static str,
    /// Switches and faults of the simulator.
    switch: Option<String>,
    fault: Option<String>,
    settings: String,
    /// Switchboards that share the pace.
    engines: usize,
}

fn main() {
    let (limit, seconds) = (
        common::number("--limit").unwrap_or(50),
        common::number("--seconds").unwrap_or(if common::quick() { 5 } else { 120 }),
    );
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    println!("{limit} requests a second are allowed, 30 ms server latency, {seconds} s, all side by side");
    println!("{:<66} {:>8} {:>10} {:>16}", "", "used", "refused", "after 20 s");
    let kenbun = |per_minute: usize| format!("requests_per_minute = {per_minute}\nparallel = 16\nbulk_size = 1\n");
    let any_second = Some(format!("rate_limit={limit}/s"));
    let case = |what, settings, engines| Case {
        what,
        vendor: "kenbun",
        switch: None,
        fault: any_second.clone(),
        settings,
        engines,
    };
    let minute = limit * 60;
    let cases = [
        Case {
            what: "a limit in the profile and in the server's headers (StateSet)",
            vendor: "stateset",
            switch: Some(format!("{minute}/min")),
            fault: None,
            settings: format!("requests_per_minute = {minute}\nconcurrency = 16\n"),
            engines: 1,
        },
        case("a profile 3 % below the limit", kenbun(minute * 97 / 100), 1),
        case("the same, shared by two Switchboards", kenbun(minute * 97 / 100), 2),
        case("a profile with double the limit", kenbun(minute * 2), 1),
        case("a profile without a limit: it has to be learned", kenbun(0), 1),
    ];
    runtime.block_on(async {
        let running: Vec<_> = cases.into_iter().map(|case| tokio::spawn(measure(case, limit, seconds))).collect();
        for line in running {
            println!("{}", line.await.expect("a measurement"));
        }
    });
}

async fn measure(case: Case, limit: usize, seconds: usize) -> String {
    let options = SimOptions {
        leads: limit * (seconds + 5) * 3 / 2,
        owners: 4,
        faults: [Some("latency=30ms".to_owned()), case.fault.clone()].into_iter().flatten().collect(),
        switches: case.switch.iter().map(|rate| ("rate_limit".to_owned(), rate.clone())).collect(),
        ..SimOptions::default()
    };
    let sim = sim::start(case.vendor, options).await.expect("the simulator");
    let settings = format!("{}freshness_s = 86400\n", case.settings);
    let pace = tempfile::tempdir().expect("a folder");
    let folders: Vec<_> = (0..case.engines).map(|_| tempfile::tempdir().expect("a folder")).collect();
    let engines: Vec<_> =
        folders.iter().map(|folder| house::engine(&sim.profile, &settings, folder.path(), Some(pace.path()))).collect();
    // What reading the leads takes of the pace is back by then.
    let table = house::leads(&engines[0]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = sim.log().last();
    let share = table.len() as u32 / case.engines as u32;
    let stop = StopToken::new();
    let mut working = Vec::new();
    for (n, engine) in (0..).zip(engines) {
        let changes = house::from_owners(&engine, &table, n * share..(n + 1) * share).await;
        let plan = house::plan(engine.profiles()[0].vendor, changes);
        let stop = stop.clone();
        working.push(tokio::spawn(async move { engine.apply(plan, Watch::none(), stop).await.expect("a report") }));
    }
    tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
    stop.stop();
    for worker in working {
        worker.await.expect("a report");
    }
    line(&case, &sim, before, limit, seconds)
}

fn line(case: &Case, sim: &Simulator, before: u64, limit: usize, seconds: usize) -> String {
    let all = sim.log().after(before, usize::MAX);
    let Some(begin) = all.first().map(|entry| entry.at) else { return case.what.to_owned() };
    let since = |entry: &Entry| entry.at.duration_since(begin).as_secs_f64();
    let (allowed, refused) = counted(all.iter().filter(|entry| since(entry) < seconds as f64));
    let (later, later_refused) = counted(all.iter().filter(|entry| (20.0..seconds as f64).contains(&since(entry))));
    format!(
        "{:<66} {:>6.1} % {:>6.2} ‰ {:>16}",
        case.what,
        allowed as f64 * 100.0 / (limit * seconds) as f64,
        refused as f64 * 1000.0 / (allowed + refused).max(1) as f64,
        match seconds > 20 {
            true => format!(
                "{:.1} %, {:.2} ‰",
                later as f64 * 100.0 / (limit * (seconds - 20)) as f64,
                later_refused as f64 * 1000.0 / (later + later_refused).max(1) as f64
            ),
            false => String::new(),
        }
    )
}

/// Requests that were allowed, and that were refused.
fn counted<'a>(entries: impl Iterator<Item = &'a Entry>) -> (usize, usize) {
    entries.fold((0, 0), |(allowed, refused), entry| match entry.outcome {
        Outcome::Answered { status: 429 } => (allowed, refused + 1),
        _ => (allowed + 1, refused),
    })
}
