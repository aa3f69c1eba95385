//! Work that takes long, away from the event loop: searches and jobs. The newest wins; what it replaces is stopped.
//!
//! Most searches do not take long: once a few letters are typed, few leads are left. Those are done on the loop's own
//! thread, in less time than another one takes to wake up.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::app::Message;
use crate::app::job::{Job, Lane};
use crate::domain::exchange::{Event, Problem};
use crate::domain::query::{SearchRequest, SearchResult, Searcher};

/// A search that turns out to take longer than this on the loop's thread is handed over after all.
const SHORT: Duration = Duration::from_millis(2);

/// Runs searches on one thread, or short ones where they are asked for (what a search keeps helps the next one), and jobs
/// on threads that come and go.
pub struct Workers {
    answers: UnboundedSender<Message>,
    searches: Arc<Slot>,
    searching: bool,
    lanes: HashMap<Lane, Arc<AtomicBool>>,
}

/// Where the newest search waits for the thread.
#[derive(Default)]
struct Slot {
    searcher: Mutex<Searcher>,
    wanted: Mutex<Wanted>,
    changed: Condvar,
    /// The generation that is worth finishing.
    newest: AtomicU64,
    over: AtomicBool,
}

#[derive(Default)]
struct Wanted {
    request: Option<SearchRequest>,
    over: bool,
}

impl Slot {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a search; `None` when there will be none any more.
    fn take(&self) -> Option<SearchRequest> {
        let mut wanted = self.wanted();
        loop {
            if wanted.over {
                return None;
            }
            if let Some(request) = wanted.request.take() {
                return Some(request);
            }
            wanted = self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Searches where this is called, if nobody else does and it does not take long.
    fn search_at_once(&self, request: &SearchRequest) -> Option<Answers> {
        let mut searcher = match self.searcher.try_lock() {
            Ok(searcher) => searcher,
            Err(TryLockError::Poisoned(searcher)) => searcher.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let begun = Instant::now();
        let search = |searcher: &mut Searcher| searcher.search_here(request, &|| begun.elapsed() > SHORT);
        searcher.is_short(request).then(|| answers_of(&mut searcher, request.generation, search))?
    }
}

impl Workers {
    /// Answers go into `answers`.
    pub fn new(answers: UnboundedSender<Message>) -> Self {
        Self { answers, searches: Arc::default(), searching: false, lanes: HashMap::new() }
    }

    /// Searches; an older search stops and is never answered.
    pub fn search(&mut self, request: SearchRequest) {
        self.searches.newest.store(request.generation, Ordering::Relaxed);
        if let Some(answers) = self.searches.search_at_once(&request) {
            // What waits there is older.
            self.searches.wanted().request = None;
            // The other end is the loop's, which calls this.
            return answers.into_iter().for_each(|answer| drop(self.answers.send(answer)));
        }
        if !self.searching {
            let (slot, answers) = (self.searches.clone(), self.answers.clone());
            let started = thread::Builder::new().name("search".into()).spawn(move || serve_searches(&slot, &answers));
            if let Err(error) = started {
                return self.report(&format!("a search could not be started: {error}"));
            }
            self.searching = true;
        }
        self.searches.wanted().request = Some(request);
        self.searches.changed.notify_one();
    }

    /// Starts a job; an older one of the same lane stops and is not answered.
    pub fn start(&mut self, job: Job) {
        let replaced = Arc::new(AtomicBool::new(false));
        if let Some(older) = self.lanes.insert(job.lane(), replaced.clone()) {
            older.store(true, Ordering::Relaxed);
        }
        let (answers, lane) = (self.answers.clone(), job.lane());
        tokio::task::spawn_blocking(move || {
            let answer = catch_unwind(AssertUnwindSafe(|| job.run(&|| replaced.load(Ordering::Relaxed))));
            // An answer that nobody waits for any more is nothing to complain about.
            let _ = match answer {
                Ok(Some(message)) => answers.send(message),
                Ok(None) => Ok(()),
                Err(_) => {
                    let _ = answers.send(internal_error("this could not be computed"));
                    answers.send(Message::WorkFailed(lane))
                }
            };
        });
    }

    fn report(&self, what: &str) {
        let _ = self.answers.send(Message::Backend(Box::new(Event::Failed { problem: Problem::new(what, "") })));
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for replaced in self.lanes.values() {
            replaced.store(true, Ordering::Relaxed);
        }
        self.searches.over.store(true, Ordering::Relaxed);
        self.searches.wanted().over = true;
        self.searches.changed.notify_one();
    }
}

fn serve_searches(slot: &Slot, answers: &UnboundedSender<Message>) {
    // This thread is one of those that share a search: handing it over to others and being woken by them takes longer
    // than most searches. Without threads of its own it uses the ones that everything else does.
    let name = |number| format!("search-{number}");
    let _threads = rayon::ThreadPoolBuilder::new().use_current_thread().thread_name(name).build();
    while let Some(request) = slot.take() {
        let superseded =
            || slot.newest.load(Ordering::Relaxed) != request.generation || slot.over.load(Ordering::Relaxed);
        let mut searcher = slot.searcher.lock().unwrap_or_else(PoisonError::into_inner);
        let search = |searcher: &mut Searcher| searcher.search(&request, &superseded);
        let found = answers_of(&mut searcher, request.generation, search);
        // Before the answer is told: the next search may follow at once.
        drop(searcher);
        for answer in found.into_iter().flatten() {
            if answers.send(answer).is_err() {
                return;
            }
        }
    }
}

/// What is told about a search.
type Answers = Vec<Message>;

/// Searches; `None` where it was cancelled.
fn answers_of(
    searcher: &mut Searcher,
    generation: u64,
    search: impl FnOnce(&mut Searcher) -> Option<SearchResult>,
) -> Option<Answers> {
    match catch_unwind(AssertUnwindSafe(|| search(&mut *searcher))) {
        Ok(found) => Some(vec![Message::Searched(found?)]),
        Err(_) => {
            // Whatever it had kept may be half done.
            *searcher = Searcher::default();
            Some(vec![internal_error("the search failed"), Message::SearchFailed { generation }])
        }
    }
}

/// A panic of ours, for the person; its text is in the log.
fn internal_error(what: &str) -> Message {
    let problem = Problem::new(format!("{what}, by a mistake in Switchboard"), "The log in the data folder has more.");
    Message::Backend(Box::new(Event::Failed { problem }))
}
