use super::scripted::Seen;
use super::*;
use crate::backend::ApplyError;
use crate::domain::BatchRule;
use crate::domain::history::{OperationLife, OperationPart};
use crate::journal::{Move, NewOperation};

/// An operation as a process leaves it that ends after these moves.
fn cut_off(bench: &Bench, plan: &Plan, moves: &[(u32, ItemState)], base_url: &str) -> OperationId {
    cut_off_as(bench, plan, moves, base_url, "20261120-180203-k7f3")
}

fn cut_off_as(bench: &Bench, plan: &Plan, moves: &[(u32, ItemState)], base_url: &str, id: &'static str) -> OperationId {
    let journal = bench.engine.journal();
    let id = OperationId::new(id);
    let parts = plan
        .parts
        .iter()
        .map(|part| OperationPart {
            profile: part.profile.clone(),
            vendor: part.vendor,
            base_url: base_url.to_owned(),
            context: serde_json::json!({"unit": "then"}),
        })
        .collect();
    let operation = NewOperation {
        id: id.clone(),
        at: Timestamp::now(),
        kind: plan.kind,
        reverts: None,
        who: "tester@here".into(),
        note: None,
        parts,
        plan: Arc::new(plan.clone()),
    };
    let hold = journal.begin(&operation).unwrap();
    let moves: Vec<Move> = moves.iter().map(|(seq, to)| Move::to(*seq, *to)).collect();
    journal.record(&hold, Timestamp::now(), &moves).unwrap();
    id
}

const HERE: &str = "https://vendor.example";

fn states(bench: &Bench, id: &OperationId) -> Vec<ItemState> {
    bench.items(id).into_iter().map(|item| item.state).collect()
}

#[tokio::test]
async fn what_was_on_the_way_is_settled_and_the_rest_is_read_again_and_sent() {
    use ItemState::*;
    let bench = Make::default().build();
    let wanted = assign(6);
    // 0 arrived, 1 did not, 2 was done, 3 was changed meanwhile and never sent, 4 and 5 were never sent.
    let id = cut_off(&bench, &wanted, &[(0, Sent), (1, Sent), (2, Sent), (2, Done), (5, NotSent)], HERE);
    bench.world().owners.insert(lead(0), bob());
    bench.world().owners.insert(lead(2), bob());
    bench.world().owners.insert(lead(3), cid());
    assert_eq!(bench.engine.journal().interrupted().unwrap().len(), 1);
    let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Done, Failed, Done, Skipped, Done, Done]);
    assert_eq!(report.summary.life, OperationLife::Ended);
    assert_eq!(bench.world().writes, 2);
    assert!(bench.world().sessions.iter().all(|context| context["unit"] == "then"), "in the unit of then");
    let first_write = bench.world().seen.iter().position(|seen| matches!(seen, Seen::Write(_))).unwrap();
    let read_before: Vec<_> = bench.world().seen[..first_write]
        .iter()
        .flat_map(|seen| if let Seen::Read(targets) = seen { targets.clone() } else { Vec::new() })
        .collect();
    assert!([3, 4, 5].iter().all(|n| read_before.contains(&lead(*n))), "however fresh the plan was");
    bench.check(&id);
    let last = bench.events.lock().unwrap().iter().rev().find_map(|event| match event {
        Event::Progress { progress, .. } => Some(progress.tally),
        _ => None,
    });
    assert_eq!(last, Some(report.summary.tally));
}

#[tokio::test]
async fn what_may_still_be_queued_stays_unknown_until_it_cannot_come_any_more() {
    use ItemState::*;
    let late = |late_writes, leads| Make {
        leads,
        ..Make::capabilities(move |c| {
            c.batch = BatchRule { max: 10, bulk_from: 3, unassign_max: 1, ..BatchRule::SINGLE };
            c.late_writes = late_writes;
        })
    };
    let hour = Duration::from_secs(3_600);
    let open = [(0, Sent), (1, Sent), (1, Unknown), (2, Sent)];
    for (late_writes, leads, state) in [(hour, 3, Unknown), (Duration::ZERO, 3, Failed), (hour, 2, Failed)] {
        let bench = late(late_writes, leads).build();
        let id = cut_off(&bench, &assign(leads), &open[..leads.min(3)], HERE);
        bench.engine.resume(&id, true, Watch::none(), StopToken::new()).await.unwrap();
        assert!(states(&bench, &id)[..2].iter().all(|found| *found == state), "{late_writes:?} {leads}");
        bench.check(&id);
    }
}

