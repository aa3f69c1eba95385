use super::*;

fn agents(record: &MappingRecord) -> String {
    match &record.agents {
        Ok(agents) => agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Err(why) => format!("error: {why}"),
    }
}

#[tokio::test]
async fn a_campaign_of_hundreds_is_read_with_a_handful_of_requests() {
    let sets = ["asha.k", "", "bob zed", "asha.k bob", "meera.t", "asha.k bob meera.t ravi.s"];
    let lists: Vec<(u64, &str)> = (1..=300).map(|list| (list, sets[list as usize % sets.len()])).collect();
    let center = Center::with(&lists);
    let server = center.open(|_| None).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "lead_id,name\n1,Warm leads\n").unwrap();
    let client = client(&server, &format!("lead_names_file = {:?}", file.path().to_str().unwrap()));
    let records = client.mappings(Some("7")).await.unwrap();
    assert_eq!(calls(&server), ["campaign", "process", "campaign-lead", "lead-user", "lead-user", "lead-user"]);
    assert_eq!(records.len(), 300);
    for record in &records {
        let list: u64 = record.lead_id.parse().unwrap();
        assert_eq!((agents(record), record.target.as_str()), (center.of(list), format!("7:{list}").as_str()));
        assert_eq!((record.agents.as_ref().unwrap().len() + record.others.len(), record.enabled), (5, list != 42));
    }
    let first = &records[0];
    assert_eq!((first.lead_name.as_str(), records[1].lead_name.as_str()), ("Warm leads", "Lead 2"));
    assert_eq!((first.process.as_str(), first.campaign_name.as_str()), ("Sales", "Winter"));
}

/// Each side of an answer in an order of its own: positions mean nothing.
#[tokio::test]
async fn where_positions_mean_nothing_every_list_is_read() {
    let lists = [(1, "asha.k bob"), (2, "bob zed"), (3, "asha.k meera.t zed"), (4, "ravi.s"), (5, "bob asha.k")];
    let center = Center::with(&lists);
    let odd = center.clone();
    let server = center
        .open(move |request| {
            request.path().ends_with("lead-user").then(|| {
                let offset: usize = request.param("offset").unwrap().parse().unwrap();
                let list: u64 = request.param("leadId").unwrap().parse().unwrap();
                let (mut assigned, mut others) = (Vec::new(), Vec::new());
                for agent in odd.agents.iter().filter(|_| offset == 0) {
                    let side = if odd.of(list).contains(agent.as_str()) { &mut assigned } else { &mut others };
                    side.push(agent.clone());
                }
                let mut body = odd.users(list, assigned.clone(), others.clone());
                // By name here, by number there.
                assigned.sort();
                others.sort();
                body["assignedUserIds"] = json!(assigned);
                body["unassignedUserIds"] = json!(others);
                Reply::json(body)
            })
        })
        .await;
    let records = client(&server, "").mappings(Some("7")).await.unwrap();
    for (record, (list, _)) in records.iter().zip(lists) {
        assert_eq!(agents(record), center.of(list));
    }
}

#[tokio::test]
async fn what_the_vendor_could_not_give_is_shown_and_not_dropped() {
    let center = Center::with(&[(40, "asha.k"), (41, "bob")]);
    let shown = center.clone();
    let server = center
        .open(move |request| {
            request.path().ends_with("campaign-lead").then(|| {
                let lists = shown.lists.lock().unwrap();
                let mut items: Vec<Value> =
                    lists.iter().map(|(list, agents)| shown.campaign_lead(*list, agents)).collect();
                items.insert(1, json!({"http_code": 404, "error_data": {"code": "CONF-1001"}, "data": null}));
                items.push(json!({"http_code": 200, "error_data": null, "data": {"leadId": 43}}));
                Reply::json(wrapped(items))
            })
        })
        .await;
    let records = client(&server, "").mappings(Some("7")).await.unwrap();
    let shown: Vec<(&str, String)> = records.iter().map(|record| (record.target.as_str(), agents(record))).collect();
    assert_eq!(shown[0], ("7:40", "asha.k".to_owned()));
    assert_eq!(shown[1].0, "7:item 2");
    assert!(shown[1].1.contains("(404): {\"code\":\"CONF-1001\"}"), "{shown:?}");
    assert_eq!(shown[2], ("7:41", "bob".to_owned()));
    assert!(shown[3].1.contains("did not say who is mapped"), "{shown:?}");
}

#[tokio::test]
async fn lists_that_only_look_at_one_side_are_read_as_well() {
    // The server names nobody who is not assigned.
    let lists = [(1, "asha.k bob"), (2, "bob zed"), (3, "meera.t"), (4, "meera.t asha.k"), (5, "")];
    let center = Center::with(&lists);
    let odd = center.clone();
    let server = center
        .open(move |request| {
            request.path().ends_with("lead-user").then(|| {
                let list: u64 = request.param("leadId").unwrap().parse().unwrap();
                let assigned = odd.of(list).split_whitespace().map(str::to_owned).collect();
                Reply::json(odd.users(list, assigned, Vec::new()))
            })
        })
        .await;
    let records = client(&server, "").mappings(None).await.unwrap();
    for (record, (list, _)) in records.iter().zip(lists) {
        assert_eq!(agents(record), center.of(list));
    }
}
