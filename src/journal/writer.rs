//! The thread that writes.
//!
//! A commit waits for the disk, the same time for one change as for a hundred. So everybody who wants something
//! written hands it to one thread; it takes all that is waiting into one transaction, commits, and only then answers
//! each. While it waits for the disk the next ones gather: the slower the disk, the more share a commit.
//!
//! A task that is refused leaves nothing behind and harms nobody else. When something cannot be stored, or the commit
//! itself fails, all are told.
//!
//! Most tasks are a few moves each. What they have in common (whether the hold is still there, the tallies) is looked
//! at and written once for all of them: see [`Batch`].

use std::collections::HashSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::codec::Numbers;
use super::store::Place;
use super::write::Batch;
use super::{JournalError, hold, schema};

/// How often holds are refreshed; far below [`hold::SILENCE`].
const REFRESH_EVERY: Duration = Duration::from_secs(20);

/// Tasks in one transaction at most, so that the first one's answer does not wait for a crowd.
const MOST_TASKS: usize = 512;

/// Why a task inside a transaction failed.
#[derive(Debug)]
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Told(JournalError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Told(error)
    }
}

impl Trouble {
    pub fn told(self, place: &Place, doing: &'static str) -> JournalError {
        match self {
            Self::Sql(error) => place.error(doing, &error),
            Self::Told(error) => error,
        }
    }
}

/// What a task works with: the connection, inside a transaction.
pub(super) struct Desk<'a> {
    pub connection: &'a Connection,
    pub numbers: &'a mut Numbers,
    pub batch: &'a mut Batch,
    pub place: &'a Place,
}

/// How a task keeps from leaving half of its work behind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// It writes nothing before it is certain that it will not refuse.
    LooksFirst,
    /// What it wrote has to be taken back for it.
    NeedsSavepoint,
}

/// What became of a task's work, before the commit.
pub(super) enum Worked {
    Well,
    Refused,
    /// The file could not be read or written, for this reason.
    Badly(JournalError),
}

