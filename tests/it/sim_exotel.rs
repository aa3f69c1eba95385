//! The Exotel simulator against the contract, by raw requests.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Value, json};
use switchboard::sim::{Holder, Meddling, SimOptions, Simulator};

use super::sims::{Reply, complaints, printed, reply, start, until};

struct Center {
    sim: Simulator,
    http: reqwest::Client,
    user: String,
    password: String,
    token: String,
}

/// A campaign as the hierarchy gives it.
#[derive(Clone, Debug)]
struct Campaign {
    id: u64,
    process: u64,
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

impl Center {
    async fn new(switches: &[(&str, &str)]) -> Self {
        Self::sized(40, 24, 12, switches).await
    }

    async fn sized(leads: usize, owners: usize, campaigns: usize, switches: &[(&str, &str)]) -> Self {
        let options = SimOptions { leads, owners, campaigns, ..SimOptions::default() };
        let sim = start("exotel", options, switches).await;
        let secret = |name: &str| printed(&sim.profile[name]);
        let (user, password, token) = (secret("basic_username"), secret("basic_password"), secret("bearer_token"));
        Self { sim, http: reqwest::Client::new(), user, password, token }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.sim.base_url));
        request.header("accept", "application/json").header("content-type", "application/json")
    }

    async fn bearer(&self, path: &str) -> Reply {
        reply(self.request("GET", path).bearer_auth(&self.token)).await
    }

    async fn basic(&self, path: &str) -> Reply {
        reply(self.request("GET", path).basic_auth(&self.user, Some(&self.password))).await
    }

    async fn campaigns(&self) -> Vec<Campaign> {
        let (status, all) = self.bearer("/configuration/hierarchyconfig/campaign?contactCenterId=1").await;
        assert_eq!(status, 200, "{all}");
        let campaign = |c: &Value| Campaign {
            id: c["campaignContextId"].as_u64().unwrap(),
            process: c["processId"].as_u64().unwrap(),
        };
        all.as_array().unwrap().iter().map(campaign).collect()
    }

    fn below(&self, campaign: &Campaign, what: &str) -> String {
        format!("/cms/configuration/cc/1/process/{}/campaign/{}/{what}", campaign.process, campaign.id)
    }

    async fn lists(&self, campaign: &Campaign) -> Vec<Value> {
        let (status, all) = self.bearer(&self.below(campaign, "campaign-lead")).await;
        assert_eq!(status, 200, "{all}");
        all["response"].as_array().unwrap().clone()
    }

    /// The ids of a campaign's lists.
    async fn list_ids(&self, campaign: &Campaign) -> Vec<u64> {
        self.lists(campaign).await.iter().map(|item| item["data"]["leadId"].as_u64().unwrap()).collect()
    }

    async fn read(&self, campaign: &Campaign, list: u64) -> Value {
        let (status, users) = self.page(campaign, list, 1_000, 0).await;
        assert_eq!(status, 200, "{users}");
        users
    }

    async fn page(&self, campaign: &Campaign, list: u64, limit: u64, offset: u64) -> Reply {
        let query = format!("lead-user?leadId={list}&limit={limit}&offset={offset}");
        self.basic(&self.below(campaign, &query)).await
    }

    async fn put(&self, campaign: &Campaign, list: u64, add: &[&str], remove: &[&str]) -> Reply {
        let body = json!({
            "leadId": list, "campaignId": campaign.id, "assignedUserIds": add, "unassignedUserIds": remove,
        });
        let request = self.request("PUT", "/cms/configuration/voice/campaignLeadUserMapping");
        reply(request.basic_auth(&self.user, Some(&self.password)).json(&body)).await
    }

    /// Who is mapped, as the simulator itself knows it.
    fn mapped(&self, campaign: &Campaign, list: u64) -> BTreeSet<String> {
        match self.sim.holder(&format!("{}:{list}", campaign.id)) {
            Some(Holder::Agents(agents)) => agents,
            other => panic!("{other:?}"),
        }
    }

    /// A list of the first campaign that has users mapped and users not mapped.
    async fn some_list(&self) -> (Campaign, u64, Value) {
        let campaign = self.campaigns().await.remove(0);
        for list in self.list_ids(&campaign).await {
            let users = self.read(&campaign, list).await;
            if users["assignedUserIds"].as_array().unwrap().len() >= 2
                && users["unassignedUserIds"].as_array().unwrap().len() >= 2
            {
                return (campaign, list, users);
            }
        }
        panic!("no list has both");
    }
}

