//! Benchmark: what the journal costs.
//!
//! `cargo bench --bench journal` (a folder to write to may be given: `-- /path/on/another/disk`; `--quick` for a tenth of
//! everything). The history has a million items: large operations, and twenty thousand small ones as people make them.

mod common;

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
const LARGE: usize = 18;
const SMALL: usize = 20_000;
const ITEMS_OF_A_SMALL_ONE: usize = 5;
/// Who began small ones at the same time, for the preparation to be over soon.
const PEOPLE: usize = 64;
const REQUESTS: u32 = 10_000;
/// A question's first page is to be there before anybody notices.
const AIM: f64 = 100.0;
/// Per cent of a run.
const COST: f64 = 5.0;
const IN_FLIGHT: usize = 32;
const LATENCY: Duration = Duration::from_millis(5);

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let tenth = if common::quick() { 10 } else { 1 };
    let parent = given.unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::tempdir_in(&parent).expect("a folder to write to");
    println!("journal in {}", parent.display());
    let journal = Journal::open(folder.path()).expect("a new journal");

    opening(&parent);
    commits(&journal);
    bulk_run(&journal, REQUESTS / tenth as u32);
    let history = prepare(&journal, LARGE, ITEMS / tenth, SMALL / tenth);
    questions(&journal, &history);

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
    let hold = begin(journal, "commits", &plan, "ann@desk");
    let sent: Vec<f64> = (0..500).map(|seq| timed(|| record(journal, &hold, &[seq], ItemState::Sent))).collect();
    report("one move in a commit", &sent);
    let done: Vec<f64> = (0..5)
        .map(|batch| {
            let seqs: Vec<u32> = (batch * 100..batch * 100 + 100).collect();
            timed(|| record(journal, &hold, &seqs, ItemState::Done))
        })
        .collect();
    report("100 moves in a commit", &done);
}

