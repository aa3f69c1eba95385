//! The kenbun simulator against the contract, by raw requests.

use std::collections::HashSet;

use serde_json::{Value, json};
use switchboard::sim::{self, Holder, Meddling, SimOptions, Simulator};

use super::sims::{Reply, printed, reply};

/// A simulator and a client that says nothing but what it is told.
struct Kenbun {
    sim: Simulator,
    http: reqwest::Client,
    token: String,
}

impl Kenbun {
    async fn start(leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Self {
        // The first one to install it wins; all install the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = SimOptions {
            leads,
            faults: faults.iter().map(ToString::to_string).collect(),
            switches: switches.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
            ..SimOptions::default()
        };
        let sim = sim::start("kenbun", options).await.unwrap();
        let token = printed(&sim.profile["token"]);
        Self { sim, http: reqwest::Client::new(), token }
    }

    /// With the unit chosen.
    async fn ready(leads: usize, switches: &[(&str, &str)]) -> Self {
        let kenbun = Self::start(leads, switches, &[]).await;
        kenbun.choose("unit_default").await;
        kenbun
    }

    async fn choose(&self, unit: &str) -> Reply {
        self.post("/org-units/active", json!({"ouId": unit})).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.sim.base_url);
        self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Reply {
        reply(self.request("GET", path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        reply(self.request("POST", path).json(&body)).await
    }

    /// The ids of the first page.
    async fn ids(&self, limit: usize) -> Vec<String> {
        let (status, page) = self.get(&format!("/leads?page=1&limit={limit}")).await;
        assert_eq!(status, 200, "{page}");
        page["leads"].as_array().unwrap().iter().map(|l| l["lead_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn control(&self, path: &str, body: Value) -> Reply {
        reply(self.http.post(format!("{}/_sim/{path}", self.sim.base_url)).json(&body)).await
    }
}

mod access {
    use super::*;

    #[tokio::test]
    async fn bearer_basic_and_browser_credentials_are_let_in_and_others_not() {
        let kenbun = Kenbun::start(50, &[], &[]).await;
        assert_eq!(kenbun.get("/org-units").await.0, 200);
        let others = kenbun.sim.other_profiles();
        let names: Vec<_> = others.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["colleague", "viewer", "browser", "service"]);
        for (name, profile) in &others {
            assert_eq!(profile["base_url"], kenbun.sim.base_url.as_str());
            let request = kenbun.http.get(format!("{}/org-units", kenbun.sim.base_url));
            let request = match profile.get("token") {
                Some(token) => request.bearer_auth(printed(token)),
                None => request.basic_auth(printed(&profile["client_id"]), Some(printed(&profile["client_secret"]))),
            };
            assert_eq!(reply(request).await.0, 200, "{name}");
        }
        let url = format!("{}/org-units", kenbun.sim.base_url);
        for wrong in ["", "Bearer", "Bearer kbn_pat_wrong", "Basic !!!", "Basic eDp5", "kbn_pat_x"] {
            let answer = reply(kenbun.http.get(&url).header("authorization", wrong)).await;
            assert_eq!(answer, (401, json!({"error": "missing or invalid credentials"})), "{wrong}");
        }
        assert_eq!(reply(kenbun.http.get(&url)).await.0, 401);
    }

    #[tokio::test]
    async fn lead_calls_are_about_the_active_unit_of_the_credential() {
        let kenbun = Kenbun::start(200, &[], &[]).await;
        let answer = kenbun.get("/leads?page=1&limit=5").await;
        assert_eq!(answer, (400, json!({"error": "No active Organizational Unit"})));

        let (_, units) = kenbun.get("/org-units").await;
        let units: Vec<_> = units.as_array().unwrap().iter().map(|u| u["unit_id"].as_str().unwrap()).collect();
        assert_eq!(units, ["unit_default", "unit_nordics", "unit_partners"]);
        assert_eq!(kenbun.choose("unit_nowhere").await.0, 404);
        assert_eq!(kenbun.post("/org-units/active", json!({"unit_id": "unit_default"})).await.0, 400);

        assert_eq!(kenbun.choose("unit_default").await, (200, json!({"status": "ok"})));
        let (_, page) = kenbun.get("/leads?page=1&limit=5").await;
        assert_eq!(page["total"], 200);
        let in_default = page["leads"][0]["lead_id"].as_str().unwrap().to_owned();
        assert_eq!(kenbun.get(&format!("/lead/{in_default}")).await.0, 200);

        kenbun.choose("unit_nordics").await;
        let (_, page) = kenbun.get("/leads?page=1&limit=5").await;
        assert_eq!(page["total"], 4);
        assert_eq!(kenbun.get(&format!("/lead/{in_default}")).await.0, 404);
        assert_eq!(kenbun.post(&format!("/leads/{in_default}/owner"), json!({"owner_id": "x"})).await.0, 404);

        // Another credential has its own.
        let colleague = printed(&kenbun.sim.other_profiles()[0].1["token"]);
        let request = kenbun.http.get(format!("{}/leads?page=1&limit=5", kenbun.sim.base_url)).bearer_auth(colleague);
        assert_eq!(reply(request).await.0, 400);
    }

    #[tokio::test]
    async fn a_service_account_has_its_unit_and_no_other() {
        let kenbun = Kenbun::start(50, &[], &[]).await;
        let profile = &kenbun.sim.other_profiles()[3].1;
        let (user, password) = (printed(&profile["client_id"]), printed(&profile["client_secret"]));
        let plain =
            |path: &str| kenbun.http.get(format!("{}{path}", kenbun.sim.base_url)).basic_auth(&user, Some(&password));
        assert_eq!(reply(plain("/leads?page=1&limit=5")).await.0, 200);
        let choose = kenbun.http.post(format!("{}/org-units/active", kenbun.sim.base_url));
        let choose = choose.basic_auth(&user, Some(&password)).json(&json!({"ouId": "unit_nordics"}));
        assert_eq!(reply(choose).await.0, 404);
    }

    #[tokio::test]
    async fn switches_decide_about_missing_units_drift_and_roles() {
        let open = Kenbun::start(50, &[("require_active_ou", "off")], &[]).await;
        assert_eq!(open.get("/leads?page=1&limit=5").await.1["total"], 50);

        let chosen = Kenbun::start(50, &[("initial_ou", "default")], &[]).await;
        assert_eq!(chosen.get("/leads?page=1&limit=5").await.1["total"], 50);

        let drifting = Kenbun::ready(50, &[("ou_drift", "3")]).await;
        assert_eq!(drifting.get("/leads?page=1&limit=5").await.1["total"], 50);
        assert_eq!(drifting.get("/leads?page=1&limit=5").await.1["total"], 3);

        let viewer = Kenbun::ready(50, &[("role", "viewer")]).await;
        let id = viewer.ids(1).await.remove(0);
        let body = json!({"owner_id": "mem_x", "owner_name": "X"});
        assert_eq!(viewer.post(&format!("/leads/{id}/owner"), body.clone()).await.0, 403);
        viewer.sim.switch("viewer_403", "off").unwrap();
        assert_eq!(viewer.post(&format!("/leads/{id}/owner"), body).await.0, 200);
    }

    #[tokio::test]
    async fn errors_have_the_body_that_was_chosen() {
        let kenbun = Kenbun::start(10, &[("error_body", "text")], &[]).await;
        assert_eq!(kenbun.get("/leads?page=1&limit=5").await, (400, json!("No active Organizational Unit\n")));
        kenbun.sim.switch("error_body", "empty").unwrap();
        assert_eq!(kenbun.get("/leads?page=1&limit=5").await, (400, json!("")));
        assert_eq!(kenbun.get("/nowhere").await.0, 404);
    }

    #[tokio::test]
    async fn the_rate_is_limited_when_asked_for() {
        let kenbun = Kenbun::start(10, &[("rate_limit", "3/h")], &[]).await;
        for _ in 0..3 {
            assert_eq!(kenbun.get("/org-units").await.0, 200);
        }
        let refused = kenbun.request("GET", "/org-units").send().await.unwrap();
        assert_eq!(refused.status(), 429);
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3_590..=3_600).contains(&wait), "{wait}");
    }
}

mod reading {
    use super::*;

