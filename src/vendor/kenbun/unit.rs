//! The active organizational unit: state at the server that every lead call depends on and that anybody may change.
//!
//! It is chosen by a call, not by a parameter. So while requests for one unit are on the way, requests for another have
//! to wait, or a lead would be looked for (or written) in the wrong unit. That holds for all profiles of a server, since
//! kenbun does not say whether it remembers the choice for a credential or for the person behind several. And because a
//! colleague's browser may choose another one at any time, it is chosen again before writes.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::json;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::domain::safe_text;
use crate::vendor::http::{Answer, Call, Http};
use crate::vendor::{ErrorKind, VendorError};

/// How long a choice is trusted where it is not made anew each time.
const TRUSTED: Duration = Duration::from_secs(30);

/// What the unit is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// One of many calls of a reading that has begun: it is enough that we chose the unit at some time.
    Reading,
    /// A reading begins: the choice may be 30 seconds old.
    NewReading,
    /// Something after this moment looked as if somebody else had chosen another unit.
    Again(Instant),
    /// The same, with nothing else of ours on the way: for places where somebody keeps choosing another unit.
    Alone,
    /// A change of one lead: chosen before the first, and again when 30 seconds have passed.
    Single,
    /// The same for an undo, and for the reading before it.
    Undo,
    /// A bulk change: chosen right before it, with nothing else of ours between the two.
    Bulk,
}

impl Purpose {
    /// Chosen anew, and kept from everybody else until the request has its answer.
    fn is_alone(self) -> bool {
        matches!(self, Self::Alone | Self::Bulk)
    }
}

/// Chooses units and keeps requests for different ones apart.
pub struct Units {
    http: Http,
    authorization: HeaderValue,
    server: Arc<Server>,
}

/// What all clients of one server in this process share.
#[derive(Default)]
struct Server {
    /// What requests on the way rely on; `None` while it is not known. Held for reading by every such request, for
    /// writing while another unit is chosen. Held across requests on purpose: that is what keeps units apart.
    current: Arc<RwLock<Option<Place>>>,
    chosen: Mutex<Chosen>,
    /// Set when choosing again changed an answer: somebody else works with the same credentials.
    is_contested: AtomicBool,
}

/// A unit that was made the active one.
struct Place {
    authorization: HeaderValue,
    unit: String,
}

impl Server {
    /// The one at this address.
    fn at(base_url: &str) -> Arc<Self> {
        static OPEN: LazyLock<std::sync::Mutex<HashMap<String, Weak<Server>>>> = LazyLock::new(Default::default);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, server| server.strong_count() > 0);
        if let Some(known) = open.get(base_url).and_then(Weak::upgrade) {
            return known;
        }
        let server = Arc::new(Self::default());
        open.insert(base_url.to_owned(), Arc::downgrade(&server));
        server
    }
}

/// When the current unit was chosen last, by purpose.
#[derive(Default)]
struct Chosen {
    any: Option<Instant>,
    single: Option<Instant>,
    undo: Option<Instant>,
}

/// Proof that the unit was chosen; it stays so while this lives.
pub struct Inside {
    _hold: Hold,
    /// Whether it was chosen just now: then the next request should not wait behind others.
    pub just_now: bool,
}

/// Keeps the unit: beside other requests for it, or alone.
enum Hold {
    Shared { _current: OwnedRwLockReadGuard<Option<Place>> },
    Alone { _current: OwnedRwLockWriteGuard<Option<Place>> },
}

impl Units {
    pub fn new(http: Http, authorization: HeaderValue) -> Self {
        let server = Server::at(http.base_url());
        Self { http, authorization, server }
    }

    /// Whether `unit` is what requests of this client would meet.
    fn is_in(&self, current: Option<&Place>, unit: &str) -> bool {
        current.is_some_and(|place| place.unit == unit && place.authorization == self.authorization)
    }

    /// How to choose again when an answer looks as if it came from another unit, `n` times already; `None` when it has
    /// to be believed.
    pub fn again(&self, n: usize, began: Instant) -> Option<Purpose> {
        match n {
            0 => Some(Purpose::Again(began)),
            // Even right after the choice somebody may be faster; twice in a row is unlikely.
            1 | 2 if self.server.is_contested.load(Ordering::Relaxed) => Some(Purpose::Alone),
            _ => None,
        }
    }

    /// Choosing again changed an answer.
    pub fn note_contest(&self) {
        if !self.server.is_contested.swap(true, Ordering::Relaxed) {
            tracing::warn!("another organizational unit was chosen by somebody else with the same credentials");
        }
    }

