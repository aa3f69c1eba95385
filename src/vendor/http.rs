//! What all clients share: one place where requests are sent, timed out, classified and described.
//!
//! A client makes one [`Http`] for its profile and describes each request as a [`Call`]. There are two ways to send it:
//!
//! - [`Http::read`] may repeat the request (busy, server errors, lost connections), with growing pauses.
//! - [`Http::write`] sends it exactly once and says how sure we are about what happened: [`Sent`].
//!
//! Nothing below repeats a request either: reqwest's own retries and redirections are off, and hyper only sends again
//! what it can prove not to have begun to write. Every request passes the profile's [`Gate`] and is counted and logged
//! with method, path, status and duration: no query, header or body, which hold people and secrets.

mod address;
mod answer;
mod auth;
mod limits;
#[cfg(test)]
pub mod testing;

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Serialize;

pub use self::answer::{Answer, MESSAGE_KEYS, json, message_of};
pub use self::auth::{basic, bearer, secret_header};
pub use self::limits::date;
use super::stops::Begun;
use super::{ErrorKind, Gate, VendorError};
use crate::config::{ConfigError, Profile, Secret};
use crate::domain::{ProfileName, SafeText};

/// The longest body that is read; a page of leads is a hundredth of it.
pub const LONGEST_BODY: usize = 64 * 1024 * 1024;

/// A server that keeps sending a byte now and then must come to an end some time.
const LONGEST_ANSWER: u32 = 10;

/// How often a read is tried again after 429: the server answers and says when, so it takes more to give up.
const BUSY_RETRIES: u32 = 12;

/// A longer pause than this is handed to the caller instead of being waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// How often a read is tried again that was answered with something else than JSON: a proxy between may have spoken, or
/// the answer was cut short; but an address that is not the API's always answers so.
const GARBLED_RETRIES: u32 = 2;

/// Makes ring the provider of TLS for the process. May be called any number of times; has to be called before the
/// first client is made, which [`Http::new`] sees to.
pub fn install_tls() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // The error says that another provider is installed already: then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// How a profile's requests are sent.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The vendor's name as people write it.
    pub title: &'static str,
    pub profile: ProfileName,
    pub base_url: String,
    /// How long the server may be silent, before and while it answers.
    pub timeout: Duration,
    /// How often a read is tried again.
    pub retries: u32,
    /// The pause before the first repetition; doubled for each further one.
    pub first_pause: Duration,
    /// Never shown, should the server repeat one of them in its answer.
    pub secrets: Vec<Secret>,
    /// Keys of an answer under which it speaks to people, the best first.
    pub message_keys: &'static [&'static str],
    /// Certificates that are trusted beside the system's.
    pub roots: Vec<reqwest::Certificate>,
}

impl HttpOptions {
    /// The usual manners.
    pub fn new(profile: &Profile) -> Self {
        Self {
            title: profile.vendor.title(),
            profile: profile.name.clone(),
            base_url: profile.base_url.clone(),
            timeout: Duration::from_secs(30),
            retries: 4,
            first_pause: Duration::from_millis(250),
            secrets: Vec::new(),
            message_keys: MESSAGE_KEYS,
            roots: Vec::new(),
        }
    }
}

/// The names that sentences need, and the words that they must not hold.
#[derive(Debug)]
struct Who {
    title: &'static str,
    profile: ProfileName,
    secrets: Vec<Secret>,
    message_keys: &'static [&'static str],
}

impl Who {
    fn redact(&self, mut words: String) -> String {
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            // Very short ones would tear up ordinary words, and tell by it what they are.
            if secret.len() >= 6 && words.contains(secret) {
                words = words.replace(secret, "‹secret›");
            }
        }
        words
    }
}

/// One profile's way to its server.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    who: Arc<Who>,
    base: Url,
    client: reqwest::Client,
    gate: Arc<dyn Gate>,
    options: HttpOptions,
    requests: AtomicUsize,
}

/// What became of a request that was sent once.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A whole answer, whatever its status (but 429).
    Answer(Answer),
    /// The connection could not be made: nothing of the request left this computer.
    NotSent(VendorError),
    /// Refused by the rate limit (429), without effect. The pause is in the error's `retry_after`.
    TooMany(VendorError),
    /// An answer began and broke off: the server is done with it, but what it did is not known. Read it back.
    Lost(VendorError),
    /// No answer came: the time ran out or the line was cut. The server may still be at work, so that one reading back
    /// proves nothing.
    Late(VendorError),
}