    #[tokio::test]
    async fn all_pages_together_are_all_leads_once() {
        let kenbun = Kenbun::ready(250, &[]).await;
        let mut seen = HashSet::new();
        let mut newest = jiff::Timestamp::MAX;
        for page in 1..=3 {
            let (_, answer) = kenbun.get(&format!("/leads?page={page}&limit=100")).await;
            assert_eq!((&answer["total"], &answer["page"], &answer["limit"]), (&json!(250), &json!(page), &json!(100)));
            for lead in answer["leads"].as_array().unwrap() {
                assert!(seen.insert(lead["lead_id"].as_str().unwrap().to_owned()));
                let at = lead["created_at"].as_str().unwrap();
                assert!(at.ends_with('Z'), "UTC");
                let at: jiff::Timestamp = at.parse().unwrap();
                assert!(at <= newest, "newest first");
                newest = at;
            }
        }
        assert_eq!(seen.len(), 250);
        assert_eq!(kenbun.get("/leads?page=4&limit=100").await.1["leads"], json!([]));
        assert_eq!(kenbun.get("/leads?page=99999999999999&limit=100").await.1["leads"], json!([]));
    }

    #[tokio::test]
    async fn rows_have_the_documented_fields_and_no_name() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let (_, page) = kenbun.get("/leads?page=1&limit=1").await;
        let keys: Vec<_> = page["leads"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "lead_id",
                "org_id",
                "score",
                "last_event_at",
                "created_at",
                "updated_at",
                "owner_name",
                "ruleset_id",
                "engagement_scores",
                "profile_scores",
                "ruleset_names",
                "engagement_primary_ruleset_name",
                "profile_primary_ruleset_name",
            ]
        );
        let id = page["leads"][0]["lead_id"].as_str().unwrap();
        let (_, detail) = kenbun.get(&format!("/lead/{id}")).await;
        assert_eq!(kenbun.get(&format!("/leads/{id}")).await.1, detail);
        let keys: Vec<_> = detail.as_object().unwrap().keys().map(String::as_str).collect();
        let expected =
            ["lead_id", "org_id", "score", "last_event_at", "created_at", "updated_at", "owner_name", "metadata"];
        assert_eq!(keys, expected);
        assert!(detail["metadata"]["first_name"].is_string() && detail["metadata"]["last_name"].is_string());
        assert_eq!(kenbun.get("/lead/nobody").await, (404, json!({"error": "lead not found"})));
    }

    #[tokio::test]
    async fn paging_follows_its_switches_and_refuses_nonsense() {
        let kenbun = Kenbun::ready(500, &[("max_limit", "200")]).await;
        let (_, page) = kenbun.get("/leads?page=1&limit=1000").await;
        assert_eq!((page["limit"].as_u64(), page["leads"].as_array().unwrap().len()), (Some(200), 200));
        kenbun.sim.switch("over_limit", "reject").unwrap();
        assert_eq!(kenbun.get("/leads?page=1&limit=1000").await.0, 400);

        let (_, bare) = kenbun.get("/leads").await;
        assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), ["leads"]);
        assert_eq!(bare["leads"].as_array().unwrap().len(), 25);
        assert_eq!(kenbun.get("/leads?page=2").await.1["limit"], 25);
        for wrong in
            ["page=0&limit=5", "page=1&limit=0", "page=x&limit=5", "page=1&limit=-1", "page=1&limit=5&min_score=a"]
        {
            assert_eq!(kenbun.get(&format!("/leads?{wrong}")).await.0, 400, "{wrong}");
        }
        for wrong in ["range=ever", "last_active=1d"] {
            assert_eq!(kenbun.get(&format!("/leads?page=1&limit=5&{wrong}")).await.0, 400, "{wrong}");
        }
        assert_eq!(kenbun.sim.log().complaints().len(), 2, "for the two requests without page and limit");
    }

    #[tokio::test]
    async fn filters_narrow_the_list() {
        let kenbun = Kenbun::ready(3_000, &[]).await;
        let total = async |query: &str| {
            let (status, page) = kenbun.get(&format!("/leads?page=1&limit=100&{query}")).await;
            assert_eq!(status, 200, "{page}");
            (page["total"].as_u64().unwrap(), page["leads"].as_array().unwrap().clone())
        };
        let (high, leads) = total("min_score=50").await;
        assert!(leads.iter().all(|l| l["score"].as_u64().unwrap() >= 50));
        let (low, leads) = total("max_score=49").await;
        assert!(leads.iter().all(|l| l["score"].as_u64().unwrap() <= 49));
        assert_eq!(high + low, 3_000);
        let mut events = 0;
        for event in ["page_view", "email_open", "email_click", "form_submit", "webinar_attended", "demo_request"] {
            events += total(&format!("event_type={event}")).await.0;
        }
        assert_eq!(events, 3_000);
        let ranges = ["today", "last_7d", "last_30d", "last_90d"].map(|r| format!("range={r}"));
        let mut last = 0;
        for range in &ranges {
            let (count, _) = total(range).await;
            assert!(count >= last && count < 3_000, "{range}");
            last = count;
        }
        assert!(total("last_active=7d").await.0 < total("last_active=30d").await.0);
        assert!(total("range=yesterday").await.0 < total("range=last_7d").await.0);
        assert!(total("range=last_30d&min_score=50").await.0 < total("range=last_30d").await.0);
    }

    #[tokio::test]
    async fn members_are_a_bare_array_with_two_of_one_name() {
        let kenbun = Kenbun::start(50, &[], &[]).await;
        let (_, members) = kenbun.get("/members").await;
        let members = members.as_array().unwrap();
        assert_eq!(members.len(), 24);
        let names: Vec<_> = members.iter().map(|m| (m["first_name"].as_str(), m["last_name"].as_str())).collect();
        assert_eq!(names.iter().filter(|n| **n == (Some("Anna"), Some("Schmidt"))).count(), 2);
        let ids: HashSet<_> = members.iter().map(|m| m["org_member_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 24);
        assert!(members.iter().all(|m| m.get("user_id").is_none() && m["ou_memberships"].is_array()));
        kenbun.sim.switch("member_ids", "user_id").unwrap();
        let (_, members) = kenbun.get("/members").await;
        assert!(members[0]["user_id"].as_str().unwrap().starts_with("user_"));
    }

    #[tokio::test]
    async fn a_lead_is_found_by_its_address() {
        let kenbun = Kenbun::ready(300, &[]).await;
        let mut found = false;
        for id in kenbun.ids(100).await {
            let (_, detail) = kenbun.get(&format!("/lead/{id}")).await;
            let Some(email) = detail["metadata"]["email"].as_str() else { continue };
            let (status, alias) = kenbun.get(&format!("/lead/by-alias?kind=email&value={email}")).await;
            assert_eq!(status, 200);
            assert_eq!((&alias["email"], &alias["metadata"]), (&json!(email), &alias["metadata"]));
            found |= alias["lead_id"] == id.as_str();
        }
        assert!(found);
        assert_eq!(kenbun.get("/lead/by-alias?kind=email").await.0, 400);
        assert_eq!(kenbun.get("/lead/by-alias?value=nobody@nowhere.example").await.0, 404);
        assert_eq!(kenbun.get("/lead/by-alias?kind=phone&value=1").await.0, 404);
    }

    #[tokio::test]
    async fn optional_fields_come_when_switched_on() {
        let kenbun = Kenbun::ready(100, &[("expose_owner_id", "on"), ("row_metadata", "on")]).await;
        let (_, page) = kenbun.get("/leads?page=1&limit=100").await;
        let rows = page["leads"].as_array().unwrap();
        assert!(rows.iter().all(|r| r["metadata"]["first_name"].is_string() && r.get("owner_id").is_some()));
        assert!(rows.iter().all(|r| r["owner_id"].is_null() == r["owner_name"].is_null()));
        for (how, shown) in [("null", Some(Value::Null)), ("absent", None), ("empty", Some(json!("")))] {
            kenbun.sim.switch("unassigned_as", how).unwrap();
            let (_, page) = kenbun.get("/leads?page=1&limit=100").await;
            let unowned: Vec<_> =
                page["leads"].as_array().unwrap().iter().filter(|r| r["owner_id"].is_null()).collect();
            assert!(!unowned.is_empty() && unowned.iter().all(|r| r.get("owner_name") == shown.as_ref()), "{how}");
        }
    }

    #[tokio::test]
    async fn ids_may_look_like_anything() {
        for kind in ["mixed", "odd"] {
            let kenbun = Kenbun::ready(60, &[("ids", kind)]).await;
            let ids = kenbun.ids(60).await;
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 60);
            for id in &ids {
                let escaped = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
                let (status, detail) = kenbun.get(&format!("/lead/{escaped}")).await;
                assert_eq!((status, detail["lead_id"].as_str()), (200, Some(id.as_str())));
                let body = json!({"owner_id": "mem_1", "owner_name": "One"});
                assert_eq!(kenbun.post(&format!("/leads/{escaped}/owner"), body).await.0, 200);
                assert_eq!(kenbun.sim.holder(id), Some(Holder::owner("mem_1", "One")));
            }
            let targets: HashSet<_> = kenbun.sim.log().all().into_iter().flat_map(|e| e.targets).collect();
            assert_eq!(targets.len(), 60, "reads and writes name the same leads");
        }
    }

    #[tokio::test]
    async fn rows_shift_when_leads_arrive() {
        let kenbun = Kenbun::ready(100, &[("arrivals", "1")]).await;
        let first = kenbun.ids(50).await;
        let (_, second) = kenbun.get("/leads?page=2&limit=50").await;
        assert_eq!(second["total"], 101);
        assert_eq!(second["leads"][0]["lead_id"], first[49].as_str());
        assert_eq!(kenbun.get("/leads?page=1&limit=2").await.1["leads"][0]["owner_name"], Value::Null);
    }

    #[tokio::test]
    async fn an_empty_unit_has_an_empty_first_page() {
        let kenbun = Kenbun::ready(0, &[]).await;
        let (_, page) = kenbun.get("/leads?page=1&limit=100").await;
        assert_eq!(page, json!({"leads": [], "total": 0, "page": 1, "limit": 100}));
        assert_eq!(kenbun.get("/leads?page=1&limit=100&min_score=1").await.1["total"], 0);
        assert_eq!(kenbun.get("/lead/by-alias?value=x@y.example").await.0, 404);
    }

    #[tokio::test]
    async fn the_same_seed_gives_the_same_leads() {
        let (one, two) = (Kenbun::ready(100, &[]).await, Kenbun::ready(100, &[]).await);
        assert_eq!(one.ids(100).await, two.ids(100).await);
        assert_eq!(one.sim.holders(), two.sim.holders());
        assert_eq!(one.sim.profile["token"], two.sim.profile["token"]);
        let other = sim::start("kenbun", SimOptions { seed: 2, leads: 100, ..SimOptions::default() }).await.unwrap();
        assert_ne!(one.sim.holders(), other.holders());
    }

    #[tokio::test]
    async fn a_million_leads_are_paged_from_both_ends() {
        let kenbun = Kenbun::ready(1_000_000, &[("max_limit", "1000")]).await;
        for page in [1, 500, 1_000] {
            let (_, answer) = kenbun.get(&format!("/leads?page={page}&limit=1000")).await;
            assert_eq!((answer["total"].as_u64(), answer["leads"].as_array().unwrap().len()), (Some(1_000_000), 1_000));
        }
    }
}

