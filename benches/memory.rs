//! Benchmark: what an operation needs of memory while it runs, is gone on with, given up or taken back, by its length.
//!
//! `cargo bench --bench memory`; `-- --items 50000` for another longest one. Each length of each is done by a process of
//! its own against a simulator in another one. The highest that the work needed is told without what SQLite holds: that is
//! mostly the pages of the journal's cache, which grow to a fixed size whatever is done, and is told beside it. Other
//! things do not depend on the length either (connections, stacks, the items that are read or sent together), so what an
//! item takes is seen from one length to the next.

mod common;
#[path = "common/house.rs"]
mod house;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Map, Value};

use switchboard::backend::{Engine, StopToken, UndoRequest, Watch};
use switchboard::domain::history::OperationPart;
use switchboard::domain::{Change, Changes, ItemState, OperationId, Plan, PlanPart, Timestamp, VendorKind};
use switchboard::journal::{Move, NewOperation};
use switchboard::sim::{self, SimOptions};

/// Set for the processes that this one starts.
const SERVE: &str = "SWITCHBOARD_BENCH_SERVE";
const WORK: &str = "SWITCHBOARD_BENCH_WORK";
const WHAT: &str = "SWITCHBOARD_BENCH_WHAT";

/// What is done to an operation, and its lengths, of the longest.
const ALL: [(What, &[f64]); 5] = [
    (What::Apply, &[0.1, 0.25, 0.5, 1.0]),
    (What::Resume, &[0.25, 1.0]),
    (What::Settle, &[0.25, 1.0]),
    (What::GiveUp, &[0.25, 1.0]),
    (What::Undo, &[0.25, 1.0]),
];

#[derive(Clone, Copy, PartialEq)]
enum What {
    Apply,
    Resume,
    Settle,
    GiveUp,
    Undo,
}

impl What {
    fn words(self) -> &'static str {
        match self {
            Self::Apply => "applied, single writes, 16 in flight; on top of its plan",
            Self::Resume => "gone on with when nothing of it was sent, its plan included",
            Self::Settle => "gone on with when all of it was cut off and is read back, its plan included",
            Self::GiveUp => "given up",
            Self::Undo => "planned to be taken back, that plan included",
        }
    }
}

/// Bytes: with the leads loaded, what the plan adds to that, what the work adds at its highest, and of SQLite's.
#[derive(Clone, Copy)]
struct Figures {
    items: f64,
    before: f64,
    plan: f64,
    work: f64,
    sqlite: f64,
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    if let Some(leads) = number(SERVE) {
        return serve(leads);
    }
    if let (Ok(profile), Some(what)) = (std::env::var(WORK), number(WHAT)) {
        return work(&serde_json::from_str(&profile).expect("a profile"), ALL[what].0);
    }
    let long = common::number("--items").unwrap_or(if common::quick() { 40_000 } else { 200_000 });
    println!("journal on disk; MiB, and bytes an item");
    for (number, (what, shares)) in ALL.into_iter().enumerate() {
        println!("\nan operation is {}", what.words());
        println!("{:>10} {:>14} {:>18} {:>18} {:>10}", "items", "leads loaded", "a plan", "the work", "SQLite");
        let mut all: Vec<Figures> = Vec::new();
        for share in shares {
            let figures = measure((long as f64 * share) as usize, number);
            let Figures { items, before, plan, work, sqlite } = figures;
            let both = |bytes: f64| format!("{:.1} ({:.0})", mib(bytes), bytes / items);
            let more = all.last().map_or(String::new(), |than| figures.an_item_more(than));
            let (plan, work, sqlite) = (both(plan), both(work), mib(sqlite));
            println!("{items:>10} {:>14.1} {plan:>18} {work:>18} {sqlite:>10.1}   {more}", mib(before));
            all.push(figures);
        }
        if let (Some(first), Some(last)) = (all.first(), all.last()) {
            println!("from the shortest to the longest: {}", last.an_item_more(first));
        }
    }
}

fn mib(bytes: f64) -> f64 {
    bytes / 1048576.0
}

impl Figures {
    fn an_item_more(&self, than: &Self) -> String {
        let more = self.items - than.items;
        let (plan, work) = ((self.plan - than.plan) / more, (self.work - than.work) / more);
        format!("each item more: {plan:.0} bytes in a plan, {work:.0} for the work")
    }
}

fn measure(items: usize, what: usize) -> Figures {
    let mut server = myself(&[(SERVE, items.to_string())]);
    let mut profile = String::new();
    let out = server.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut profile).expect("a profile");
    let mut client = myself(&[(WORK, profile), (WHAT, what.to_string())]);
    let mut told = String::new();
    client.stdout.take().expect("its output").read_to_string(&mut told).expect("figures");
    assert!(client.wait().expect("an end").success(), "the work failed");
    // The server works until nobody listens any more.
    drop(server.stdin.take());
    server.wait().expect("an end");
    let mut numbers = told.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
    let mut next = || numbers.next().expect("five numbers");
    Figures { items: next(), before: next(), plan: next(), work: next(), sqlite: next() }
}

