//! The StateSet simulator, driven with plain requests and held against the contract.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard::sim::vendor::Holder;
use switchboard::sim::{SimOptions, Simulator};

use super::sims::{printed, start};

struct World {
    sim: Simulator,
    http: reqwest::Client,
    key: String,
}

impl World {
    async fn new(switches: &[(&str, &str)]) -> Self {
        let options = SimOptions { leads: 250, owners: 8, ..SimOptions::default() };
        let sim = start("stateset", options, &[&[("rate_limit", "off")], switches].concat()).await;
        let key = printed(&sim.profile["token"]);
        Self { sim, http: reqwest::Client::new(), key }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.sim.base_url));
        request = request.header("authorization", format!("Bearer {}", self.key));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn lead(&self) -> Value {
        self.get("/leads?limit=1").await["leads"][0].clone()
    }
}

#[tokio::test]
async fn the_list_is_paged_by_offset_to_its_end() {
    let world = World::new(&[]).await;
    assert!(world.sim.base_url.ends_with("/v1"));
    let mut ids = Vec::new();
    loop {
        let page = world.get(&format!("/leads?limit=100&offset={}&order_direction=desc", ids.len())).await;
        assert_eq!(page["total_count"], 250);
        ids.extend(page["leads"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(ids.len(), 250);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 250);
    assert_eq!(world.get("/leads").await["leads"].as_array().unwrap().len(), 20, "the default page");
    assert_eq!(world.get("/leads?limit=500").await["leads"].as_array().unwrap().len(), 100, "clamped");
}

#[tokio::test]
async fn cursors_and_envelopes_are_switches() {
    let world = World::new(&[("paging", "cursor"), ("envelope", "success_data")]).await;
    let first = world.get("/leads?limit=100").await;
    assert_eq!(first["success"], true);
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/leads?limit=100&cursor={cursor}")).await;
    assert_ne!(first["data"]["leads"][0]["id"], second["data"]["leads"][0]["id"]);
    world.sim.switch("envelope", "array").unwrap();
    assert!(world.get("/leads").await.is_array());
    world.sim.switch("leads_enabled", "off").unwrap();
    assert_eq!(world.ask(Method::GET, "/leads", None).await.0, 404);
}

#[tokio::test]
async fn put_changes_the_owner_and_nothing_else() {
    let world = World::new(&[]).await;
    let before = world.lead().await;
    let id = before["id"].as_str().unwrap();
    let (status, after) = world.ask(Method::PUT, &format!("/leads/{id}"), Some(json!({"owner": "Jane Doe"}))).await;
    assert_eq!((status, &after["owner"]), (200, &json!("Jane Doe")));
    assert_eq!(after["email"], before["email"]);
    let named = Holder::Owner { id: None, name: Some("Jane Doe".to_owned()) };
    assert_eq!(world.sim.holder(id), Some(named));
    for blank in [json!(null), json!("")] {
        world.ask(Method::PUT, &format!("/leads/{id}"), Some(json!({"owner": blank}))).await;
        assert_eq!(world.get(&format!("/leads/{id}")).await["owner"], blank);
        assert_eq!(world.sim.holder(id), Some(Holder::Nobody));
    }
    assert_eq!(world.ask(Method::PUT, "/leads/nope", Some(json!({"owner": "x"}))).await.0, 404);
    assert!(world.sim.log().complaints().is_empty());
}

#[tokio::test]
async fn a_replacing_put_loses_what_it_does_not_name() {
    let world = World::new(&[("put", "replace")]).await;
    let before = world.lead().await;
    let id = before["id"].as_str().unwrap();
    let (_, after) = world.ask(Method::PUT, &format!("/leads/{id}"), Some(json!({"owner": "Jane"}))).await;
    assert_eq!((&after["owner"], &after["email"]), (&json!("Jane"), &Value::Null));
}

#[tokio::test]
async fn every_error_shape_says_the_same() {
    let world = World::new(&[]).await;
    let places = ["/error/message", "/error/message", "/error/message", "/message", "/message", "/detail"];
    for (shape, place) in (1..).zip(places) {
        world.sim.switch("error_shape", &format!("{shape}")).unwrap();
        let (status, body) = world.ask(Method::GET, "/leads/nope", None).await;
        assert_eq!(status, 404);
        assert_eq!(body.pointer(place), Some(&json!("The requested resource was not found")), "shape {shape}: {body}");
    }
}

#[tokio::test]
async fn a_repeated_idempotency_key_changes_nothing() {
    let world = World::new(&[]).await;
    let id = world.lead().await["id"].as_str().unwrap().to_owned();
    let put = async |owner: &str, key: &str| {
        let url = format!("{}/leads/{id}", world.sim.base_url);
        let request = world.http.put(url).bearer_auth(&world.key).header("idempotency-key", key);
        request.json(&json!({"owner": owner})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("A", "k1").await, 200);
    assert_eq!(put("B", "k2").await, 200);
    assert_eq!(put("A", "k1").await, 200);
    assert_eq!(world.sim.holder(&id).unwrap().name(), Some("B"));
    assert_eq!(put("C", "k1").await, 409);
    assert_eq!(world.sim.log().complaints().len(), 1);
}

#[tokio::test]
async fn the_rate_limit_tells_itself_in_headers() {
    let world = World::new(&[("rate_limit", "3/min")]).await;
    let mut last = None;
    for _ in 0..4 {
        let request = world.http.get(format!("{}/users", world.sim.base_url)).bearer_auth(&world.key);
        last = Some(request.send().await.unwrap());
    }
    let last = last.unwrap();
    assert_eq!(last.status().as_u16(), 429);
    assert_eq!(last.headers()["x-ratelimit-limit"], "3");
    assert!(last.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn both_bulk_conventions_answer_in_their_own_way() {
    let world = World::new(&[]).await;
    let id = world.lead().await["id"].as_str().unwrap().to_owned();
    let updates = json!({"updates": [{"id": id, "owner": "Jane"}, {"id": "nope", "owner": "Jane"}]});
    assert_eq!(world.ask(Method::POST, "/leads/bulk-update", Some(updates.clone())).await.0, 404, "off by default");
    world.sim.switch("bulk_update", "on").unwrap();
    let (_, body) = world.ask(Method::POST, "/leads/bulk-update", Some(updates)).await;
    assert_eq!(body["summary"], json!({"total": 2, "successful": 1, "failed": 1}));
    world.sim.switch("sdk_bulk", "on").unwrap();
    let updates = json!({"updates": [{"id": id, "data": {"owner": "Bob"}}]});
    assert_eq!(world.ask(Method::PUT, "/leads/bulk", Some(updates)).await.0, 200);
    assert_eq!(world.sim.holder(&id).unwrap().name(), Some("Bob"));
}

#[tokio::test]
async fn leads_can_be_created_and_are_then_there() {
    let world = World::new(&[]).await;
    let new = json!({"firstName": "Ada", "lastName": "Byron", "email": "ada@example.org"});
    let (status, lead) = world.ask(Method::POST, "/leads", Some(new.clone())).await;
    assert_eq!(status, 201);
    let id = lead["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/leads/{id}")).await["email"], "ada@example.org");
    assert_eq!(world.ask(Method::POST, "/leads", Some(new)).await.0, 409);
    assert_eq!(world.ask(Method::POST, "/leads", Some(json!({"firstName": "Ada"}))).await.0, 422);
}