mod hierarchy {
    use super::*;

    #[tokio::test]
    async fn processes_come_two_at_a_time_and_ten_at_most() {
        let center = Center::new(&[]).await;
        let (status, page) = center.bearer("/configuration/cc/1/process").await;
        assert_eq!((status, page["response"].as_array().unwrap().len()), (200, 2));
        assert_eq!(page["metadata"], json!({"total": "12", "count": 2, "offset": 0, "limit": 2}));
        assert_eq!((&page["http_code"], &page["method"]), (&json!(200), &json!("GET")));
        assert_eq!(page["request_id"].as_str().unwrap().len(), 36);
        let (_, page) = center.bearer("/configuration/cc/1/process?limit=50&offset=0&sort_by=id:desc,name:asc").await;
        assert_eq!(page["metadata"]["limit"], 10);
        let ids: Vec<_> =
            page["response"].as_array().unwrap().iter().map(|p| p["processId"].as_u64().unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a > b) && ids.len() == 10, "{ids:?}");
        let (_, rest) = center.bearer("/configuration/cc/1/process?limit=10&offset=10").await;
        assert_eq!(rest["metadata"]["count"], 2);
        let (_, named) = center.bearer("/configuration/cc/1/process?limit=10&processName=Pune").await;
        assert_eq!(named["response"][0]["processName"], "Pune floor");
        assert!(named["response"][0]["dateAdded"].as_str().unwrap().ends_with('Z'));
        assert_eq!(center.bearer("/configuration/cc/1/process?limit=x").await.0, 400);
        assert_eq!(center.bearer("/configuration/cc/1/process?limit=10&sort_by=colour").await.0, 400);
        let (status, error) = center.bearer("/configuration/cc/9/process?limit=10").await;
        let missing = json!({
            "statusCode": 404, "status": "Not Found", "errorCode": "CONF-1001", "errorMessage": "Object doesn't exist",
        });
        assert_eq!((status, error), (404, missing));
    }

    #[tokio::test]
    async fn campaigns_are_a_bare_array_and_belong_to_processes() {
        let center = Center::new(&[]).await;
        let campaigns = center.campaigns().await;
        assert_eq!(campaigns.len(), 12);
        let (_, all) = center.bearer("/configuration/cc/1/process?limit=10").await;
        let processes: HashSet<_> =
            all["response"].as_array().unwrap().iter().map(|p| p["processId"].as_u64().unwrap()).collect();
        assert!(campaigns.iter().all(|campaign| processes.contains(&campaign.process)));
        assert_eq!(center.bearer("/configuration/hierarchyconfig/campaign").await.0, 400);
        assert_eq!(center.bearer("/configuration/hierarchyconfig/campaign?contactCenterId=9").await.0, 404);
        let (_, other) = center.bearer("/configuration/hierarchyconfig/campaign?contactCenterId=2").await;
        assert_eq!(other.as_array().unwrap().len(), 1);
        let wrong = Campaign { process: campaigns[4].process, ..campaigns[0].clone() };
        assert_eq!(center.bearer(&center.below(&wrong, "campaign-lead")).await.0, 404);
    }

    #[tokio::test]
    async fn lists_of_a_campaign_come_wrapped_one_by_one_with_their_mappings() {
        let center = Center::new(&[]).await;
        let campaigns = center.campaigns().await;
        let lists = center.lists(&campaigns[0]).await;
        assert_eq!(lists.len(), 40);
        let (mut disabled, mut empty) = (0, 0);
        for item in &lists {
            assert_eq!((&item["http_code"], &item["error_data"]), (&json!(200), &Value::Null));
            let data = &item["data"];
            assert_eq!(data["campaignContextId"].as_u64().unwrap(), campaigns[0].id);
            assert!(data["dateModified"].as_str().unwrap().ends_with("+00:00"));
            disabled += usize::from(data["enabled"] == false);
            let mappings = data["campaignLeadUserMappings"].as_array().unwrap();
            empty += usize::from(mappings.is_empty());
            let users = center.read(&campaigns[0], data["leadId"].as_u64().unwrap()).await;
            let mut over: Vec<_> = mappings.iter().map(|m| m["campaignUserId"].as_u64().unwrap()).collect();
            let mut one = numbers(&users["assignedCampaignUserIds"]);
            over.sort_unstable();
            one.sort_unstable();
            assert_eq!(over, one);
            assert_eq!(users["campaignLeadId"], data["id"]);
        }
        assert!(disabled > 0 && empty > 0);
        // A list that is attached to two campaigns has two mappings.
        let (first, second) = (center.list_ids(&campaigns[0]).await, center.list_ids(&campaigns[1]).await);
        let shared = second[0];
        assert!(first.contains(&shared));
        let ids = |users: &Value| {
            numbers(&users["assignedCampaignUserIds"])
                .into_iter()
                .chain(numbers(&users["unassignedCampaignUserIds"]))
                .collect::<HashSet<_>>()
        };
        let (a, b) = (center.read(&campaigns[0], shared).await, center.read(&campaigns[1], shared).await);
        assert_ne!(a["campaignLeadId"], b["campaignLeadId"]);
        assert!(ids(&a).is_disjoint(&ids(&b)), "an agent has another number in each campaign");
        // Campaigns without users and without lists.
        let none = center.read(&campaigns[3], center.list_ids(&campaigns[3]).await[0]).await;
        assert_eq!(none["unassignedUserIds"], json!([]));
        assert_eq!(center.lists(&campaigns[5]).await.len(), 0);
    }

    #[tokio::test]
    async fn lists_can_come_in_pages_and_one_of_them_as_an_error() {
        let center = Center::new(&[("campaign_lead_paging", "on"), ("item_error", "on")]).await;
        let campaign = center.campaigns().await.remove(0);
        let page = |offset: u64| center.below(&campaign, &format!("campaign-lead?limit=100&offset={offset}"));
        let (_, first) = center.bearer(&page(0)).await;
        assert_eq!(first["metadata"], json!({"total": "40", "count": 20, "offset": 0, "limit": 20}));
        assert_eq!(first["response"][1]["http_code"], 404);
        assert_eq!(first["response"][1]["data"], Value::Null);
        assert_eq!(first["response"][1]["error_data"]["errorCode"], "CONF-1001");
        center.sim.switch("item_error", "text").unwrap();
        let (_, first) = center.bearer(&page(0)).await;
        assert!(first["response"][1]["error_data"].is_string());
        let (_, second) = center.bearer(&page(20)).await;
        assert_eq!(second["response"].as_array().unwrap().len(), 20);
        assert_eq!(center.bearer(&page(40)).await.1["metadata"]["count"], 0);
    }
}

