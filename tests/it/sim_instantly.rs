//! The Instantly simulator against the contract, by raw requests, and against the vendor's own description of answers.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};
use switchboard::sim::{Holder, Meddling, SimOptions, Simulator};

use super::sims::{Reply, complaints, printed, reply, start, until};

struct Workspace {
    sim: Simulator,
    http: reqwest::Client,
    key: String,
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

impl Workspace {
    async fn new(leads: usize, switches: &[(&str, &str)]) -> Self {
        let options = SimOptions { leads, owners: 12, ..SimOptions::default() };
        let switches = [&[("rate_limit", "off"), ("job_delay", "20")], switches].concat();
        let sim = start("instantly", options, &switches).await;
        let key = printed(&sim.profile["token"]);
        let http = reqwest::Client::builder().user_agent("test/1").build().unwrap();
        Self { sim, http, key }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v2{path}", self.sim.base_url);
        self.http.request(method.parse().unwrap(), url).bearer_auth(&self.key)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = reply(self.request("GET", path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        reply(self.request("POST", path).json(&body)).await
    }

    async fn list(&self, body: Value) -> Value {
        let (status, page) = self.post("/leads/list", body).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    async fn patch(&self, id: &str, body: Value) -> Reply {
        reply(self.request("PATCH", &format!("/leads/{id}")).json(&body)).await
    }

    /// The user ids of accepted members.
    async fn users(&self) -> Vec<String> {
        let members = self.get("/workspace-members?limit=100&accepted=true").await;
        let all = members["items"].as_array().unwrap().iter();
        all.map(|member| member["user_id"].as_str().unwrap().to_owned()).collect()
    }

    fn owner(&self, id: &str) -> Option<String> {
        self.sim.holder(id).unwrap().id().map(str::to_owned)
    }

    /// Whether a job has told the log of this many leads.
    fn applied(&self) -> usize {
        self.sim.log().all().iter().filter(|entry| entry.path.ends_with("bulk-assign")).map(|e| e.applied.len()).sum()
    }
}

#[tokio::test]
async fn leads_come_in_the_order_of_their_ids_to_the_last_page() {
    let workspace = Workspace::new(430, &[]).await;
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut body = json!({"limit": 100});
        if !cursor.is_null() {
            body["starting_after"] = cursor;
        }
        let page = workspace.list(body).await;
        all.extend(ids(&page));
        cursor = page["next_starting_after"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert!(all.is_sorted() && all.len() == 430, "{}", all.len());
    assert!(all.iter().filter(|id| id.as_bytes()[14] == b'7').count() > 400, "most ids tell their time");
    for wrong in [json!({"limit": 101}), json!({"limit": 0}), json!({"ids": "x"}), json!({"filter": "FILTER_VAL_RICH"})]
    {
        let (status, error) = workspace.post("/leads/list", wrong).await;
        assert_eq!((status, &error["statusCode"], &error["error"]), (400, &json!(400), &json!("Bad Request")));
    }
    assert_eq!(ids(&workspace.list(json!({})).await).len(), 10);
    let without = "leads are listed without a limit, whose default is not documented";
    assert!(complaints(&workspace.sim).iter().all(|what| what == without) && !complaints(&workspace.sim).is_empty());

    workspace.sim.switch("extra_empty_page", "on").unwrap();
    let page = workspace.list(json!({"limit": 100, "starting_after": all[428]})).await;
    assert_eq!((ids(&page).len(), &page["next_starting_after"]), (1, &json!(all[429])));
    let page = workspace.list(json!({"limit": 100, "starting_after": all[429]})).await;
    assert_eq!(page, json!({"items": []}));
    workspace.sim.switch("unscoped_list", "400").unwrap();
    assert_eq!(workspace.post("/leads/list", json!({"limit": 5})).await.0, 400);
}

#[tokio::test]
async fn filters_narrow_the_list_down() {
    let workspace = Workspace::new(900, &[("custom_labels", "on")]).await;
    let count = async |more: Value| {
        let mut body = json!({"limit": 100});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        workspace.list(body).await["items"].as_array().unwrap().clone()
    };
    let campaigns = workspace.get("/campaigns?limit=100").await;
    let campaign = campaigns["items"][0]["id"].clone();
    assert!(count(json!({"campaign": campaign})).await.iter().all(|lead| lead["campaign"] == campaign));
    let list = workspace.get("/lead-lists?limit=1").await["items"][0]["id"].clone();
    let in_list = count(json!({"list_id": list})).await;
    assert!(!in_list.is_empty() && in_list.iter().all(|lead| lead["list_id"] == list));
    assert!(count(json!({"in_list": false})).await.iter().all(|lead| lead["list_id"].is_null()));
    let user = workspace.users().await.remove(0);
    let owned = count(json!({"organization_user_ids": [user]})).await;
    assert!(!owned.is_empty() && owned.iter().all(|lead| lead["assigned_to"] == user.as_str()));
    let name = owned[0]["last_name"].as_str().unwrap();
    assert!(count(json!({"search": name.to_uppercase()})).await.iter().any(|lead| lead["id"] == owned[0]["id"]));
    for (filter, field, value) in [
        ("FILTER_VAL_COMPLETED", "status", 3),
        ("FILTER_VAL_BOUNCED", "status", -1),
        ("FILTER_LEAD_INTERESTED", "lt_interest_status", 1),
        ("FILTER_LEAD_CLOSED", "lt_interest_status", 4),
        ("FILTER_VAL_VALID", "verification_status", 1),
    ] {
        let found = count(json!({"filter": filter})).await;
        assert!(!found.is_empty() && found.iter().all(|lead| lead[field] == value), "{filter}");
    }
    let labels = workspace.get("/lead-labels?limit=100&interest_status=negative").await;
    let number = &labels["items"][0]["interest_status"];
    let labelled = count(json!({"filter": "FILTER_LEAD_CUSTOM_LABEL_NEGATIVE"})).await;
    assert!(!labelled.is_empty() && labelled.iter().all(|lead| lead["lt_interest_status"] == *number));
    let two = [owned[0]["id"].clone(), owned[1]["id"].clone()];
    assert_eq!(count(json!({"ids": two})).await.len(), 2);
    assert_eq!(count(json!({"ids": two, "excluded_ids": [two[0]]})).await.len(), 1);
    let query = json!({"actionType": "reply", "values": {"occurrence-count": {"condition": "more", "count": 1}}});
    assert!(count(json!({"queries": [query]})).await.iter().all(|lead| lead["email_reply_count"].as_u64() > Some(1)));
}

#[tokio::test]
async fn one_lead_is_patched_at_once() {
    let workspace = Workspace::new(60, &[]).await;
    let id = ids(&workspace.list(json!({"limit": 1})).await).remove(0);
    let user = workspace.users().await.remove(1);
    let (status, lead) = workspace.patch(&id, json!({"assigned_to": user})).await;
    assert_eq!((status, &lead["id"], &lead["assigned_to"]), (200, &json!(id), &json!(user)));
    assert_eq!(workspace.owner(&id), Some(user.clone()));
    assert_eq!(workspace.get(&format!("/leads/{id}")).await["assigned_to"], user.as_str());
    let (status, lead) = workspace.patch(&id, json!({"assigned_to": null})).await;
    assert!(status == 200 && lead["assigned_to"].is_null());
    assert_eq!(workspace.sim.holder(&id), Some(Holder::Nobody));
    assert_eq!(complaints(&workspace.sim), Vec::<String>::new());

    let membership = workspace.get("/workspace-members?limit=1").await["items"][0]["id"].clone();
    assert_eq!(workspace.patch(&id, json!({"assigned_to": membership})).await.0, 400, "the other kind of id");
    assert_eq!(workspace.patch(&id, json!({"owner": "x"})).await.0, 400);
    assert_eq!(workspace.patch("nope", json!({"assigned_to": null})).await.0, 404);
    workspace.patch(&id, json!({"assigned_to": user})).await;
    for (value, status) in [("ignore", 200), ("400", 400)] {
        workspace.sim.switch("patch_null", value).unwrap();
        assert_eq!(workspace.patch(&id, json!({"assigned_to": null})).await.0, status);
        assert_eq!(workspace.owner(&id), Some(user.clone()));
    }
}

#[tokio::test]
async fn many_are_assigned_by_a_job_that_comes_later() {
    let workspace = Workspace::new(300, &[]).await;
    let some = ids(&workspace.list(json!({"limit": 40})).await);
    let users = workspace.users().await;
    let before: Vec<_> = some.iter().map(|id| workspace.owner(id)).collect();
    let body = json!({"organization_user_ids": [users[3]], "ids": some});
    let (status, answer) = workspace.post("/leads/bulk-assign", body.clone()).await;
    assert_eq!((status, &answer["status"]), (202, &json!("accepted")));
    until("the job", || workspace.applied() == 40).await;
    assert!(some.iter().all(|id| workspace.owner(id).as_ref() == Some(&users[3])));

    // Only leads of one owner, and of one campaign.
    workspace.sim.meddle(&some[..5], &Meddling::To(Holder::owner(users[5].clone(), "Five")));
    let guarded = json!({"organization_user_ids": [users[4]], "ids": some, "assigned_to": users[3]});
    workspace.post("/leads/bulk-assign", guarded.clone()).await;
    until("the guarded job", || workspace.applied() == 75).await;
    assert!(some[..5].iter().all(|id| workspace.owner(id).as_ref() == Some(&users[5])));
    assert!(some[5..].iter().all(|id| workspace.owner(id).as_ref() == Some(&users[4])));
    let campaign =
        workspace.list(json!({"ids": some, "in_campaign": true, "limit": 1})).await["items"][0]["campaign"].clone();
    let inside = ids(&workspace.list(json!({"ids": some, "campaign": campaign, "limit": 100})).await);
    assert!(!inside.is_empty() && inside.len() < 40);
    let scoped = json!({"organization_user_ids": [users[6]], "ids": some, "campaign": campaign});
    workspace.post("/leads/bulk-assign", scoped).await;
    until("the job of one campaign", || workspace.applied() == 75 + inside.len()).await;
    for id in &some {
        assert_eq!(workspace.owner(id).as_ref() == Some(&users[6]), inside.contains(id));
    }
    assert_eq!(complaints(&workspace.sim), Vec::<String>::new());

    workspace.sim.switch("guard", "400").unwrap();
    assert_eq!(workspace.post("/leads/bulk-assign", guarded.clone()).await.0, 400);
    workspace.sim.switch("guard", "ignore").unwrap();
    workspace.post("/leads/bulk-assign", guarded).await;
    until("the unguarded job", || workspace.applied() == 115 + inside.len()).await;
    workspace.sim.switch("bulk_requires_scope", "on").unwrap();
    let (status, error) = workspace.post("/leads/bulk-assign", body.clone()).await;
    assert_eq!((status, error), (400, json!({"message": "`campaign` or `list_id` is required with `ids`"})));
    workspace.sim.switch("bulk_requires_scope", "off").unwrap();

    let membership = workspace.get("/workspace-members?limit=1").await["items"][0]["id"].clone();
    let (status, error) =
        workspace.post("/leads/bulk-assign", json!({"organization_user_ids": [membership], "ids": some})).await;
    assert_eq!((status, error), (400, json!({"message": "Invalid ID on `organization_user_ids` field"})));
    assert!(before.iter().any(|owner| owner.as_ref() != Some(&users[3])));
}

#[tokio::test]
async fn jobs_can_do_half_or_nothing_and_are_seldom_listed() {
    let workspace = Workspace::new(300, &[("job", "partial")]).await;
    let some = ids(&workspace.list(json!({"limit": 20})).await);
    let user = workspace.users().await.remove(2);
    let body = json!({"organization_user_ids": [user], "ids": some});
    workspace.sim.meddle(&some, &Meddling::To(Holder::Nobody));
    workspace.post("/leads/bulk-assign", body.clone()).await;
    until("half of the job", || workspace.applied() == 10).await;
    let given = some.iter().filter(|id| workspace.owner(id).is_some()).count();
    assert_eq!(given, 10);
    workspace.sim.switch("job", "never").unwrap();
    workspace.post("/leads/bulk-assign", body).await;
    let kinds = async || {
        let jobs = workspace.get("/background-jobs?limit=20&sort_column=created_at&sort_order=desc").await;
        jobs["items"].as_array().unwrap().iter().map(|job| job["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, ["export-leads", "move-leads", "import-leads"]);
    workspace.sim.switch("job_listed", "on").unwrap();
    let listed = kinds().await;
    assert_eq!(listed[..2], ["bulk-assign-leads", "bulk-assign-leads"]);
    let job = workspace.get("/background-jobs?limit=1&sort_order=desc").await["items"][0].clone();
    assert_eq!(job["status"], "pending");
    let id = job["id"].as_str().unwrap();
    assert_eq!((id.len(), workspace.get(&format!("/background-jobs/{id}")).await), (24, job.clone()));
    assert_eq!(workspace.applied(), 10);
}

#[tokio::test]
async fn a_bulk_call_without_ids_is_refused_loudly_and_other_broken_rules_are_told() {
    let workspace = Workspace::new(120, &[]).await;
    let users = workspace.users().await;
    let before: HashSet<_> = workspace.sim.holders().into_iter().collect();
    for body in [
        json!({"organization_user_ids": [users[0]]}),
        json!({"organization_user_ids": [users[0]], "ids": []}),
        json!({"organization_user_ids": [users[0]], "ids": null}),
        json!({"organization_user_ids": [users[0]], "campaign": "x", "filter": "FILTER_VAL_ACTIVE"}),
    ] {
        assert_eq!(workspace.post("/leads/bulk-assign", body).await.0, 500);
    }
    assert!(complaints(&workspace.sim).iter().all(|what| what.starts_with("BULK-ASSIGN WITHOUT IDS")));
    assert_eq!(complaints(&workspace.sim).len(), 4);
    assert_eq!(before, workspace.sim.holders().into_iter().collect::<HashSet<_>>());

    let unread: Vec<_> = before.iter().take(2).map(|(id, _)| id.to_string()).collect();
    let body = json!({"organization_user_ids": [users[0], users[1]], "ids": unread, "has_clause": true, "search": "a"});
    workspace.post("/leads/bulk-assign", body).await;
    let told = complaints(&workspace.sim)[4..].join("; ");
    for part in ["several users", "has_clause", "by search", "2 leads are assigned in bulk that were not read"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    workspace.post("/leads/move", json!({})).await;
    workspace.list(json!({"limit": 1, "campaign_id": "x"})).await;
    let bare =
        reqwest::Client::new().get(format!("{}/api/v2/campaigns", workspace.sim.base_url)).bearer_auth(&workspace.key);
    reply(bare).await;
    let told = complaints(&workspace.sim).join("; ");
    for part in ["nothing to do with owners", "campaign_id is not documented", "no user agent"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[tokio::test]
async fn requests_are_refused_before_they_are_looked_at() {
    let workspace = Workspace::new(60, &[]).await;
    let id = ids(&workspace.list(json!({"limit": 1})).await).remove(0);
    let url = format!("{}/api/v2/campaigns", workspace.sim.base_url);
    let (status, error) = reply(workspace.http.get(&url)).await;
    let missing = json!({"statusCode": 401, "error": "Unauthorized", "message": "Missing Authorization header"});
    assert_eq!((status, error), (401, missing));
    assert_eq!(reply(workspace.http.get(&url).bearer_auth("wrong")).await.0, 401);
    let reader = printed(&workspace.sim.other_profiles()[0].1["token"]);
    assert_eq!(reply(workspace.http.get(&url).bearer_auth(&reader)).await.0, 200);
    let patch = workspace.http.patch(format!("{}/api/v2/leads/{id}", workspace.sim.base_url));
    assert_eq!(reply(patch.bearer_auth(&reader).json(&json!({"assigned_to": null}))).await.0, 403);
    workspace.sim.switch("forbidden", "scope").unwrap();
    let (status, error) = workspace.patch(&id, json!({"assigned_to": null})).await;
    assert!(status == 403 && error["message"].as_str().unwrap().contains("leads:update"));
    workspace.sim.switch("forbidden", "cloudflare").unwrap();
    assert_eq!(reply(workspace.request("GET", "/campaigns")).await, (403, json!("error code: 1010")));
    workspace.sim.switch("forbidden", "off").unwrap();
    workspace.sim.switch("plan", "none").unwrap();
    assert_eq!(reply(workspace.request("GET", "/campaigns")).await.0, 402);
    workspace.sim.switch("plan", "paid").unwrap();
    workspace.sim.switch("rate_limit", "1/h").unwrap();
    reply(workspace.request("GET", "/campaigns")).await;
    let answer = workspace.request("GET", "/campaigns").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after")), (429, None));
    workspace.sim.switch("retry_after", "on").unwrap();
    let answer = workspace.request("GET", "/campaigns").send().await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn the_index_can_lag_and_others_can_meddle() {
    let workspace = Workspace::new(60, &[("index_lag", "3600000")]).await;
    let id = ids(&workspace.list(json!({"limit": 1})).await).remove(0);
    let was = workspace.owner(&id);
    let users = workspace.users().await;
    let user = users.iter().find(|user| Some(*user) != was.as_ref()).unwrap();
    workspace.patch(&id, json!({"assigned_to": user})).await;
    let listed = workspace.list(json!({"ids": [id], "limit": 100})).await["items"][0]["assigned_to"].clone();
    assert_eq!(listed, json!(was));
    assert_eq!(workspace.get(&format!("/leads/{id}")).await["assigned_to"], user.as_str());

    workspace.sim.switch("third_party", "100%:times=1").unwrap();
    workspace.list(json!({"ids": [id], "limit": 100})).await;
    assert_ne!(workspace.owner(&id).as_ref(), Some(user));
    workspace.sim.meddle(&[&id], &Meddling::Gone);
    assert_eq!(reply(workspace.request("GET", &format!("/leads/{id}"))).await.0, 404);
    assert_eq!(ids(&workspace.list(json!({"ids": [id], "limit": 100})).await).len(), 0);
}

/// The vendor's description of its API, in one of the folders above this one. It is theirs and not ours to copy.
struct Description(Value);

impl Description {
    fn find() -> Option<Self> {
        let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let file = places.map(|place| place.join("shared/apis/instantly.openapi.json")).find(|file| file.exists())?;
        Some(Self(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()))
    }

    fn check(&self, method: &str, path: &str, (status, answer): Reply, expected: u16) {
        let what = format!("{method} {path}");
        assert_eq!(status, expected, "{what}: {answer}");
        let responses = &self.0["paths"][format!("/api/v2{path}")][method]["responses"];
        let mut schema = responses[status.to_string()]["content"]["application/json"]["schema"].clone();
        assert!(schema.is_object(), "{what} does not answer {status}");
        // References lead into the whole description.
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&answer).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{what}: {errors:?}");
    }
}

#[tokio::test]
async fn every_answer_fits_the_vendors_own_description() {
    let Some(description) = Description::find() else {
        println!("left out: the vendor's description (shared/apis/instantly.openapi.json) is not beside this checkout");
        return;
    };
    for switches in [&[][..], &[("unassigned_as", "absent"), ("extra_empty_page", "on")]] {
        let workspace = Workspace::new(700, switches).await;
        let send = async |method: &str, path: &str, body: Option<Value>| {
            let request = workspace.request(method, path);
            reply(match body {
                Some(body) => request.json(&body),
                None => request,
            })
            .await
        };
        let mut cursor = None;
        loop {
            let mut body = json!({"limit": 100});
            if let Some(cursor) = cursor {
                body["starting_after"] = cursor;
            }
            let page = send("POST", "/leads/list", Some(body)).await;
            cursor = page.1.get("next_starting_after").cloned();
            description.check("post", "/leads/list", page, 200);
            if cursor.is_none() {
                break;
            }
        }
        for path in ["/workspace-members", "/campaigns", "/lead-lists", "/lead-labels", "/background-jobs"] {
            description.check("get", path, send("GET", &format!("{path}?limit=100"), None).await, 200);
            description.check("get", path, send("GET", &format!("{path}?limit=1"), None).await, 200);
        }
        description.check("get", "/workspaces/current", send("GET", "/workspaces/current", None).await, 200);
        let job = workspace.get("/background-jobs?limit=1").await["items"][0]["id"].as_str().unwrap().to_owned();
        description.check(
            "get",
            "/background-jobs/{id}",
            send("GET", &format!("/background-jobs/{job}"), None).await,
            200,
        );
        let id = ids(&workspace.list(json!({"limit": 1})).await).remove(0);
        let user = workspace.users().await.remove(0);
        let lead = format!("/leads/{id}");
        description.check("get", "/leads/{id}", send("GET", &lead, None).await, 200);
        for owner in [json!(user), Value::Null] {
            description.check(
                "patch",
                "/leads/{id}",
                send("PATCH", &lead, Some(json!({"assigned_to": owner}))).await,
                200,
            );
        }
        let body = json!({"organization_user_ids": [user], "ids": [id]});
        description.check("post", "/leads/bulk-assign", send("POST", "/leads/bulk-assign", Some(body)).await, 202);
        let body = json!({"organization_user_ids": ["x"], "ids": [id]});
        description.check("post", "/leads/bulk-assign", send("POST", "/leads/bulk-assign", Some(body)).await, 400);
        description.check("post", "/leads/list", send("POST", "/leads/list", Some(json!({"limit": 1_000}))).await, 400);
        description.check("get", "/leads/{id}", send("GET", "/leads/nope", None).await, 404);
        workspace.sim.switch("plan", "none").unwrap();
        description.check("get", "/campaigns", send("GET", "/campaigns", None).await, 402);
        workspace.sim.set_faults(&["unauthorized=100%:times=1", "rate_limit=100%:times=1"]).unwrap();
        description.check("patch", "/leads/{id}", send("PATCH", &lead, Some(json!({}))).await, 401);
        description.check("post", "/leads/bulk-assign", send("POST", "/leads/bulk-assign", Some(json!({}))).await, 429);
    }
}
