use std::time::Duration;

use super::*;
use crate::backend::ApplyError;
use crate::domain::exchange::LoadProgress;
use crate::domain::{BatchRule, Pace, ReadBack, Skip, SkipReason};
use crate::vendor::ErrorKind;

use super::scripted::Seen;

#[tokio::test]
async fn a_plan_is_carried_out_and_told() {
    let bench = Make::default().build();
    let mut wanted = assign(20);
    wanted.parts[0].skips.push(&Skip {
        target: "gone".into(),
        name: Default::default(),
        before: Assignment::Unknown,
        after: bob(),
        reason: SkipReason::NoSuchLead,
    });
    let report = bench.apply(wanted).await;
    assert_eq!((report.summary.tally.done, report.summary.tally.skipped), (20, 1));
    assert_eq!(report.requests, 20);
    assert!(report.cut_short.is_empty());
    bench.check(&report.summary.id);
    let events = bench.events.lock().unwrap();
    assert!(matches!(&events[0], Event::Started { operation, .. } if *operation == report.summary.id));
    assert!(matches!(events.last(), Some(Event::Ended { summary, .. }) if summary.tally.done == 20));
    let last_progress = events.iter().rev().find_map(|event| match event {
        Event::Progress { progress, .. } => Some(progress),
        _ => None,
    });
    assert_eq!(last_progress.unwrap().tally, report.summary.tally);
    assert!(bench.world().most_in_flight <= 4);
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_may_be() {
    let bench = Make { read_only: true, ..Make::default() }.build();
    let refused = bench.engine.apply(Arc::new(assign(1)), Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::ReadOnly(_))));
    let refused = bench.engine.apply(Arc::new(assign(0)), Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::Nothing)));
    let elsewhere = plan(vec![part("nowhere", vec![change(0, ann(), bob())])]);
    let refused = bench.engine.apply(Arc::new(elsewhere), Watch::none(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::NoSuchProfile(_))));
    assert!(bench.world().seen.is_empty());
    assert_eq!(bench.engine.journal().count().unwrap(), 0);
}

