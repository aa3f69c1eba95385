//! The journal: every operation with its items and before-values, on disk before the first request leaves, for good.
//!
//! Append-only: an item's states are rows that are added, never changed. The newest one counts. The file's format is
//! described in one place, `schema.rs`.
//!
//! # Writing
//!
//! One thread writes for everybody (`writer.rs`): what waits together is committed together, and each is answered
//! after the commit that holds its rows. A commit costs the same for one move as for a hundred, so callers with much
//! in flight should let moves gather instead of waiting for each:
//!
//! - the `sent` of a request must be awaited before the request leaves, but it may be recorded while earlier requests
//!   are still on their way: marking the next few requests ahead hides the wait (`benches/journal.rs` has the
//!   figures). What is marked but never sent is read back after a crash, like everything that is open;
//! - `done`, `failed` and `unknown` need not be awaited before the next request leaves, only before anybody is told.
//!
//! Moves that one caller hands over are recorded in that order.
//!
//! [`record`](Journal::record) waits on the calling thread and is for code without an async runtime (and for
//! `spawn_blocking`); [`record_async`](Journal::record_async) hands the moves over at the call and is awaited without
//! blocking. Questions are answered on the calling thread from connections of their own and do not wait for writers
//! (on network folders they may, for a moment): inside the runtime ask them from `spawn_blocking`.
//!
//! # After a crash
//!
//! What a call returned for is in the file. A power cut on a disk that lies about its syncs, or a file that was cut
//! by hand, can lose the newest commits, never a middle part: an item may then stand as `planned` although its
//! request left. Whoever goes on with an [interrupted](Journal::interrupted) operation reads every target before
//! sending, those that are planned included.
//!
//! # Undo and redo
//!
//! An item *stands* when it is done and no done item of a later operation took it back; so does one that failed and of
//! which a part was found applied (a set's), with that part. What stands can be taken back, but for items of which it is
//! not known what was there before: those are counted apart, and an undo says so of each. Taking back is for good:
//! an operation of kind `undo` takes back items of any other kind; taking back an undo is an operation of kind
//! `redo`, whose own items an `undo` may take back again. The undone items themselves never become undoable anew.

mod check;
mod codec;
pub mod export;
mod hold;
mod pages;
mod process;
mod prune;
mod read;
mod schema;
mod snapshots;
mod store;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;

use self::codec::Numbers;
use self::hold::Grip;
pub use self::prune::Prunable;
pub use self::store::FILE_NAME;
use self::store::{LogMode, Place};
use self::write::Prepared;
use self::writer::{Care, Desk, Errand, Holds, Order, Trouble, Writer, lock};
use crate::domain::history::{HistoryFilter, ItemRow, LeadEvent, OperationPart, OperationSummary, Touch};
use crate::domain::matrix::{MappingSnapshot, Sets, SnapshotInfo};
use crate::domain::selection::LeadKey;
use crate::domain::{
    Assignment, ItemState, LeadId, OperationId, OperationKind, Plan, ProfileName, SafeText, Tally, TargetId, Timestamp,
};

/// An open journal. Cheap to clone; safe to use from several threads and beside other processes.
///
/// When the last clone (and the last [`Hold`]) is dropped, what was handed over is still written before the drop
/// returns.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

/// Why the journal could not do what was asked. When it cannot be written, nothing may be sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {path} could not be {doing}: {why}")]
    Storage { path: String, doing: &'static str, why: String },
    #[error("the journal {path} was written by a newer Switchboard (format {found}, this one knows {known})")]
    Newer { path: String, found: i64, known: i64 },
    /// It stays as it is until somebody decides: [`Journal::put_aside`] renames it.
    #[error("the journal {path} is damaged: {why}")]
    Damaged { path: String, why: String },
    #[error("there is no operation {0}")]
    NoSuchOperation(String),
    #[error("{0} fits several operations: {1}")]
    Ambiguous(String, String),
    #[error("{0} has no snapshot {1}")]
    NoSuchSnapshot(ProfileName, SafeText),
    /// Another running Switchboard works on it.
    #[error("operation {operation} is being worked on by another Switchboard (process {pid} on {host})")]
    Held { operation: OperationId, pid: u32, host: String },
    /// This process was silent for so long that its hold was given up; others may have worked on it meanwhile.
    #[error("the hold on operation {operation} was lost")]
    HoldLost { operation: OperationId },
    #[error("item {seq} of operation {operation} cannot go from {from} to {to}")]
    IllegalMove { operation: OperationId, seq: u32, from: ItemState, to: ItemState },
    /// What was handed over contradicts itself or the journal.
    #[error("the journal refuses: {0}")]
    Refused(String),
}

