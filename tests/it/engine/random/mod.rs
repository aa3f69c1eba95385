//! Random operations, faults, kills and other people, against the simulators of all vendors. Afterwards the
//! [invariants](crate::invariants) hold, and an undo has restored exactly what nobody else changed.
//!
//! A run is a number: the same one does the same again, as far as the clock lets it. How many runs there are and which
//! number they begin at can be chosen:
//!
//! ```sh
//! SWITCHBOARD_TEST_RUNS=500 SWITCHBOARD_TEST_SEED=7000 cargo test --test it engine::random
//! ```

mod job;
mod run;

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::run::Run;

/// A vendor, the settings its profile has by turns, and the switches its simulator has by turns. A new vendor is a line
/// here and one test below.
struct Kind {
    vendor: &'static str,
    settings: &'static [&'static str],
    switches: &'static [&'static [(&'static str, &'static str)]],
    /// What this vendor only queued, or never reveals, may stay unknown however often it is read.
    leaves_unknown: bool,
    /// It takes nobody who left its staff, not even back.
    refuses_who_left: bool,
}

const KENBUN: Kind = Kind {
    vendor: "kenbun",
    settings: &[
        "requests_per_minute = 0\nparallel = 8\ntimeout_s = 2\nbulk_size = 1",
        "requests_per_minute = 0\nparallel = 4\ntimeout_s = 2\nbulk_size = 7\nfreshness_s = 0",
    ],
    switches: &[&[]],
    leaves_unknown: false,
    refuses_who_left: false,
};

const STATESET: Kind = Kind {
    vendor: "stateset",
    settings: &[
        "requests_per_minute = 0\nconcurrency = 8\ntimeout_s = 2",
        "requests_per_minute = 0\nconcurrency = 4\ntimeout_s = 2\nupdate_mode = \"merge\"\nfreshness_s = 0",
    ],
    switches: &[&[("rate_limit", "off")]],
    leaves_unknown: false,
    refuses_who_left: false,
};

const CAPILLARY: Kind = Kind {
    vendor: "capillary",
    settings: &[
        "requests_per_minute = 0\nparallel = 8\ntimeout_s = 2\nconfirm_within_s = 1.5",
        "requests_per_minute = 0\nparallel = 3\ntimeout_s = 2\nconfirm_within_s = 1.5\nfreshness_s = 0",
    ],
    switches: &[&[]],
    leaves_unknown: true,
    refuses_who_left: false,
};

const EXOTEL: Kind = Kind {
    vendor: "exotel",
    // A busy computer is no lost answer: what is given up too soon arrives after it was looked for, and is judged then.
    settings: &[
        "requests_per_minute = 0\nparallel = 8\ntimeout_s = 20",
        "requests_per_minute = 0\nparallel = 3\ntimeout_s = 20\nmax_users_per_put = 2\nlead_user_page_size = 3",
    ],
    switches: &[
        &[],
        &[("already_assigned", "400"), ("get_unassigned", "last_removed")],
        &[("unknown_user", "partial"), ("lead_user_paging", "per_array")],
        &[("stale_reads", "1"), ("error_statuscode", "always404"), ("html_500", "on")],
    ],
    leaves_unknown: false,
    refuses_who_left: false,
};

const INSTANTLY: Kind = Kind {
    vendor: "instantly",
    settings: &[
        "requests_per_minute = 6000\nparallel = 8\ntimeout_s = 2\nstrategy = \"patch\"",
        "requests_per_minute = 6000\nparallel = 4\ntimeout_s = 2\nstrategy = \"bulk\"\nbulk_chunk = 7",
        "requests_per_minute = 6000\nparallel = 4\ntimeout_s = 2\nstrategy = \"auto\"\npatch_up_to = 5\nfreshness_s = 0",
    ],
    switches: &[
        &[("rate_limit", "off"), ("job_delay", "100")],
        &[("rate_limit", "off"), ("job_delay", "20"), ("guard", "ignore"), ("index_lag", "150")],
        &[("rate_limit", "off"), ("job_delay", "100"), ("job", "partial"), ("unassigned_as", "absent")],
    ],
    leaves_unknown: true,
    refuses_who_left: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capillary() {
    many_runs(&CAPILLARY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exotel() {
    many_runs(&EXOTEL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instantly() {
    many_runs(&INSTANTLY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kenbun() {
    many_runs(&KENBUN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stateset() {
    many_runs(&STATESET).await;
}

/// Runs for each vendor, where nothing else is asked for.
const RUNS: u64 = 60;
/// Runs side by side: most of the time each waits for a lost answer.
const TOGETHER: usize = 24;
const LEADS: usize = 48;

/// What can be wrong with the line and the server. A run meets up to three of these at a time.
const FAULTS: [&str; 13] = [
    "error_before=8%:write",
    "error_after=8%",
    "cut_before=8%:write",
    "cut_after=8%",
    "cut_inside=8%",
    "late=50..250ms:chance=6%",
    "garbage=6%",
    "rate_limit=4%:times=2",
    "meddle=5%",
    "error_before=6%:read",
    "cut_after=6%:read",
    "latency=1..15ms",
    "unauthorized=3%:write:times=1",
];

async fn many_runs(kind: &'static Kind) {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let first = number("SWITCHBOARD_TEST_SEED", 1);
    let places = Arc::new(Semaphore::new(TOGETHER));
    let mut runs = JoinSet::new();
    for seed in first..first + number("SWITCHBOARD_TEST_RUNS", RUNS) {
        let places = places.clone();
        let story = Arc::new(Mutex::new(Vec::new()));
        let told = story.clone();
        let run = tokio::spawn(async move {
            let _place = places.acquire().await.unwrap();
            Run::begin(kind, seed, told).await.play().await
        });
        runs.spawn(async move {
            run.await.map_err(|broken| {
                let story = story.lock().unwrap().join("\n  ");
                format!("{} with SWITCHBOARD_TEST_SEED={seed}: {broken}\n  {story}", kind.vendor)
            })
        });
    }
    let mut all = Seen::default();
    let mut wrong = Vec::new();
    while let Some(run) = runs.join_next().await {
        match run.unwrap() {
            Ok(seen) => all = all.with(seen),
            Err(story) => wrong.push(story),
        }
    }
    assert!(wrong.is_empty(), "{} runs went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    eprintln!("{}: {all:?}", kind.vendor);
    // Otherwise the runs would prove nothing.
    assert!(all.operations > 0 && all.items > 0 && all.done > 0, "{all:?}");
}

/// What the runs were about.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    operations: usize,
    items: usize,
    done: usize,
    others: usize,
    killed: usize,
    taken_back: usize,
}

impl Seen {
    fn with(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            items: self.items + other.items,
            done: self.done + other.done,
            others: self.others + other.others,
            killed: self.killed + other.killed,
            taken_back: self.taken_back + other.taken_back,
        }
    }
}
