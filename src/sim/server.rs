//! The server around a vendor's router: connections that can be cut, faults, and the log.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::faults::{After, Before, Faults};
use super::log::{Entry, Log, Outcome};
use super::switches::Switches;
use super::vendor::{Act, Applied, Meddling, Target, Trace, VendorSim};
use super::{ask, control, dice};

/// Larger than any request that a contract allows.
const MAX_BODY: usize = 8 << 20;

/// What the parts of one running simulator share.
pub(super) struct Core {
    pub vendor: &'static str,
    pub seed: u64,
    pub sim: Arc<dyn VendorSim>,
    pub faults: Faults,
    pub switches: Arc<Switches>,
    pub log: Log,
    /// Held by every connection and by every request until all of it is applied, also by its jobs.
    pub busy: Arc<()>,
}

impl Core {
    /// No connection is open, and nothing is still to be applied that came on one.
    pub fn is_idle(&self) -> bool {
        // One is the core's own, one the listener's.
        Arc::strong_count(&self.busy) <= 2
    }

    /// Turns a switch, and the fault that it may stand for.
    pub fn turn(&self, name: &str, value: &str) -> Result<(), String> {
        self.switches.turn(name, value)?;
        self.faults.of_switches(&self.switches.faults())
    }

    /// Someone else changes targets; the log tells.
    pub fn meddle(&self, targets: &[Target], what: &Meddling, fault: Option<String>) -> Vec<Applied> {
        let applied = self.sim.meddle(targets, what);
        if !applied.is_empty() {
            self.log.open(Entry {
                number: 0,
                at: Timestamp::now(),
                act: Act::Meddling,
                method: String::new(),
                path: String::new(),
                query: String::new(),
                body: Bytes::new(),
                outcome: Outcome::Meddled,
                targets: applied.iter().map(|a| a.target.clone()).collect(),
                applied: applied.clone(),
                faults: fault.into_iter().collect(),
                complaints: Vec::new(),
            });
        }
        applied
    }
}

/// Binds `addr` and serves until `stop` is cancelled. Gives the address that was bound.
pub(super) async fn serve(core: Arc<Core>, addr: SocketAddr, stop: CancellationToken) -> io::Result<SocketAddr> {
    let tcp = TcpListener::bind(addr).await?;
    let bound = tcp.local_addr()?;
    let api = Arc::clone(&core.sim).router().layer(middleware::from_fn_with_state(Arc::clone(&core), answer));
    let mut app = Router::new().nest("/_sim", control::router(Arc::clone(&core))).merge(api);
    if !core.sim.base_path().is_empty() {
        // Also below the base URL, so that nobody has to take it apart.
        app = app.nest(&format!("{}/_sim", core.sim.base_path()), control::router(Arc::clone(&core)));
    }
    let listener = Door { tcp, stop: stop.clone(), busy: Arc::clone(&core.busy) };
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<Wire>());
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = server => {}
        }
    });
    Ok(bound)
}