mod access {
    use super::*;

    #[tokio::test]
    async fn each_endpoint_takes_its_own_scheme() {
        let center = Center::new(&[]).await;
        let (campaign, list, _) = center.some_list().await;
        let over = center.below(&campaign, "campaign-lead");
        let one = center.below(&campaign, &format!("lead-user?leadId={list}&limit=10&offset=0"));
        let processes = "/configuration/cc/1/process?limit=10";
        assert_eq!(center.basic(processes).await.0, 401);
        assert_eq!(center.basic(&over).await.0, 401);
        assert_eq!(center.bearer(&one).await.0, 401);
        let body =
            json!({"leadId": list, "campaignId": campaign.id, "assignedUserIds": ["x"], "unassignedUserIds": []});
        let put = center.request("PUT", "/cms/configuration/voice/campaignLeadUserMapping").json(&body);
        let (status, error) = reply(put.bearer_auth(&center.token)).await;
        assert_eq!((status, &error["statusCode"], &error["status"]), (401, &json!(401), &json!("Unauthorized")));
        assert_eq!(reply(center.request("GET", processes)).await.0, 401);
        assert_eq!(reply(center.request("GET", processes).bearer_auth("wrong")).await.0, 401);

        center.sim.switch("auth", "bearer_everywhere").unwrap();
        assert_eq!((center.bearer(&one).await.0, center.basic(&one).await.0), (200, 401));
        center.sim.switch("auth", "basic_everywhere").unwrap();
        assert_eq!((center.basic(processes).await.0, center.bearer(processes).await.0), (200, 401));
    }

