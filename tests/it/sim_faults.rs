//! Every fault does what it says, seen from a plain socket: what is applied, what is answered, where the line is cut.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::sim::log::Outcome;
use switchboard::sim::{self, Act, Holder, SimOptions, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::sims::printed;

/// A kenbun simulator with its unit chosen, and one of its leads.
struct World {
    sim: Simulator,
    token: String,
    lead: String,
    before: Holder,
}

/// Everything that came over the line until it was closed.
struct Heard {
    status: Option<u16>,
    head: String,
    body: String,
}

impl World {
    async fn new(faults: &[&str]) -> Self {
        let options = SimOptions {
            leads: 50,
            switches: vec![("initial_ou".to_owned(), "default".to_owned())],
            ..SimOptions::default()
        };
        let sim = sim::start("kenbun", options).await.unwrap();
        sim.set_faults(faults).unwrap();
        let token = printed(&sim.profile["token"]);
        let (lead, before) = sim.holders().swap_remove(7);
        Self { token, lead: lead.to_string(), before, sim }
    }

    fn addr(&self) -> SocketAddr {
        self.sim.base_url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        )
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Heard {
        let mut line = TcpStream::connect(self.addr()).await.unwrap();
        line.write_all(self.request(method, path, body).as_bytes()).await.unwrap();
        hear(&mut line).await
    }

    async fn assign(&self) -> Heard {
        let body = json!({"owner_id": "mem_1", "owner_name": "One"}).to_string();
        self.send("POST", &format!("/leads/{}/owner", self.lead), &body).await
    }

    async fn read(&self) -> Heard {
        self.send("GET", &format!("/lead/{}", self.lead), "").await
    }

    fn now(&self) -> Holder {
        self.sim.holder(&self.lead).unwrap()
    }

    fn is_applied(&self) -> bool {
        let entries = self.sim.log().all();
        let logged = entries.iter().any(|e| e.act == Act::Write && !e.applied.is_empty());
        let stored = self.now() == Holder::owner("mem_1", "One");
        assert_eq!(logged, stored, "the log and the state agree");
        assert!(stored || self.now() == self.before);
        stored
    }

    fn outcome(&self) -> Outcome {
        self.sim.log().all().pop().unwrap().outcome
    }
}

/// Reads to the end, however it ends.
async fn hear(line: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    let _ = line.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|h| h.get(..3)).and_then(|s| s.parse().ok());
    Heard { status, head: head.to_lowercase(), body: body.to_owned() }
}