/// A new operation, to be made durable.
pub struct NewOperation {
    pub id: OperationId,
    pub at: Timestamp,
    pub kind: OperationKind,
    pub reverts: Option<OperationId>,
    pub who: SafeText,
    pub note: Option<SafeText>,
    pub parts: Vec<OperationPart>,
    /// Items are numbered through all parts, in order: the changes of every part first, then the skips of every part. For
    /// undo and redo the parts say which items of other operations each change takes back.
    pub plan: Arc<Plan>,
}

/// A mapping to be kept as a snapshot.
#[derive(Clone, Debug)]
pub struct NewSnapshot {
    pub name: SafeText,
    pub at: Timestamp,
    pub who: SafeText,
    pub profile: ProfileName,
    /// Where the mapping was read.
    pub base_url: String,
    /// The operation before which it is taken by itself.
    pub before: Option<OperationId>,
    pub sets: Sets,
}

/// One item's move to a new state.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub seq: u32,
    pub to: ItemState,
    pub reason: Option<SafeText>,
    /// What was read, where something was.
    pub now: Option<Assignment>,
}

impl Move {
    /// A move without a reason and without a reading.
    pub fn to(seq: u32, to: ItemState) -> Self {
        Self { seq, to, reason: None, now: None }
    }
}

/// The right to work on an operation; given back when dropped, and free again when its process has died.
pub struct Hold {
    operation: OperationId,
    grip: Grip,
    shared: Arc<Shared>,
}

impl Hold {
    pub fn operation(&self) -> &OperationId {
        &self.operation
    }
}

/// What all clones of a journal have in common.
struct Shared {
    place: Arc<Place>,
    holds: Arc<Holds>,
    /// Taken away when the journal closes: the thread ends when nobody can give orders any more.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// Connections for reading that nobody uses just now.
    idle: Mutex<Vec<Connection>>,
}

/// Idle connections that are kept for the next question.
const MOST_IDLE: usize = 4;