#[tokio::test]
async fn old_readings_are_read_again_and_what_drifted_is_left_alone() {
    let bench = Make::default().build();
    let mut wanted = assign(6);
    wanted.parts[0].changes.forget_readings();
    bench.world().owners.insert(lead(1), cid());
    bench.world().owners.insert(lead(2), bob());
    bench.world().owners.remove(&lead(3));
    let report = bench.apply(wanted).await;
    assert_eq!(
        bench.others(&report.summary.id),
        [
            ("l0001".to_owned(), ItemState::Skipped, "changed by someone else: was Ann A, now Cid C".to_owned()),
            ("l0002".to_owned(), ItemState::Skipped, "already there".to_owned()),
            ("l0003".to_owned(), ItemState::Skipped, "no such lead".to_owned()),
        ]
    );
    assert_eq!(bench.owner(1), cid());
    assert!(matches!(&bench.world().seen[0], Seen::Read(targets) if targets.len() == 6));
    assert_eq!(report.requests, 4, "one reading, three writes");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn a_reading_from_before_our_own_write_is_old() {
    let bench = Make::default().build();
    let first = assign(1);
    let second = plan(vec![part("sales", vec![change(0, ann(), cid())])]);
    bench.apply(first).await;
    // Made from the same screen as the first one: Ann is not the owner any more.
    let report = bench.apply(second).await;
    assert_eq!(report.summary.tally.skipped, 1);
    assert_eq!(bench.owner(0), bob());
}

#[tokio::test]
async fn readings_have_patience_and_an_end() {
    let bench = Make::default().build();
    let old = |n| {
        let mut wanted = assign(n);
        wanted.parts[0].changes.forget_readings();
        wanted
    };
    bench.world().read_errors.extend([ErrorKind::Server, ErrorKind::Wait]);
    assert_eq!(bench.apply(old(3)).await.summary.tally.done, 3);
    // A server that never answers: nothing was sent, and that is what stands there.
    let bench = Make::default().build();
    bench.world().read_errors.extend(vec![ErrorKind::Server; 1000]);
    let report = bench.apply(old(3)).await;
    assert_eq!(report.summary.tally.not_sent, 3);
    assert!(bench.others(&report.summary.id)[0].2.starts_with("could not be read again before sending"));
    assert_eq!(bench.world().writes, 0);
    // Credentials that ran out end it at once.
    let bench = Make::default().build();
    bench.world().read_errors.push_back(ErrorKind::SignIn);
    let report = bench.apply(old(3)).await;
    assert_eq!(report.summary.tally.not_sent, 3);
    assert_eq!(report.cut_short.len(), 1);
    assert_eq!(bench.world().seen.len(), 1);
}

#[tokio::test]
async fn lost_answers_are_settled_by_reading() {
    let bench = Make::default().build();
    bench.fault(0, [Fault::Lost(true)]);
    bench.fault(1, [Fault::Lost(false)]);
    bench.fault(2, [Fault::LostThenChanged(cid())]);
    bench.fault(3, [Fault::Refuse]);
    bench.fault(4, [Fault::Drifted(cid())]);
    bench.fault(5, [Fault::Panic]);
    let report = bench.apply(assign(8)).await;
    let drift = "changed by someone else: was Ann A, now Cid C".to_owned();
    assert_eq!(
        bench.others(&report.summary.id),
        [
            ("l0001".to_owned(), ItemState::Failed, "the line was cut; read back: not applied".to_owned()),
            ("l0002".to_owned(), ItemState::ChangedByOthers, drift.clone()),
            ("l0003".to_owned(), ItemState::Failed, "refused by script".to_owned()),
            ("l0004".to_owned(), ItemState::ChangedByOthers, drift),
        ]
    );
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn a_write_that_arrives_after_its_answer_was_given_up_is_found() {
    let bench = Make::default().build();
    bench.fault(0, [Fault::Late(Some(Duration::from_millis(40)))]);
    bench.fault(1, [Fault::Late(None)]);
    let report = bench.apply(assign(2)).await;
    assert_eq!(
        bench.others(&report.summary.id),
        [("l0001".to_owned(), ItemState::Failed, "no answer in time; read back: not applied".to_owned())]
    );
    let reads = bench.world().seen.iter().filter(|seen| matches!(seen, Seen::Read(_))).count();
    assert!(reads >= 2, "one reading of the old value proves nothing");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn what_cannot_be_read_back_stays_unknown_with_its_reason() {
    let bench = Make::default().build();
    bench.fault(0, [Fault::Lost(true)]);
    bench.world().read_errors.extend(vec![ErrorKind::Server; 1000]);
    let report = bench.apply(assign(2)).await;
    let others = bench.others(&report.summary.id);
    assert_eq!(others[0].1, ItemState::Unknown);
    assert!(others[0].2.starts_with("the line was cut; could not be read back for"), "{}", others[0].2);

    let bench = Make::capabilities(|c| c.read_back = ReadBack::Never).build();
    bench.fault(0, [Fault::Lost(true)]);
    let report = bench.apply(assign(1)).await;
    assert!(bench.others(&report.summary.id)[0].2.contains("cannot be read back"));
    assert!(!bench.world().seen.iter().any(|seen| matches!(seen, Seen::Read(_))));

    // An accepted job that does not come within the deadline may still come.
    let bench = Make::capabilities(|c| c.read_back = ReadBack::Later).build();
    bench.fault(0, [Fault::Queued(None)]);
    bench.fault(1, [Fault::Queued(Some(Duration::from_millis(150)))]);
    // No answer at all is another matter: two readings that agree decide.
    bench.fault(2, [Fault::Late(None)]);
    let report = bench.apply(assign(3)).await;
    let others = bench.others(&report.summary.id);
    let states: Vec<_> = others.iter().map(|(_, state, _)| *state).collect();
    assert_eq!(states, [ItemState::Unknown, ItemState::Failed]);
    assert_eq!(others[0].2, "accepted for later; not there yet after 0 s, and it may still come");
    use crate::vendor::Looking::{Deciding, Polling};
    let looked: Vec<_> = bench.world().looked.iter().filter(|(id, _)| *id == lead(0)).map(|(_, how)| *how).collect();
    assert!(looked.len() > 2 && looked[..looked.len() - 1].iter().all(|how| *how == Polling), "{looked:?}");
    assert_eq!(looked.last(), Some(&Deciding), "the last look must not be one that may lag behind");
    assert!(bench.world().looked.iter().all(|(id, how)| *id != lead(2) || *how == Deciding));
}

#[tokio::test]
async fn two_people_of_one_name_prove_nothing() {
    let named = |name: &str| Assignment::Owner(OwnerRef::named(name));
    let bench = Make::capabilities(|c| c.read_back = ReadBack::ByName).build();
    for n in 0..2 {
        bench.fault(n, [Fault::Lost(false)]);
    }
    bench.world().owners.insert(lead(0), named("Bob B"));
    bench.world().owners.insert(lead(1), named("Ann A"));
    let changes = vec![change(0, named("Bob B"), bob()), change(1, named("Ann A"), bob())];
    let report = bench.apply(plan(vec![part("sales", changes)])).await;
    let others = bench.others(&report.summary.id);
    assert_eq!((others[0].1, others[1].1), (ItemState::Unknown, ItemState::Failed));
    assert!(others[0].2.contains("look the same"), "{}", others[0].2);
}

#[tokio::test]
async fn what_had_no_effect_is_tried_again_up_to_a_limit() {
    let make = Make::default();
    let bench = Make { tuning: Tuning { tries: 4, ..make.tuning }, ..make }.build();
    bench.fault(0, [Fault::NoLine, Fault::TooMany(Duration::from_millis(20))]);
    bench.fault(1, vec![Fault::TooMany(Duration::from_millis(1)); 50]);
    let report = bench.apply(assign(4)).await;
    let others = bench.others(&report.summary.id);
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!(others[0].1, ItemState::Failed);
    assert_eq!(others[0].2, "not applied: too many requests; tried 4 times");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn refused_credentials_end_the_handing_out() {
    let mut make = Make { leads: 200, ..Make::default() };
    make.profiles.push(("center", capabilities()));
    let bench = make.build();
    bench.fault(30, [Fault::SignIn]);
    let changes = || (0..100).map(|n| change(n, ann(), bob())).collect();
    let report = bench.apply(plan(vec![part("sales", changes()), part("center", changes())])).await;
    assert_eq!(report.cut_short.len(), 1);
    assert_eq!(report.cut_short[0].0, "sales".into());
    let tally = report.summary.tally;
    assert_eq!(tally.failed, 1);
    assert!(tally.not_sent >= 60, "{tally:?}");
    assert_eq!(tally.done + tally.not_sent, 199);
    let center = bench.items(&report.summary.id).into_iter().filter(|item| item.part == 1);
    assert!(center.into_iter().all(|item| item.state == ItemState::Done), "one profile's halt is its own");
    let not_sent = bench.others(&report.summary.id).into_iter().find(|o| o.1 == ItemState::NotSent).unwrap();
    assert_eq!(not_sent.2, "scripted: SignIn");
}

#[tokio::test]
async fn an_outage_ends_the_handing_out() {
    let bench = Make { leads: 100, ..Make::default() }.build();
    for n in 10..100 {
        bench.fault(n, vec![Fault::Server; 3]);
    }
    let report = bench.apply(assign(100)).await;
    let tally = report.summary.tally;
    assert_eq!(tally.done, 10);
    assert!(tally.failed < 15 && tally.not_sent > 70, "{tally:?}");
    assert!(report.cut_short[0].1.what.contains("the server failed 5 times in a row"), "{:?}", report.cut_short);
    bench.check(&report.summary.id);
}

/// Each such reading takes all the patience there is: a thousand leads would take hours to say the same.
#[tokio::test]
async fn a_server_whose_answers_make_no_sense_is_given_up() {
    let make = Make::capabilities(|c| {
        // So slow that few changes are read ahead at a time.
        c.pace.per_second = 1.0;
        c.settle.deadline = Duration::from_millis(50);
    });
    let tuning = Tuning { outage_after: 3, ..Make::default().tuning };
    let bench = Make { leads: 100, tuning, ..make }.build();
    bench.world().read_errors.extend(vec![ErrorKind::Garbled; 10_000]);
    let mut wanted = assign(100);
    wanted.parts[0].changes.forget_readings();
    let report = bench.apply(wanted).await;
    assert_eq!(report.summary.tally.not_sent, 100);
    assert_eq!(bench.world().writes, 0);
    let told = &report.cut_short[0].1.what;
    assert!(told.contains("the answer made no sense 3 times in a row; nothing more was sent"), "{told}");
    let asked: usize = bench.world().looked.len();
    assert!(asked < 100 * 7, "{asked}");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn stop_hands_out_nothing_more_and_awaits_what_is_on_the_way() {
    let bench = Make { leads: 500, latency: Duration::from_millis(5), ..Make::default() }.build();
    let stop = StopToken::new();
    let stopper = stop.clone();
    bench.fault(8, [Fault::Lost(true)]);
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 20 {
            stopper.stop();
        }
    }));
    let report = bench.engine.apply(Arc::new(assign(500)), bench.watch(), stop).await.unwrap();
    let tally = report.summary.tally;
    assert!((20..40).contains(&tally.done), "{tally:?}");
    assert_eq!(tally.done + tally.not_sent, 500);
    assert_eq!(bench.others(&report.summary.id)[0].2, "stopped before it was sent");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn whoever_waits_may_go_and_the_operation_goes_on() {
    let bench = Make { leads: 60, latency: Duration::from_millis(5), ..Make::default() }.build();
    let applying = bench.engine.apply(Arc::new(assign(60)), bench.watch(), StopToken::new());
    assert!(tokio::time::timeout(Duration::from_millis(20), applying).await.is_err());
    let id = loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let ended = bench.events.lock().unwrap().iter().find_map(|event| match event {
            Event::Ended { summary, .. } => Some(summary.clone()),
            _ => None,
        });
        if let Some(summary) = ended {
            assert_eq!(summary.tally.done, 60);
            break summary.id;
        }
    };
    bench.check(&id);
}

#[tokio::test]
async fn batches_share_requests_and_each_item_keeps_its_own_end() {
    let rule = BatchRule { max: 50, bulk_from: 2, unassign_max: 50, per_item_answer: false, ..BatchRule::SINGLE };
    let make = Make::capabilities(|c| c.batch = rule);
    let bench = Make { leads: 120, ..make }.build();
    bench.fault(7, [Fault::Lost(false)]);
    bench.fault(8, [Fault::NoLine]);
    let report = bench.apply(assign(120)).await;
    assert_eq!((report.summary.tally.done, report.summary.tally.failed), (119, 1));
    let sizes: Vec<usize> = bench
        .world()
        .seen
        .iter()
        .filter_map(|seen| if let Seen::Write(effects) = seen { Some(effects.len()) } else { None })
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 121, "{sizes:?}");
    assert_eq!(sizes.iter().filter(|size| **size == 1).count(), 1, "only what had no effect went again");
    bench.check(&report.summary.id);
}

#[tokio::test]
async fn the_first_write_of_a_session_goes_alone_and_is_compared() {
    let bench = Make::capabilities(|c| c.first_write_alone = true).build();
    let report = bench.apply(assign(5)).await;
    assert_eq!(report.summary.tally.done, 5);
    let seen = bench.world().seen.clone();
    assert!(matches!((&seen[0], &seen[1]), (Seen::Write(w), Seen::Read(r)) if w[0].0 == r[0]), "{seen:?}");
    assert!(seen[2..].iter().all(|seen| matches!(seen, Seen::Write(_))));
    bench.check(&report.summary.id);

    // A server that says yes and does something else.
    let bench = Make::capabilities(|c| c.first_write_alone = true).build();
    let world = bench.worlds[0].clone();
    bench.fault(0, [Fault::LostThenChanged(cid())]);
    let report = bench.apply(assign(5)).await;
    assert_eq!((report.summary.tally.not_sent, world.lock().unwrap().writes), (4, 1));
    assert!(report.cut_short[0].1.what.contains("is not what was written"));
}

#[tokio::test]
async fn profiles_go_side_by_side_each_at_its_own_pace() {
    let slow = Pace { per_second: 20.0, burst: 1, parallel: 1, yields: false };
    let mut make = Make::capabilities(|c| c.pace = slow);
    make.profiles.push(("center", capabilities()));
    let bench = make.build();
    let changes = |count| (0..count).map(|n| change(n, ann(), bob())).collect();
    let center = bench.worlds[1].clone();
    let done = Arc::new(Mutex::new(None));
    let told = done.clone();
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 10 {
            *told.lock().unwrap() = Some(center.lock().unwrap().writes);
        }
    }));
    let report = bench.apply(plan(vec![part("sales", changes(20)), part("center", changes(10))])).await;
    assert_eq!(report.summary.tally.done, 30);
    assert_eq!(*done.lock().unwrap(), Some(10), "the fast one was through when the slow one was half-way");
    assert!(report.seconds > 0.8);
}