mod assigning {
    use super::*;

    #[tokio::test]
    async fn one_lead_is_assigned_and_unassigned() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let id = kenbun.ids(1).await.remove(0);
        let (_, before) = kenbun.get(&format!("/lead/{id}")).await;
        let path = format!("/leads/{id}/owner");
        let answer = kenbun.post(&path, json!({"owner_id": "mem_1", "owner_name": "Ümit \u{202e}"})).await;
        assert_eq!(answer, (200, json!({"status": "ok", "message": "owner assigned"})));
        let (_, after) = kenbun.get(&format!("/lead/{id}")).await;
        assert_eq!(after["owner_name"], "Ümit \u{202e}");
        assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
        assert_eq!(kenbun.sim.holder(&id), Some(Holder::owner("mem_1", "Ümit \u{202e}")));

        let answer = kenbun.post(&path, json!({"owner_id": null, "owner_name": null})).await;
        assert_eq!(answer, (200, json!({"status": "ok", "message": "owner unassigned"})));
        assert_eq!(kenbun.get(&format!("/lead/{id}")).await.1["owner_name"], Value::Null);
        assert!(kenbun.sim.log().complaints().is_empty());
    }

    #[tokio::test]
    async fn a_missing_empty_or_null_owner_id_unassigns_whatever_the_name() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let id = kenbun.ids(1).await.remove(0);
        let path = format!("/leads/{id}/owner");
        for body in [
            json!({}),
            json!({"owner_name": "Jane Smith"}),
            json!({"owner_id": "", "owner_name": "Jane Smith"}),
            json!({"owner_id": null, "owner_name": "Jane Smith"}),
        ] {
            kenbun.post(&path, json!({"owner_id": "mem_1", "owner_name": "One"})).await;
            assert_eq!(kenbun.post(&path, body.clone()).await.1["message"], "owner unassigned", "{body}");
            assert_eq!(kenbun.sim.holder(&id), Some(Holder::Nobody), "{body}");
        }
        assert_eq!(kenbun.sim.log().complaints().len(), 4, "{:?}", kenbun.sim.log().complaints());
        for wrong in ["", "null", "[]", "{", "{\"owner_id\": 7}"] {
            let request = kenbun.request("POST", &path).body(wrong).header("content-type", "application/json");
            assert_eq!(reply(request).await.0, 400, "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_stored_for_an_owner_follows_the_switches() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let id = kenbun.ids(1).await.remove(0);
        let path = format!("/leads/{id}/owner");
        let (_, members) = kenbun.get("/members").await;
        let member = members[0]["org_member_id"].as_str().unwrap();

        kenbun.post(&path, json!({"owner_id": member})).await;
        assert_eq!(kenbun.sim.holder(&id), Some(Holder::Owner { id: Some(member.to_owned()), name: None }));
        assert_eq!(kenbun.get(&format!("/lead/{id}")).await.1["owner_name"], Value::Null);

        kenbun.sim.switch("omitted_owner_name", "lookup").unwrap();
        kenbun.post(&path, json!({"owner_id": member})).await;
        assert_eq!(kenbun.get(&format!("/lead/{id}")).await.1["owner_name"], "Jane Smith");

        assert_eq!(kenbun.post(&path, json!({"owner_id": "mem_?", "owner_name": "?"})).await.0, 200);
        kenbun.sim.switch("unknown_owner", "400").unwrap();
        assert_eq!(kenbun.post(&path, json!({"owner_id": "mem_??", "owner_name": "?"})).await.0, 400);
        assert_eq!(kenbun.sim.holder(&id), Some(Holder::owner("mem_?", "?")));

        kenbun.sim.switch("updated_at_on_assign", "off").unwrap();
        let (_, before) = kenbun.get(&format!("/lead/{id}")).await;
        kenbun.post(&path, json!({"owner_id": member, "owner_name": "Jane Smith"})).await;
        assert_eq!(kenbun.get(&format!("/lead/{id}")).await.1["updated_at"], before["updated_at"]);
    }

    #[tokio::test]
    async fn many_leads_are_assigned_in_one_call() {
        let kenbun = Kenbun::ready(700, &[]).await;
        let ids: Vec<_> = kenbun.sim.holders().into_iter().map(|(id, _)| id.to_string()).take(501).collect();
        let body = |ids: &[String]| json!({"lead_ids": ids, "owner_id": "mem_1", "owner_name": "One"});
        let bulk = "/leads/bulk-assign-owner";

        assert_eq!(kenbun.post(bulk, body(&ids)).await.0, 400);
        assert_eq!(kenbun.post(bulk, body(&[])).await.0, 400);
        assert_eq!(kenbun.post(bulk, json!({"owner_id": "mem_1", "owner_name": "One"})).await.0, 400);
        assert_eq!(kenbun.post(bulk, json!({"lead_ids": [1], "owner_id": "mem_1", "owner_name": "One"})).await.0, 400);
        assert!(ids.iter().all(|id| kenbun.sim.holder(id) != Some(Holder::owner("mem_1", "One"))));

        kenbun.choose("unit_default").await;
        assert_eq!(kenbun.post(bulk, body(&ids[..500])).await, (200, json!({"status": "ok", "affected": 500})));
        assert!(ids[..500].iter().all(|id| kenbun.sim.holder(id) == Some(Holder::owner("mem_1", "One"))));
        assert_ne!(kenbun.sim.holder(&ids[500]), Some(Holder::owner("mem_1", "One")));

        // Duplicates count once; strangers, and leads of other units, are left out.
        let stranger = kenbun.sim.holders().last().unwrap().0.to_string();
        let mixed = [ids[0].clone(), ids[1].clone(), ids[0].clone(), "nobody".to_owned(), stranger.clone()];
        assert_eq!(kenbun.post(bulk, body(&mixed)).await.1["affected"], 2);
        assert_ne!(kenbun.sim.holder(&stranger), Some(Holder::owner("mem_1", "One")));

        let nobody = json!({"lead_ids": &ids[..3], "owner_id": null, "owner_name": null});
        assert_eq!(kenbun.post(bulk, nobody).await, (200, json!({"status": "ok", "affected": 3})));
        assert_eq!(kenbun.sim.holder(&ids[2]), Some(Holder::Nobody));

        kenbun.sim.switch("affected", "changed").unwrap();
        assert_eq!(kenbun.post(bulk, body(&ids[..5])).await.1["affected"], 3);
        kenbun.sim.switch("bulk_unknown", "reject_all_404").unwrap();
        let to_two = json!({"lead_ids": [&ids[0], "nobody"], "owner_id": "mem_2", "owner_name": "Two"});
        assert_eq!(kenbun.post(bulk, to_two).await.0, 404);
        assert_eq!(kenbun.sim.holder(&ids[0]), Some(Holder::owner("mem_1", "One")));
    }

    #[tokio::test]
    async fn careless_clients_are_complained_about() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let ids = kenbun.ids(3).await;
        let bulk = json!({"lead_ids": ids, "owner_id": "mem_1", "owner_name": "One"});
        kenbun.post("/leads/bulk-assign-owner", bulk.clone()).await;
        assert!(kenbun.sim.log().complaints().is_empty());
        kenbun.post("/leads/bulk-assign-owner", bulk).await;
        let twice = json!({"lead_ids": [ids[0], ids[0]], "owner_id": "mem_1", "owner_name": "One"});
        kenbun.choose("unit_default").await;
        kenbun.post("/leads/bulk-assign-owner", twice).await;
        reply(kenbun.request("DELETE", &format!("/lead/{}", ids[0]))).await;
        reply(kenbun.request("PATCH", &format!("/lead/{}/metadata", ids[1])).json(&json!({}))).await;
        let complaints: Vec<_> = kenbun.sim.log().complaints().into_iter().map(|(_, what)| what).collect();
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert!(complaints[0].contains("right before") && complaints[1].contains("duplicates"));
        assert_eq!(kenbun.get(&format!("/lead/{}", ids[0])).await.0, 404);
        assert_eq!(kenbun.sim.holder(&ids[0]), None);
    }

    #[tokio::test]
    async fn the_log_tells_who_had_a_lead_before_and_after() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let id = kenbun.ids(1).await.remove(0);
        let before = kenbun.sim.holder(&id).unwrap();
        kenbun.post(&format!("/leads/{id}/owner"), json!({"owner_id": "mem_1", "owner_name": "One"})).await;
        let entry = kenbun.sim.log().all().pop().unwrap();
        assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", format!("/leads/{id}/owner").as_str()));
        assert_eq!(entry.applied.len(), 1);
        assert_eq!((&*entry.applied[0].before, &*entry.applied[0].after), (&before, &Holder::owner("mem_1", "One")));
        let body: Value = serde_json::from_slice(&entry.body).unwrap();
        assert_eq!(body["owner_id"], "mem_1");
    }

    #[tokio::test]
    async fn someone_else_can_change_and_delete_leads() {
        let kenbun = Kenbun::ready(50, &[]).await;
        let ids = kenbun.ids(4).await;
        let before = kenbun.sim.holder(&ids[0]).unwrap();
        let applied = kenbun.sim.meddle(&[&ids[0], "nobody"], &Meddling::Another(3));
        assert_eq!(applied.len(), 1);
        assert_ne!(kenbun.sim.holder(&ids[0]).unwrap().name(), before.name());

        kenbun.sim.meddle(&[&ids[1]], &Meddling::To(Holder::owner("mem_9", "Nine")));
        assert_eq!(kenbun.get(&format!("/lead/{}", ids[1])).await.1["owner_name"], "Nine");
        let (status, _) = kenbun.control("meddle", json!({"ids": [ids[2]], "to": null})).await;
        assert_eq!((status, kenbun.sim.holder(&ids[2])), (200, Some(Holder::Nobody)));
        kenbun.control("meddle", json!({"ids": [ids[3]], "to": "gone"})).await;
        assert_eq!(kenbun.get(&format!("/lead/{}", ids[3])).await.0, 404);
        assert_eq!(kenbun.get("/leads?page=1&limit=5").await.1["total"], 49);
        assert_eq!(kenbun.control("meddle", json!({"to": "gone"})).await.0, 400);
    }
}
