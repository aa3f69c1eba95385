//! The Capillary simulator, driven with plain requests and held against the contract.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use switchboard::sim::vendor::Holder;
use switchboard::sim::{Meddling, SimOptions, Simulator};

use super::sims::{printed, reply, start};

/// A simulator, and a client that keeps to the contract.
struct World {
    sim: Simulator,
    http: reqwest::Client,
}

fn basic(profile: &Map<String, Value>) -> String {
    let password = Md5::digest(printed(&profile["password"]));
    let password: String = password.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("Basic {}", STANDARD.encode(format!("{}:{password}", printed(&profile["username"]))))
}

impl World {
    async fn new(switches: &[(&str, &str)]) -> Self {
        Self::sized(600, switches).await
    }

    async fn sized(leads: usize, switches: &[(&str, &str)]) -> Self {
        let options = SimOptions { leads, owners: 14, ..SimOptions::default() };
        let sim = start("capillary", options, switches).await;
        let http = reqwest::Client::builder().user_agent("switchboard-tests").build().unwrap();
        Self { sim, http }
    }

    /// A call with everything but the credentials.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.sim.base_url));
        request.header("accept", "application/json").header("content-type", "application/json")
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("authorization", basic(&self.sim.profile))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = reply(self.call(Method::GET, path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn put(&self, id: &str, body: Value) -> (u16, Value) {
        reply(self.call(Method::PUT, &format!("/v2/leads/{id}")).json(&body)).await
    }

    /// All leads that fit a query, page by page.
    async fn leads(&self, query: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let offset = all.len();
            let path = format!("/v2/leads?limit=100&offset={offset}&sortBy=createdon&sortOrder=ASC&{query}");
            let answer = self.get(&path).await;
            let page = answer["data"].as_array().unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page.iter().cloned());
        }
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        self.leads(query).await.iter().map(id).collect()
    }

    async fn staff(&self, kind: &str) -> Vec<Value> {
        let answer = self.get(&format!("/v1.1/store/staff?format=json&type={kind}")).await;
        assert_eq!(answer["response"]["status"]["success"], "true");
        answer["response"]["store"]["staff"]["user"].as_array().unwrap().clone()
    }

    /// Everybody in the staff list.
    async fn people(&self) -> Vec<Value> {
        [self.staff("ASSOCIATE").await, self.staff("MANAGER").await].concat()
    }

    /// A lead of somebody in the staff list, its owner, and somebody else.
    async fn lead(&self) -> (Value, Value, Value) {
        let people = self.people().await;
        for owner in &people {
            let leads = self.leads(&format!("owner={}", text(owner, "id"))).await;
            let plain = |lead: &&Value| lead["extendedFields"].as_object().is_some_and(|fields| fields.len() > 1);
            if let Some(lead) = leads.iter().find(plain) {
                let other = people.iter().find(|other| text(other, "store_code") != text(owner, "store_code"));
                return (lead.clone(), owner.clone(), other.unwrap().clone());
            }
        }
        panic!("nobody owns anything");
    }
}