#[tokio::test]
async fn owners_on_the_screen_move_with_the_writes() {
    let bench = Make::default().build();
    let seen: Arc<Mutex<Vec<LoadProgress>>> = Arc::default();
    let pages = seen.clone();
    let sales = ProfileName::new("sales");
    let loaded = bench.engine.load_leads(&sales, move |progress| pages.lock().unwrap().push(progress)).await.unwrap();
    assert_eq!(loaded.table.len(), 20);
    assert!(seen.lock().unwrap().last().unwrap().finished);
    bench.apply(assign(5)).await;
    let table = bench.events.lock().unwrap().iter().rev().find_map(|event| match event {
        Event::Leads { table, .. } => Some(table.clone()),
        _ => None,
    });
    let table = table.unwrap();
    let loads: Vec<_> = table.owners().iter().map(|(owner, n)| (owner.label().to_string(), *n)).collect();
    assert!(loads.contains(&("Bob B".to_owned(), 5)) && loads.contains(&("Ann A".to_owned(), 15)), "{loads:?}");
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_stops_everything_before_it_begins() {
    let bench = Make::default().build();
    // Somebody made a newer Switchboard's journal of it meanwhile.
    let file = bench.folder.path().join(crate::journal::FILE_NAME);
    let other = rusqlite::Connection::open(file).unwrap();
    other.pragma_update(None, "user_version", 9999).unwrap();
    let refused = bench.engine.apply(Arc::new(assign(3)), bench.watch(), StopToken::new()).await;
    assert!(matches!(refused, Err(ApplyError::Journal(_))), "{refused:?}");
    assert_eq!(bench.world().writes, 0);
}

#[tokio::test]
async fn a_journal_that_fails_on_the_way_lets_nothing_more_out() {
    let bench = Make { leads: 300, latency: Duration::from_millis(3), ..Make::default() }.build();
    let file = bench.folder.path().join(crate::journal::FILE_NAME);
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 10 {
            let other = rusqlite::Connection::open(&file).unwrap();
            other.pragma_update(None, "user_version", 9999).unwrap();
        }
    }));
    let lost = bench.engine.apply(Arc::new(assign(300)), bench.watch(), StopToken::new()).await;
    assert!(matches!(lost, Err(ApplyError::JournalLost { .. })), "{lost:?}");
    assert!(bench.world().writes < 30, "{}", bench.world().writes);
}