/// Answers one request of the vendor's API, or does not.
async fn answer(
    State(core): State<Arc<Core>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return core.sim.error(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large, or was cut off");
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let act = core.sim.act(&method, &path);
    let number = core.log.open(Entry {
        number: 0,
        at: Timestamp::now(),
        act,
        method: method.to_string(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: body.clone(),
        outcome: Outcome::Running,
        targets: if act == Act::Write { core.sim.aims(&method, &path, &body) } else { Vec::new() },
        applied: Vec::new(),
        faults: Vec::new(),
        complaints: Vec::new(),
        path,
    });
    let trace = Trace::of(Arc::clone(&core.busy));
    let open = Open { core: Arc::clone(&core), number, trace: trace.clone(), act, outcome: Outcome::Abandoned };
    let verdict = core.faults.decide(number, act, parts.uri.path());
    if !verdict.hits.is_empty() {
        core.log.amend(number, |e| e.faults = verdict.hits.clone());
    }
    pause(verdict.delay).await;

    parts.extensions.insert(trace.clone());
    let request = Request::from_parts(parts, Body::from(body));
    match verdict.before {
        None => {}
        Some(Before::Cut) => return open.cut(&wire),
        Some(Before::Late(delay)) => {
            trace.comes_late();
            tokio::spawn(async move {
                pause(delay).await;
                next.run(request).await;
                note_all(&core, number, &trace, act);
            });
            return open.cut(&wire);
        }
        Some(Before::Error(status)) => return open.refuse(status, "internal error"),
        Some(Before::Unauthorized) => return open.refuse(401, "the credentials are not accepted"),
        Some(Before::RateLimited { retry_after }) => {
            let mut response = open.refuse(429, "too many requests");
            ask::retry_after(&mut response, retry_after);
            return response;
        }
    }

    let response = next.run(request).await;
    note_all(&core, number, &trace, act);
    if let Some(pick) = verdict.meddle {
        meddle_after(&core, number, pick);
    }
    pause(verdict.delay_after).await;
    match verdict.after {
        None => open.done(response),
        Some(After::Cut) => open.cut(&wire),
        Some(After::Error(status)) => open.refuse(status, "internal error"),
        Some(After::CutInside) => open.cut_inside(response).await,
        Some(After::Garbage) => open.garbage(),
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Writes what the handler told into the log, and what its jobs will tell.
fn note_all(core: &Arc<Core>, number: u64, trace: &Trace, act: Act) {
    let log = Arc::clone(core);
    trace.afterwards(move |trace| note(&log, number, trace, act));
    note(core, number, trace, act);
}

/// Writes what the handler told into the log.
fn note(core: &Core, number: u64, trace: &Trace, act: Act) {
    let traced = trace.take();
    if traced.applied.is_empty() && traced.shown.is_empty() && traced.complaints.is_empty() {
        return;
    }
    core.log.amend(number, |entry| {
        if act == Act::Read {
            entry.targets.extend(traced.shown);
        }
        entry.applied.extend(traced.applied);
        entry.complaints.extend(traced.complaints);
    });
}

/// Someone else changes one of the targets that the request was about.
fn meddle_after(core: &Core, number: u64, pick: u64) {
    let Some(entry) = core.log.after(number - 1, 1).pop() else { return };
    let touched: Vec<_> = match entry.act {
        Act::Read => entry.targets,
        _ => entry.applied.into_iter().map(|a| a.target).collect(),
    };
    if touched.is_empty() {
        return;
    }
    let target = touched[dice::Dice::new(core.seed, pick, 1).below(touched.len())].clone();
    core.meddle(&[target], &Meddling::Another(pick), Some(format!("meddle (after request {number})")));
}

/// A request that is being worked on. However it ends, also when the client goes away and everything is dropped, the
/// log knows.
struct Open {
    core: Arc<Core>,
    number: u64,
    trace: Trace,
    act: Act,
    outcome: Outcome,
}

impl Open {
    fn done(mut self, response: Response) -> Response {
        self.outcome = Outcome::Answered { status: response.status().as_u16() };
        response
    }

    fn refuse(self, status: u16, message: &str) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let response = self.core.sim.error(status, message);
        self.done(response)
    }

    fn garbage(mut self) -> Response {
        const BODIES: [&[u8]; 4] = [
            b"<!doctype html><html><title>Welcome</title><p>It works!</html>",
            b"{\"status\": \"ok\", \"aff",
            b"",
            b"\x1f\x8b\x08\x00\x00\xff\xfe\x1b]0;owned\x07",
        ];
        self.outcome = Outcome::Garbage { status: 200 };
        let body = BODIES[dice::Dice::new(self.core.seed, self.number, 2).below(BODIES.len())];
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// Nothing of this answer is sent: the connection fails at the first write.
    fn cut(mut self, wire: &Wire) -> Response {
        self.outcome = Outcome::Cut;
        wire.0.cancel();
        Response::new(Body::empty())
    }

    /// The head and a part of the body are sent, then the connection fails.
    async fn cut_inside(mut self, response: Response) -> Response {
        self.outcome = Outcome::Cut;
        let (mut parts, body) = response.into_parts();
        let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        // One byte more than there is, so that even an empty answer can be cut inside.
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len() + 1));
        let part = whole.slice(..whole.len() / 2);
        let body = stream::unfold(Some(part), |part| async {
            match part {
                Some(part) => Some((Ok(part), None)),
                None => {
                    // Lets the first part leave before the failure is seen.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
                }
            }
        });
        Response::from_parts(parts, Body::from_stream(body))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        note(&self.core, self.number, &self.trace, self.act);
        let outcome = self.outcome;
        self.core.log.amend(self.number, |e| e.outcome = outcome);
    }
}

/// Accepts connections as [`Line`]s.
struct Door {
    tcp: TcpListener,
    stop: CancellationToken,
    busy: Arc<()>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok((tcp, addr)) => {
                    // Small answers must not wait for the client's delayed acknowledgements.
                    let _ = tcp.set_nodelay(true);
                    return (Line::new(tcp, self.stop.child_token(), Arc::clone(&self.busy)), addr);
                }
                // Out of file descriptors, most likely: some will be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Cuts the connection that a request came on.
#[derive(Clone, Debug)]
struct Wire(CancellationToken);

impl Connected<IncomingStream<'_, Door>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(stream.io().cut.clone())
    }
}

/// A connection that fails, without sending another byte, as soon as it is cut or the simulator ends.
struct Line {
    tcp: TcpStream,
    cut: CancellationToken,
    /// Wakes a connection that only waits for the next request.
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _busy: Arc<()>,
}

impl Line {
    fn new(tcp: TcpStream, cut: CancellationToken, busy: Arc<()>) -> Self {
        Self { tcp, is_cut: Box::pin(cut.clone().cancelled_owned()), cut, _busy: busy }
    }

    fn alive(&self) -> io::Result<()> {
        if self.cut.is_cancelled() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