    /// Sees to it that `unit` is the active one. The error means that nothing may be sent.
    pub async fn enter(
        &self,
        unit: &str,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<Inside, VendorError> {
        let alone = purpose.is_alone();
        loop {
            let current = self.server.current.clone().read_owned().await;
            if !alone && self.is_in(current.as_ref(), unit) {
                // One at a time: those who wait here find it done.
                let mut chosen = self.server.chosen.lock().await;
                if !chosen.is_due(purpose) {
                    return Ok(Inside { _hold: Hold::Shared { _current: current }, just_now: false });
                }
                let current = self.choose(unit, hot, meter, current).await?;
                chosen.note(purpose);
                return Ok(Inside { _hold: Hold::Shared { _current: current }, just_now: true });
            }
            drop(current);
            let mut current = self.server.current.clone().write_owned().await;
            let is_other = !self.is_in(current.as_ref(), unit);
            if !is_other && !alone {
                continue;
            }
            *current = None;
            let mut current = self.choose(unit, hot, meter, current).await?;
            let mut chosen = self.server.chosen.lock().await;
            *current = Some(Place { authorization: self.authorization.clone(), unit: unit.to_owned() });
            if is_other {
                *chosen = Chosen::default();
            }
            chosen.note(purpose);
            let hold =
                if alone { Hold::Alone { _current: current } } else { Hold::Shared { _current: current.downgrade() } };
            return Ok(Inside { _hold: hold, just_now: true });
        }
    }

    /// Sends the choice. It sets a fixed value, so it may be repeated like a reading.
    ///
    /// It holds the lock to its end even when the caller goes away: a reading may be dropped at any time, and its
    /// choice must not arrive at the server after somebody else's.
    async fn choose<G: Send + 'static>(
        &self,
        unit: &str,
        hot: bool,
        meter: &Arc<AtomicUsize>,
        lock: G,
    ) -> Result<G, VendorError> {
        let call = Call::post(&["org-units", "active"])?
            .header(AUTHORIZATION, self.authorization.clone())
            .json(&json!({ "ouId": unit }))?
            .with_any_body()
            .hot(hot)
            .counted_by(meter);
        let http = self.http.clone();
        let (answer, lock) = ToItsEnd::of(async move { (http.read(&call).await, lock) }).await;
        answer.map_err(|error| explain(unit, error))?;
        Ok(lock)
    }
}

/// Work that goes on by itself when nobody waits for it any more.
struct ToItsEnd<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
}

impl<T: Send + 'static> ToItsEnd<T> {
    fn of(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(work.boxed()) }
    }
}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let done = ready!(work.poll_unpin(context));
        self.work = None;
        Poll::Ready(done)
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and with it everything that could send anything else.
        if let (Some(work), Ok(runtime)) = (self.work.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

impl Chosen {
    fn is_due(&self, purpose: Purpose) -> bool {
        let old = |moment: Option<Instant>| moment.is_none_or(|moment| moment.elapsed() >= TRUSTED);
        match purpose {
            Purpose::Reading => self.any.is_none(),
            Purpose::NewReading => old(self.any),
            // Many may have seen it at the same time; the first of them mends it for all.
            Purpose::Again(seen) => self.any.is_none_or(|any| any < seen),
            Purpose::Single => old(self.single),
            Purpose::Undo => old(self.undo),
            Purpose::Bulk | Purpose::Alone => true,
        }
    }

    fn note(&mut self, purpose: Purpose) {
        let now = Some(Instant::now());
        self.any = now;
        match purpose {
            Purpose::Reading | Purpose::NewReading | Purpose::Again(_) | Purpose::Alone => {}
            Purpose::Single => self.single = now,
            Purpose::Undo => self.undo = now,
            Purpose::Bulk => (self.single, self.undo) = (now, now),
        }
    }
}

fn explain(unit: &str, error: VendorError) -> VendorError {
    let unit = safe_text::visible(unit);
    let wrong = matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::NotSupported);
    // The cause comes first: a line of the screen may end before the rest.
    let message = format!("{}: the organizational unit {unit} could not be set, so nothing was sent", error.message);
    let remedy = if wrong {
        "Check org_unit of the profile: doctor lists the units that these credentials may use.".to_owned()
    } else {
        error.remedy
    };
    VendorError { kind: if wrong { ErrorKind::Setting } else { error.kind }, message, remedy, ..error }
}

/// Whether a refusal says that no unit is active. One that says that somebody is no member of the unit is about that
/// owner alone.
pub fn is_no_unit(words: &str) -> bool {
    let words = words.to_lowercase();
    let has = |hints: &[&str]| hints.iter().any(|hint| words.contains(hint));
    has(&["organizational unit", "organisational unit", "active ou", "active_ou", "no ou"])
        && !has(&["owner", "member"])
}

/// Whether an answer may mean that another unit is active than we chose: leads are not found in the wrong one.
pub fn may_be_elsewhere(answer: &Answer) -> bool {
    match answer.status.as_u16() {
        404 => true,
        400 => is_no_unit(answer.words().as_str()),
        _ => false,
    }
}

/// The error of an answer that is no success; for want of an active unit with what helps.
pub fn refusal(answer: &Answer) -> VendorError {
    let error = answer.error();
    if error.status != Some(400) || !is_no_unit(answer.words().as_str()) {
        return error;
    }
    let remedy = "Set org_unit of the profile to the unit to work in; doctor lists the units that there are.";
    VendorError { kind: ErrorKind::Setting, remedy: remedy.to_owned(), ..error }
}