#[tokio::test]
async fn a_paused_operation_sends_nothing_until_it_goes_on() {
    let bench = Make { leads: 60, ..Make::default() }.build();
    let engine = bench.engine.clone();
    let id: Arc<Mutex<Option<OperationId>>> = Arc::default();
    let started = id.clone();
    let watch = Watch::new(move |event| {
        if let Event::Started { operation, .. } = event {
            *started.lock().unwrap() = Some(operation);
        }
    });
    let pauser = (engine.clone(), id.clone());
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 10 {
            let (engine, id) = &pauser;
            assert!(engine.pause(id.lock().unwrap().as_ref().unwrap(), true));
        }
    }));
    let applying = tokio::spawn({
        let engine = engine.clone();
        async move { engine.apply(Arc::new(assign(60)), watch, StopToken::new()).await }
    });
    // What was handed out already still leaves, then nothing more.
    let mut before = 0;
    let paused_at = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let writes = bench.world().writes;
        if writes >= 10 && writes == before {
            break writes;
        }
        before = writes;
    };
    assert!((10..20).contains(&paused_at), "{paused_at}");
    let id = id.lock().unwrap().clone().unwrap();
    assert_eq!(engine.journal().operation(&id).unwrap().life, crate::domain::history::OperationLife::Running);
    assert!(engine.pause(&id, false));
    let report = applying.await.unwrap().unwrap();
    assert_eq!(report.summary.tally.done, 60);
    assert!(!engine.pause(&id, true), "it is over");
    bench.check(&id);
}