#[tokio::test]
async fn without_faults_it_is_applied_and_answered() {
    let world = World::new(&[]).await;
    let heard = world.assign().await;
    assert_eq!((heard.status, world.is_applied()), (Some(200), true));
    assert_eq!(heard.body, r#"{"status":"ok","message":"owner assigned"}"#);
    assert_eq!(world.outcome(), Outcome::Answered { status: 200 });
}

#[tokio::test]
async fn an_error_before_is_not_applied_and_one_after_is() {
    let world = World::new(&["error_before=100%:status=503"]).await;
    assert_eq!((world.assign().await.status, world.is_applied()), (Some(503), false));
    assert_eq!(world.read().await.status, Some(503));
    world.sim.set_faults(&["error_after=100%:status=502"]).unwrap();
    assert_eq!((world.assign().await.status, world.is_applied()), (Some(502), true));
    assert_eq!(world.read().await.status, Some(200), "for writes alone, unless asked otherwise");
}

#[tokio::test]
async fn a_cut_line_carries_no_answer_at_all() {
    let world = World::new(&["cut_before=100%"]).await;
    let heard = world.assign().await;
    assert_eq!((heard.head.as_str(), heard.body.as_str(), world.is_applied()), ("", "", false));
    assert_eq!(world.outcome(), Outcome::Cut);
    assert_eq!(world.read().await.head, "");
    world.sim.set_faults(&["cut_after=100%"]).unwrap();
    let heard = world.assign().await;
    assert_eq!((heard.head.as_str(), heard.body.as_str(), world.is_applied()), ("", "", true));
    assert_eq!(world.read().await.status, Some(200));
    let entry = &world.sim.log().all()[2];
    assert_eq!((&entry.faults, entry.outcome), (&vec!["cut_after=100%".to_owned()], Outcome::Cut));
    assert_eq!(entry.targets[0].to_string(), world.lead);
}

#[tokio::test]
async fn a_line_cut_inside_ends_in_the_middle_of_the_body() {
    let world = World::new(&["cut_inside=100%:all"]).await;
    let heard = world.assign().await;
    assert_eq!((heard.status, world.is_applied()), (Some(200), true));
    let length: usize =
        heard.head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap();
    assert!(!heard.body.is_empty() && heard.body.len() < length, "{} of {length}", heard.body.len());
    assert_eq!(world.outcome(), Outcome::Cut);
}

#[tokio::test]
async fn garbage_is_a_success_that_is_no_json() {
    let world = World::new(&["garbage=100%"]).await;
    let mut bodies = std::collections::HashSet::new();
    for _ in 0..30 {
        let heard = world.assign().await;
        assert_eq!(heard.status, Some(200));
        assert!(serde_json::from_str::<Value>(&heard.body).is_err(), "{:?}", heard.body);
        bodies.insert(heard.body);
    }
    assert!(world.is_applied() && bodies.len() > 2);
    assert_eq!(world.outcome(), Outcome::Garbage { status: 200 });
}

#[tokio::test]
async fn refusals_have_a_retry_after_and_apply_nothing() {
    let world = World::new(&["rate_limit=100%"]).await;
    let heard = world.assign().await;
    assert_eq!((heard.status, world.is_applied()), (Some(429), false));
    assert!(heard.head.contains("retry-after: 1"), "{}", heard.head);
    assert!(heard.body.contains("too many requests"));

    world.sim.set_faults(&["rate_limit=2/min"]).unwrap();
    assert_eq!(world.read().await.status, Some(200));
    assert_eq!(world.read().await.status, Some(200));
    let heard = world.read().await;
    assert_eq!(heard.status, Some(429));
    let wait: u64 = heard.head.lines().find_map(|l| l.strip_prefix("retry-after: ")).unwrap().trim().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn credentials_can_stop_working_in_the_middle() {
    let world = World::new(&["unauthorized_after=3"]).await;
    assert_eq!(world.read().await.status, Some(200));
    assert_eq!(world.read().await.status, Some(200));
    assert_eq!((world.assign().await.status, world.is_applied()), (Some(401), false));
    assert_eq!(world.read().await.status, Some(401));
}

#[tokio::test]
async fn someone_else_changes_what_was_just_written_or_read() {
    let world = World::new(&["meddle=100%"]).await;
    let heard = world.assign().await;
    assert_eq!(heard.status, Some(200));
    assert_ne!(world.now(), Holder::owner("mem_1", "One"));
    let entries = world.sim.log().all();
    assert_eq!((entries[0].act, entries[1].act), (Act::Write, Act::Meddling));
    assert_eq!(*entries[0].applied[0].after, Holder::owner("mem_1", "One"));
    assert_eq!(*entries[1].applied[0].before, Holder::owner("mem_1", "One"));
    assert_eq!(*entries[1].applied[0].after, world.now());
    assert_eq!(entries[1].number, 2);

    world.sim.set_faults(&["meddle=100%:read"]).unwrap();
    let shown: Value = serde_json::from_str(&world.read().await.body).unwrap();
    let (was, now) = (entries[1].applied[0].after.clone(), world.now());
    assert_eq!(shown["owner_name"].as_str(), was.name());
    assert_ne!(now.name(), was.name(), "changed right after it was read");
}

#[tokio::test]
async fn a_late_request_is_applied_after_the_line_was_cut() {
    let world = World::new(&["late=300ms"]).await;
    assert_eq!(world.assign().await.head, "");
    assert!(!world.is_applied());
    world.sim.idle().await.unwrap();
    assert!(world.is_applied());
    assert_eq!(world.outcome(), Outcome::Cut);
}

#[tokio::test]
async fn latency_holds_up_the_work_or_the_answer() {
    let world = World::new(&["latency=150..200ms"]).await;
    let start = std::time::Instant::now();
    assert_eq!(world.assign().await.status, Some(200));
    assert!(start.elapsed() >= Duration::from_millis(150));

    for (fault, applied) in [("latency=1h", false), ("latency_after=1h", true)] {
        let fault = fault.replace("1h", "3600s");
        let world = World::new(&[&fault]).await;
        let mut line = TcpStream::connect(world.addr()).await.unwrap();
        let body = json!({"owner_id": "mem_1", "owner_name": "One"}).to_string();
        let request = world.request("POST", &format!("/leads/{}/owner", world.lead), &body);
        line.write_all(request.as_bytes()).await.unwrap();
        while world.sim.log().last() < 1 || world.is_applied() != applied {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(world.outcome(), Outcome::Running);
        // The client loses patience: the log says so.
        drop(line);
        while world.outcome() != Outcome::Abandoned {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(world.is_applied(), applied, "{fault}");
    }
}

#[tokio::test]
async fn a_cut_only_hurts_its_own_connection() {
    let world = World::new(&["cut_after=100%:times=1"]).await;
    let mut idle = TcpStream::connect(world.addr()).await.unwrap();
    let keep = world.request("GET", "/org-units", "").replace("connection: close\r\n", "");
    idle.write_all(keep.as_bytes()).await.unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    assert_eq!(world.assign().await.head, "");
    idle.write_all(world.request("GET", "/org-units", "").as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("HTTP/1.1 200 OK"), "the second answer on the old line");
}

/// Not a fault of the simulator, but what its log is for: a library that repeats a write by itself would show here.
#[tokio::test]
async fn the_http_library_repeats_nothing_after_a_cut() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::new(&["cut_after=20%", "cut_before=10%"]).await;
    let http = reqwest::Client::new();
    let url = format!("{}/leads/{}/owner", world.sim.base_url, world.lead);
    let mut cut = 0;
    for _ in 0..200 {
        let request = http.post(&url).bearer_auth(&world.token).body(r#"{"owner_id":"mem_1","owner_name":"One"}"#);
        cut += usize::from(request.send().await.is_err());
    }
    assert_eq!(world.sim.log().last(), 200);
    assert_eq!(world.sim.log().all().iter().filter(|e| e.outcome == Outcome::Cut).count(), cut);
    assert!(cut > 30);
}

#[tokio::test]
async fn blind_repeats_are_told_from_careful_ones() {
    let world = World::new(&["cut_after=100%:times=2"]).await;
    world.assign().await;
    world.read().await;
    world.assign().await;
    assert_eq!(world.sim.log().blind_repeats(), []);
    world.assign().await;
    let found = world.sim.log().blind_repeats();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].first, found[0].again), (3, 4));
}

#[tokio::test]
async fn the_control_pages_show_and_change_the_simulator() {
    let world = World::new(&[]).await;
    let page = async |method: &str, path: &str, body: &str| {
        let heard = world.send(method, path, body).await;
        (heard.status, serde_json::from_str(&heard.body).unwrap_or(Value::String(heard.body)))
    };
    world.assign().await;
    world.read().await;

    let (_, about) = page("GET", "/_sim", "").await;
    assert_eq!(
        (&about["vendor"], &about["last"], &about["switches"]["affected"]),
        (&json!("kenbun"), &json!(2), &json!("matched"))
    );
    assert_eq!(about["profile"]["org_unit"], "unit_default");

    let (_, log) = page("GET", "/_sim/log?after=1&limit=5", "").await;
    assert_eq!((&log["last"], log["entries"].as_array().unwrap().len()), (&json!(2), 1));
    let (_, log) = page("GET", "/_sim/log", "").await;
    let entry = &log["entries"][0];
    assert_eq!(
        (&entry["number"], &entry["act"], &entry["outcome"], &entry["status"]),
        (&json!(1), &json!("write"), &json!("answered"), &json!(200))
    );
    assert_eq!(entry["applied"][0]["after"], json!({"id": "mem_1", "name": "One"}));

    let (_, state) = page("GET", &format!("/_sim/state?ids={},nobody", world.lead), "").await;
    assert_eq!(state["holders"], json!({ &world.lead: {"id": "mem_1", "name": "One"} }));
    let (_, state) = page("GET", "/_sim/state", "").await;
    assert_eq!(state["count"], 56);
    assert_eq!(page("GET", "/_sim/blind", "").await.1, json!({"blind": []}));
    assert_eq!(page("GET", "/_sim/complaints", "").await.1, json!({"complaints": []}));
    assert_eq!(world.sim.log().last(), 2, "control requests are not logged");
}

#[tokio::test]
async fn everything_ends_when_the_simulator_is_dropped() {
    let world = World::new(&["latency=3600s:read"]).await;
    let addr = world.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    let mut waiting = TcpStream::connect(addr).await.unwrap();
    waiting.write_all(world.request("GET", "/org-units", "").as_bytes()).await.unwrap();
    while world.sim.log().last() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(world);
    assert_eq!(hear(&mut idle).await.head, "");
    assert_eq!(hear(&mut waiting).await.head, "");
    while TcpStream::connect(addr).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn wrong_options_say_what_exists() {
    let start = async |vendor: &str, change: fn(&mut SimOptions)| {
        let mut options = SimOptions { leads: 10, ..SimOptions::default() };
        change(&mut options);
        sim::start(vendor, options).await.err().unwrap()
    };
    assert!(start("hubspot", |_| ()).await.contains("kenbun"));
    assert!(start("kenbun", |o| o.faults.push("explode=2%".into())).await.contains("cut_after=CHANCE"));
    assert!(start("kenbun", |o| o.switches.push(("mood".into(), "bad".into()))).await.contains("max_limit=1..10000"));
    assert!(start("kenbun", |o| o.addr = ([0, 0, 0, 0], 0).into()).await.contains("not a loopback address"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = SimOptions { addr: taken.local_addr().unwrap(), ..SimOptions::default() };
    assert!(sim::start("kenbun", options).await.err().unwrap().contains("cannot be served"));
}