/// One request, described.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    hot: bool,
    meter: Option<Arc<AtomicUsize>>,
    begun: Vec<Begun>,
    /// Whatever a success says, or nothing, is good.
    any_body: bool,
}

impl Call {
    /// A call to the path of these segments; each is escaped whole, so ids may hold anything. Refuses an id that no
    /// address can hold (empty, `.`, `..`).
    pub fn new(method: Method, segments: &[&str]) -> Result<Self, VendorError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let path = address::path(segments)?;
        Ok(Self {
            method,
            path,
            query: Vec::new(),
            headers,
            body: None,
            hot: false,
            meter: None,
            begun: Vec::new(),
            any_body: false,
        })
    }

    pub fn get(segments: &[&str]) -> Result<Self, VendorError> {
        Self::new(Method::GET, segments)
    }

    pub fn put(segments: &[&str]) -> Result<Self, VendorError> {
        Self::new(Method::PUT, segments)
    }

    pub fn post(segments: &[&str]) -> Result<Self, VendorError> {
        Self::new(Method::POST, segments)
    }

    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header; values with secrets come from [`bearer`], [`basic`] or [`secret_header`].
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A header that was set.
    pub fn header_value(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.get(name)
    }

    /// A JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, VendorError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| VendorError::new(ErrorKind::Refused, format!("the request cannot be written: {error}")))?;
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(bytes.into());
        Ok(self)
    }

    /// Small and waited for by a person: goes before bulk work.
    pub fn hot(mut self, hot: bool) -> Self {
        self.hot = hot;
        self
    }

    /// Counts every request that leaves for this call, repetitions included.
    pub fn counted_by(mut self, meter: &Arc<AtomicUsize>) -> Self {
        self.meter = Some(meter.clone());
        self
    }

    /// Does not leave any more, however long it has waited for its turn, once another write has learned that none may.
    pub fn unless_stopped(mut self, begun: &Begun) -> Self {
        self.begun.push(begun.clone());
        self
    }

    /// The status says it all: a success without JSON is not asked for again.
    pub fn with_any_body(mut self) -> Self {
        self.any_body = true;
        self
    }

    fn what(&self) -> String {
        // Escaped, so there is nothing dangerous in it; but an id may be of any length.
        let path: String = self.path.chars().take(120).collect();
        let rest = if path.len() < self.path.len() { "…" } else { "" };
        format!("{} {path}{rest}", self.method)
    }
}

/// A request that brought no whole answer.
struct Broken {
    error: VendorError,
    /// Nothing of the request left this computer.
    before: bool,
    /// Trying again cannot help (a certificate that is not trusted).
    hopeless: bool,
    /// The server may still be at work.
    late: bool,
}

