//! Names for visible rows, where a listing carries none: one detail call each, newest wish only, never the same failure
//! in a loop.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::Desk;
use super::outbox::Outbox;
use crate::domain::exchange::Event;
use crate::domain::{LeadId, LeadRecord};

/// Detail calls on the way at once; the gate may allow fewer.
const AT_ONCE: usize = 6;
/// Names gather this long before the rows change.
const TOGETHER: Duration = Duration::from_millis(80);

/// What one profile's names task is to do.
#[derive(Clone, Default)]
pub struct NamesWish {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    wish: Mutex<Wish>,
    changed: Notify,
}

#[derive(Default)]
struct Wish {
    wanted: VecDeque<LeadId>,
    /// All others of the profile, where these were asked for: behind the wanted ones.
    rest: VecDeque<LeadId>,
    on_the_way: HashSet<LeadId>,
    /// Asked for in vain; not again before the next load.
    failed: HashSet<LeadId>,
    /// Read while there is a rest, which may name them again.
    seen: HashSet<LeadId>,
}

impl NamesWish {
    /// Replaces the wish. Rows that have a name, or failed before, are left out.
    pub fn replace(&self, desk: &Desk, leads: impl IntoIterator<Item = LeadId>) {
        if desk.capabilities.names_in_rows {
            return;
        }
        let table = desk.leads().map(|(table, _)| table).unwrap_or_default();
        let nameless = |id: &LeadId| table.row_of(id.as_str()).is_some_and(|row| table.is_nameless(row));
        let mut wish = self.shared.wish.lock().unwrap_or_else(PoisonError::into_inner);
        let Wish { wanted, on_the_way, failed, .. } = &mut *wish;
        *wanted =
            leads.into_iter().filter(|id| !on_the_way.contains(id) && !failed.contains(id) && nameless(id)).collect();
        drop(wish);
        self.shared.changed.notify_one();
    }

    /// Wishes for the names of all leads, in the order of the table.
    pub fn all(&self, desk: &Desk) {
        if desk.capabilities.names_in_rows {
            return;
        }
        let Some((table, _)) = desk.leads() else { return };
        let nameless = (0..table.len() as u32).filter(|row| table.is_nameless(*row)).map(|row| table.id(row));
        let mut wish = self.shared.wish.lock().unwrap_or_else(PoisonError::into_inner);
        wish.rest = nameless.collect();
        wish.seen.clear();
        drop(wish);
        self.shared.changed.notify_one();
    }

    /// A new load: what failed may be tried again.
    pub fn forget_failures(&self) {
        self.shared.wish.lock().unwrap_or_else(PoisonError::into_inner).failed.clear();
    }

    fn next(&self) -> Option<LeadId> {
        let mut wish = self.shared.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = wish.wanted.pop_front() {
            wish.on_the_way.insert(next.clone());
            return Some(next);
        }
        while let Some(next) = wish.rest.pop_front() {
            // It may have become visible, and been read, since the wish.
            if !wish.failed.contains(&next) && !wish.seen.contains(&next) && wish.on_the_way.insert(next.clone()) {
                return Some(next);
            }
        }
        None
    }

    fn came(&self, id: &LeadId, named: bool) {
        let mut wish = self.shared.wish.lock().unwrap_or_else(PoisonError::into_inner);
        wish.on_the_way.remove(id);
        if !named {
            wish.failed.insert(id.clone());
        } else if !wish.rest.is_empty() {
            wish.seen.insert(id.clone());
        }
    }
}

/// Fetches names until it is aborted.
pub async fn fetch(desk: Arc<Desk>, wish: NamesWish, outbox: Outbox) {
    let mut calls: JoinSet<(LeadId, Option<LeadRecord>)> = JoinSet::new();
    let mut came: Vec<LeadRecord> = Vec::new();
    let mut show_at: Option<Instant> = None;
    loop {
        while calls.len() < AT_ONCE
            && let Some(id) = wish.next()
        {
            let desk = desk.clone();
            calls.spawn(async move {
                let detail = desk.vendor.detail(&id).await;
                if let Err(error) = &detail {
                    tracing::info!(profile = %desk.name, lead = %id, %error, "no name");
                }
                (id, detail.ok())
            });
        }
        let show = async {
            match show_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(call) = calls.join_next(), if !calls.is_empty() => {
                let Ok((id, detail)) = call else { continue };
                // An answer without a name would be asked for again with every move of the cursor.
                let named = detail.as_ref().is_some_and(|detail| !detail.is_nameless());
                wish.came(&id, named);
                if let Some(detail) = detail {
                    came.push(detail);
                    show_at.get_or_insert_with(|| Instant::now() + TOGETHER);
                }
            }
            () = show => {
                show_at = None;
                if let Some((table, progress)) = desk.enrich(&std::mem::take(&mut came)) {
                    outbox.put(Event::Leads { profile: desk.name.clone(), table, progress });
                }
            }
            () = wish.shared.changed.notified() => {}
        }
    }
}