    #[tokio::test]
    async fn a_read_only_credential_reads_and_does_not_write() {
        let mut center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let reader = center.sim.other_profiles().into_iter().find(|(name, _)| name == "read_only").unwrap().1;
        center.user = printed(&reader["basic_username"]);
        center.password = printed(&reader["basic_password"]);
        assert_eq!(center.read(&campaign, list).await, users);
        let user = texts(&users["unassignedUserIds"]).remove(0);
        assert_eq!(center.put(&campaign, list, &[&user], &[]).await.0, 403);
    }

    #[tokio::test]
    async fn the_hierarchy_can_be_below_cms_like_the_rest() {
        let center = Center::new(&[("prefix", "cms_everywhere")]).await;
        assert_eq!(center.sim.profile["hierarchy_prefix"], "/cms/configuration");
        assert_eq!(center.bearer("/cms/configuration/cc/1/process?limit=10").await.0, 200);
        let (status, page) = center.bearer("/configuration/cc/1/process?limit=10").await;
        assert!(status == 404 && page.as_str().unwrap().starts_with("<!doctype html>"), "{page}");
        center.sim.switch("prefix", "as_published").unwrap();
        assert_eq!(center.bearer("/cms/configuration/cc/1/process?limit=10").await.0, 404);
    }

    #[tokio::test]
    async fn the_profile_is_complete_and_its_files_have_the_names() {
        let center = Center::new(&[]).await;
        let profile = &center.sim.profile;
        assert_eq!((&profile["vendor"], &profile["contact_center_id"]), (&json!("exotel"), &json!(1)));
        let read = |name: &str| {
            let mut file = csv::Reader::from_path(profile[name].as_str().unwrap()).unwrap();
            let head: Vec<String> = file.headers().unwrap().iter().map(str::to_owned).collect();
            let rows: BTreeMap<String, String> =
                file.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
            (head, rows)
        };
        let (head, roster) = read("roster_file");
        assert_eq!(head, ["user_id", "display_name", "team"]);
        assert_eq!(roster.len(), 23, "one is too new");
        assert!(roster.values().any(|name| name == "Jane Smith"));
        let (head, lists) = read("lead_names_file");
        assert_eq!(head, ["lead_id", "name"]);
        let campaign = center.campaigns().await.remove(0);
        let ids = center.list_ids(&campaign).await;
        let named = ids.iter().filter(|id| lists.contains_key(&id.to_string())).count();
        assert_eq!(named, ids.len() - 2);
        assert_eq!(lists.values().collect::<HashSet<_>>().len(), lists.len(), "no name twice");
        let mapped = center.read(&campaign, ids[0]).await;
        let agents: Vec<_> = [texts(&mapped["assignedUserIds"]), texts(&mapped["unassignedUserIds"])].concat();
        assert_eq!(agents.len(), 24);
        assert!(agents.iter().any(|id| id.contains('@')) && agents.iter().any(|id| id.ends_with("_agent")));
        let folded: HashSet<_> = agents.iter().map(|id| id.to_lowercase()).collect();
        assert_eq!(folded.len(), agents.len() - 1, "two ids differ in case only");
        let folder = std::path::Path::new(profile["roster_file"].as_str().unwrap()).parent().unwrap().to_owned();
        drop(center);
        until("the files go with the simulator", || !folder.exists()).await;
    }
}

