//! Benchmark: single writes through the whole engine (pacing, journal, client) against a bare load generator and against
//! the client alone on the same server, with the journal in memory and on a disk.
//!
//! Where no limit is known an engine begins slowly and doubles its pace: its first round shows that, the medians do not.
//!
//! `cargo bench --bench engine`; `-- --latency 20 --leads 4000` for another latency in milliseconds and more writes.

mod common;
#[path = "common/house.rs"]
mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use switchboard::backend::{Engine, StopToken, Watch};
use switchboard::domain::VendorKind;
use switchboard::sim::{self, SimOptions, Simulator};
use switchboard::vendor::gate::OpenGate;
use switchboard::vendor::{Session, WriteOutcome, http, registry};

const IN_FLIGHT: usize = 32;
const ROUNDS: usize = 5;

fn main() {
    let quick = common::quick();
    let runs = match common::number("--latency") {
        Some(latency) => vec![(latency, common::number("--leads").unwrap_or(2_000))],
        None if quick => vec![(50, 200), (5, 200)],
        None => vec![(50, 2_000), (5, 10_000)],
    };
    for (latency, leads) in runs {
        compare(latency, leads, if quick { 1 } else { ROUNDS });
    }
}

/// The same writes in four ways, turn by turn, so that a busy machine disturbs all of them alike.
fn compare(latency: usize, leads: usize, rounds: usize) {
    // The server has threads of its own, so that all find the same one.
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let options = SimOptions {
        leads,
        owners: 4,
        faults: vec![format!("latency={latency}ms")],
        // The load generator chooses none.
        switches: vec![("initial_ou".to_owned(), "default".to_owned())],
        ..SimOptions::default()
    };
    let sim = server.block_on(sim::start("kenbun", options)).expect("the simulator");
    let disk = tempfile::tempdir().expect("a folder");
    let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder in memory");
    let _inside = client.enter();
    http::install_tls();
    let (on_disk, in_memory) = (engine(&sim.profile, disk.path()), engine(&sim.profile, memory.path()));
    let ids = house::ids(&client.block_on(house::leads(&on_disk)));
    let leads = ids.len();

    println!(
        "{leads} single writes, {latency} ms server latency, {IN_FLIGHT} in flight, a second (of the load generator)"
    );
    println!(
        "{:>14} {:>20} {:>20} {:>20} {:>14}",
        "load generator", "client alone", "journal in memory", "journal on disk", "journal's work"
    );
    let mut ratios = [const { Vec::new() }; 4];
    for round in 0..rounds {
        let bare = client.block_on(generate(&sim, ids.clone()));
        let alone = client.block_on(client_alone(&sim.profile, &ids, 3 * round));
        let memory = client.block_on(apply(&in_memory, &ids, 3 * round + 1));
        let before = thread_time("journal");
        let disk = client.block_on(apply(&on_disk, &ids, 3 * round + 2));
        let journal = (thread_time("journal") - before).as_secs_f64() / disk;
        let rate = |seconds: f64| format!("{:.0} ({:.3})", leads as f64 / seconds, bare / seconds);
        println!(
            "{:>14.0} {:>20} {:>20} {:>20} {:>12.1} %",
            leads as f64 / bare,
            rate(alone),
            rate(memory),
            rate(disk),
            journal * 100.0
        );
        for (ratios, ratio) in ratios.iter_mut().zip([bare / alone, bare / disk, alone / disk, journal]) {
            ratios.push(ratio);
        }
    }
    let [alone, disk, around, journal] = ratios.map(|mut ratios| {
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    });
    println!(
        "medians: client {alone:.3}, engine with the journal on disk {disk:.3} of the load generator; \
         the engine costs {:.1} % of the client's time, the journal's thread is at work {:.1} % of the run\n",
        (1.0 - around) * 100.0,
        journal * 100.0
    );
}

/// The time that the threads of a name have spent on processors.
fn thread_time(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let known = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let schedule = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        (known.trim_end() == name).then(|| schedule.split(' ').next()?.parse::<u64>().ok()).flatten()
    });
    Duration::from_nanos(spent.sum())
}

/// The vendor's client by itself: no engine, no journal, no pace.
async fn client_alone(profile: &Map<String, Value>, ids: &[String], round: usize) -> f64 {
    let config = house::config(profile, &settings());
    let entry = registry::entry(VendorKind::Kenbun).expect("kenbun");
    let vendor = (entry.open)(&config.profiles[0], Arc::new(OpenGate)).expect("a client");
    let (changes, next) = (Arc::new(house::changes(ids, round)), Arc::new(AtomicUsize::new(0)));
    let session = Session { context: vendor.context(), ..Session::default() };
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (vendor, changes, next, session) = (vendor.clone(), changes.clone(), next.clone(), session.clone());
        workers.spawn(async move {
            while let Some(change) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let report = vendor.write(std::slice::from_ref(change), &session).await;
                assert_eq!(report.outcomes, [WriteOutcome::Done]);
            }
        });
    }
    workers.join_all().await;
    began.elapsed().as_secs_f64()
}

/// Single writes, and no limit but the number in flight.
fn settings() -> String {
    format!("requests_per_minute = 0\nparallel = {IN_FLIGHT}\nbulk_size = 1\n")
}

fn engine(profile: &Map<String, Value>, folder: &std::path::Path) -> Engine {
    house::engine(profile, &settings(), folder, None)
}

/// The same requests without anything around them; returns seconds.
async fn generate(sim: &Simulator, ids: Vec<String>) -> f64 {
    let token = secret(sim);
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
    let began = Instant::now();
    let ids = Arc::new(ids);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, ids, next, token) = (client.clone(), ids.clone(), next.clone(), token.clone());
        let base_url = sim.base_url.clone();
        workers.spawn(async move {
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = client
                    .post(format!("{base_url}/leads/{id}/owner"))
                    .bearer_auth(&token)
                    .json(&json!({"owner_id": "nobody_in_particular", "owner_name": "Load Generator"}))
                    .send()
                    .await
                    .expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await.expect("a body");
            }
        });
    }
    workers.join_all().await;
    began.elapsed().as_secs_f64()
}

/// The token as the profile's command prints it.
fn secret(sim: &Simulator) -> String {
    let command = sim.profile["token"]["command"].as_str().unwrap_or_default();
    let output = std::process::Command::new("sh").args(["-c", command]).output().expect("the token's command");
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}

/// One operation over all leads; returns seconds.
async fn apply(engine: &Engine, ids: &[String], round: usize) -> f64 {
    let plan = house::plan(VendorKind::Kenbun, house::changes(ids, round));
    let began = Instant::now();
    let report = engine.apply(plan, Watch::none(), StopToken::new()).await.expect("a report");
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(report.summary.tally.done, ids.len(), "{:?}", report.summary.tally);
    seconds
}
