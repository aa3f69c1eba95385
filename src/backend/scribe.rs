//! Writes an operation's moves into the journal. What is about to happen is awaited; what has happened is handed over
//! and gathers with everybody else's for the next commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::setup::Clock;
use crate::journal::{Hold, Journal, JournalError, Move};

/// When the journal fails, outcomes are kept in memory and tried again this often at the end.
const LAST_TRIES: u32 = 4;
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// The pen of one operation.
pub struct Scribe {
    journal: Journal,
    hold: Hold,
    clock: Clock,
    /// Outcomes on their way to the disk.
    under_way: Mutex<JoinSet<()>>,
    trouble: Arc<Trouble>,
}

#[derive(Default)]
struct Trouble {
    is_lost: AtomicBool,
    why: Mutex<Option<JournalError>>,
    /// Outcomes that could not be written, in their order.
    kept: Mutex<Vec<Vec<Move>>>,
}

impl Scribe {
    pub fn new(journal: Journal, hold: Hold, clock: Clock) -> Self {
        Self { journal, hold, clock, under_way: Mutex::default(), trouble: Arc::default() }
    }

    /// Waits until `moves` are durable. On an error what they announce must not be done: once the journal is lost
    /// nothing new begins, even if the disk came back, because what is missing would leave a hole.
    pub async fn intend(&self, moves: Vec<Move>) -> Result<(), JournalError> {
        if let Some(why) = self.lost() {
            return Err(why);
        }
        let recorded = self.journal.record_async(&self.hold, (self.clock)(), moves).await;
        if let Err(why) = &recorded {
            self.trouble.note(why.clone());
        }
        recorded
    }

    /// Hands over what happened. It is written before anything that is intended later; what cannot be written is kept.
    pub fn happened(&self, moves: Vec<Move>) {
        if moves.is_empty() {
            return;
        }
        if self.is_lost() {
            lock(&self.trouble.kept).push(moves);
            return;
        }
        let recorded = self.journal.record_async(&self.hold, (self.clock)(), moves.clone());
        let trouble = self.trouble.clone();
        let mut under_way = lock(&self.under_way);
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move {
            if let Err(why) = recorded.await {
                trouble.note(why);
                lock(&trouble.kept).push(moves);
            }
        });
    }

    pub fn is_lost(&self) -> bool {
        self.trouble.is_lost.load(Ordering::Acquire)
    }

    fn lost(&self) -> Option<JournalError> {
        lock(&self.trouble.why).clone()
    }

    /// Waits until everything that happened is on the disk, and gives the hold back. An error says that the journal
    /// failed on the way, even if what happened could be written after all.
    pub async fn close(self) -> Result<(), JournalError> {
        let under_way = std::mem::take(&mut *lock(&self.under_way));
        under_way.join_all().await;
        let Some(why) = self.lost() else { return Ok(()) };
        let mut kept = std::mem::take(&mut *lock(&self.trouble.kept));
        for last in 0..LAST_TRIES {
            let mut left = Vec::new();
            for moves in kept {
                match self.journal.record_async(&self.hold, (self.clock)(), moves.clone()).await {
                    // A later move of the same item got through before: that one is true.
                    Ok(()) | Err(JournalError::IllegalMove { .. }) => {}
                    Err(_) => left.push(moves),
                }
            }
            kept = left;
            if kept.is_empty() {
                break;
            }
            if last + 1 < LAST_TRIES {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        }
        if !kept.is_empty() {
            tracing::error!(operation = %self.hold.operation(), calls = kept.len(), "outcomes are missing in the journal");
        }
        Err(why)
    }
}

impl Trouble {
    fn note(&self, why: JournalError) {
        tracing::error!(%why, "the journal cannot be written");
        lock(&self.why).get_or_insert(why);
        self.is_lost.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