mod reading {
    use super::*;

    #[tokio::test]
    async fn all_three_parameters_are_required() {
        let center = Center::new(&[]).await;
        let (campaign, list, _) = center.some_list().await;
        for query in ["leadId=1&limit=5", "leadId=1&offset=0", "limit=5&offset=0", "leadId=x&limit=5&offset=0"] {
            assert_eq!(center.basic(&center.below(&campaign, &format!("lead-user?{query}"))).await.0, 400, "{query}");
        }
        assert_eq!(center.page(&campaign, list, 0, 0).await.0, 400);
        assert_eq!(center.page(&campaign, 1, 10, 0).await.0, 404);
    }

    #[tokio::test]
    async fn pages_count_in_four_ways() {
        let center = Center::new(&[]).await;
        let (campaign, list, whole) = center.some_list().await;
        let (mapped, others) = (texts(&whole["assignedUserIds"]), texts(&whole["unassignedUserIds"]));
        let lengths = async |limit, offset| {
            let (_, page) = center.page(&campaign, list, limit, offset).await;
            (texts(&page["assignedUserIds"]).len(), texts(&page["unassignedUserIds"]).len())
        };
        let n = mapped.len() as u64;
        assert_eq!(mapped.len() + others.len(), 24);
        assert_eq!(lengths(n + 1, 0).await, (mapped.len(), 1));
        assert_eq!(lengths(100, n + 1).await, (0, others.len() - 1));
        assert_eq!(lengths(100, 24).await, (0, 0));
        center.sim.switch("lead_user_paging", "per_array").unwrap();
        assert_eq!(lengths(1, 0).await, (1, 1));
        assert_eq!(lengths(1, n).await, (0, usize::from(others.len() > mapped.len())));
        center.sim.switch("lead_user_paging", "ignored").unwrap();
        assert_eq!(lengths(1, 500).await, (mapped.len(), others.len()));
        center.sim.switch("lead_user_paging", "page_index").unwrap();
        assert_eq!(lengths(12, 1).await.0 + lengths(12, 1).await.1, 12);
        assert_eq!(lengths(12, 12).await, (0, 0));
    }

    #[tokio::test]
    async fn the_unassigned_are_the_others_or_the_last_removed_or_none() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let gone = texts(&users["assignedUserIds"]).remove(0);
        assert_eq!(center.put(&campaign, list, &[], &[&gone]).await.0, 200);
        assert!(texts(&center.read(&campaign, list).await["unassignedUserIds"]).len() > 1);
        center.sim.switch("get_unassigned", "last_removed").unwrap();
        assert_eq!(texts(&center.read(&campaign, list).await["unassignedUserIds"]), [gone]);
        center.sim.switch("get_unassigned", "empty").unwrap();
        assert_eq!(center.read(&campaign, list).await["unassignedUserIds"], json!([]));
    }

    #[tokio::test]
    async fn reads_can_lag_behind_writes() {
        let center = Center::new(&[("stale_reads", "2")]).await;
        let (campaign, list, users) = center.some_list().await;
        let new = texts(&users["unassignedUserIds"]).remove(0);
        assert_eq!(center.put(&campaign, list, &[&new], &[]).await.0, 200);
        for expected in [false, false, true, true] {
            let now = texts(&center.read(&campaign, list).await["assignedUserIds"]);
            assert_eq!(now.contains(&new), expected);
        }
    }
}

mod writing {
    use super::*;