impl Http {
    /// Makes the client. Sends nothing.
    pub fn new(options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        install_tls();
        let base = address::base(&options.base_url)
            .map_err(|error| ConfigError::new(format!("profile {}: {}", options.profile, error.message)))?;
        let connect = (options.timeout / 2).min(Duration::from_secs(10));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION")))
            // A redirection could carry a write and the credentials to a place that nobody chose.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(connect)
            .read_timeout(options.timeout)
            .timeout(options.timeout.saturating_mul(LONGEST_ANSWER))
            .pool_idle_timeout(Duration::from_secs(20))
            .https_only(base.scheme() == "https");
        if address::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            // Without this, a computer without any root certificates could not even talk to itself.
            builder = builder.tls_certs_only([]);
        } else if !options.roots.is_empty() {
            builder = builder.tls_certs_merge(options.roots.iter().cloned());
        }
        let client = builder.build().map_err(|error| {
            ConfigError::new(format!("profile {}: no connection can be set up: {}", options.profile, causes(&error)))
        })?;
        let who = Who {
            title: options.title,
            profile: options.profile.clone(),
            secrets: options.secrets.clone(),
            message_keys: options.message_keys,
        };
        Ok(Self {
            shared: Arc::new(Shared { who: Arc::new(who), base, client, gate, options, requests: AtomicUsize::new(0) }),
        })
    }

    /// Requests that left since the start.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The server, for people.
    pub fn base_url(&self) -> &str {
        self.shared.base.as_str().trim_end_matches('/')
    }

    /// Sends a request that may be repeated: a reading, or a write that sets a fixed value and is not accounted for.
    /// Busy servers, server errors and lost connections are tried again. An answer that is not a success is an error.
    pub async fn read(&self, call: &Call) -> Result<Answer, VendorError> {
        self.read_any(call).await?.or_error()
    }

    /// As [`read`](Self::read), but with the last answer as it is, whatever its status.
    pub async fn read_any(&self, call: &Call) -> Result<Answer, VendorError> {
        let options = &self.shared.options;
        let (mut failures, mut refusals, mut garbled) = (0, 0, 0);
        loop {
            let outcome = self.once(call).await;
            let asked_for = match &outcome {
                Ok(answer) if answer.status.as_u16() == 429 => {
                    refusals += 1;
                    answer.retry_after
                }
                Ok(answer) if is_passing(answer.status.as_u16()) => {
                    failures += 1;
                    answer.retry_after
                }
                Ok(answer) if !call.any_body && garbled < GARBLED_RETRIES && answer.is_garbled() => {
                    garbled += 1;
                    failures += 1;
                    None
                }
                Err(broken) if !broken.hopeless => {
                    failures += 1;
                    None
                }
                _ => return outcome.map_err(|broken| broken.error),
            };
            let own = self.pause_before(failures.max(refusals));
            let pause = asked_for.map_or(own, |pause| pause.max(own));
            if failures > options.retries || refusals > BUSY_RETRIES.max(options.retries) || pause > LONGEST_PAUSE {
                return outcome.map_err(|broken| broken.error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a request exactly once. Once begun it must be awaited to its end: dropping it would lose the outcome.
    pub async fn write(&self, call: &Call) -> Sent {
        match self.once(call).await {
            Ok(answer) if answer.status.as_u16() == 429 => Sent::TooMany(answer.error()),
            Ok(answer) => Sent::Answer(answer),
            Err(broken) if broken.before => Sent::NotSent(broken.error),
            Err(broken) if broken.late => Sent::Late(broken.error),
            Err(broken) => Sent::Lost(broken.error),
        }
    }

    /// Full jitter over a doubling pause, so that many clients do not come back at the same moment.
    fn pause_before(&self, attempt: u32) -> Duration {
        let first = self.shared.options.first_pause;
        let most = first.saturating_mul(1 << attempt.saturating_sub(1).min(5));
        most.mul_f64(0.5 + 0.5 * fastrand::f64())
    }

    async fn once(&self, call: &Call) -> Result<Answer, Broken> {
        let shared = &*self.shared;
        let url = address::join(&shared.base, &call.path, &call.query);
        let permit = shared.gate.enter(call.hot).await;
        if let Some(error) = call.begun.iter().find_map(Begun::stopped) {
            return Err(Broken { error, before: true, hopeless: true, late: false });
        }
        let began = Instant::now();
        let mut request = shared.client.request(call.method.clone(), url).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let outcome = match request.send().await {
            Ok(response) => self.finish(call, response).await,
            Err(error) => Err(self.broken(call, &error, None)),
        };
        drop(permit);
        if !matches!(&outcome, Err(Broken { before: true, .. })) {
            shared.requests.fetch_add(1, Ordering::Relaxed);
            if let Some(meter) = &call.meter {
                meter.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.log(call, &outcome, began.elapsed());
        outcome
    }

    async fn finish(&self, call: &Call, mut response: reqwest::Response) -> Result<Answer, Broken> {
        let shared = &*self.shared;
        let status = response.status();
        let headers = response.headers().clone();
        let mut heard = limits::heard(status.as_u16(), &headers, Timestamp::now());
        // A refusal's body may say how long to wait where its headers do not.
        let is_told_later = status.as_u16() == 429 && heard.retry_after.is_none();
        if !is_told_later {
            shared.gate.heard(heard);
        }
        let broken = |error| {
            if is_told_later {
                shared.gate.heard(heard);
            }
            Err(error)
        };
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => {
                    let mut error = self.sentence(ErrorKind::Garbled, call, "sent an answer that never ends");
                    error.status = Some(status.as_u16());
                    return broken(Broken { error, before: false, hopeless: true, late: false });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return broken(self.broken(call, &error, Some(status.as_u16()))),
            }
        }
        if is_told_later {
            heard.retry_after = answer::pause_in(&body);
            shared.gate.heard(heard);
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
            retry_after: heard.retry_after,
            who: shared.who.clone(),
            what: call.what(),
        })
    }

    fn sentence(&self, kind: ErrorKind, call: &Call, what: &str) -> VendorError {
        let Who { title, profile, .. } = &*self.shared.who;
        VendorError::new(kind, format!("{title} (profile {profile}) {what} ({})", call.what()))
    }

    /// Says what a connection error means.
    fn broken(&self, call: &Call, error: &reqwest::Error, status: Option<u16>) -> Broken {
        let profile = &self.shared.who.profile;
        let host = self.shared.base.host_str().unwrap_or_default();
        let before = error.is_connect() || error.is_builder();
        let (what, remedy, hopeless) = if error.is_builder() {
            ("cannot be asked with such an address".to_owned(), String::new(), true)
        } else if let Some(why) = certificate_trouble(error) {
            let remedy = format!(
                "See that base_url of profile {profile} is right and that this computer's clock and root certificates are."
            );
            (format!("is not trusted: the certificate of {host} does not check out: {why}"), remedy, true)
        } else if error.is_connect() {
            let remedy = format!("Check the network, and base_url of profile {profile}.");
            (format!("cannot be reached: no connection to {host}: {}", root_cause(error)), remedy, false)
        } else if error.is_timeout() {
            let seconds = plain_seconds(self.shared.options.timeout);
            (format!("did not answer within {seconds}"), "Check the network, or try again.".to_owned(), false)
        } else if status.is_some() {
            ("broke off in the middle of its answer".to_owned(), "Try again.".to_owned(), false)
        } else {
            (format!("closed the connection without an answer: {}", root_cause(error)), "Try again.".to_owned(), false)
        };
        let kind = if error.is_builder() { ErrorKind::Refused } else { ErrorKind::Unreachable };
        let mut sentence = self.sentence(kind, call, &what).with_remedy(remedy);
        sentence.status = status;
        Broken { error: sentence, before, hopeless, late: !before && status.is_none() }
    }

    fn log(&self, call: &Call, outcome: &Result<Answer, Broken>, took: Duration) {
        let profile = self.shared.who.profile.to_string();
        let (method, what) = (&call.method, call.what());
        let path = what.split_once(' ').map_or("", |(_, path)| path);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(answer) => {
                let status = answer.status.as_u16();
                let id = request_id(answer);
                if answer.is_success() && *method == Method::GET {
                    tracing::debug!(%profile, %method, path, status, ms, %id, "answered");
                } else if answer.is_success() {
                    tracing::info!(%profile, %method, path, status, ms, %id, "answered");
                } else {
                    tracing::warn!(%profile, %method, path, status, ms, %id, "refused");
                }
            }
            Err(broken) => {
                let (kind, status) = (broken.error.kind, broken.error.status);
                tracing::warn!(%profile, %method, path, ?status, ms, ?kind, left = !broken.before, "no whole answer");
            }
        }
    }
}

/// `1 second`, `30 seconds`, `0.5 seconds`.
fn plain_seconds(time: Duration) -> String {
    let seconds = (time.as_secs_f64() * 10.0).round() / 10.0;
    if seconds == 1.0 { "1 second".to_owned() } else { format!("{seconds} seconds") }
}

/// Statuses that another try may cure. 499 is what a proxy says whose client lost patience.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 499 | 500 | 502..=504 | 506..=599)
}

/// The number under which the vendor finds a request again; empty where it gave none.
pub fn request_id(answer: &Answer) -> SafeText {
    let in_headers = ["x-request-id", "x-cap-requestid", "request-id", "x-correlation-id"]
        .iter()
        .find_map(|name| answer.headers.get(*name)?.to_str().ok().map(str::to_owned));
    let in_body = || if answer.is_success() { None } else { answer::request_id_in(&answer.body) };
    let id = in_headers.or_else(in_body).unwrap_or_default();
    SafeText::new(&id.chars().take(64).collect::<String>())
}

/// An error with its causes, without reqwest's own first line: it holds the whole address.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    if text.is_empty() { "for an unknown reason".to_owned() } else { SafeText::new(&text).to_string() }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "for an unknown reason".to_owned(), |cause| SafeText::new(&cause.to_string()).to_string())
}

/// What is wrong with the server's certificate, where that is the trouble.
fn certificate_trouble(error: &reqwest::Error) -> Option<String> {
    let mut source = error.source();
    while let Some(cause) = source {
        // An I/O error hides what it wraps from `source`.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let tls = cause
            .downcast_ref::<rustls::Error>()
            .or_else(|| wrapped.and_then(|inner| inner.downcast_ref::<rustls::Error>()));
        if let Some(rustls::Error::InvalidCertificate(why)) = tls {
            return Some(SafeText::new(&why.to_string()).to_string());
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests;