#[tokio::test]
async fn small_operations_go_before_a_bulk_run() {
    // A turn is long beside what a write needs to ask for the next one: whoever asks too late is overtaken rightly.
    let pace = Pace { per_second: 10.0, burst: 1, parallel: 2, yields: false };
    let make = Make::capabilities(|c| c.pace = pace);
    let bench = Make { leads: 1_000, tuning: Tuning { hot_up_to: 5, ..make.tuning }, ..make }.build();
    let bulk = plan(vec![part("sales", (100..1_000).map(|n| change(n, ann(), bob())).collect())]);
    let stop = StopToken::new();
    let running = tokio::spawn({
        let (engine, stop) = (bench.engine.clone(), stop.clone());
        async move { engine.apply(Arc::new(bulk), Watch::none(), stop).await }
    });
    while bench.world().writes < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = bench.apply(assign(5)).await;
    assert_eq!(report.summary.tally.done, 5);
    // From the first hot write on: before it the hot operation was read and written down, which takes its time.
    let is_hot: Vec<bool> = bench
        .world()
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Write(of) => Some(of.iter().any(|(target, _)| (0..5).any(|n| *target == lead(n)))),
            Seen::Read(_) => None,
        })
        .skip_while(|is_hot| !is_hot)
        .collect();
    let last = is_hot.iter().rposition(|is_hot| *is_hot).unwrap();
    let between = is_hot[..last].iter().filter(|is_hot| !**is_hot).count();
    assert!(between <= 5, "{between} bulk writes went before five hot ones: {is_hot:?}");
    stop.stop();
    let report = running.await.unwrap().unwrap();
    assert!(report.summary.tally.not_sent > 500, "it was under way: {:?}", report.summary.tally);
}