    #[tokio::test]
    async fn a_write_adds_and_removes_and_echoes_in_another_order() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let before = center.mapped(&campaign, list);
        let (add, remove) = (texts(&users["unassignedUserIds"]), texts(&users["assignedUserIds"]));
        let version = async || {
            let all = center.lists(&campaign).await;
            let item = all.into_iter().find(|item| item["data"]["leadId"] == list).unwrap();
            item["data"]["version"].as_u64().unwrap()
        };
        let old_version = version().await;
        let (status, answer) = center.put(&campaign, list, &[&add[0], &add[1]], &[&remove[0], &remove[1]]).await;
        assert_eq!(status, 200);
        assert_eq!(texts(&answer["assignedUserIds"]), [add[1].clone(), add[0].clone()]);
        assert_eq!(texts(&answer["unassignedUserIds"]), [remove[1].clone(), remove[0].clone()]);
        assert_eq!(answer["campaignLeadId"], users["campaignLeadId"]);
        let (names, ids) = (texts(&users["unassignedUserIds"]), numbers(&users["unassignedCampaignUserIds"]));
        let id = |name: &str| ids[names.iter().position(|other| other == name).unwrap()];
        assert_eq!(numbers(&answer["assignedCampaignUserIds"]), [id(&add[1]), id(&add[0])]);
        let mut wanted = before;
        wanted.retain(|user| *user != remove[0] && *user != remove[1]);
        wanted.extend([add[0].clone(), add[1].clone()]);
        assert_eq!(center.mapped(&campaign, list), wanted);
        assert!(version().await > old_version);
        let after: BTreeSet<_> = texts(&center.read(&campaign, list).await["assignedUserIds"]).into_iter().collect();
        assert_eq!(after, wanted);
        assert_eq!(complaints(&center.sim), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_server_can_replace_and_say_the_same() {
        let center = Center::new(&[("put_semantics", "replace")]).await;
        let (campaign, list, users) = center.some_list().await;
        let new = texts(&users["unassignedUserIds"]).remove(0);
        let (status, answer) = center.put(&campaign, list, &[&new], &[]).await;
        assert_eq!((status, texts(&answer["assignedUserIds"])), (200, vec![new.clone()]));
        assert_eq!(center.mapped(&campaign, list), BTreeSet::from([new]));
    }

    #[tokio::test]
    async fn who_is_mapped_already_is_listed_or_refused() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let there = texts(&users["assignedUserIds"]).remove(0);
        let (status, answer) = center.put(&campaign, list, &[&there], &[]).await;
        assert_eq!((status, texts(&answer["assignedUserIds"])), (200, vec![there.clone()]));
        assert_eq!(complaints(&center.sim), ["1 users are added that were shown as mapped"]);
        center.sim.switch("already_assigned", "400").unwrap();
        assert_eq!(center.put(&campaign, list, &[&there], &[]).await.0, 400);
        let away = texts(&users["unassignedUserIds"]).remove(0);
        assert_eq!(center.put(&campaign, list, &[], &[&away]).await.0, 400);
    }

