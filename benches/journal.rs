//! Benchmark: what the journal costs.
//!
//! `cargo bench --bench journal` (a folder to write to may be given: `-- /path/on/another/disk`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use switchboard::domain::history::{HistoryFilter, OperationPart};
use switchboard::domain::selection::LeadKey;
use switchboard::domain::{
    Assignment, Change, ItemState, OperationKind, OwnerRef, Plan, PlanPart, SafeText, Timestamp, VendorKind,
};
use switchboard::journal::{Hold, Journal, JournalError, Move, NewOperation};

const ITEMS: usize = 50_000;
const OPERATIONS: usize = 20;
const REQUESTS: u32 = 20_000;
const IN_FLIGHT: usize = 32;
const LATENCY: Duration = Duration::from_millis(5);

fn main() {
    let parent = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let parent = parent.unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::tempdir_in(&parent).expect("a folder to write to");
    println!("journal in {}", parent.display());
    let journal = Journal::open(folder.path()).expect("a new journal");

    opening(&parent);
    commits(&journal);
    bulk_run(&journal);
    million_items(&journal);

    let size = std::fs::metadata(folder.path().join(switchboard::journal::FILE_NAME)).map_or(0, |file| file.len());
    println!("{:<58}{:>10} MiB", "size of the file", size >> 20);
}

/// Opening is on the way to the first screen.
fn opening(parent: &Path) {
    let folders: Vec<_> = (0..10).map(|_| tempfile::tempdir_in(parent).expect("a folder")).collect();
    let open = |folder: &tempfile::TempDir| timed(|| drop(Journal::open(folder.path()).expect("a journal")));
    report("opening and closing, the first time", &folders.iter().map(open).collect::<Vec<_>>());
    report("opening and closing, later", &folders.iter().map(open).collect::<Vec<_>>());
}

/// One caller who waits for each commit.
fn commits(journal: &Journal) {
    let plan = plan(2_000, 0);
    let hold = begin(journal, "commits", &plan);
    let sent: Vec<f64> = (0..2_000).map(|seq| timed(|| record(journal, &hold, &[seq], ItemState::Sent))).collect();
    report("one move in a commit", &sent);
    let done: Vec<f64> = (0..20)
        .map(|batch| {
            let seqs: Vec<u32> = (batch * 100..batch * 100 + 100).collect();
            timed(|| record(journal, &hold, &seqs, ItemState::Done))
        })
        .collect();
    report("100 moves in a commit", &done);
}

/// 32 requests in flight against a server that takes 5 ms, without a journal and in the three ways to use one.
fn bulk_run(journal: &Journal) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let plan = plan(REQUESTS as usize, 0);
    let server = server();
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for round in 0..3 {
        for (way, times) in times.iter_mut().enumerate() {
            let hold = Arc::new(begin(journal, &format!("way{way} round{round}"), &plan));
            let next = Arc::new(AtomicU32::new(0));
            times.push(timed(|| {
                let workers = (0..IN_FLIGHT).map(|_| {
                    let worker = Worker {
                        journal: journal.clone(),
                        hold: hold.clone(),
                        next: next.clone(),
                        server: server.clone(),
                    };
                    runtime.spawn(worker.work(way))
                });
                let workers: Vec<_> = workers.collect();
                runtime.block_on(async {
                    for worker in workers {
                        worker.await.expect("a worker");
                    }
                });
            }));
        }
    }
    let [bare, awaited, settled, ahead] = times;
    report("20,000 requests of 5 ms, 32 in flight, no journal", &bare);
    report("  each waits for its `sent` and its `done`", &awaited);
    report("  each waits for its `sent`", &settled);
    report("  each marks the next `sent` while one is on its way", &ahead);
}

/// One of those who send requests.
struct Worker {
    journal: Journal,
    hold: Arc<Hold>,
    next: Arc<AtomicU32>,
    server: mpsc::Sender<Request>,
}

impl Worker {
    async fn work(self, way: usize) {
        let mut ahead = None;
        loop {
            let marked = ahead.take();
            let Some(seq) = marked.or_else(|| self.next()) else { return };
            if way > 0 && marked.is_none() {
                self.mark(seq, ItemState::Sent).await.expect("sent");
            }
            let (answer, answered) = oneshot::channel();
            self.server.send(Request { due: Instant::now() + LATENCY, answer }).expect("a server");
            let marked = match way {
                3 => {
                    ahead = self.next();
                    ahead.map(|seq| self.mark(seq, ItemState::Sent))
                }
                _ => None,
            };
            answered.await.expect("an answer");
            match way {
                0 => {}
                1 => self.mark(seq, ItemState::Done).await.expect("done"),
                _ => drop(self.mark(seq, ItemState::Done)),
            }
            if let Some(marked) = marked {
                marked.await.expect("sent");
            }
        }
    }

    fn next(&self) -> Option<u32> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|&seq| seq < REQUESTS)
    }

    fn mark(&self, seq: u32, to: ItemState) -> impl Future<Output = Result<(), JournalError>> + Send + 'static {
        self.journal.record_async(&self.hold, now(), vec![Move::to(seq, to)])
    }
}

