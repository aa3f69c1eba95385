use std::sync::Mutex;

use async_trait::async_trait;

use super::testing::{Reply, Server};
use super::*;
use crate::vendor::gate::OpenGate;
use crate::vendor::{Heard, Permit};

fn options(base_url: &str) -> HttpOptions {
    HttpOptions {
        title: "kenbun",
        profile: "sales".into(),
        base_url: base_url.to_owned(),
        timeout: Duration::from_secs(20),
        retries: 2,
        first_pause: Duration::from_millis(1),
        secrets: vec![Secret::from("kbn_pat_hush".to_owned())],
        message_keys: MESSAGE_KEYS,
        roots: Vec::new(),
    }
}

fn http(server: &Server) -> Http {
    Http::new(options(&server.base_url), Arc::new(OpenGate)).unwrap()
}

fn get() -> Call {
    Call::get(&["leads"]).unwrap()
}

fn post() -> Call {
    Call::post(&["leads", "1", "owner"]).unwrap().json(&serde_json::json!({"a": 1})).unwrap()
}

#[tokio::test]
async fn reads_are_repeated_until_they_succeed() {
    let server = Server::start(|_, n| match n {
        0 => Reply::status(503).with("Retry-After", 0),
        1 => Reply::Cut,
        _ => Reply::text(200, "[]"),
    })
    .await;
    let http = http(&server);
    let meter = Arc::default();
    let answer = http.read(&get().counted_by(&meter)).await.unwrap();
    assert_eq!(answer.json().unwrap(), serde_json::json!([]));
    assert_eq!((meter.load(Ordering::Relaxed), http.requests(), server.lines().len()), (3, 3, 3));
    let first = &server.requests()[0];
    assert_eq!(first.headers["user-agent"], concat!("Switchboard/", env!("CARGO_PKG_VERSION")));
    assert_eq!(first.headers["accept"], "application/json");
}

#[tokio::test]
async fn reads_give_up_with_the_last_error() {
    let server = Server::start(|_, _| Reply::text(500, "boom")).await;
    let error = http(&server).read(&get()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Server, Some(500)));
    assert_eq!(error.message, "kenbun (profile sales) failed to handle GET /leads (500): boom");
    assert_eq!(server.lines().len(), 3);

    let server = Server::start(|_, _| Reply::Half { status: 200, body: b"[1,".into() }).await;
    let error = http(&server).read(&get()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Unreachable, Some(200)));
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn a_long_pause_is_handed_on_and_refusals_have_patience() {
    let server = Server::start(|_, _| Reply::status(429).with("Retry-After", 3600)).await;
    let error = http(&server).read(&get()).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (ErrorKind::Wait, Some(Duration::from_secs(3600))));
    assert_eq!(server.lines().len(), 1);

    let server = Server::start(|_, n| if n < 8 { Reply::status(429) } else { Reply::text(200, "[]") }).await;
    assert!(http(&server).read(&get()).await.is_ok());
}

#[tokio::test]
async fn refused_reads_are_not_repeated() {
    for (status, kind) in [
        (301, ErrorKind::Setting),
        (400, ErrorKind::Refused),
        (401, ErrorKind::SignIn),
        (402, ErrorKind::Forbidden),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::NotSupported),
        (409, ErrorKind::Refused),
        (422, ErrorKind::Refused),
        (461, ErrorKind::Refused),
        (501, ErrorKind::NotSupported),
    ] {
        let server = Server::start(move |_, _| {
            Reply::text(status, r#"{"error":"no kbn_pat_hush\u001b[2J"}"#)
                .with("Location", "https://me:pw@evil.example/x?y")
        })
        .await;
        let error = http(&server).read(&get()).await.unwrap_err();
        assert_eq!((error.kind, error.status), (kind, Some(status)), "{error}");
        assert_eq!(server.lines().len(), 1);
        assert!(error.message.contains("kenbun") && error.message.contains("sales"), "{error}");
        assert!(!error.message.contains("hush") && !error.message.contains('\u{1b}'), "{error}");
        assert!(!error.message.contains("pw@"), "{error}");
    }
}