    #[tokio::test]
    async fn a_user_who_is_not_of_the_campaign_is_refused_or_dropped() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let [one, two] = <[String; 2]>::try_from(texts(&users["unassignedUserIds"])[..2].to_vec()).unwrap();
        let mapped = |user: &str| center.mapped(&campaign, list).contains(user);
        assert_eq!(center.put(&campaign, list, &[&one, "nobody.here"], &[]).await.0, 400);
        assert_eq!(center.put(&campaign, list, &[&one.to_uppercase()], &[]).await.0, 400, "ids are exact");
        assert!(!mapped(&one));
        center.sim.switch("unknown_user", "drop").unwrap();
        let (status, answer) = center.put(&campaign, list, &[&one, "nobody.here"], &[]).await;
        assert_eq!((status, texts(&answer["assignedUserIds"])), (200, vec![one.clone()]));
        assert!(mapped(&one));
        center.sim.switch("unknown_user", "partial").unwrap();
        assert_eq!(center.put(&campaign, list, &[&two, "nobody.here"], &[]).await.0, 400);
        assert!(mapped(&two));
    }

    #[tokio::test]
    async fn wrong_writes_are_refused() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let user = texts(&users["unassignedUserIds"]).remove(0);
        let nowhere = Campaign { id: 999_999, ..campaign.clone() };
        assert_eq!(center.put(&nowhere, list, &[&user], &[]).await.0, 404);
        assert_eq!(center.put(&campaign, 1, &[&user], &[]).await.0, 404);
        assert_eq!(center.put(&campaign, list, &[], &[]).await.0, 400);
        assert_eq!(center.put(&campaign, list, &[&user], &[&user]).await.0, 400);
        for body in ["", "{", "[]", r#"{"leadId": 1, "campaignId": 2}"#, r#"{"leadId": "x"}"#] {
            let put = center.request("PUT", "/cms/configuration/voice/campaignLeadUserMapping");
            let put = put.basic_auth(&center.user, Some(&center.password)).body(body);
            assert_eq!(reply(put).await.0, 400, "{body}");
        }
        center.sim.switch("error_statuscode", "always404").unwrap();
        let (status, error) = center.put(&campaign, list, &[], &[]).await;
        assert_eq!((status, &error["statusCode"], &error["errorCode"]), (400, &json!(404), &json!("CONF-1001")));
    }

    #[tokio::test]
    async fn broken_rules_are_told() {
        let center = Center::new(&[]).await;
        let campaign = center.campaigns().await.remove(0);
        let lists = center.list_ids(&campaign).await;
        let users = center.read(&campaign, lists[0]).await;
        let all = [texts(&users["assignedUserIds"]), texts(&users["unassignedUserIds"])].concat();
        let away = texts(&users["unassignedUserIds"]).remove(0);
        let told = |from: usize| complaints(&center.sim)[from..].to_vec();
        center.put(&campaign, lists[0], &[&away], &[]).await;
        assert_eq!(told(0), Vec::<String>::new());
        center.put(&campaign, lists[0], &[], &[&away]).await;
        assert_eq!(told(0), ["a write without a read of this mapping right before it"]);
        center.read(&campaign, lists[1]).await;
        let other = if center.mapped(&campaign, lists[1]).contains(&all[0]) { &all[1] } else { &all[0] };
        let (add, remove): (&[&str], &[&str]) =
            if center.mapped(&campaign, lists[1]).contains(other) { (&[], &[other]) } else { (&[other], &[]) };
        center.put(&campaign, lists[1], add, remove).await;
        assert!(told(1)[0].starts_with("a second mapping is written before the first write"), "{:?}", told(1));
        center.put(&campaign, lists[1], &[" padded", "x", "x"], &[]).await;
        assert!(told(2).contains(&"assignedUserIds has duplicates".to_owned()), "{:?}", told(2));
        assert!(told(2).contains(&"assignedUserIds has an empty or padded id".to_owned()));
        reply(
            center.http.get(format!("{}/configuration/cc/1/process", center.sim.base_url)).bearer_auth(&center.token),
        )
        .await;
        let last = complaints(&center.sim);
        assert!(last.contains(&"content-type is not application/json".to_owned()), "{last:?}");
        assert!(last.contains(&"processes without a limit: the default is 2".to_owned()));
    }
}

mod trouble {
    use super::*;