struct Request {
    due: Instant,
    answer: oneshot::Sender<()>,
}

/// Answers each request when it is due. The runtime's timers count in milliseconds, which is too coarse here.
fn server() -> mpsc::Sender<Request> {
    let (sender, requests) = mpsc::channel::<Request>();
    std::thread::spawn(move || {
        for Request { due, answer } in requests {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let _ = answer.send(());
        }
    });
    sender
}

/// A journal as it looks after a busy year.
fn million_items(journal: &Journal) {
    let mut begins = Vec::new();
    for turn in 0..OPERATIONS {
        let plan = plan(ITEMS, turn);
        let mut hold = None;
        begins.push(timed(|| hold = Some(begin(journal, &format!("bulk{turn:02}"), &plan))));
        let hold = hold.expect("a hold");
        for chunk in (0..ITEMS as u32).collect::<Vec<_>>().chunks(500) {
            record(journal, &hold, chunk, ItemState::Sent);
            record(journal, &hold, chunk, if turn % 10 == 9 { ItemState::Unknown } else { ItemState::Done });
        }
    }
    report("begin of 50,000 items", &begins);
    let reopened = |question: &dyn Fn(&Journal)| -> Vec<f64> { (0..20).map(|_| timed(|| question(journal))).collect() };
    let id = "bulk07".into();
    let lead = LeadKey { profile: "sales".into(), id: lead_id(7 * ITEMS + 3).as_str().into() };
    report(
        "first page of history, a million items",
        &reopened(&|journal| {
            assert!(journal.operations(0, 50).expect("operations").len() >= OPERATIONS);
            journal.count().expect("a count");
        }),
    );
    let failed = HistoryFilter { states: vec![ItemState::Failed], owner: Some("owner_7".into()), ..Default::default() };
    report("the same by owner and state", &reopened(&|journal| drop(journal.operations_where(&failed, 0, 50))));
    report("first 100 items of an operation", &reopened(&|journal| drop(journal.items(&id, 0, 100).expect("items"))));
    report("last 100 items", &reopened(&|journal| drop(journal.items(&id, ITEMS - 100, 100).expect("items"))));
    report(
        "all 50,000 that can be undone",
        &reopened(&|journal| {
            assert_eq!(journal.undoable_items(&id).expect("items").len(), ITEMS);
        }),
    );
    report("newest that can be undone", &reopened(&|journal| drop(journal.newest_undoable(false).expect("one"))));
    report("interrupted operations", &reopened(&|journal| drop(journal.interrupted().expect("some"))));
    report(
        "the story of a lead",
        &reopened(&|journal| {
            assert_eq!(journal.lead_events(&lead, 50).expect("events").len(), 1);
        }),
    );
    let leads: Vec<_> = (0..1_000).map(|n| lead_id(n * 900 + 1).as_str().into()).collect();
    report(
        "the last known owners of 1,000 leads",
        &reopened(&|journal| drop(journal.last_known_owners(&"sales".into(), &leads).expect("owners"))),
    );
    report("checking everything", &[timed(|| assert!(journal.verify().expect("a check").is_empty()))]);
    report("making what is derived anew", &[timed(|| journal.rebuild().expect("made anew"))]);
}

fn lead_id(n: usize) -> String {
    // Spread like the random ids that vendors give.
    format!("lead_{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn plan(items: usize, turn: usize) -> Plan {
    let owner = |n: usize| Assignment::Owner(OwnerRef::new(format!("owner_{n}"), format!("Owner Number {n}")));
    let changes = (0..items)
        .map(|n| Change {
            target: lead_id(turn * ITEMS + n).into(),
            name: SafeText::from(format!("Lead Number {n}")),
            before: owner(n % 300),
            after: owner((n + 1) % 300),
            read_at: None,
            scope: "".into(),
        })
        .collect();
    let part = PlanPart::of("sales", VendorKind::Kenbun, changes);
    Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: now(), parts: vec![part] }
}

fn begin(journal: &Journal, id: &str, plan: &Plan) -> Hold {
    let parts = plan.parts.iter().map(|part| OperationPart {
        profile: part.profile.clone(),
        vendor: part.vendor,
        base_url: "https://api.kenbun.io".to_owned(),
        context: serde_json::Value::Null,
    });
    let operation = NewOperation {
        id: id.into(),
        at: now(),
        kind: plan.kind,
        reverts: None,
        who: "ann@desk".into(),
        note: None,
        parts: parts.collect(),
        plan,
        takes_back: Vec::new(),
    };
    journal.begin(&operation).expect("a new operation")
}

fn record(journal: &Journal, hold: &Hold, seqs: &[u32], to: ItemState) {
    let moves: Vec<Move> = seqs.iter().map(|&seq| Move::to(seq, to)).collect();
    journal.record(hold, now(), &moves).expect("recorded");
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1_000.0
}

fn report(what: &str, milliseconds: &[f64]) {
    let mut sorted = milliseconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (median, worst) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    println!("{what:<58}{median:>10.3} ms median{worst:>10.3} ms worst");
}
