//! Writes an operation's moves into the journal. What is about to happen is awaited; what has happened gathers for a
//! moment and goes with the next intentions into one commit, because a commit costs the same for one move as for a
//! hundred.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::setup::Clock;
use crate::journal::{Hold, Journal, JournalError, Move};

/// When the journal fails, outcomes are kept in memory and tried again this often at the end.
const LAST_TRIES: u32 = 4;
const BETWEEN_TRIES: Duration = Duration::from_millis(250);
/// Outcomes wait so long for intentions to go with. A crash meanwhile costs readings, not truth: what has no outcome in
/// the journal is read back.
const TOGETHER: Duration = Duration::from_millis(20);
/// With so many outcomes a commit is worth its while by itself.
const ENOUGH: usize = 1_000;

/// The pen of one operation.
pub struct Scribe {
    desk: Arc<Desk>,
    came: Arc<Notify>,
    /// Outcomes on their way to the disk.
    under_way: Mutex<JoinSet<()>>,
    /// Sends off outcomes for which nothing came to go with. Ends with this.
    courier: JoinSet<()>,
    closing: CancellationToken,
}

struct Desk {
    journal: Journal,
    hold: Hold,
    clock: Clock,
    /// Outcomes that were not handed to the journal yet, in their order.
    gathered: Mutex<Vec<Move>>,
    is_lost: AtomicBool,
    why: Mutex<Option<JournalError>>,
    /// Outcomes that could not be written, in their order.
    kept: Mutex<Vec<Vec<Move>>>,
}

impl Scribe {
    pub fn new(journal: Journal, hold: Hold, clock: Clock) -> Self {
        let desk = Arc::new(Desk {
            journal,
            hold,
            clock,
            gathered: Mutex::default(),
            is_lost: AtomicBool::new(false),
            why: Mutex::new(None),
            kept: Mutex::default(),
        });
        let (came, closing) = (Arc::new(Notify::new()), CancellationToken::new());
        let mut courier = JoinSet::new();
        courier.spawn(send_off(Arc::downgrade(&desk), came.clone(), closing.clone()));
        Self { desk, came, under_way: Mutex::default(), courier, closing }
    }

    /// Waits until `moves` are durable, and with them everything that happened before. On an error what they announce
    /// must not be done: once the journal is lost nothing new begins, even if the disk came back, because what is
    /// missing would leave a hole.
    pub async fn intend(&self, moves: Vec<Move>) -> Result<(), JournalError> {
        match self.desk.lost() {
            Some(why) => Err(why),
            None => self.desk.record(moves).await,
        }
    }

    /// Hands over what happened. It is written before anything that is intended later; what cannot be written is kept.
    pub fn happened(&self, moves: Vec<Move>) {
        if moves.is_empty() {
            return;
        }
        if self.is_lost() {
            lock(&self.desk.kept).push(moves);
            return;
        }
        let waiting = {
            let mut gathered = lock(&self.desk.gathered);
            gathered.extend(moves);
            gathered.len()
        };
        if waiting < ENOUGH {
            self.came.notify_one();
            return;
        }
        let desk = self.desk.clone();
        let mut under_way = lock(&self.under_way);
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move { drop(desk.record(Vec::new()).await) });
    }

    /// Waits until everything that happened is on the disk, or is kept because it cannot be written: whoever has a lot to
    /// hand over does not do so faster than it is written.
    pub async fn caught_up(&self) {
        if !self.is_lost() {
            let _ = self.desk.record(Vec::new()).await;
        }
    }

    pub fn is_lost(&self) -> bool {
        self.desk.is_lost.load(Ordering::Acquire)
    }

    /// Waits until everything that happened is on the disk, and gives the hold back. An error says that the journal
    /// failed on the way, even if what happened could be written after all.
    pub async fn close(mut self) -> Result<(), JournalError> {
        // What it has handed over is awaited.
        self.closing.cancel();
        while self.courier.join_next().await.is_some() {}
        let under_way = std::mem::take(&mut *lock(&self.under_way));
        under_way.join_all().await;
        let _ = self.desk.record(Vec::new()).await;
        let Some(why) = self.desk.lost() else { return Ok(()) };
        let left = self.desk.record_kept().await;
        if left > 0 {
            tracing::error!(operation = %self.desk.hold.operation(), calls = left, "outcomes are missing in the journal");
        }
        Err(why)
    }
}

/// Hands outcomes to the journal for which no intentions come.
async fn send_off(desk: Weak<Desk>, came: Arc<Notify>, closing: CancellationToken) {
    loop {
        let more = async {
            came.notified().await;
            tokio::time::sleep(TOGETHER).await;
        };
        tokio::select! {
            () = closing.cancelled() => return,
            () = more => {}
        }
        // Kept only while there is something to do: whoever drops the pen in the middle gives the hold back at once.
        let Some(desk) = desk.upgrade() else { return };
        let _ = desk.record(Vec::new()).await;
    }
}

impl Desk {
    /// Records what was gathered and then `intended`, all or none, and waits until it is durable. What happened is kept
    /// if it could not be written.
    async fn record(&self, intended: Vec<Move>) -> Result<(), JournalError> {
        let (happened, recording) = {
            // Handed over under the lock, so that moves reach the journal in the order in which they came here.
            let mut gathered = lock(&self.gathered);
            let happened = std::mem::take(&mut *gathered);
            let mut together = happened.clone();
            together.extend(intended);
            (happened, self.journal.record_async(&self.hold, (self.clock)(), together))
        };
        let recorded = recording.await;
        if let Err(why) = &recorded {
            self.lose(why.clone());
            if !happened.is_empty() {
                lock(&self.kept).push(happened);
            }
        }
        recorded
    }

    /// Tries again to write what could not be written; returns how much is still missing.
    async fn record_kept(&self) -> usize {
        let mut kept = std::mem::take(&mut *lock(&self.kept));
        for last in 0..LAST_TRIES {
            let mut left = Vec::new();
            let mut again = VecDeque::from(kept);
            while let Some(moves) = again.pop_front() {
                match self.journal.record_async(&self.hold, (self.clock)(), moves.clone()).await {
                    Ok(()) => {}
                    // A later move of one of them got through before, and that one is true. The others still count.
                    Err(JournalError::IllegalMove { .. }) => {
                        if moves.len() > 1 {
                            moves.into_iter().rev().for_each(|one| again.push_front(vec![one]));
                        }
                    }
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
        kept.len()
    }

    fn lost(&self) -> Option<JournalError> {
        lock(&self.why).clone()
    }

    fn lose(&self, why: JournalError) {
        tracing::error!(%why, "the journal cannot be written");
        lock(&self.why).get_or_insert(why);
        self.is_lost.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
