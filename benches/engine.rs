//! Benchmark: single writes through the whole engine (pacing, journal, client) against a bare load generator on the same
//! server.
//!
//! `cargo bench --bench engine`; `-- --latency 5` for another latency in milliseconds, `-- --leads 4000` for more writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use switchboard::backend::{Engine, ProfileSetup, Setup, StopToken, Tuning, Watch, system_clock};
use switchboard::config::Config;
use switchboard::domain::{
    Assignment, Change, Cost, OperationKind, OwnerRef, Plan, PlanPart, ProfileName, Timestamp, VendorKind,
};
use switchboard::journal::Journal;
use switchboard::sim::{self, SimOptions, Simulator};
use switchboard::vendor::{http, registry};

const IN_FLIGHT: usize = 32;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, usual: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let (latency, leads) = (number("--latency", 50), number("--leads", 2_000));
    // The server has threads of its own, so that both clients find the same one.
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let options =
        SimOptions { leads, owners: 4, faults: vec![format!("latency={latency}ms")], ..SimOptions::default() };
    let sim = server.block_on(sim::start("kenbun", options)).expect("the simulator");
    let folder = tempfile::tempdir().expect("a folder");
    let _inside = client.enter();
    let engine = engine(&sim.profile, folder.path());
    let ids: Vec<String> = sim.holders().into_iter().map(|(target, _)| target.to_string()).collect();

    println!("{leads} single writes, {latency} ms server latency, {IN_FLIGHT} in flight, journal on");
    println!("{:>14} {:>14} {:>8}", "load generator", "engine", "ratio");
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let bare = client.block_on(generate(&sim, ids.clone()));
        let whole = client.block_on(apply(&engine, &ids, round));
        ratios.push(bare / whole);
        println!("{:>12.0}/s {:>12.0}/s {:>8.3}", leads as f64 / bare, leads as f64 / whole, bare / whole);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.3}", ratios[ROUNDS / 2]);
}

fn engine(profile: &Map<String, Value>, folder: &std::path::Path) -> Engine {
    let mut text = "[profiles.bench]\n".to_owned();
    for (key, value) in profile {
        match value {
            Value::Object(table) => {
                let pairs: Vec<_> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                text.push_str(&format!("{key} = {{ {} }}\n", pairs.join(", ")));
            }
            other => text.push_str(&format!("{key} = {other}\n")),
        }
    }
    text.push_str(&format!("requests_per_minute = 0\nparallel = {IN_FLIGHT}\nbulk_size = 1\n"));
    let config = Config::parse(&text, None, &registry::settings()).expect("the profile");
    let profile = &config.profiles[0];
    let entry = registry::entry(VendorKind::Kenbun).expect("kenbun");
    let setup = ProfileSetup::new(profile.name.clone(), profile.vendor, &profile.base_url, false, |gate| {
        (entry.open)(profile, gate)
    });
    let journal = Journal::open(folder).expect("a journal");
    let (who, tuning) = ("bench@here".into(), Tuning::default());
    Engine::open(Setup { profiles: vec![setup], journal, who, clock: system_clock(), data_folder: None, tuning })
        .expect("an engine")
}

/// The same requests without anything around them; returns seconds.
async fn generate(sim: &Simulator, ids: Vec<String>) -> f64 {
    http::install_tls();
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
    let owner = |round: usize| Assignment::Owner(OwnerRef::new(format!("owner_{round}"), format!("Owner {round}")));
    let changes = ids
        .iter()
        .map(|id| Change {
            target: id.as_str().into(),
            name: Default::default(),
            before: owner(round),
            after: owner(round + 1),
            read_at: Some(Timestamp::now()),
            scope: Default::default(),
        })
        .collect();
    let part = PlanPart {
        profile: ProfileName::new("bench"),
        vendor: VendorKind::Kenbun,
        changes,
        skips: Vec::new(),
        cost: Cost::default(),
        inexact: Vec::new(),
        warnings: Vec::new(),
        takes_back: Vec::new(),
        context: None,
    };
    let plan =
        Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: Timestamp::now(), parts: vec![part] };
    let began = Instant::now();
    let report = engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.expect("a report");
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(report.summary.tally.done, ids.len(), "{:?}", report.summary.tally);
    seconds
}
