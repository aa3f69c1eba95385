//! Who may write when: one change at a time for a list, all alone while it is not known that the server merges, and none
//! in a campaign that refused us.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use super::compare::Delta;
use super::key::Key;
use super::lock;
use super::wire::Campaign;
use crate::domain::PersonId;
use crate::vendor::stops::{Begun, Stops};
use crate::vendor::{ErrorKind, VendorError};

/// For how long a campaign that refused us is not asked again.
const CLOSED_FOR: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Turns {
    /// A change left other agents in place: the server merges.
    merges: AtomicBool,
    alone: Arc<tokio::sync::Mutex<()>>,
    /// A change that left before it was known, and of which nobody could read yet what the server made of it.
    unread: Mutex<Option<First>>,
    lists: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    closed: Mutex<HashMap<String, (Instant, VendorError)>>,
    /// What changes in each campaign learned that concerns the others in it.
    campaigns: Mutex<HashMap<String, Stops>>,
    /// The server throws out agents that were not named. Nothing more may be sent.
    replaces: OnceLock<VendorError>,
}

/// One of a session's first changes, as it was sent.
#[derive(Clone)]
pub struct First {
    pub campaign: Campaign,
    pub key: Key,
    pub before: BTreeSet<PersonId>,
    pub delta: Delta,
}

/// The right to change a list, given back when it is dropped.
pub struct Turn {
    _list: OwnedMutexGuard<()>,
    /// Other changes went before, so that what was read of this list is old.
    pub waited: bool,
    /// Held while this change is the only one, because nobody knows yet what the server makes of it.
    _alone: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn to change this list. The error says why nothing may be sent.
    pub async fn enter(&self, key: &Key) -> Result<Turn, VendorError> {
        let list = {
            let mut lists = lock(&self.lists);
            // Those that nobody holds or waits for.
            lists.retain(|_, list| Arc::strong_count(list) > 1);
            lists.entry(key.clone()).or_default().clone()
        };
        let (list, mut waited) = match list.clone().try_lock_owned() {
            Ok(free) => (free, false),
            Err(_) => (list.lock_owned().await, true),
        };
        let mut alone = None;
        if !self.merges.load(Ordering::Acquire) {
            alone = Some(match self.alone.clone().try_lock_owned() {
                Ok(free) => free,
                Err(_) => {
                    waited = true;
                    self.alone.clone().lock_owned().await
                }
            });
        }
        if self.merges.load(Ordering::Acquire) {
            // Whoever was before us proved it.
            alone = None;
        }
        if let Some(replaces) = self.replaces.get() {
            return Err(replaces.clone());
        }
        Ok(Turn { _list: list, waited, _alone: alone })
    }

    pub fn note_merged(&self) {
        self.merges.store(true, Ordering::Release);
    }

    /// A change leaves: unless the server is known to merge, it has to be read back before another one follows.
    pub fn leaves(&self, change: impl FnOnce() -> First) {
        if !self.merges.load(Ordering::Acquire) {
            *lock(&self.unread) = Some(change());
        }
    }

    /// The list was read, or nothing can have become of its change.
    pub fn is_read(&self, key: &Key) {
        let mut unread = lock(&self.unread);
        if unread.as_ref().is_some_and(|first| first.key == *key) {
            *unread = None;
        }
    }

    /// The change of another list that has to be read back before this one may be sent.
    pub fn unread(&self, key: &Key) -> Option<First> {
        lock(&self.unread).clone().filter(|first| first.key != *key)
    }

    /// Remembers that the server replaces. Returns the sentence for the person.
    pub fn note_replaced(&self, error: VendorError) -> VendorError {
        self.replaces.get_or_init(|| error).clone()
    }

    /// Whether the server was seen to replace.
    pub fn replaces(&self) -> bool {
        self.replaces.get().is_some()
    }

    /// Whether the campaign lets us in, as far as is known.
    pub fn may_enter(&self, key: &Key) -> Result<(), VendorError> {
        let mut closed = lock(&self.closed);
        closed.retain(|_, (since, _)| since.elapsed() < CLOSED_FOR);
        closed.get(&key.campaign).map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    /// A change in this campaign begins; it does not leave any more once the campaign is closed.
    pub fn begin(&self, key: &Key) -> Begun {
        lock(&self.campaigns).entry(key.campaign.clone()).or_default().begin()
    }

    /// Closes a campaign that answered 403. The rest of the operation goes on, so the error is one for this list.
    pub fn close(&self, key: &Key, error: VendorError) -> VendorError {
        let error = VendorError {
            kind: ErrorKind::Refused,
            message: format!("{}; nothing more is sent in campaign {}", error.message, key.campaign),
            ..error
        };
        lock(&self.closed).insert(key.campaign.clone(), (Instant::now(), error.clone()));
        lock(&self.campaigns).entry(key.campaign.clone()).or_default().note(&error);
        error
    }
}