impl Journal {
    /// Opens or creates the journal in `folder` (0700; the file 0600). On a network file system it uses the rollback
    /// journal (with `synchronous=EXTRA`, which it needs for the same promise), elsewhere WAL with `synchronous=FULL`.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::open_as(folder, None)
    }

    fn open_as(folder: &Path, mode: Option<LogMode>) -> Result<Self, JournalError> {
        let place = Arc::new(Place::prepare(folder, mode)?);
        let connection = place.writer()?;
        let holds = Arc::new(Holds::default());
        let (sender, orders) = mpsc::channel();
        let writer =
            Writer { connection, place: place.clone(), orders, holds: holds.clone(), numbers: Numbers::default() };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|error| JournalError::Storage {
            path: place.label(),
            doing: "opened",
            why: error.to_string(),
        })?;
        let (orders, thread) = (Some(sender), Some(thread));
        Ok(Self { shared: Arc::new(Shared { place, holds, orders, thread, idle: Mutex::default() }) })
    }

    /// Renames a journal that cannot be read, with its logs, so that a new one can begin, and returns its new path.
    /// Only for when a person has asked for it, and while no other Switchboard runs.
    pub fn put_aside(folder: &Path, at: Timestamp) -> Result<PathBuf, JournalError> {
        store::put_aside(folder, at)
    }

    /// Makes an operation durable, with every item `planned` (skips: `skipped` with their reason), and takes hold of it.
    pub fn begin(&self, operation: &NewOperation) -> Result<Hold, JournalError> {
        let prepared = Prepared::new(operation)?;
        let id = prepared.id().clone();
        self.take(id, move |desk, token| prepared.store(desk, token))
    }

    /// Takes hold of an operation to settle or continue it.
    pub fn hold(&self, operation: &OperationId) -> Result<Hold, JournalError> {
        let id = operation.clone();
        self.take(operation.clone(), move |desk, token| write::hold(desk, &id, token))
    }

    fn take(
        &self,
        operation: OperationId,
        work: impl FnOnce(&mut Desk<'_>, i64) -> Result<Grip, Trouble> + Send + 'static,
    ) -> Result<Hold, JournalError> {
        let token = hold::new_token();
        match self.shared.write(Care::NeedsSavepoint, move |desk| work(desk, token)) {
            Ok(grip) => {
                lock(&self.shared.holds.live).insert(token);
                Ok(Hold { operation, grip, shared: self.shared.clone() })
            }
            Err(error) => {
                hold::forget_token(token);
                Err(error)
            }
        }
    }

    /// Makes moves durable, all or none. Illegal moves are refused. Waits on the calling thread; inside an async
    /// runtime use [`record_async`](Self::record_async).
    pub fn record(&self, hold: &Hold, at: Timestamp, moves: &[Move]) -> Result<(), JournalError> {
        if moves.is_empty() {
            return Ok(());
        }
        let (id, grip, moves) = (hold.operation.clone(), hold.grip, moves.to_vec());
        self.shared.write(Care::LooksFirst, move |desk| write::record(desk, &id, grip, at, &moves))
    }

    /// Like [`record`](Self::record), without blocking. The moves are on their way when this returns: dropping the
    /// future does not take them back, it only means not to learn of them.
    pub fn record_async(
        &self,
        hold: &Hold,
        at: Timestamp,
        moves: Vec<Move>,
    ) -> impl Future<Output = Result<(), JournalError>> + Send + 'static {
        let (id, grip) = (hold.operation.clone(), hold.grip);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let label = self.shared.place.label();
        // Nobody may be waiting any more; the rows are there all the same.
        let tell = |outcome| drop(sender.send(outcome));
        if moves.is_empty() {
            tell(Ok(()));
        } else {
            self.shared.submit(Care::LooksFirst, move |desk| write::record(desk, &id, grip, at, &moves), tell);
        }
        async move { receiver.await.unwrap_or_else(|_| Err(writer::stopped(label))) }
    }

    /// Makes the moves durable that `decide` finds for each item in one of `states`, in their order: all of them or none.
    /// The items are read page by page, so that there may be any number of them. Waits on the calling thread.
    pub fn record_each(
        &self,
        hold: &Hold,
        at: Timestamp,
        states: &[ItemState],
        decide: impl FnMut(&ItemRow, &mut Vec<Move>) + Send + 'static,
    ) -> Result<(), JournalError> {
        let (id, grip, states) = (hold.operation.clone(), hold.grip, states.to_vec());
        self.shared.write(Care::NeedsSavepoint, move |desk| write::record_each(desk, &id, grip, at, &states, decide))
    }

    /// Notes for good that an operation is not gone on with, and that what is planned is not sent because of `why`: all of
    /// it or nothing. Waits on the calling thread.
    pub fn give_up(&self, hold: &Hold, at: Timestamp, who: &SafeText, why: &SafeText) -> Result<(), JournalError> {
        let (id, grip, who, why) = (hold.operation.clone(), hold.grip, who.clone(), why.clone());
        self.shared.write(Care::NeedsSavepoint, move |desk| write::give_up(desk, &id, grip, at, &who, &why))
    }

    /// Operations, newest first.
    pub fn operations(&self, offset: usize, limit: usize) -> Result<Vec<OperationSummary>, JournalError> {
        self.operations_where(&HistoryFilter::default(), offset, limit)
    }

    /// Operations that fit a filter, newest first.
    pub fn operations_where(
        &self,
        filter: &HistoryFilter,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<OperationSummary>, JournalError> {
        self.shared.read(|connection| read::operations(connection, filter, offset, limit))
    }

    pub fn count(&self) -> Result<usize, JournalError> {
        self.count_where(&HistoryFilter::default())
    }

    pub fn count_where(&self, filter: &HistoryFilter) -> Result<usize, JournalError> {
        self.shared.read(|connection| read::count(connection, filter))
    }

    pub fn operation(&self, id: &OperationId) -> Result<OperationSummary, JournalError> {
        self.shared.read(|connection| read::operation(connection, id))
    }

    /// The operation whose id is `text` or begins with it.
    pub fn find(&self, text: &str) -> Result<OperationSummary, JournalError> {
        self.shared.read(|connection| read::find(connection, text))
    }

    /// Items in order of `seq`, with their newest state.
    pub fn items(&self, id: &OperationId, offset: usize, limit: usize) -> Result<Vec<ItemRow>, JournalError> {
        self.shared.read(|connection| read::items(connection, id, offset, limit))
    }

    /// What came out of an operation at each of its parts, in their order; a part without items at the end is left out.
    pub fn part_tallies(&self, id: &OperationId) -> Result<Vec<Tally>, JournalError> {
        self.shared.read(|connection| read::part_tallies(connection, id))
    }

    /// Items that are now in one of `states`, in order of `seq`.
    pub fn items_in(
        &self,
        id: &OperationId,
        states: &[ItemState],
        offset: usize,
        limit: usize,
    ) -> Result<Vec<ItemRow>, JournalError> {
        self.shared.read(|connection| read::items_in(connection, id, states, offset, limit))
    }

    /// Items that were done, or applied in part, and not taken back since: what an undo of this operation covers.
    /// All of them at once: [`each_undoable`](Self::each_undoable) goes through those of a long operation.
    pub fn undoable_items(&self, id: &OperationId) -> Result<Vec<ItemRow>, JournalError> {
        Ok(self.shared.read(|connection| read::undoable_from(connection, id, 0, usize::MAX))?.0)
    }

    /// A page of [`each_undoable`](Self::each_undoable), and where the next one begins.
    fn undoable_from(&self, id: &OperationId, from: u32) -> Result<(Vec<ItemRow>, Option<u32>), JournalError> {
        self.shared.read(|connection| read::undoable_from(connection, id, from, pages::ITEMS))
    }

    /// A page of [`each_item`](Self::each_item), and where the next one begins.
    fn items_in_from(
        &self,
        id: &OperationId,
        states: &[ItemState],
        from: u32,
    ) -> Result<(Vec<ItemRow>, Option<u32>), JournalError> {
        let items = self.shared.read(|connection| read::items_in_from(connection, id, states, from, pages::ITEMS))?;
        let next = items.last().filter(|_| items.len() == pages::ITEMS).map(|last| last.seq.saturating_add(1));
        Ok((items, next))
    }

    /// Hands over what the items of an undo or redo that still stand took back of operations that began at or after
    /// `since`, and what those had taken back of such, each with its operation.
    pub fn each_taken_back_since(
        &self,
        id: &OperationId,
        since: Timestamp,
        with: impl FnMut(&OperationId, ItemRow),
    ) -> Result<(), JournalError> {
        self.shared.read(|connection| read::taken_back_since(connection, id, since, with))
    }

    /// The newest operation with something to take back: an assignment, distribution, mapping or redo.
    /// `redo`: the newest undo with something to take back.
    pub fn newest_undoable(&self, redo: bool) -> Result<Option<OperationSummary>, JournalError> {
        Ok(self.undoable(redo, 1)?.pop())
    }

    /// Operations with something to take back, newest first; see [`newest_undoable`](Self::newest_undoable).
    pub fn undoable(&self, redo: bool, limit: usize) -> Result<Vec<OperationSummary>, JournalError> {
        self.shared.read(|connection| read::undoable(connection, redo, limit))
    }

    /// Operations with unsettled items that nobody holds, newest first. Those that were given up are among them: what
    /// was on the way is settled by reading all the same.
    pub fn interrupted(&self) -> Result<Vec<OperationSummary>, JournalError> {
        self.shared.read(read::interrupted)
    }

    /// Whether somebody decided not to go on with it.
    pub fn is_given_up(&self, operation: &OperationId) -> Result<bool, JournalError> {
        self.shared.read(|connection| read::is_given_up(connection, operation))
    }

    /// When this operation last sent something; `None` when it never did.
    pub fn last_sent(&self, operation: &OperationId) -> Result<Option<Timestamp>, JournalError> {
        self.shared.read(|connection| read::last_sent(connection, operation))
    }

    /// The items of an operation that concern this target, in order of `seq`.
    pub fn items_of(&self, id: &OperationId, target: &TargetId) -> Result<Vec<ItemRow>, JournalError> {
        self.shared.read(|connection| read::items_of(connection, id, target))
    }

    /// What was written, or may have been, at or after `since`; the newest touch of each target.
    pub fn touched_since(&self, since: Timestamp) -> Result<Vec<Touch>, JournalError> {
        self.shared.read(|connection| read::touched_since(connection, since))
    }

    /// Everything this journal knows about a lead, newest first.
    pub fn lead_events(&self, lead: &LeadKey, limit: usize) -> Result<Vec<LeadEvent>, JournalError> {
        self.shared.read(|connection| read::lead_events(connection, lead, limit))
    }

    /// The owner this journal last wrote for a lead and knows by id, where the vendor reveals only names. Nothing when
    /// a later write has an outcome that is not known, or was overwritten by somebody else.
    pub fn last_known_owner(&self, lead: &LeadKey) -> Result<Option<Assignment>, JournalError> {
        Ok(self.last_known_owners(&lead.profile, std::slice::from_ref(&lead.id))?.pop().flatten())
    }

    /// [`last_known_owner`](Self::last_known_owner) of many leads, in their order.
    pub fn last_known_owners(
        &self,
        profile: &ProfileName,
        leads: &[LeadId],
    ) -> Result<Vec<Option<Assignment>>, JournalError> {
        self.shared.read(|connection| read::last_known_owners(connection, profile, leads))
    }

    /// Keeps a mapping for good and tells the number it got. Waits on the calling thread.
    pub fn keep_snapshot(&self, snapshot: &NewSnapshot) -> Result<SnapshotInfo, JournalError> {
        let snapshot = snapshot.clone();
        self.shared.write(Care::NeedsSavepoint, move |desk| snapshots::keep(desk, &snapshot))
    }

    /// The snapshots of a profile, newest first.
    pub fn snapshots(&self, profile: &ProfileName) -> Result<Vec<SnapshotInfo>, JournalError> {
        self.shared.read(|connection| snapshots::list(connection, profile))
    }

    /// The newest snapshot of this name; `#7` is the one with the number 7.
    pub fn snapshot(&self, profile: &ProfileName, name: &str) -> Result<MappingSnapshot, JournalError> {
        self.shared.read(|connection| snapshots::find(connection, profile, name))
    }

    /// What [`prune`](Self::prune) would remove.
    pub fn prunable(&self, before: Timestamp) -> Result<Prunable, JournalError> {
        // Readers may not even make the small table that this takes.
        self.shared.write(Care::NeedsSavepoint, move |desk| prune::prunable(desk.connection, before))
    }

    /// Removes operations that began before `before`, with their items: the one exception to "append-only", and only when
    /// a person asks for it. What is not settled, what somebody works on, and what a younger operation takes back stays.
    pub fn prune(&self, before: Timestamp) -> Result<Prunable, JournalError> {
        self.shared.write(Care::NeedsSavepoint, move |desk| prune::prune(desk.connection, before))
    }

    /// Fills the disk but for so many pages, or empties it again.
    #[cfg(test)]
    pub(crate) fn leave_pages(&self, pages: Option<i64>) {
        let orders = self.shared.orders.as_ref().expect("the journal is open");
        orders.send(Order::LimitPages(pages)).expect("a writer");
    }

    /// Checks the file and compares everything derived with what it comes from; a sentence for each thing that is
    /// wrong. Reads all of it several times: up to half a minute for a million items.
    pub fn verify(&self) -> Result<Vec<String>, JournalError> {
        self.shared.read(check::verify)
    }

    /// Makes everything derived anew from the rows that were written once.
    pub fn rebuild(&self) -> Result<(), JournalError> {
        self.shared.write(Care::NeedsSavepoint, |desk| check::rebuild(desk.connection))
    }
}

