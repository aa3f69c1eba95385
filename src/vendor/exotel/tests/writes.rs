use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;

use super::*;

fn is_put(request: &Request) -> bool {
    request.method == "PUT"
}

#[tokio::test]
async fn the_difference_is_sent_and_read_back() {
    let center = Center::with(&[(40, "meera.t ravi.s zed")]);
    let server = center.open(|_| None).await;
    let client = seasoned(&server, "");
    let report = write(&client, &[change("7:40", "meera.t ravi.s zed", "asha.k zed")]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!((report.requests, report.trouble), (3, None));
    let body = json!({"leadId": 40, "campaignId": 7, "assignedUserIds": ["asha.k"], "unassignedUserIds": ["meera.t", "ravi.s"]});
    assert_eq!(puts(&server)[0].json(), body);
    assert_eq!(center.of(40), "asha.k zed");
    assert_eq!(calls(&server), ["campaign", "campaignLeadUserMapping", "lead-user"]);

    let report = write(&client, &[change("7:40", "asha.k", "asha.k")]).await;
    assert_eq!((words(&report.outcomes[0]), report.requests), (("done", "nothing to do"), 0));
}

#[tokio::test]
async fn many_agents_go_in_several_requests_one_after_the_other() {
    let center = Center::with(&[(40, "zed")]);
    let server = center.open(|_| None).await;
    let client = seasoned(&server, "max_users_per_put = 2");
    let report = write(&client, &[change("7:40", "zed", "asha.k bob meera.t ravi.s")]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!(center.of(40), "asha.k bob meera.t ravi.s");
    let put = "campaignLeadUserMapping";
    assert_eq!(calls(&server)[1..], [put, "lead-user", put, "lead-user", put, "lead-user"]);
    assert_eq!(puts(&server)[2].json()["unassignedUserIds"], json!(["zed"]));
}

#[tokio::test]
async fn what_others_do_between_two_requests_is_not_done_again() {
    for (theirs, state, puts_sent, there, halts) in [
        // A part of what is still to be done, all of it, and somebody whom the change is not about.
        ("asha.k bob zed", "done", 2, "asha.k bob meera.t zed", false),
        ("asha.k bob meera.t zed", "done", 1, "asha.k bob meera.t zed", false),
        ("asha.k ravi.s zed", "partly", 1, "asha.k ravi.s zed", true),
    ] {
        let center = Center::with(&[(40, "zed")]);
        let (inner, begun) = (center.clone(), Mutex::new(false));
        let meddle = move |request: &Request| {
            let is_first = is_put(request) && !std::mem::replace(&mut *begun.lock().unwrap(), true);
            is_first.then(|| {
                let answer = inner.change(&request.json());
                inner.set(40, theirs);
                answer
            })
        };
        let server = center.open(meddle).await;
        let client = seasoned(&server, "max_users_per_put = 1\nverify_retries = 0");
        let report = write(&client, &[change("7:40", "zed", "asha.k bob meera.t zed")]).await;
        assert_eq!((states(&report), puts(&server).len()), (vec![state], puts_sent), "{theirs}: {report:?}");
        assert!(words(&report.outcomes[0]).1.contains("someone else changed this list"), "{report:?}");
        assert_eq!((center.of(40).as_str(), report.halt.is_some()), (there, halts), "{theirs}");
        if puts_sent == 2 {
            assert_eq!(puts(&server)[1].json()["assignedUserIds"], json!(["meera.t"]));
        }
    }
}

#[tokio::test]
async fn a_change_that_ends_half_way_says_how_far_it_came() {
    let center = Center::with(&[(40, "zed")]);
    let refuse = |request: &Request| is_put(request) && request.body.contains("meera.t");
    for (status, state) in [(400, "partly"), (401, "partly"), (500, "unknown"), (429, "partly")] {
        center.set(40, "zed");
        let busy = move |request: &Request| refuse(request).then(|| error(status, "no").with("Retry-After", 0));
        let server = center.open(busy).await;
        let client = seasoned(&server, "max_users_per_put = 2");
        let report = write(&client, &[change("7:40", "zed", "asha.k bob meera.t zed")]).await;
        assert_eq!(states(&report), [state], "{report:?}");
        if state == "partly" {
            assert!(words(&report.outcomes[0]).1.contains("+asha.k +bob is done, and then: "), "{report:?}");
        }
        assert_eq!((center.of(40).as_str(), report.halt.is_some()), ("asha.k bob zed", status == 401));
    }
}

#[tokio::test]
async fn what_waits_for_its_turn_does_not_leave_after_a_refusal() {
    for (status, state) in [(401, "not applied"), (403, "failed")] {
        let center = Center::with(&[(40, "zed"), (41, "zed"), (42, "zed")]);
        let server = center.open(move |request| is_put(request).then(|| error(status, "no"))).await;
        // The first change goes alone, and the others wait for what comes of it.
        let client = Arc::new(client(&server, ""));
        let mut tasks = tokio::task::JoinSet::new();
        for list in 40..43 {
            let client = client.clone();
            tasks.spawn(async move { write(&client, &[change(&format!("7:{list}"), "zed", "asha.k zed")]).await });
        }
        let mut found: Vec<String> = tasks.join_all().await.iter().map(|report| states(report)[0].to_owned()).collect();
        found.sort_unstable();
        let mut expected = [state, state, "failed"];
        expected.sort_unstable();
        assert_eq!((found, puts(&server).len()), (expected.map(str::to_owned).to_vec(), 1), "{status}");
        // What begins later is not held to it: the credentials may have been mended.
        let later = write(&client, &[change("7:41", "zed", "asha.k zed")]).await;
        assert_eq!((states(&later), puts(&server).len()), (vec!["failed"], if status == 401 { 2 } else { 1 }));
    }
}

#[tokio::test]
async fn a_later_piece_that_was_refused_goes_again_only_after_a_reading() {
    let is_second = |request: &Request| is_put(request) && request.body.contains("meera.t");
    for (after, state) in [("asha.k bob zed", "done"), ("asha.k zed", "partly")] {
        let center = Center::with(&[(40, "zed")]);
        let inner = center.clone();
        let refused = Mutex::new(false);
        let server = center
            .open(move |request| {
                let mut refused = refused.lock().unwrap();
                (is_second(request) && !std::mem::replace(&mut *refused, true)).then(|| {
                    inner.set(40, after);
                    error(429, "no").with("Retry-After", 0)
                })
            })
            .await;
        let client = seasoned(&server, "max_users_per_put = 2");
        let report = write(&client, &[change("7:40", "zed", "asha.k bob meera.t zed")]).await;
        assert_eq!(states(&report), [state], "{report:?}");
        let calls = calls(&server);
        let puts: Vec<usize> = (0..calls.len()).filter(|n| calls[*n] == "campaignLeadUserMapping").collect();
        assert!(puts.windows(2).all(|pair| calls[pair[0]..pair[1]].contains(&"lead-user".into())), "{calls:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_leaves() {
    let server = Center::with(&[(40, "")]).open(|_| None).await;
    let client = seasoned(&server, "");
    let padded = Change { after: Assignment::agents([" asha.k"]), ..change("7:40", "", "") };
    let empty = Change { after: Assignment::agents([""]), ..change("7:40", "", "") };
    let unknown = Change { before: Assignment::Unknown, ..change("7:40", "", "asha.k") };
    let big = change(&format!("7:{}", "9".repeat(30)), "", "asha.k");
    let elsewhere = change("9:40", "", "asha.k");
    let report = write(&client, &[padded, empty, unknown, change("40", "", "asha.k"), big, elsewhere]).await;
    assert_eq!(states(&report), ["failed"; 6], "{report:?}");
    assert!(puts(&server).is_empty() && report.halt.is_none());
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    use ErrorKind::{Forbidden, NotFound, Refused, Setting, SignIn, Wait};
    for (status, state, trouble, halts) in [
        (302, "unknown", Some(Setting), true),
        (400, "failed", Some(Refused), false),
        (401, "failed", Some(SignIn), true),
        (403, "failed", Some(Forbidden), false),
        (404, "failed", Some(NotFound), false),
        (409, "failed", Some(Refused), false),
        (429, "not applied", Some(Wait), false),
        (500, "unknown", Some(ErrorKind::Server), false),
        (502, "late", Some(ErrorKind::Server), false),
        (503, "unknown", Some(ErrorKind::Server), false),
    ] {
        let center = Center::with(&[(40, "zed"), (41, "")]);
        let server = center.open(move |request| is_put(request).then(|| error(status, "their words"))).await;
        let client = seasoned(&server, "get_retries = 0");
        let report = write(&client, &[change("7:40", "zed", "asha.k zed")]).await;
        let (found, why) = words(&report.outcomes[0]);
        assert_eq!((found, report.trouble, report.halt.is_some()), (state, trouble, halts), "{status}: {report:?}");
        assert!(status == 302 || why.contains("their words"), "{status}: {why}");
        assert_eq!(puts(&server).len(), 1, "{status}: a write leaves once");
        if status == 401 {
            assert!(why.contains("the Basic credential was sent"), "{why}");
            assert!(report.halt.unwrap().remedy.contains("auth.mapping = \"bearer\""));
        }
        if status == 403 {
            let next = write(&client, &[change("7:41", "", "asha.k")]).await;
            assert_eq!((states(&next), puts(&server).len()), (vec!["failed"], 1), "nothing more in that campaign");
        }
    }
}

#[tokio::test]
async fn what_took_effect_without_an_answer_is_found_out() {
    let cut = || Reply::Cut;
    let broken = || Reply::Half { status: 200, body: b"{".into() };
    let failed = || error(500, "boom");
    for reply in [cut as fn() -> Reply, broken, failed] {
        for applied in [true, false] {
            let center = Center::with(&[(40, "zed")]);
            let inner = center.clone();
            let server = center
                .open(move |request| {
                    is_put(request).then(|| {
                        if applied {
                            inner.answer(request);
                        }
                        reply()
                    })
                })
                .await;
            let report = write(&seasoned(&server, ""), &[change("7:40", "zed", "asha.k zed")]).await;
            if applied {
                assert_eq!(states(&report), ["done"], "{report:?}");
            } else {
                assert!(matches!(states(&report)[0], "unknown" | "late"), "{report:?}");
            }
            assert_eq!(puts(&server).len(), 1);
        }
    }
}

#[tokio::test]
async fn the_verdict_comes_from_reading_back() {
    // What the list is after the change, what the answer says, and what is made of it.
    for (after, answer, state, words_) in [
        ("asha.k bob", "asha.k", "done", ""),
        ("asha.k bob", "", "done", ""),
        ("bob zed", "asha.k", "failed", "read back: +asha.k -zed was not applied"),
        ("bob zed", "", "failed", "(the answer leaves out +asha.k -zed)"),
        ("asha.k bob zed", "asha.k", "partly", "applied in part: +asha.k is done, -zed is not"),
        ("asha.k bob ravi.s", "asha.k", "done", "someone else changed this list meanwhile: +ravi.s; that was kept"),
        ("asha.k ravi.s", "asha.k", "done", "+ravi.s -bob; that was kept"),
    ] {
        let center = Center::with(&[(40, "bob zed")]);
        let inner = center.clone();
        let server = center
            .open(move |request| {
                is_put(request).then(|| {
                    inner.set(40, after);
                    let removed = if answer.is_empty() { Vec::new() } else { vec!["zed".to_owned()] };
                    Reply::json(inner.users(40, answer.split_whitespace().map(str::to_owned).collect(), removed))
                })
            })
            .await;
        let report = write(&seasoned(&server, ""), &[change("7:40", "bob zed", "asha.k bob")]).await;
        let (found, why) = words(&report.outcomes[0]);
        // Others who came or went while a list was changed end the sending: a person should look first.
        let by_others = words_.contains("that was kept");
        assert_eq!((found, report.halt.is_some()), (state, by_others), "{after}: {report:?}");
        assert!(why.contains(words_), "{after}: {why}");
    }
    for body in ["", "<html><title>Sign in</title>", "[]", "{}"] {
        let center = Center::with(&[(40, "zed")]);
        let server = center.open(move |request| is_put(request).then(|| Reply::text(200, body))).await;
        let report = write(&seasoned(&server, ""), &[change("7:40", "zed", "asha.k zed")]).await;
        assert_eq!(states(&report), ["failed"], "a success without its body is no proof: {report:?}");
    }
}

#[tokio::test]
async fn readings_that_lag_behind_are_given_time() {
    for (stale, state) in [(2, "done"), (9, "failed")] {
        let center = Center::with(&[(40, "zed")]);
        let old = center.clone();
        let left = Arc::new(Mutex::new(None::<usize>));
        let server = center
            .open(move |request| {
                let mut left = left.lock().unwrap();
                if is_put(request) {
                    *left = Some(stale);
                }
                let lags = request.path().ends_with("lead-user") && left.is_some_and(|left| left > 0);
                lags.then(|| {
                    *left = left.map(|left| left - 1);
                    Reply::json(old.users(40, vec!["zed".to_owned()], Vec::new()))
                })
            })
            .await;
        // Compared readings would ask the campaign, which does not lag here.
        let client = seasoned(&server, "cross_check = \"off\"\nlead_user_page_size = 1");
        let report = write(&client, &[change("7:40", "zed", "asha.k zed")]).await;
        assert!(states(&report) == [state] || stale == 9, "{stale}: {report:?}");
    }
}

#[tokio::test]
async fn a_server_that_replaces_is_noticed_at_the_first_list() {
    let center = Center { replaces: true, ..Center::with(&[(40, "bob meera.t zed"), (41, "bob"), (42, "")]) };
    let server = center.open(|_| None).await;
    let client = Arc::new(client(&server, ""));
    let batch = [change("7:40", "bob meera.t zed", "asha.k bob meera.t"), change("7:41", "bob", "asha.k bob")];
    let report = write(&client, &batch).await;
    assert_eq!(states(&report), ["partly", "not applied"], "{report:?}");
    let why = words(&report.outcomes[0]).1;
    assert!(why.contains("for its whole set of agents") && why.contains("bob meera.t are no longer there"), "{why}");
    assert_eq!(report.outcomes[0], WriteOutcome::Partly { why: why.to_owned(), now: set("asha.k") });
    assert!(report.halt.is_some());
    let later = write(&client, &[change("7:42", "", "asha.k")]).await;
    assert!(later.halt.is_some() && states(&later) == ["not applied"], "{later:?}");
    assert_eq!((puts(&server).len(), center.of(41).as_str()), (1, "bob"));
}

#[tokio::test]
async fn changes_go_alone_until_the_server_has_shown_that_it_merges() {
    let center = Center::with(&[(40, ""), (41, "bob"), (42, "bob"), (43, "bob")]);
    let server = center.open(|_| None).await;
    let client = Arc::new(client(&server, ""));
    // Of an empty list nothing can be learned.
    let mut tasks = tokio::task::JoinSet::new();
    for (list, before) in [(40, ""), (41, "bob"), (42, "bob"), (43, "bob")] {
        let client = client.clone();
        tasks.spawn(async move {
            let after = format!("asha.k {before}");
            write(&client, &[change(&format!("7:{list}"), before, &after)]).await
        });
    }
    while let Some(report) = tasks.join_next().await {
        assert_eq!(report.unwrap().outcomes, [WriteOutcome::Done]);
    }
    let seen: Vec<String> = calls(&server).into_iter().filter(|call| *call != "campaign").collect();
    assert_eq!(seen[0..2], ["campaignLeadUserMapping", "lead-user"], "{seen:?}");
}

#[tokio::test]
async fn what_waited_for_a_first_change_is_read_again_before_it_leaves() {
    let center = Center::with(&[(40, "bob"), (41, "bob")]);
    let (told, meddling) = (Arc::new(tokio::sync::Notify::new()), center.clone());
    let held = told.clone();
    let answering = center.clone();
    // The first change takes until it is told; meanwhile somebody gives the other list the same agent.
    let server = center
        .open(move |request| {
            let is_first = is_put(request) && request.json()["leadId"] == 40;
            is_first.then(|| Reply::Later(held.clone(), Box::new(answering.answer(request))))
        })
        .await;
    let client = Arc::new(client(&server, ""));
    let one = client.clone();
    let first = tokio::spawn(async move { write(&one, &[change("7:40", "bob", "asha.k bob")]).await });
    while puts(&server).is_empty() {
        tokio::task::yield_now().await;
    }
    let batch = [change("7:41", "bob", "asha.k bob")];
    let mut second = Box::pin(write(&client, &batch));
    assert!((&mut second).now_or_never().is_none(), "it waits for the first one");
    meddling.set(41, "asha.k bob");
    told.notify_one();
    assert_eq!(first.await.unwrap().outcomes, [WriteOutcome::Done]);
    let report = second.await;
    assert_eq!((states(&report), puts(&server).len()), (vec!["drifted"], 1), "{report:?}");
}

#[tokio::test]
async fn a_first_change_that_could_not_be_read_back_is_read_before_the_next_one_leaves() {
    for replaces in [false, true] {
        let center = Center { replaces, ..Center::with(&[(40, "bob zed"), (41, "bob")]) };
        let down = Arc::new(AtomicBool::new(true));
        let is_down = down.clone();
        let unreadable =
            move |request: &Request| request.path().ends_with("lead-user") && is_down.load(Ordering::SeqCst);
        let server = center.open(move |request| unreadable(request).then(|| error(503, "busy"))).await;
        let client = client(&server, "get_retries = 0");
        let report = write(&client, &[change("7:40", "bob zed", "asha.k bob zed")]).await;
        assert_eq!(states(&report), ["unknown"], "{report:?}");
        let other = [change("7:41", "bob", "asha.k bob")];
        let report = write(&client, &other).await;
        assert!(words(&report.outcomes[0]).1.contains("could not be read back"), "{report:?}");
        assert_eq!((states(&report), puts(&server).len()), (vec!["not applied"], 1));
        down.store(false, Ordering::SeqCst);
        let report = write(&client, &other).await;
        let expected = if replaces { ("not applied", 1) } else { ("done", 2) };
        assert_eq!((states(&report)[0], puts(&server).len()), expected, "{report:?}");
        assert_eq!(report.halt.is_some(), replaces);
    }
}

#[tokio::test]
async fn no_two_changes_of_one_list_are_on_the_way() {
    let center = Center::with(&[(40, "bob")]);
    let server = center.open(|_| None).await;
    let client = Arc::new(seasoned(&server, ""));
    let mut tasks = tokio::task::JoinSet::new();
    for agent in ["asha.k", "zed", "meera.t"] {
        let client = client.clone();
        tasks.spawn(async move {
            let after = format!("bob {agent}");
            write(&client, &[change("7:40", "bob", &after)]).await
        });
    }
    while let Some(report) = tasks.join_next().await {
        assert_eq!(states(&report.unwrap()), ["done"]);
    }
    assert_eq!(center.of(40), "asha.k bob meera.t zed");
    let seen: Vec<String> = calls(&server).into_iter().filter(|call| *call != "campaign").collect();
    let at = |call: &str| seen.iter().filter(|seen| *seen == call).count();
    assert_eq!(at("campaignLeadUserMapping"), 3);
    assert!(seen.windows(2).all(|pair| pair[0] != "campaignLeadUserMapping" || pair[1] != pair[0]), "{seen:?}");
}

#[tokio::test]
async fn credentials_that_are_refused_at_the_reading_back_stop_the_batch() {
    // Whatever came of the change itself: nobody can look, so nothing more is sent.
    for (answer, state) in [(None, "unknown"), (Some(400), "unknown"), (Some(500), "unknown")] {
        let center = Center::with(&[(40, "bob"), (41, "bob")]);
        let sent = AtomicBool::new(false);
        let server = center
            .open(move |request| {
                if is_put(request) {
                    sent.store(true, Ordering::SeqCst);
                    return answer.map(|status| error(status, "no"));
                }
                let is_refused = sent.load(Ordering::SeqCst) && request.path().ends_with("lead-user");
                is_refused.then(|| error(401, "who are you"))
            })
            .await;
        let batch = [change("7:40", "bob", "asha.k bob"), change("7:41", "bob", "asha.k bob")];
        let report = write(&seasoned(&server, "get_retries = 0"), &batch).await;
        assert_eq!((states(&report), puts(&server).len()), (vec![state, "not applied"], 1), "{answer:?}: {report:?}");
        let halt = report.halt.unwrap();
        assert_eq!(halt.kind, ErrorKind::SignIn, "{answer:?}: {halt}");
        // Which scheme was sent, and the setting that says so.
        let told = format!("{halt} {}", halt.remedy);
        assert!(told.contains("(401)") && told.contains("auth.lead_user") && told.contains("asic"), "{told}");
    }
}