#[tokio::test]
async fn a_full_disk_lets_nothing_more_out_and_what_happened_is_found_out_later() {
    for pages in [0, 1, 2] {
        let bench = Make { leads: 300, latency: Duration::from_millis(3), ..Make::default() }.build();
        let journal = bench.engine.journal().clone();
        bench.fault(30, [Fault::Lost(true)]);
        bench.world().on_write = Some(Box::new(move |number| {
            if number == 10 {
                journal.leave_pages(Some(pages));
            }
        }));
        let lost = bench.engine.apply(Arc::new(assign(300)), bench.watch(), StopToken::new()).await.unwrap_err();
        assert!(matches!(lost, ApplyError::JournalLost { .. }), "{lost:?}");
        assert!(lost.to_string().contains("the disk is full"), "{lost}");
        let writes = bench.world().writes;
        assert!(writes < 300, "{pages}: {writes}");
        // Nothing left that the journal does not know of.
        let id = lost.cut_off().unwrap().clone();
        let known = bench.items(&id).iter().filter(|item| item.state != ItemState::Planned).count();
        assert!(known >= writes, "{writes} writes left, and the journal knows of {known}");
        // More than what happens to be free in the last pages.
        let refused = bench.engine.apply(Arc::new(assign(300)), Watch::none(), StopToken::new()).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(bench.world().writes, writes, "nothing is sent that cannot be written down");
        bench.engine.journal().leave_pages(None);
        let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
        assert_eq!(report.summary.tally.done + report.summary.tally.failed, 300, "{:?}", report.summary.tally);
        bench.check(&id);
    }
}

#[tokio::test]
async fn an_operation_that_breaks_is_named_and_can_be_gone_on_with() {
    let bench = Make::default().build();
    let broken = Watch::new(|event| {
        if matches!(event, Event::Started { .. }) {
            panic!("a mistake of ours");
        }
    });
    let error = bench.engine.apply(Arc::new(assign(3)), broken, StopToken::new()).await.unwrap_err();
    let id = error.cut_off().expect("it is known which").clone();
    assert!(error.to_string().contains(id.as_str()), "{error}");
    // The screen is told the same, and nobody holds it any more.
    assert_eq!(bench.engine.journal().interrupted().unwrap().len(), 1);
    let report = bench.engine.resume(&id, false, bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!(report.summary.tally.done, 3);
    bench.check(&id);
}