    #[tokio::test]
    async fn switches_stand_for_the_common_faults() {
        let center = Center::new(&[("drop_after_apply", "on")]).await;
        let (campaign, list, users) = center.some_list().await;
        let user = texts(&users["unassignedUserIds"]).remove(0);
        let body =
            json!({"leadId": list, "campaignId": campaign.id, "assignedUserIds": [user], "unassignedUserIds": []});
        let put = center.request("PUT", "/cms/configuration/voice/campaignLeadUserMapping").json(&body);
        assert!(put.basic_auth(&center.user, Some(&center.password)).send().await.is_err());
        assert!(center.mapped(&campaign, list).contains(&user));
        center.sim.switch("drop_after_apply", "off").unwrap();
        center.read(&campaign, list).await;
        assert_eq!(center.put(&campaign, list, &[], &[&user]).await.0, 200);

        center.sim.switch("foreign_writer", "100%:times=1").unwrap();
        let shown: BTreeSet<_> = texts(&center.read(&campaign, list).await["assignedUserIds"]).into_iter().collect();
        assert_eq!(shown.symmetric_difference(&center.mapped(&campaign, list)).count(), 1);
        // Other faults and switches leave its count alone.
        center.sim.set_faults(&["error_before=100%:status=503:times=1"]).unwrap();
        center.sim.switch("html_500", "on").unwrap();
        let (status, page) = center.page(&campaign, list, 100, 0).await;
        assert!(status == 503 && page.as_str().unwrap().contains("HTTP Status 503"), "{page}");
        let before = center.mapped(&campaign, list);
        center.read(&campaign, list).await;
        assert_eq!(center.mapped(&campaign, list), before);

        center.sim.switch("rate_limit", "1/h").unwrap();
        center.read(&campaign, list).await;
        let (status, error) = center.page(&campaign, list, 100, 0).await;
        assert_eq!((status, &error["RestException"]["Status"]), (429, &json!(429)));
        assert!(center.sim.switch("latency", "soon").is_err());
        center.sim.switch("latency", "1ms").unwrap();
    }

    #[tokio::test]
    async fn someone_else_changes_mappings() {
        let center = Center::new(&[]).await;
        let (campaign, list, users) = center.some_list().await;
        let id = format!("{}:{list}", campaign.id);
        let before = center.mapped(&campaign, list);
        let applied = center.sim.meddle(&[&id], &Meddling::Another(7));
        assert_eq!(*applied[0].before, Holder::Agents(before.clone()));
        assert_eq!(center.mapped(&campaign, list).symmetric_difference(&before).count(), 1);
        let user = texts(&users["unassignedUserIds"]).remove(0);
        let to = Holder::Agents(BTreeSet::from([user.clone()]));
        center.sim.meddle(&[&id], &Meddling::To(to));
        assert_eq!(center.mapped(&campaign, list), BTreeSet::from([user]));
        center.sim.meddle(&[&id], &Meddling::To(Holder::Nobody));
        assert_eq!(center.mapped(&campaign, list), BTreeSet::new());
        assert!(center.sim.holders().iter().any(|(target, _)| **target == *id));
        center.sim.meddle(&[&id], &Meddling::Gone);
        assert_eq!(center.sim.holder(&id), None);
        assert_eq!(center.page(&campaign, list, 10, 0).await.0, 404);
    }
}

mod size {
    use super::*;

    #[tokio::test]
    async fn a_large_center_is_whole_and_quick() {
        let begin = std::time::Instant::now();
        let center = Center::sized(300, 300, 60, &[]).await;
        let campaigns = center.campaigns().await;
        assert_eq!(campaigns.len(), 60);
        assert_eq!(center.list_ids(&campaigns[0]).await.len(), 300);
        let mut agents = Vec::new();
        for campaign in &campaigns {
            let Some(&list) = center.list_ids(campaign).await.first() else { continue };
            let users = center.read(campaign, list).await;
            agents.push(texts(&users["assignedUserIds"]).len() + texts(&users["unassignedUserIds"]).len());
        }
        assert_eq!(agents[..4], [300, 150, 1, 0]);
        let big = Center::sized(300, 600, 1, &[]).await;
        let campaign = big.campaigns().await.remove(0);
        for list in big.list_ids(&campaign).await {
            big.page(&campaign, list, 100, 0).await;
        }
        // In a debug build on a busy machine this takes two seconds; what is quadratic takes minutes.
        assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    }
}