impl Shared {
    /// Hands work to the writing thread; `reply` is called there after its commit.
    fn submit<T: Send + 'static>(
        &self,
        care: Care,
        work: impl FnOnce(&mut Desk<'_>) -> Result<T, Trouble> + Send + 'static,
        reply: impl FnOnce(Result<T, JournalError>) + Send + 'static,
    ) {
        let Some(orders) = &self.orders else { return };
        if let Err(mpsc::SendError(Order::Do(errand))) = orders.send(Order::Do(Errand::boxed(care, work, reply))) {
            errand.answer(Err(writer::stopped(self.place.label())));
        }
    }

    /// Has work done by the writing thread and waits for its commit.
    fn write<T: Send + 'static>(
        &self,
        care: Care,
        work: impl FnOnce(&mut Desk<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit(care, work, move |outcome| drop(sender.send(outcome)));
        receiver.recv().unwrap_or_else(|_| Err(writer::stopped(self.place.label())))
    }

    fn tidy_soon(&self) {
        if let Some(orders) = &self.orders {
            // Without a thread the row stays until this process ends; in this process it counts as free already.
            let _ = orders.send(Order::Tidy);
        }
    }

    /// Answers a question from one moment's state of the journal.
    fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, JournalError> {
        let idle = lock(&self.idle).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.place.reader()?,
        };
        let answer = connection.transaction().map_err(Trouble::from).and_then(|moment| {
            let format = schema::format_of(&moment)?;
            if format > schema::FORMAT {
                return Err(self.place.newer(format).into());
            }
            question(&moment)
        });
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        answer.map_err(|trouble| trouble.told(&self.place, "read"))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.orders = None;
        // On the writing thread itself (an answer woke a task that was the last to know this journal) there is nothing
        // to wait for: the thread ends by itself.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // It only fails when the thread panicked, which has been reported by then.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