/// Something to be written, with somebody who waits for it.
pub(super) trait Task: Send {
    fn care(&self) -> Care;
    fn work(&mut self, desk: &mut Desk<'_>) -> Worked;
    /// Tells the one who waits; `committed` is the fate of the whole transaction.
    fn answer(self: Box<Self>, committed: Result<(), JournalError>);
}

/// A task made of two closures.
pub(super) struct Errand<T, W, R> {
    care: Care,
    work: Option<W>,
    outcome: Option<Result<T, JournalError>>,
    reply: R,
}

impl<T, W, R> Errand<T, W, R>
where
    T: Send + 'static,
    W: FnOnce(&mut Desk<'_>) -> Result<T, Trouble> + Send + 'static,
    R: FnOnce(Result<T, JournalError>) + Send + 'static,
{
    pub fn boxed(care: Care, work: W, reply: R) -> Box<dyn Task> {
        Box::new(Self { care, work: Some(work), outcome: None, reply })
    }
}

impl<T, W, R> Task for Errand<T, W, R>
where
    T: Send,
    W: FnOnce(&mut Desk<'_>) -> Result<T, Trouble> + Send,
    R: FnOnce(Result<T, JournalError>) + Send,
{
    fn care(&self) -> Care {
        self.care
    }

    fn work(&mut self, desk: &mut Desk<'_>) -> Worked {
        let Some(work) = self.work.take() else { return Worked::Refused };
        let outcome = work(desk);
        let worked = match &outcome {
            Ok(_) => Worked::Well,
            Err(Trouble::Told(_)) => Worked::Refused,
            Err(Trouble::Sql(error)) => Worked::Badly(desk.place.error("written", error)),
        };
        self.outcome = Some(outcome.map_err(|trouble| trouble.told(desk.place, "written")));
        worked
    }

    fn answer(self: Box<Self>, committed: Result<(), JournalError>) {
        let told = match (self.outcome, committed) {
            // Its own complaint says more than the transaction's.
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(stopped(String::new())),
        };
        (self.reply)(told);
    }
}

/// What is sent to the thread.
pub(super) enum Order {
    Do(Box<dyn Task>),
    /// Look after the holds.
    Tidy,
    /// Tests fill the disk with this.
    #[cfg(test)]
    LimitPages(Option<i64>),
    /// Tests of locks do not wait long.
    #[cfg(test)]
    Impatient,
}

/// The holds of one open journal.
#[derive(Default)]
pub(super) struct Holds {
    pub live: Mutex<HashSet<i64>>,
    /// Dropped, but still in the file.
    pub dropped: Mutex<Vec<i64>>,
}

/// Locks, whatever happened to an earlier owner: these sets are whole between any two statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's own things.
pub(super) struct Writer {
    pub connection: Connection,
    pub place: std::sync::Arc<Place>,
    pub orders: mpsc::Receiver<Order>,
    pub holds: std::sync::Arc<Holds>,
    pub numbers: Numbers,
}

impl Writer {
    /// Works until everybody who could hand in an order is gone.
    pub fn run(mut self) {
        let mut refreshed = Instant::now();
        loop {
            let first = match self.orders.recv_timeout(REFRESH_EVERY) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let waiting = first.into_iter().chain(self.orders.try_iter()).take(MOST_TASKS);
            let mut tasks = Vec::new();
            for order in waiting {
                match order {
                    Order::Do(task) => tasks.push(task),
                    Order::Tidy => {}
                    #[cfg(test)]
                    Order::LimitPages(most) => limit_pages(&self.connection, most),
                    #[cfg(test)]
                    Order::Impatient => self.connection.busy_timeout(Duration::from_millis(1)).unwrap(),
                }
            }
            let due = refreshed.elapsed() >= REFRESH_EVERY;
            if due {
                refreshed = Instant::now();
            }
            self.tidy(due);
            if !tasks.is_empty() {
                self.together(tasks);
            }
        }
        self.tidy(false);
    }

    /// Frees what was dropped and refreshes what is held. What fails is tried again the next time.
    fn tidy(&mut self, refresh: bool) {
        let dropped = lock(&self.holds.dropped).clone();
        let live: Vec<i64> = if refresh { lock(&self.holds.live).iter().copied().collect() } else { Vec::new() };
        if dropped.is_empty() && live.is_empty() {
            return;
        }
        if self.tidy_now(&dropped, &live).is_ok() {
            lock(&self.holds.dropped).retain(|token| !dropped.contains(token));
        } else {
            self.give_up();
        }
    }

    fn tidy_now(&self, dropped: &[i64], live: &[i64]) -> rusqlite::Result<()> {
        run(&self.connection, "BEGIN IMMEDIATE")?;
        hold::release(&self.connection, dropped)?;
        hold::refresh(&self.connection, live)?;
        run(&self.connection, "COMMIT")
    }

    /// Takes the transaction back, where SQLite has not done so by itself.
    fn give_up(&self) {
        if !self.connection.is_autocommit() {
            let _ = run(&self.connection, "ROLLBACK");
        }
    }

    /// Does all tasks in one transaction and answers them after its commit.
    fn together(&mut self, mut tasks: Vec<Box<dyn Task>>) {
        let committed = self.attempt(&mut tasks);
        if committed.is_err() {
            self.numbers.forget();
            self.give_up();
        }
        for task in tasks {
            task.answer(committed.clone());
        }
    }

    fn attempt(&mut self, tasks: &mut [Box<dyn Task>]) -> Result<(), JournalError> {
        let Self { connection, place, numbers, .. } = self;
        let failed = |error: rusqlite::Error| place.error("written", &error);
        run(connection, "BEGIN IMMEDIATE").map_err(failed)?;
        // A newer Switchboard may have changed the format since this one opened the file.
        let format = schema::format_of(connection).map_err(failed)?;
        if format > schema::FORMAT {
            return Err(place.newer(format));
        }
        let mut batch = Batch::default();
        // Where nobody else would lose anything the whole transaction is taken back instead: a savepoint keeps a copy of
        // every page that is changed, and a long operation changes pages all over the index of targets.
        let alone = tasks.len() == 1;
        for task in tasks {
            let careful = task.care() == Care::NeedsSavepoint;
            let savepoint = careful && !alone;
            if savepoint {
                // It may look at what the tasks before it left to be written together, or change what they looked at.
                std::mem::take(&mut batch).write(connection).map_err(failed)?;
                run(connection, "SAVEPOINT task").map_err(failed)?;
            }
            let worked = task.work(&mut Desk { connection, numbers, batch: &mut batch, place });
            if savepoint && !matches!(worked, Worked::Well) && !connection.is_autocommit() {
                numbers.forget();
                run(connection, "ROLLBACK TO task").map_err(failed)?;
            } else if careful && alone && matches!(worked, Worked::Refused) {
                // It says itself why.
                return Err(stopped(place.label()));
            } else if let Worked::Badly(error) = worked {
                // Nobody knows how much of it is there. (After some errors SQLite has already given up all of it.) The
                // others of this commit are told the reason too.
                return Err(error);
            }
            if savepoint {
                run(connection, "RELEASE task").map_err(failed)?;
            }
        }
        batch.write(connection).map_err(failed)?;
        run(connection, "COMMIT").map_err(failed)
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// The answer when the thread is gone.
pub(super) fn stopped(path: String) -> JournalError {
    JournalError::Storage { path, doing: "written", why: "its writer has stopped".to_owned() }
}

#[cfg(test)]
fn limit_pages(connection: &Connection, most: Option<i64>) {
    let used: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let most = most.map_or(i64::from(u32::MAX) - 1, |more| used + more);
    let _: i64 = connection.query_row(&format!("PRAGMA max_page_count = {most}"), [], |row| row.get(0)).unwrap();
}