fn myself(roles: &[(&str, String)]) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.envs(roles.iter().map(|(role, value)| (role, value.trim())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
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

fn work(profile: &Map<String, Value>, what: What) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "requests_per_minute = 0\nparallel = 16\nbulk_size = 1\nfreshness_s = 86400\n";
    runtime().block_on(async {
        let engine = house::engine(profile, settings, folder.path(), None);
        let table = house::leads(&engine).await;
        let before = resident("VmRSS:");
        let changes = house::from_owners(&engine, &table, 0..table.len() as u32).await;
        let plan = house::plan(VendorKind::Kenbun, if what == What::Undo { turned(&changes) } else { changes });
        let items = plan.changes();
        let planned = resident("VmRSS:");
        let of_plan = planned - before;
        if what == What::Apply {
            let (work, report) = highest(engine.apply(plan, Watch::none(), StopToken::new())).await;
            let report = report.expect("a report");
            let first = engine.journal().items(&report.summary.id, 0, 1);
            assert_eq!(report.summary.tally.done, items, "{:?} {first:?}", report.summary.tally);
            return println!("{items} {before} {of_plan} {work} {}", sqlite().1);
        }
        let states: &[ItemState] = match what {
            What::Settle => &[ItemState::Sent],
            What::Undo => &[ItemState::Sent, ItemState::Done],
            _ => &[],
        };
        let id = left_behind(&engine, plan, states);
        let (watch, stop) = (Watch::none(), StopToken::new());
        let work = match what {
            What::Apply => unreachable!("it was measured"),
            What::Resume => {
                // It takes everything up, and before it sends any of it somebody asks it to stop.
                stop.stop();
                let (work, report) = highest(engine.resume(&id, false, watch, stop)).await;
                assert_eq!(report.expect("a report").summary.tally.not_sent, items);
                work
            }
            What::Settle => {
                let (work, report) = highest(engine.resume(&id, true, watch, stop)).await;
                assert_eq!(report.expect("a report").summary.tally.failed, items, "none of it arrived");
                work
            }
            What::GiveUp => {
                let (work, report) = highest(engine.give_up(&id, watch, stop)).await;
                assert_eq!(report.expect("a report").summary.tally.not_sent, items);
                work
            }
            What::Undo => {
                let request = UndoRequest { operations: vec![id], ..UndoRequest::default() };
                let (work, plan) = highest(engine.plan_undo(request)).await;
                assert_eq!(plan.expect("a plan").changes(), items);
                work
            }
        };
        println!("{items} {before} {of_plan} {work} {}", sqlite().1);
    });
}

/// As if what is there now had been written.
fn turned(changes: &Changes) -> Changes {
    let turn = |change: Change| Change { before: change.after, after: change.before, ..change };
    changes.iter().map(|change| turn(change.to_change())).collect()
}

/// An operation as a process leaves it that ends when all items have gone through these states.
fn left_behind(engine: &Engine, plan: Arc<Plan>, states: &[ItemState]) -> OperationId {
    let empty =
        Plan { parts: vec![PlanPart::of("bench", VendorKind::Kenbun, Vec::new())], ..plan_without_parts(&plan) };
    let place = engine.plan_file(&empty, "");
    let part = OperationPart {
        profile: "bench".into(),
        vendor: VendorKind::Kenbun,
        base_url: place.places[0].base_url.clone(),
        context: place.plan.parts[0].context.clone().unwrap_or_default(),
    };
    let id = OperationId::new("20261120-180203-k7f3");
    let operation = NewOperation {
        id: id.clone(),
        at: Timestamp::now(),
        kind: plan.kind,
        reverts: None,
        who: "bench@here".into(),
        note: None,
        parts: vec![part],
        plan,
    };
    let journal = engine.journal();
    let hold = journal.begin(&operation).expect("a hold");
    for state in states {
        let open = [ItemState::Planned, ItemState::Sent];
        let to = *state;
        let moved = journal.record_each(&hold, Timestamp::now(), &open, move |item, moves| {
            moves.push(Move::to(item.seq, to));
        });
        moved.expect("recorded");
    }
    id
}

fn plan_without_parts(plan: &Plan) -> Plan {
    Plan { kind: plan.kind, reverts: None, note: None, made_at: plan.made_at, parts: Vec::new() }
}

/// What some work needs of memory at its highest, without SQLite's.
async fn highest<T>(work: impl Future<Output = T>) -> (f64, T) {
    // What was used before and is free by now would be used again without being seen.
    give_back();
    let (before, pages) = (resident("VmRSS:"), sqlite().0);
    // From here on the highest counts.
    std::fs::write("/proc/self/clear_refs", "5").expect("the mark of the highest");
    let done = work.await;
    (resident("VmHWM:") - before - (sqlite().1 - pages), done)
}

/// Bytes of this process that are in memory.
fn resident(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next()?.parse::<f64>().ok());
    found.expect("a figure") * 1024.0
}

/// Bytes that SQLite holds, and the most that it ever held.
fn sqlite() -> (f64, f64) {
    // SAFETY: both only read counters, and may be called at any time from any thread.
    unsafe { (rusqlite::ffi::sqlite3_memory_used() as f64, rusqlite::ffi::sqlite3_memory_highwater(0) as f64) }
}

/// Gives free memory back to the system, where the allocator can.
fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> i32;
        }
        // SAFETY: it is a function of the C library this is linked with, and may be called at any time.
        unsafe { malloc_trim(0) };
    }
}