/// 32 requests in flight against a server that takes 5 ms, without a journal and in the three ways to use one.
fn bulk_run(journal: &Journal, requests: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let plan = plan(requests as usize, 0);
    let server = server();
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for round in 0..2 {
        for (way, times) in times.iter_mut().enumerate() {
            let hold = Arc::new(begin(journal, &format!("way{way} round{round}"), &plan, "ann@desk"));
            let next = Arc::new(AtomicU32::new(0));
            times.push(timed(|| {
                let workers = (0..IN_FLIGHT).map(|_| {
                    let worker = Worker {
                        journal: journal.clone(),
                        hold: hold.clone(),
                        next: next.clone(),
                        server: server.clone(),
                        requests,
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
    report(&format!("{requests} requests of 5 ms, 32 in flight, no journal"), &bare);
    report("  each waits for its `sent` and its `done`", &awaited);
    report("  each waits for its `sent`", &settled);
    report("  each marks the next `sent` while one is on its way", &ahead);
    let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let cost = (least(&ahead) / least(&bare) - 1.0) * 100.0;
    println!("the journal costs {cost:.1} % of such a run; the aim is at most {COST} %");
}

/// One of those who send requests.
struct Worker {
    journal: Journal,
    hold: Arc<Hold>,
    next: Arc<AtomicU32>,
    server: mpsc::Sender<Request>,
    requests: u32,
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
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|&seq| seq < self.requests)
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

/// What the history was made of.
struct History {
    large: usize,
    items: usize,
    /// A lead that somebody changed again and again.
    busy: LeadKey,
    began: Timestamp,
    /// A second in the middle of it.
    middle: (Timestamp, Timestamp),
}

/// A journal as it looks after busy years.
fn prepare(journal: &Journal, large: usize, items: usize, small: usize) -> History {
    let (start, began) = (Instant::now(), now());
    let mut begins = Vec::new();
    for turn in 0..large {
        let plan = plan(items, turn);
        let mut hold = None;
        begins.push(timed(|| hold = Some(begin(journal, &format!("bulk{turn:02}"), &plan, "ann@desk"))));
        let hold = hold.expect("a hold");
        for chunk in (0..items as u32).collect::<Vec<_>>().chunks(2_500) {
            record(journal, &hold, chunk, ItemState::Sent);
            record(journal, &hold, chunk, if turn % 9 == 8 { ItemState::Unknown } else { ItemState::Done });
        }
    }
    let middle = (now(), now() + Duration::from_secs(1));
    std::thread::scope(|scope| {
        for person in 0..PEOPLE {
            scope.spawn(move || {
                let who = format!("person{person:02}@desk");
                for n in (person..small).step_by(PEOPLE) {
                    let plan = small_plan(n);
                    let hold = begin(journal, &format!("small{n:06}"), &plan, &who);
                    let all: Vec<u32> = (0..ITEMS_OF_A_SMALL_ONE as u32).collect();
                    record(journal, &hold, &all, ItemState::Sent);
                    record(journal, &hold, &all, if n % 50 == 0 { ItemState::Failed } else { ItemState::Done });
                }
            });
        }
    });
    report(&format!("begin of {items} items"), &begins);
    let all = large * items + small * ITEMS_OF_A_SMALL_ONE;
    let operations = large + small;
    println!("{all} items in {operations} operations were written in {:.0} s", start.elapsed().as_secs_f64());
    let busy = LeadKey { profile: "sales".into(), id: "lead_busy".into() };
    History { large, items, busy, began, middle }
}

/// First pages and other questions.
fn questions(journal: &Journal, history: &History) {
    let History { large, items, busy, began, middle: (from, until) } = history;
    let asked = |question: &dyn Fn()| -> Vec<f64> { (0..20).map(|_| timed(question)).collect() };
    let mut slowest: f64 = 0.0;
    println!("history of a million items; the first page and the count of all that is found, to be there in {AIM} ms:");
    let mut page = |what: &str, filter: HistoryFilter, least: usize| {
        let times = asked(&|| {
            let found = journal.operations_where(&filter, 0, 50).expect("operations");
            let count = journal.count_where(&filter).expect("a count");
            assert!(count >= least && found.len() == count.min(50), "{what}: {count}");
        });
        slowest = times.iter().copied().fold(slowest, f64::max);
        report(&format!("first page of history{what}"), &times);
    };
    let all = HistoryFilter::default;
    let some = large / 9;
    page("", all(), *large);
    page(" by person", HistoryFilter { who: Some("person07".into()), ..all() }, 30);
    page(" by owner, of many", HistoryFilter { owner: Some("owner_7".into()), ..all() }, *large);
    page(" by owner, of none", HistoryFilter { owner: Some("nobody".into()), ..all() }, 0);
    page(" by lead, of one", HistoryFilter { lead: Some(lead_id(7 * ITEMS + 3).as_str().into()), ..all() }, 1);
    page(" by lead, of many", HistoryFilter { lead: Some(busy.id.as_str().into()), ..all() }, 200);
    page(" by vendor", HistoryFilter { vendor: Some(VendorKind::Kenbun), ..all() }, *large);
    page(" by vendor, of none", HistoryFilter { vendor: Some(VendorKind::Exotel), ..all() }, 0);
    page(" by state, failed", HistoryFilter { states: vec![ItemState::Failed], ..all() }, 40);
    page(" by time, of all", HistoryFilter { since: Some(*began), ..all() }, *large);
    page(" by time, of a moment", HistoryFilter { since: Some(*from), until: Some(*until), ..all() }, 1);
    page(" by time, of none", HistoryFilter { until: Some(*began), ..all() }, 0);
    page(" by state, unknown", HistoryFilter { states: vec![ItemState::Unknown], ..all() }, some);
    let everything = HistoryFilter {
        who: Some("ann".into()),
        owner: Some("owner_7".into()),
        profile: Some("sales".into()),
        states: vec![ItemState::Unknown],
        ..all()
    };
    page(" by all of them", everything, some);
    let id = "bulk07".into();
    let lead = LeadKey { profile: "sales".into(), id: lead_id(7 * ITEMS + 3).as_str().into() };
    let mut other = |what: &str, is_a_page: bool, question: &dyn Fn()| {
        let times = asked(question);
        if is_a_page {
            slowest = times.iter().copied().fold(slowest, f64::max);
        }
        report(what, &times);
    };
    other("the story of a lead, once changed", true, &|| {
        assert_eq!(journal.lead_events(&lead, 50).expect("events").len(), 1);
    });
    other("the story of a lead, changed again and again", true, &|| {
        assert_eq!(journal.lead_events(busy, 50).expect("events").len(), 50);
    });
    other("first 100 items of an operation", true, &|| drop(journal.items(&id, 0, 100).expect("items")));
    other("last 100 items", true, &|| drop(journal.items(&id, items - 100, 100).expect("items")));
    other("first 100 of its failed items, where none is", true, &|| {
        drop(journal.items_in(&id, &[ItemState::Failed], 0, 100).expect("items"));
    });
    other("newest that can be undone", true, &|| drop(journal.newest_undoable(false).expect("one")));
    other("interrupted operations", true, &|| drop(journal.interrupted().expect("some")));
    other("all of its items that can be undone", false, &|| {
        assert_eq!(journal.undoable_items(&id).expect("items").len(), *items);
    });
    let leads: Vec<_> = (0..1_000).map(|n| lead_id(n * LARGE * ITEMS / 1_000 + 1).as_str().into()).collect();
    other("the last known owners of 1,000 leads", false, &|| {
        drop(journal.last_known_owners(&"sales".into(), &leads).expect("owners"));
    });
    println!("the slowest of these pages took {slowest:.1} ms; the aim is under {AIM} ms");
    report("checking everything", &[timed(|| assert!(journal.verify().expect("a check").is_empty()))]);
    report("making what is derived anew", &[timed(|| journal.rebuild().expect("made anew"))]);
}

fn lead_id(n: usize) -> String {
    // Spread like the random ids that vendors give.
    format!("lead_{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn plan(items: usize, turn: usize) -> Arc<Plan> {
    Arc::new(changes_of(items, turn))
}

fn changes_of(items: usize, turn: usize) -> Plan {
    let owner = |n: usize| Assignment::Owner(OwnerRef::new(format!("owner_{n}"), format!("Owner Number {n}")));
    let changes: Vec<Change> = (0..items)
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

/// What somebody does by hand: a few leads, one of them the busy one now and then.
fn small_plan(n: usize) -> Arc<Plan> {
    let mut plan = changes_of(ITEMS_OF_A_SMALL_ONE, 1_000 + n);
    if n.is_multiple_of(10) {
        plan.parts[0].changes.edit(|number, change| {
            if number == 0 {
                change.target = "lead_busy".into();
            }
        });
    }
    Arc::new(plan)
}

fn begin(journal: &Journal, id: &str, plan: &Arc<Plan>, who: &str) -> Hold {
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
        who: who.into(),
        note: None,
        parts: parts.collect(),
        plan: plan.clone(),
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