/// So a client may read a listing once instead of asking for each, and the counts move all the same.
#[tokio::test]
async fn all_that_is_open_is_read_back_together_however_much_it_is() {
    const LEADS: usize = 1_200;
    let bench = Make { leads: LEADS, ..Make::default() }.build();
    let sent: Vec<_> = (0..LEADS as u32).map(|seq| (seq, ItemState::Sent)).collect();
    let id = cut_off(&bench, &assign(LEADS), &sent, HERE);
    bench.world().owners.insert(lead(7), bob());
    let tally = bench.engine.resume(&id, true, bench.watch(), StopToken::new()).await.unwrap().summary.tally;
    assert_eq!((tally.done, tally.failed), (1, LEADS - 1));
    let read: Vec<usize> =
        bench.world().seen.iter().map(|seen| if let Seen::Read(targets) = seen { targets.len() } else { 0 }).collect();
    // What is not there may still come, so it is looked at once more.
    assert!(read[0] == LEADS && read.len() <= 4, "{read:?}");
    bench.check(&id);
}

#[tokio::test]
async fn settling_alone_sends_nothing() {
    use ItemState::*;
    let bench = Make { read_only: true, ..Make::default() }.build();
    let id = cut_off(&bench, &assign(4), &[(0, Sent), (1, Sent), (1, Unknown)], HERE);
    bench.world().owners.insert(lead(1), bob());
    let refused = bench.engine.resume(&id, false, Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::ReadOnly(_))), "{refused:?}");
    assert_eq!(states(&bench, &id), [Sent, Unknown, Planned, Planned], "a refused resume moves nothing");
    let report = bench.engine.resume(&id, true, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Failed, Done, NotSent, NotSent]);
    assert_eq!(bench.world().writes, 0);
    assert_eq!(report.summary.life, OperationLife::Ended);
    bench.check(&id);
}

#[tokio::test]
async fn what_stays_unknown_is_asked_again_the_next_time() {
    use ItemState::*;
    let bench = Make::default().build();
    let id = cut_off(&bench, &assign(1), &[(0, Sent)], HERE);
    bench.world().read_errors.extend(vec![crate::vendor::ErrorKind::Server; 500]);
    bench.engine.resume(&id, false, Watch::none(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Unknown]);
    let reason = bench.others(&id)[0].2.clone();
    assert!(reason.starts_with("Switchboard ended before the answer came; could not be read back"), "{reason}");
    bench.world().read_errors.clear();
    bench.world().owners.insert(lead(0), cid());
    bench.engine.resume(&id, false, Watch::none(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [ChangedByOthers]);
    let reason = bench.others(&id)[0].2.clone();
    assert_eq!(reason, "changed by someone else: was Ann A, now Cid C");
}

#[tokio::test]
async fn an_operation_of_another_place_or_another_process_is_left_alone() {
    let bench = Make::default().build();
    let id = cut_off(&bench, &assign(2), &[(0, ItemState::Sent)], "https://elsewhere.example");
    let refused = bench.engine.resume(&id, false, Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::ElsewhereNow { .. })), "{refused:?}");
    let hold = bench.engine.journal().hold(&id).unwrap();
    let refused = bench.engine.resume(&id, true, Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::Journal(_))), "{refused:?}");
    drop(hold);
    assert!(bench.world().seen.is_empty());
}

#[tokio::test]
async fn an_operation_that_was_stopped_can_be_gone_on_with() {
    let bench = Make { leads: 50, ..Make::default() }.build();
    let stop = StopToken::new();
    let stopper = stop.clone();
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 10 {
            stopper.stop();
        }
    }));
    let report = bench.engine.apply(Arc::new(assign(50)), bench.watch(), stop).await.unwrap();
    assert!(report.summary.tally.not_sent > 0);
    let id = report.summary.id;
    let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(report.summary.tally.done, 50);
    bench.check(&id);
    // Nothing is left: that is an answer, too.
    let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!((report.summary.tally.done, report.requests), (50, 0));
}

#[tokio::test]
async fn a_mistake_of_our_own_names_the_operation_and_lets_go_of_it() {
    for at in ["started", "ended"] {
        let bench = Make::default().build();
        let watch = Watch::new(move |event| match event {
            Event::Started { .. } if at == "started" => panic!("a mistake at the start"),
            Event::Ended { .. } if at == "ended" => panic!("a mistake at the end"),
            _ => {}
        });
        let broken = bench.engine.apply(Arc::new(assign(5)), watch, StopToken::new()).await.unwrap_err();
        let id = bench.engine.journal().operations(0, 9).unwrap()[0].id.clone();
        assert_eq!(broken.cut_off(), Some(&id), "{broken}");
        assert!(broken.to_string().contains(id.as_str()), "{broken}");
        assert!(!bench.engine.stop(&id), "{at}: it is not running any more");
        // Nobody holds it any more, so it can be gone on with at once.
        let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
        assert_eq!((report.summary.tally.done, report.summary.life), (5, OperationLife::Ended), "{at}");
        bench.check(&id);
    }
}

