use super::*;

#[tokio::test]
async fn every_call_carries_what_the_contract_wants() {
    let server = Org::with(&[(1, "asha.k")]).open(|_| None).await;
    let client = client(&server, "");
    listed(&client).await.unwrap();
    write(&client, &[change(1, asha(), ravi())]).await;
    for request in server.requests() {
        let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(
            header("authorization"),
            "Basic c3RvcmUuc2VydmVyOjhhMTZhNmI3MDUwNWViMWYxZmY3Y2RjMGNkNTU1OWE3",
            "{}",
            request.line()
        );
        assert_eq!((header("accept"), header("content-type")), ("application/json", "application/json"));
        assert!(header("user-agent").starts_with("Switchboard/"));
        assert!(!request.headers.contains_key("language"));
    }
}

/// A server that gives tokens `t1`, `t2`… of this many seconds and takes only those that `takes` does.
async fn tokens(org: &Org, life: Value, takes: impl Fn(&str, &Request) -> bool + Send + Sync + 'static) -> Server {
    let count = std::sync::atomic::AtomicUsize::new(0);
    org.open(move |request| {
        if request.path() == "/v3/oauth/token/generate" {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            let token = format!("t{number}");
            return Some(Reply::json(json!({"data": {"accessToken": token, "ttlSeconds": life}, "errors": null})));
        }
        let token = request.headers.get("x-cap-api-oauth-token").map(String::as_str).unwrap_or_default();
        (!takes(token, request)).then(|| Reply::text(401, r#"{"errors":[{"code":401,"message":"expired"}]}"#))
    })
    .await
}

fn generated(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.path() == "/v3/oauth/token/generate").count()
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_by_all() {
    let server = tokens(&Org::with(&[(1, "asha.k"), (2, "ravi.m")]), json!(300), |token, _| token == "t1").await;
    let more = "attribution_entity_code = \"till-1\"\nattribution_entity_type = \"TILL\"";
    let client = client_with(&server, CLIENT, more);
    let (people, kept) = tokio::join!(client.people(), listed(&client));
    assert_eq!((people.unwrap().len(), kept.unwrap().leads.len()), (3, 2));
    assert_eq!(generated(&server), 1);
    let requests = server.requests();
    let asked = requests.iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(asked.json(), json!({"key": "the-key", "secret": "the-secret"}));
    assert!(!asked.headers.contains_key("authorization"));
    for request in requests.iter().filter(|request| request.method == "GET") {
        assert!(!request.headers.contains_key("authorization"), "{}", request.line());
        assert_eq!(request.headers["x-cap-api-attribution-entity-code"], "till-1");
        assert_eq!(request.headers["x-cap-api-attribution-entity-type"], "TILL");
    }
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_also_for_a_change() {
    let org = Org::with(&[(1, "asha.k")]);
    // The first token ends with the change, the second one never.
    let server = tokens(&org, json!(300), |token, request| token == "t2" || request.method == "GET").await;
    let client = client_with(&server, CLIENT, "");
    let report = write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!((org.owner(1).as_str(), generated(&server)), ("ravi.m", 2));
    let sent: Vec<_> = puts(&server)
        .iter()
        .filter(|r| r.method == "PUT")
        .map(|r| r.headers["x-cap-api-oauth-token"].clone())
        .collect();
    assert_eq!(sent, ["t1", "t2"]);
}

#[tokio::test]
async fn a_token_that_is_never_taken_stops_everything() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    let server = tokens(&org, json!(300), |_, request| request.method == "GET").await;
    let client = client_with(&server, CLIENT, "");
    let report = write(&client, &[change(1, asha(), ravi()), change(2, asha(), ravi())]).await;
    assert!(matches!(&report.outcomes[0], WriteOutcome::Failed(why) if why.contains("401")), "{report:?}");
    assert!(matches!(&report.outcomes[1], WriteOutcome::NotApplied { .. }), "{report:?}");
    assert_eq!(report.halt.unwrap().kind, ErrorKind::SignIn);
    assert_eq!(puts(&server).iter().filter(|request| request.method == "PUT").count(), 2);
}

#[tokio::test]
async fn a_short_life_is_renewed_before_it_ends() {
    let server = tokens(&Org::with(&[(1, "asha.k")]), json!(0.000_001), |_, _| true).await;
    let client = client_with(&server, CLIENT, "");
    listed(&client).await.unwrap();
    let readings = server.requests().iter().filter(|request| request.method == "GET").count();
    // The life begins when the token is asked for, so that it is over when its answer is there.
    assert!(generated(&server) >= readings, "{} tokens for {readings} readings", generated(&server));
}

#[tokio::test]
async fn no_token_says_what_to_check() {
    for (status, body) in [
        (401, r#"{"data":null,"errors":[{"code":401,"message":"bad secret"}]}"#),
        (200, r#"{"data":null,"errors":[{"code":1,"message":"no access group"}]}"#),
        (200, r#"{"data":{"accessToken":""},"errors":null}"#),
        (400, "nonsense"),
    ] {
        let server = Server::start(move |_, _| Reply::text(status, body)).await;
        let error = listed(&client_with(&server, CLIENT, "")).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::SignIn, "{error}");
        assert!(error.remedy.contains("resource Leads") && !error.message.contains("the-secret"), "{error:?}");
    }
    let server = Server::start(|_, _| Reply::status(503)).await;
    let error = listed(&client_with(&server, CLIENT, "retries = 0")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Wait, "a busy server is no wrong key");
}

#[tokio::test]
async fn the_other_name_of_the_header() {
    let org = Org::with(&[(1, "asha.k")]);
    let server = org
        .open(|request| match request.path() {
            "/v3/oauth/token/generate" => {
                Some(Reply::json(json!({"data": {"accessToken": "t", "ttlSeconds": 300}, "errors": null})))
            }
            _ => (!request.headers.contains_key("cap-api-access-token")).then(|| Reply::status(401)),
        })
        .await;
    assert!(listed(&client_with(&server, CLIENT, "oauth_header = \"CAP-API-ACCESS-TOKEN\"")).await.is_ok());
    let checks = client_with(&server, CLIENT, "").check().await;
    let told = checks.iter().find(|check| !check.ok).unwrap();
    assert!(told.detail.contains("set oauth_header = \"cap-api-access-token\""), "{told:?}");
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_however_that_is_said() {
    for (body, of_staff) in [
        (r#"{"data":[],"warnings":[],"errors":[{"status":false,"code":401,"message":"expired"}]}"#, false),
        (r#"{"response":{"status":{"success":"false","code":"401","message":"expired"}}}"#, true),
    ] {
        let org = Org::with(&[(1, "asha.k")]);
        let count = std::sync::atomic::AtomicUsize::new(0);
        let server = org
            .open(move |request| {
                if request.path() == "/v3/oauth/token/generate" {
                    let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                    let token = json!({"accessToken": format!("t{number}"), "ttlSeconds": 300});
                    return Some(Reply::json(json!({"data": token, "errors": null})));
                }
                // The first token ends for one kind of call, with a 200 and the reason inside.
                let is_it = if of_staff { request.path().contains("staff") } else { request.method == "PUT" };
                let is_old = request.headers["x-cap-api-oauth-token"] == "t1";
                (is_it && is_old).then(|| Reply::text(200, body))
            })
            .await;
        let report = write(&client_with(&server, CLIENT, ""), &[change(1, asha(), ravi())]).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done], "{body}");
        assert_eq!((org.owner(1).as_str(), generated(&server)), ("ravi.m", 2), "{body}");
    }
}