#[tokio::test]
async fn writes_leave_exactly_once() {
    for status in [200, 204, 302, 307, 400, 408, 500, 503] {
        let server = Server::start(move |_, _| Reply::status(status).with("Location", "/elsewhere")).await;
        match http(&server).write(&post()).await {
            Sent::Answer(answer) => assert_eq!(answer.status.as_u16(), status),
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(server.lines(), ["POST /leads/1/owner"]);
    }
    let server = Server::start(|_, _| Reply::status(429).with("Retry-After", 7)).await;
    match http(&server).write(&post()).await {
        Sent::TooMany(error) => assert_eq!(error.retry_after, Some(Duration::from_secs(7))),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn whatever_breaks_after_the_connection_has_an_open_outcome() {
    let cut = Server::start(|_, _| Reply::Cut).await;
    let half = Server::start(|_, _| Reply::Half { status: 200, body: b"{".into() }).await;
    for server in [&cut, &half] {
        let http = http(server);
        match http.write(&post()).await {
            Sent::Lost(error) if error.status == Some(200) => assert_eq!(error.kind, ErrorKind::Unreachable),
            Sent::Late(error) if error.status.is_none() => assert_eq!(error.kind, ErrorKind::Unreachable),
            other => panic!("{other:?}"),
        }
        assert_eq!((server.lines().len(), http.requests()), (1, 1));
    }
    let silent = Server::start(|_, _| Reply::Silence).await;
    let mut options = options(&silent.base_url);
    options.timeout = Duration::from_millis(100);
    match Http::new(options, Arc::new(OpenGate)).unwrap().write(&post()).await {
        Sent::Late(error) => assert!(error.message.contains("did not answer within 0.1 seconds"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(silent.lines().len(), 1);
}

/// A kept connection that the server closes between two requests: the second one goes out on a new connection, once.
#[tokio::test]
async fn a_connection_that_was_closed_while_idle_does_no_harm() {
    let server = Server::start(|_, n| if n % 2 == 1 { Reply::Cut } else { Reply::text(200, "{}") }).await;
    let http = http(&server);
    assert!(matches!(http.write(&post()).await, Sent::Answer(_)));
    // The kept connection is used and cut: the request had left, so its outcome is open and it is not sent again.
    assert!(matches!(http.write(&post()).await, Sent::Late(_)));
    assert_eq!(server.lines().len(), 2);
    assert!(matches!(http.write(&post()).await, Sent::Answer(_)));
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let http = Http::new(options(&base_url), Arc::new(OpenGate)).unwrap();
    match http.write(&post()).await {
        Sent::NotSent(error) => {
            assert_eq!(error.kind, ErrorKind::Unreachable);
            assert!(error.message.contains("127.0.0.1") && error.remedy.contains("base_url"), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(http.requests(), 0);
    let long = "x".repeat(100_000);
    match http.write(&Call::post(&["leads", &long]).unwrap()).await {
        Sent::NotSent(error) => assert!(error.message.len() < 400, "{error}"),
        other => panic!("{other:?}"),
    }
}

/// A server that takes the connection but does not speak TLS: nothing of the request can have left.
#[tokio::test]
async fn a_failed_handshake_sends_nothing() {
    let server = Server::start(|_, _| Reply::Cut).await;
    let https = server.base_url.replace("http://", "https://");
    let Ok(http) = Http::new(options(&https), Arc::new(OpenGate)) else {
        eprintln!("left out: this computer has no root certificates");
        return;
    };
    assert!(matches!(http.write(&post()).await, Sent::NotSent(_)));
}

#[derive(Default)]
struct Watch {
    inside: Arc<AtomicUsize>,
    hot: Mutex<Vec<bool>>,
    heard: Mutex<Vec<Heard>>,
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Gate for Watch {
    async fn enter(&self, hot: bool) -> Permit {
        self.hot.lock().unwrap().push(hot);
        self.inside.fetch_add(1, Ordering::SeqCst);
        Box::new(Inside(self.inside.clone()))
    }

    fn heard(&self, heard: Heard) {
        assert_eq!(self.inside.load(Ordering::SeqCst), 1, "the permit is held until the body is read");
        self.heard.lock().unwrap().push(heard);
    }
}

#[tokio::test]
async fn every_request_passes_the_gate() {
    let server = Server::start(|_, n| {
        let reply = if n == 0 { Reply::status(429).with("Retry-After", 0) } else { Reply::text(200, "{}") };
        reply.with("X-RateLimit-Limit", 100).with("X-RateLimit-Remaining", 99 - n)
    })
    .await;
    let gate = Arc::new(Watch::default());
    let http = Http::new(options(&server.base_url), gate.clone()).unwrap();
    http.read(&get().hot(true)).await.unwrap();
    http.write(&post()).await;
    assert_eq!(*gate.hot.lock().unwrap(), [true, true, false]);
    let heard: Vec<_> = gate.heard.lock().unwrap().iter().map(|heard| (heard.status, heard.remaining)).collect();
    assert_eq!(heard, [(Some(429), Some(99)), (Some(200), Some(98)), (Some(200), Some(97))]);
    assert_eq!(gate.inside.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refusal_may_say_in_its_body_how_long_to_wait() {
    let body = r#"{"error":{"code":"RATE_LIMITED","message":"slow down","retry_after":7}}"#;
    for (reply, seconds) in
        [(Reply::text(429, body), 7), (Reply::text(429, body).with("Retry-After", 3), 3)].map(|(r, s)| (Some(r), s))
    {
        let reply = Mutex::new(reply);
        let server = Server::start(move |_, _| reply.lock().unwrap().take().unwrap()).await;
        let gate = Arc::new(Watch::default());
        let http = Http::new(options(&server.base_url), gate.clone()).unwrap();
        match http.write(&post()).await {
            Sent::TooMany(error) => assert_eq!(error.retry_after, Some(Duration::from_secs(seconds))),
            other => panic!("{other:?}"),
        }
        let heard: Vec<_> = gate.heard.lock().unwrap().iter().map(|heard| heard.retry_after).collect();
        assert_eq!(heard, [Some(Duration::from_secs(seconds))]);
    }
    let server = Server::start(|_, _| Reply::Half { status: 429, body: b"{".into() }).await;
    let gate = Arc::new(Watch::default());
    Http::new(options(&server.base_url), gate.clone()).unwrap().write(&post()).await;
    assert_eq!(gate.heard.lock().unwrap().len(), 1, "a refusal that broke off is one all the same");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_garbled() {
    let server = Server::start(|_, n| match n {
        0..3 => Reply::text(200, "<html><title>Please sign in to the wifi</title>"),
        3..6 => Reply::text(200, ""),
        _ => Reply::Answer { status: 200, headers: Vec::new(), body: vec![b' '; LONGEST_BODY + 1] },
    })
    .await;
    let http = http(&server);
    let error = http.read(&get()).await.unwrap().json().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Garbled);
    assert!(error.message.contains("“Please sign in to the wifi”"), "{error}");
    let error = http.read(&get()).await.unwrap().json().unwrap_err();
    assert!(error.message.ends_with("it answered nothing"), "{error}");
    let error = http.read(&get()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Garbled);
}

#[tokio::test]
async fn a_read_that_was_answered_by_something_else_is_tried_again() {
    for body in ["<html>", "", r#"{"data":[{"id":"#] {
        let server = Server::start(move |_, n| Reply::text(200, if n < 2 { body } else { "[7]" })).await;
        let answer = http(&server).read(&get()).await.unwrap();
        assert_eq!((answer.json().unwrap(), server.lines().len()), (serde_json::json!([7]), 3));
        // A write leaves once, whatever is said to it.
        let server = Server::start(move |_, _| Reply::text(200, body)).await;
        http(&server).write(&post()).await;
        assert_eq!(server.lines().len(), 1);
    }
    let nothing = Server::start(|_, _| Reply::status(204)).await;
    assert!(http(&nothing).read(&get()).await.is_ok());
    assert_eq!(nothing.lines().len(), 1);
}

#[tokio::test]
async fn what_was_stopped_while_it_waited_does_not_leave() {
    let server = Server::start(|_, _| Reply::text(200, "{}")).await;
    let stops = crate::vendor::stops::Stops::default();
    let call = post().unless_stopped(&stops.begin());
    assert!(matches!(http(&server).write(&call).await, Sent::Answer(_)));
    stops.note(&VendorError::new(ErrorKind::SignIn, "refused meanwhile"));
    match http(&server).write(&call).await {
        Sent::NotSent(error) => {
            assert_eq!((error.kind, error.message.as_str()), (ErrorKind::SignIn, "refused meanwhile"))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_secret_that_is_cut_off_is_not_shown_in_part() {
    let body = format!("{} kbn_pat_hush", "x".repeat(190));
    let server = Server::start(move |_, _| Reply::text(400, &body)).await;
    let error = http(&server).read(&get()).await.unwrap_err();
    assert!(error.message.contains("x ‹secret›") && !error.message.contains("kbn"), "{error}");
}

#[test]
fn no_client_for_a_foreign_http_address() {
    let error = Http::new(options("http://api.kenbun.io"), Arc::new(OpenGate)).err().unwrap();
    assert!(error.to_string().contains("sales") && error.to_string().contains("https"), "{error}");
}