#[tokio::test]
async fn what_is_given_up_is_settled_and_never_sent() {
    use ItemState::*;
    let bench = Make::default().build();
    // 0 arrived and 1 did not, 2 is done, 3 was never sent, 4 was stopped earlier.
    let moves = [(0, Sent), (1, Sent), (2, Sent), (2, Done), (4, NotSent)];
    let id = cut_off(&bench, &assign(5), &moves, HERE);
    for n in [0, 2] {
        bench.world().owners.insert(lead(n), bob());
    }
    let report = bench.engine.give_up(&id, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Done, Failed, Done, NotSent, NotSent]);
    assert_eq!(report.summary.life, OperationLife::GivenUp);
    assert!(bench.others(&id).iter().any(|(_, _, why)| why == "given up before it was sent"));
    assert_eq!(bench.engine.journal().interrupted().unwrap(), []);
    // For good: going on sends nothing, once more giving up changes nothing, and what is done can be taken back.
    for _ in 0..2 {
        bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
        bench.engine.give_up(&id, bench.watch(), StopToken::new()).await.unwrap();
    }
    assert_eq!(states(&bench, &id), [Done, Failed, Done, NotSent, NotSent]);
    assert_eq!((bench.world().writes, report.summary.undoable), (0, 2));
    bench.check(&id);
}

#[tokio::test]
async fn giving_up_that_is_cut_off_is_settled_later() {
    use ItemState::*;
    let bench = Make::default().build();
    let id = cut_off(&bench, &assign(3), &[(0, Sent), (1, Sent)], HERE);
    bench.world().owners.insert(lead(0), bob());
    // All that was done when the process ended: the decision was written down.
    let journal = bench.engine.journal();
    let hold = journal.hold(&id).unwrap();
    journal.give_up(&hold, Timestamp::now(), &"ann@desk".into(), &"given up before it was sent".into()).unwrap();
    drop(hold);
    let open = journal.interrupted().unwrap();
    assert_eq!(open.iter().map(|operation| &operation.id).collect::<Vec<_>>(), [&id]);
    bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Done, Failed, NotSent]);
    assert_eq!((journal.interrupted().unwrap(), bench.world().writes), (vec![], 0));
    bench.check(&id);
}

#[tokio::test]
async fn what_cannot_be_settled_any_more_can_be_given_up_all_the_same() {
    use ItemState::*;
    let bench = Make::default().build();
    let id = cut_off(&bench, &assign(3), &[(0, Sent)], "https://elsewhere.example");
    let report = bench.engine.give_up(&id, bench.watch(), StopToken::new()).await.unwrap();
    assert!(report.cut_short[0].1.what.contains("elsewhere"), "{:?}", report.cut_short);
    assert_eq!(states(&bench, &id), [Unknown, NotSent, NotSent]);
    assert_eq!(report.summary.life, OperationLife::GivenUp);
    assert!(bench.others(&id).iter().any(|(_, _, why)| why.contains("elsewhere")), "{:?}", bench.others(&id));
    assert!(bench.world().seen.is_empty());
    // One that runs is not given up.
    let id = cut_off_again(&bench);
    let hold = bench.engine.journal().hold(&id).unwrap();
    let refused = bench.engine.give_up(&id, bench.watch(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::Journal(_))), "{refused:?}");
    drop(hold);
}

/// Another operation that was cut off.
fn cut_off_again(bench: &Bench) -> OperationId {
    cut_off_as(bench, &assign(2), &[], HERE, "20261120-190000-aaaa")
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_keeps_its_items_and_holds_no_other_up() {
    use ItemState::*;
    let bench = Make::default().build();
    let mut plan = assign(2);
    plan.parts.push(part("gone", (4..8).map(|n| change(n, ann(), bob())).collect()));
    let moves = [(0, Sent), (2, Sent), (3, Sent), (3, Unknown), (4, NotSent)];
    let id = cut_off(&bench, &plan, &moves, HERE);
    bench.world().owners.insert(lead(0), bob());
    let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(states(&bench, &id), [Done, Done, Unknown, Unknown, NotSent, NotSent]);
    assert_eq!(report.cut_short.len(), 1);
    for item in &bench.items(&id)[2..] {
        let reason = item.reason.clone().unwrap_or_default();
        assert!(reason.as_str().contains("there is no profile gone"), "{reason}");
    }
    let known = report.summary.tally;
    assert_eq!((known.done, known.unknown, known.not_sent, known.total()), (2, 2, 2, 6));
    bench.check(&id);
    // Once more it is the only one left: that is refused, and nothing moves.
    let again = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap_err();
    assert!(matches!(again, ApplyError::NoSuchProfile(_)), "{again}");
    assert_eq!(bench.engine.journal().operation(&id).unwrap().tally, known);
}