fn id(lead: &Value) -> String {
    lead["id"].to_string()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// That PUT with `owner` is carried out, or answered with `status` and left alone.
async fn assigns(world: &World, lead: &Value, owner: Value, status: u16) -> bool {
    let before = world.sim.holder(&id(lead)).unwrap();
    let (answered, body) = world.put(&id(lead), json!({"owner": owner})).await;
    assert_eq!(answered, status, "{body}");
    world.sim.holder(&id(lead)).unwrap() != before
}

mod access {
    use super::*;

    #[tokio::test]
    async fn a_till_signs_in_with_its_hashed_password() {
        let world = World::new(&[]).await;
        world.get("/v2/leads?limit=1").await;
        assert_eq!(world.sim.log().complaints(), []);
        let plain = world
            .bare(Method::GET, "/v2/leads?limit=1")
            .basic_auth(printed(&world.sim.profile["username"]), Some(printed(&world.sim.profile["password"])));
        let (status, body) = reply(plain).await;
        assert_eq!(
            (status, &body["errors"][0]["code"], &body["errors"][0]["status"]),
            (401, &json!(401), &json!(false))
        );
        assert!(world.sim.log().complaints()[0].1.contains("md5"));
        assert_eq!(reply(world.bare(Method::GET, "/v1.1/store/staff?format=json")).await.0, 401);
    }

    #[tokio::test]
    async fn a_key_gets_tokens_that_end() {
        let world = World::new(&[("token_ttl", "1")]).await;
        let (name, oauth) = world.sim.other_profiles().remove(0);
        assert_eq!(name, "oauth");
        let body = json!({"key": printed(&oauth["key"]), "secret": printed(&oauth["secret"])});
        let ask = || reply(world.bare(Method::POST, "/v3/oauth/token/generate").json(&body));
        let (status, answer) = ask().await;
        assert_eq!((status, &answer["errors"], &answer["data"]["ttlSeconds"]), (200, &Value::Null, &json!(1)));
        let token = text(&answer["data"], "accessToken").to_owned();
        let with =
            |header: &str, token: &str| reply(world.bare(Method::GET, "/v2/leads?limit=1").header(header, token));
        assert_eq!(with("X-CAP-API-OAUTH-TOKEN", &token).await.0, 200);
        assert_eq!(with("CAP-API-ACCESS-TOKEN", &token).await.0, 401, "the other header");
        let mut status = 200;
        while status == 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            status = with("X-CAP-API-OAUTH-TOKEN", &token).await.0;
        }
        assert_eq!(status, 401, "it ended");
        let (_, answer) = ask().await;
        assert_eq!(with("X-CAP-API-OAUTH-TOKEN", text(&answer["data"], "accessToken")).await.0, 200);

        let wrong = json!({"key": printed(&oauth["key"]), "secret": "x"});
        let (status, answer) = reply(world.bare(Method::POST, "/v3/oauth/token/generate").json(&wrong)).await;
        assert_eq!((status, &answer["data"]), (401, &Value::Null));
        world.sim.switch("access_group", "none").unwrap();
        assert_eq!(ask().await.0, 403);
    }

    #[tokio::test]
    async fn the_rate_is_limited_for_each_credential() {
        let world = World::new(&[("rate_limit", "100/min")]).await;
        assert_eq!(world.sim.profile.get("requests_per_minute"), None, "the client's own pace is below it");
        for _ in 0..100 {
            world.get("/v2/leads/reasons").await;
        }
        let late = world.call(Method::GET, "/v2/leads/reasons").send().await.unwrap();
        assert_eq!(late.status().as_u16(), 429);
        assert!(late.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
        world.sim.switch("retry_after", "off").unwrap();
        let late = world.call(Method::GET, "/v2/leads/reasons").send().await.unwrap();
        assert_eq!((late.status().as_u16(), late.headers().get("retry-after")), (429, None));
        assert!(late.headers().contains_key("x-cap-requestid"));
    }

    #[tokio::test]
    async fn an_organisation_without_v2_is_refused() {
        let world = World::new(&[("v2_enabled", "off")]).await;
        assert_eq!(reply(world.call(Method::GET, "/v2/leads?limit=1")).await.0, 403);
        world.staff("ASSOCIATE").await;
    }
}

mod reading {
    use super::*;

    #[tokio::test]
    async fn leads_are_listed_to_the_end_in_the_order_that_was_asked_for() {
        let world = World::new(&[]).await;
        let leads = world.leads("").await;
        assert_eq!(leads.len(), 600);
        let numbers: Vec<_> = leads.iter().map(|lead| lead["id"].as_u64().unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        let newest = world.get("/v2/leads?limit=3").await;
        assert_eq!(newest["data"][0]["id"], leads[599]["id"], "not what a client asks for");
        assert_eq!(newest["errors"], json!([]));
        let statuses: BTreeSet<_> = leads.iter().map(|lead| text(lead, "status")).collect();
        assert_eq!(statuses, BTreeSet::from(["DELETED", "LOST", "ON_HOLD", "OPEN", "WON"]));
        let kinds: BTreeSet<_> = leads.iter().map(|lead| text(lead, "type")).collect();
        assert_eq!(kinds.len(), 4);
        for lead in &leads {
            for field in ["owner", "ownerId", "ownerName", "assignedTo"] {
                assert_eq!(lead.get(field), None);
            }
            for time in ["createdOn", "lastUpdatedOn"] {
                assert!(text(lead, time).parse::<jiff::Timestamp>().is_ok(), "{lead}");
            }
        }
        assert!(leads.iter().any(|lead| text(lead, "createdOn").ends_with("+05:30")));
        assert_eq!(world.sim.log().complaints().len(), 0);
    }

    #[tokio::test]
    async fn the_owner_is_filtered_by_and_never_shown() {
        let world = World::new(&[]).await;
        let mut owned: HashMap<String, String> = HashMap::new();
        for person in world.people().await {
            for lead in world.ids(&format!("owner={}", text(&person, "id"))).await {
                assert_eq!(owned.insert(lead, text(&person, "id").to_owned()), None, "one owner each");
            }
        }
        let mut hidden = 0;
        for (target, holder) in world.sim.holders() {
            match owned.get(target.as_ref()) {
                Some(owner) => assert_eq!(holder.id(), Some(owner.as_str())),
                None if holder == Holder::Nobody => {}
                // Of somebody who left, or in the head office.
                None => hidden += 1,
            }
        }
        assert!(hidden > 10, "{hidden}");
        assert_eq!(world.ids("owner=1").await, Vec::<String>::new());
        world.sim.switch("owner_filter", "ignored").unwrap();
        assert_eq!(world.ids("owner=1").await.len(), 600);
    }

    #[tokio::test]
    async fn filters_narrow_together() {
        let world = World::new(&[]).await;
        let all = world.leads("").await;
        for (query, field, value) in
            [("status=OPEN", "status", "OPEN"), ("type=SKU", "type", "SKU"), ("substatus=Price", "subStatus", "Price")]
        {
            let found = world.leads(query).await;
            let expected = all.iter().filter(|lead| text(lead, field) == value).count();
            assert_eq!(
                (found.len(), found.iter().filter(|lead| text(lead, field) == value).count()),
                (expected, expected)
            );
        }
        let customers: HashMap<u64, usize> = all.iter().fold(HashMap::new(), |mut counts, lead| {
            *counts.entry(lead["userId"].as_u64().unwrap()).or_default() += 1;
            counts
        });
        let (customer, count) = customers.iter().find(|(_, count)| **count > 1).unwrap();
        assert_eq!(world.ids(&format!("userId={customer}")).await.len(), *count);
        let mut in_stores = 0;
        for store in ["lyon-bellecour", "geneve-rive", "bruxelles-louise", "lille-centre", "nantes-graslin"] {
            in_stores += world.ids(&format!("entityType=STORE&entityCode={store}")).await.len();
        }
        assert_eq!(in_stores, 600);
        assert_eq!(world.ids("type=ALL").await.len(), 600);
        assert_eq!(reply(world.call(Method::GET, "/v2/leads?limit=10&status=open")).await.0, 400);
        assert_eq!(reply(world.call(Method::GET, "/v2/leads?limit=10&sortBy=createdOn")).await.0, 400);
        let updated = world.get("/v2/leads?limit=600&sortBy=lastUpdatedOn&sortOrder=DESC").await;
        let times = updated["data"].as_array().unwrap().iter().map(|lead| text(lead, "lastUpdatedOn"));
        let times: Vec<jiff::Timestamp> = times.map(|time| time.parse().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b));
    }

    #[tokio::test]
    async fn pages_can_be_capped_and_offsets_be_ids() {
        let world = World::new(&[("page_cap", "50")]).await;
        assert_eq!(world.get("/v2/leads?limit=100").await["data"].as_array().unwrap().len(), 50);
        assert_eq!(world.ids("").await.len(), 600);
        world.sim.switch("offset_by", "id").unwrap();
        let page = async |offset: u64| {
            let path = format!("/v2/leads?limit=50&offset={offset}&sortBy=createdon&sortOrder=ASC");
            let page = world.get(&path).await;
            (page["data"][0]["id"].as_u64().unwrap(), page["data"][49]["id"].as_u64().unwrap())
        };
        let (first, last) = page(0).await;
        assert_eq!(page(50).await, (first, last), "no lead has so low an id");
        assert!(page(last).await.0 > last);
    }

    #[tokio::test]
    async fn no_leads_can_be_said_in_three_ways() {
        let world = World::new(&[]).await;
        for (value, status, warnings) in [("empty", 200, 0), ("warning", 200, 1), ("404", 404, 0)] {
            world.sim.switch("no_leads", value).unwrap();
            let (answered, body) = reply(world.call(Method::GET, "/v2/leads?limit=10&userId=1")).await;
            let counts = ["data", "warnings", "errors"].map(|list| body[list].as_array().unwrap().len());
            assert_eq!((answered, counts), (status, [0, warnings, 0]));
        }
    }

    #[tokio::test]
    async fn the_staff_list_has_two_kinds_and_no_user_names() {
        let world = World::new(&[]).await;
        let (associates, managers) = (world.staff("ASSOCIATE").await, world.staff("MANAGER").await);
        assert!(associates.len() > managers.len() && !managers.is_empty());
        let keys: Vec<_> = associates[0].as_object().unwrap().keys().map(String::as_str).collect();
        let contract = ["id", "type", "code", "firstname", "lastname", "mobile", "email", "store_id", "store_code"];
        assert_eq!(keys, contract);
        assert!(associates[0].as_object().unwrap().values().all(Value::is_string));
        let everybody = world.get("/v1.1/store/staff?format=json").await;
        let count = everybody["response"]["store"]["staff"]["user"].as_array().unwrap().len();
        assert_eq!(count, associates.len() + managers.len());
        world.sim.switch("staff_param", "type_value").unwrap();
        assert_eq!(world.staff("MANAGER").await.len(), count, "the other query does nothing");
        assert_eq!(world.sim.log().complaints(), []);
        assert!(world.get("/v1.1/store/staff").await.as_str().unwrap().starts_with("<?xml"));

        let small = World::sized(5, &[("staff_single", "object"), ("staff_param", "type_value")]).await;
        let one = small.get("/v1.1/store/staff?format=json&type_value=MANAGER").await;
        let user = &one["response"]["store"]["staff"]["user"];
        assert!(user.is_array() || user["type"] == "MANAGER");
        let stores = world.get("/v1.1/organization/entities?format=json&type=STORE").await;
        assert_eq!(stores["response"]["organization"]["entities"]["entity"].as_array().unwrap().len(), 5);
    }

    #[tokio::test]
    async fn what_is_around_a_lead_can_be_read() {
        let world = World::new(&[]).await;
        let leads = world.leads("").await;
        let lead = leads.iter().find(|lead| !lead["followUpDetails"].as_array().unwrap().is_empty()).unwrap();
        let path = format!("/v2/leads/{}", id(lead));
        assert_eq!(world.get(&format!("{path}/followups")).await["data"], lead["followUpDetails"]);
        assert_eq!(world.get(&format!("{path}/statusLog")).await["data"], lead["statusLogDetails"]);
        assert!(world.get("/v2/leads/reasons").await["data"][0]["reason"].is_string());
        assert!(world.get("/v2/leads/substatuses").await["data"][0]["subStatus"].is_string());
        let customer = format!("/v2/customers/{}", lead["userId"]);
        let known = world.get(&format!("{customer}?source=INSTORE")).await;
        assert_eq!(known["id"], lead["userId"]);
        assert!(known["profiles"][0]["firstName"].is_string());
        let code = async |path: &str| reply(world.call(Method::GET, path)).await.1["errors"][0]["code"].clone();
        assert_eq!(code(&customer).await, 8_012);
        assert_eq!(code("/v2/customers/5?source=ALL").await, 8_065);
        assert_eq!(world.sim.log().complaints(), []);
        assert_eq!(reply(world.call(Method::GET, &path)).await.0, 404, "one lead cannot be read by its id");
        assert_eq!(reply(world.call(Method::PUT, &format!("{path}/assign"))).await.0, 404);
        assert_eq!(world.sim.log().complaints().len(), 2);
    }
}

mod writing {
    use super::*;

    #[tokio::test]
    async fn put_takes_a_user_name_and_answers_a_flat_lead() {
        let world = World::new(&[]).await;
        let (lead, owner, other) = world.lead().await;
        let body = json!({"owner": other["code"], "extendedFields": lead["extendedFields"]});
        let (status, after) = world.put(&id(&lead), body).await;
        assert_eq!((status, &after["id"], &after["warnings"]), (200, &lead["id"], &json!([])));
        for field in
            ["status", "leadFor", "type", "extendedFields", "followUpDetails", "statusLogDetails", "nextFollowUp"]
        {
            assert_eq!(after[field], lead[field], "{field}");
        }
        let time = |lead: &Value| text(lead, "lastUpdatedOn").parse::<jiff::Timestamp>().unwrap();
        assert!(time(&after) > time(&lead));
        assert_eq!(world.sim.holder(&id(&lead)).unwrap().id(), Some(text(&other, "id")));
        for (person, has) in [(&owner, false), (&other, true)] {
            let query = format!("owner={}&userId={}", text(person, "id"), lead["userId"]);
            assert_eq!(world.ids(&query).await.contains(&id(&lead)), has);
        }
        assert_eq!(world.put("1", json!({"owner": other["code"]})).await.0, 400);
        assert_eq!(world.sim.log().complaints(), []);
    }

    #[tokio::test]
    async fn the_call_that_is_named_assign_lead_changes_nothing() {
        let world = World::new(&[]).await;
        let before = world.sim.holders();
        let (lead, _, other) = world.lead().await;
        let query = format!("limit=10&userId={}&owner={}", lead["userId"], text(&other, "id"));
        world.get(&format!("/v2/leads?{query}")).await;
        assert_eq!(world.sim.holders(), before);
        assert!(world.sim.log().all().iter().all(|entry| entry.applied.is_empty()));
    }

    #[tokio::test]
    async fn the_owner_counts_in_one_place_only() {
        let world = World::new(&[("owner_in", "query")]).await;
        let (lead, _, other) = world.lead().await;
        assert!(!assigns(&world, &lead, other["code"].clone(), 200).await, "in the body");
        let path = format!("/v2/leads/{}?owner={}", id(&lead), text(&other, "code"));
        assert_eq!(reply(world.call(Method::PUT, &path)).await.0, 200);
        assert_eq!(world.sim.holder(&id(&lead)).unwrap().id(), Some(text(&other, "id")));
        assert_eq!(world.sim.profile["owner_in"], "query");
    }

    #[tokio::test]
    async fn unknown_names_and_other_stores_are_refused_in_three_ways() {
        let world = World::new(&[]).await;
        let (lead, _, other) = world.lead().await;
        for (value, status) in [("400", 400), ("warning", 200), ("ignore", 200)] {
            world.sim.switch("unknown_user", value).unwrap();
            // The v1.1 id is no user name.
            for wrong in [json!("nobody.at.all"), other["id"].clone()] {
                assert!(!assigns(&world, &lead, wrong, status).await, "{value}");
            }
            let (_, body) = world.put(&id(&lead), json!({"owner": "nobody.at.all"})).await;
            let lists = ["errors", "warnings"].map(|list| body[list].as_array().map_or(0, Vec::len));
            assert_eq!(lists, [usize::from(value == "400"), usize::from(value == "warning")], "{value}");
        }
        for (value, status) in [("400", 400), ("warning", 200), ("ignore", 200)] {
            world.sim.switch("cross_store", value).unwrap();
            assert!(!assigns(&world, &lead, other["code"].clone(), status).await, "{value}");
        }
        world.sim.switch("cross_store", "allow").unwrap();
        assert!(assigns(&world, &lead, other["code"].clone(), 200).await);
    }

    #[tokio::test]
    async fn somebody_who_left_cannot_be_given_a_lead() {
        let world = World::new(&[]).await;
        let (lead, owner, _) = world.lead().await;
        let listed: BTreeSet<_> = world.people().await.iter().map(|person| text(person, "id").to_owned()).collect();
        let hidden = world.sim.holders().into_iter().filter_map(|(_, holder)| holder.id().map(str::to_owned));
        let hidden: BTreeSet<_> = hidden.filter(|id| !listed.contains(id)).collect();
        assert_eq!(hidden.len(), 2, "one left, one is in the head office");
        let holder = Holder::owner(hidden.last().unwrap(), "");
        world.sim.meddle(&[id(&lead)], &Meddling::To(holder));
        for person in world.people().await {
            let query = format!("owner={}&userId={}", text(&person, "id"), lead["userId"]);
            assert!(!world.ids(&query).await.contains(&id(&lead)), "in nobody's list");
        }
        assert!(assigns(&world, &lead, owner["code"].clone(), 200).await);
    }

    #[tokio::test]
    async fn a_replacing_put_empties_what_it_does_not_name() {
        let world = World::new(&[]).await;
        let (lead, _, other) = world.lead().await;
        let (_, after) = world.put(&id(&lead), json!({"owner": other["code"]})).await;
        assert_eq!(after["extendedFields"], lead["extendedFields"], "a merging one keeps it");
        let (_, after) = world.put(&id(&lead), json!({"owner": other["code"], "extendedFields": {"size": "XL"}})).await;
        assert_eq!(
            (&after["extendedFields"]["size"], &after["extendedFields"]["trial_status"]),
            (&json!("XL"), &lead["extendedFields"]["trial_status"])
        );
        world.sim.switch("put", "replace").unwrap();
        let echoed = json!({"owner": other["code"], "extendedFields": after["extendedFields"]});
        assert_eq!(world.put(&id(&lead), echoed).await.1["extendedFields"], after["extendedFields"]);
        assert_eq!(world.sim.log().complaints(), []);
        let (_, after) = world.put(&id(&lead), json!({"owner": other["code"]})).await;
        assert_eq!(after.get("extendedFields"), None);
        assert!(world.sim.log().complaints()[0].1.contains("lost extended fields"));
    }

    #[tokio::test]
    async fn nobody_is_taken_only_where_a_switch_says_so() {
        let world = World::new(&[]).await;
        let (lead, owner, _) = world.lead().await;
        for (value, empty, null) in
            [("refuse", 400, 400), ("empty_string", 200, 400), ("null", 400, 200), ("both", 200, 200)]
        {
            world.sim.switch("unassign", value).unwrap();
            assert_eq!(assigns(&world, &lead, json!(""), empty).await, empty == 200, "{value}");
            world.put(&id(&lead), json!({"owner": owner["code"]})).await;
            assert_eq!(assigns(&world, &lead, Value::Null, null).await, null == 200, "{value}");
            world.put(&id(&lead), json!({"owner": owner["code"]})).await;
        }
    }

    #[tokio::test]
    async fn the_owner_filter_can_lag_behind() {
        let world = World::new(&[("filter_delay", "600000")]).await;
        let (lead, owner, other) = world.lead().await;
        assert!(assigns(&world, &lead, other["code"].clone(), 200).await);
        let narrow = |person: &Value| format!("owner={}&userId={}", text(person, "id"), lead["userId"]);
        assert!(world.ids(&narrow(&owner)).await.contains(&id(&lead)));
        assert!(!world.ids(&narrow(&other)).await.contains(&id(&lead)));
        assert!(world.ids(&format!("owner={}", text(&owner, "id"))).await.contains(&id(&lead)));
        world.sim.switch("filter_delay", "0").unwrap();
        assert!(!world.ids(&narrow(&owner)).await.contains(&id(&lead)));
        assert!(world.ids(&narrow(&other)).await.contains(&id(&lead)));
    }

    #[tokio::test]
    async fn the_vendors_own_codes_come_as_status_or_inside_the_answer() {
        let world = World::new(&[]).await;
        let (lead, _, other) = world.lead().await;
        let assign = json!({"owner": other["code"]});
        for (place, search, customer) in [("status", 461, 521), ("body", 200, 200)] {
            world.sim.switch("codes_in", place).unwrap();
            world.sim.switch("busy_search", "1").unwrap();
            let (status, body) = reply(world.call(Method::GET, "/v2/leads?limit=5")).await;
            assert_eq!((status, &body["errors"][0]["code"]), (search, &json!(461)));
            world.sim.switch("busy_search", "0").unwrap();
            world.sim.switch("busy_customer", "1").unwrap();
            let (status, body) = world.put(&id(&lead), assign.clone()).await;
            assert_eq!((status, &body["errors"][0]["code"]), (customer, &json!(521)));
            world.sim.switch("busy_customer", "0").unwrap();
        }
        world.sim.switch("put_201", "1").unwrap();
        let (status, body) = world.put(&id(&lead), assign.clone()).await;
        assert_eq!((status, body["errors"].as_array().unwrap().len()), (201, 1));
        world.sim.switch("put_201", "0").unwrap();
        assert!(
            world.sim.log().all().iter().all(|entry| entry.applied.is_empty()),
            "nothing was written by any of these"
        );
        world.sim.switch("customer_pause", "600000").unwrap();
        world.sim.switch("codes_in", "status").unwrap();
        assert_eq!([world.put(&id(&lead), assign.clone()).await.0, world.put(&id(&lead), assign).await.0], [200, 521]);
    }

    #[tokio::test]
    async fn answers_can_be_made_to_show_the_owner() {
        let world = World::new(&[]).await;
        let (lead, owner, _) = world.lead().await;
        for (field, shown) in [("owner", "code"), ("assignedTo", "code"), ("ownerId", "id")] {
            world.sim.switch("expose_owner", field).unwrap();
            let found = world.leads(&format!("userId={}", lead["userId"])).await;
            let found = found.iter().find(|found| found["id"] == lead["id"]).unwrap();
            assert_eq!(text(found, field), text(&owner, shown));
        }
    }

    #[tokio::test]
    async fn other_names_of_people_need_the_shops_owner_file() {
        let world = World::new(&[("filter_id", "user_id"), ("write_name", "username")]).await;
        let file = std::fs::read_to_string(world.sim.profile["owner_file"].as_str().unwrap()).unwrap();
        let mut rows = csv::Reader::from_reader(file.as_bytes());
        assert_eq!(rows.headers().unwrap(), vec!["id", "username", "display_name", "store_code"]);
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), world.people().await.len());
        let lead = &world.leads("").await[0];
        let person = &rows[3];
        assert_eq!(world.put(&id(lead), json!({"owner": &person[1]})).await.0, 200);
        assert!(world.ids(&format!("owner={}", &person[0])).await.contains(&id(lead)));
    }

    #[tokio::test]
    async fn what_breaks_the_contract_is_complained_about() {
        let world = World::new(&[]).await;
        let (lead, ..) = world.lead().await;
        let path = format!("/v2/leads/{}", id(&lead));
        let complaints = async |request: RequestBuilder| {
            let before = world.sim.log().complaints().len();
            reply(request).await;
            world.sim.log().complaints().split_off(before).into_iter().map(|(_, what)| what).collect::<Vec<_>>()
        };
        let put = |body: Value| world.call(Method::PUT, &path).json(&body);
        assert_eq!(complaints(put(json!({"extendedFields": {}}))).await, ["a PUT without an owner"]);
        assert_eq!(
            complaints(put(json!({"owner": "x", "status": "WON"}))).await,
            ["a PUT with status, which it does not have"]
        );
        assert_eq!(complaints(world.call(Method::GET, "/v2/leads")).await, ["a list of leads without a limit"]);
        let close = world.call(Method::PUT, &format!("{path}/status")).json(&json!({"status": "LOST", "reasonId": 15}));
        assert_eq!(complaints(close).await.len(), 1);
        assert_eq!(complaints(world.call(Method::PATCH, "/v2/leads").json(&json!({}))).await.len(), 1);
        let bare = world.http.get(format!("{}/v2/leads/reasons", world.sim.base_url));
        assert_eq!(complaints(bare.header("authorization", basic(&world.sim.profile))).await.len(), 2);
    }
}
