//! Several profiles at once, questions to vendors, campaigns, and new leads.

use std::collections::HashSet;

use super::screen::Screen;
use super::scripted::Creating;
use super::*;
use crate::backend::{Created, UndoRequest};
use crate::domain::campaign::{Collection, CollectionKind, NewLead};
use crate::domain::exchange::Command;
use crate::domain::query::Asked;
use crate::domain::{LeadId, LeadRecord, SkipReason, Tally};
use crate::vendor::ErrorKind;

fn two() -> Bench {
    Make { profiles: vec![("sales", capabilities()), ("shop", capabilities())], leads: 12, ..Make::default() }.build()
}

/// Leads 0 to `n` of both profiles from Ann to Bob.
fn over_both(n: usize) -> Plan {
    let one = assign(n);
    let mut shop = one.parts[0].clone();
    shop.profile = "shop".into();
    Plan { parts: vec![one.parts[0].clone(), shop], ..one }
}

#[tokio::test]
async fn one_profiles_outage_is_its_own_and_so_is_its_undo() {
    let bench = two();
    for n in 0..12 {
        bench.worlds[1].lock().unwrap().faults.insert(lead(n), [Fault::Server].into());
    }
    let report = bench.engine.apply(Arc::new(over_both(12)), bench.watch(), StopToken::new()).await.unwrap();
    let tallies = bench.engine.journal().part_tallies(&report.summary.id).unwrap();
    assert_eq!((tallies[0].done, tallies[1].done), (12, 0), "{report:?}");
    assert_eq!(tallies.iter().map(Tally::total).sum::<usize>(), report.summary.tally.total());
    assert!(report.cut_short.iter().all(|(profile, _)| profile.as_str() == "shop"), "{:?}", report.cut_short);
    // While it ran, each profile was told apart.
    let told = bench.events.lock().unwrap();
    let last = told.iter().rev().find_map(|event| match event {
        Event::Progress { progress, .. } => Some(progress.parts.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last[0].profile.as_str(), last[0].tally.done), ("sales", 12));
    assert_eq!((last[1].profile.as_str(), last[1].tally), ("shop", tallies[1]));
}

#[tokio::test]
async fn credentials_that_one_vendor_refuses_hold_no_undo_up() {
    let bench = two();
    let report = bench.engine.apply(Arc::new(over_both(3)), bench.watch(), StopToken::new()).await.unwrap();
    bench.worlds[1].lock().unwrap().read_errors.extend([ErrorKind::SignIn; 40]);
    let request = UndoRequest { operations: vec![report.summary.id], ..UndoRequest::default() };
    let plan = bench.engine.plan_undo(request).await.unwrap();
    let of = |profile: &str| plan.parts.iter().find(|part| part.profile.as_str() == profile).unwrap();
    assert_eq!((of("sales").changes.len(), of("sales").skips.len()), (3, 0));
    assert_eq!((of("shop").changes.len(), of("shop").skips.len()), (0, 3));
    assert!(of("shop").skips.iter().all(|skip| matches!(skip.reason, SkipReason::Unread(_))), "{:?}", of("shop").skips);
    let undone = bench.engine.apply(Arc::new(plan), bench.watch(), StopToken::new()).await.unwrap();
    assert_eq!((undone.summary.tally.done, undone.summary.tally.skipped), (3, 3));
    assert!(bench.worlds[0].lock().unwrap().owners.values().all(|owner| *owner == ann()));
}

#[tokio::test]
async fn the_vendor_says_which_leads_a_question_means() {
    let bench = two();
    bench.worlds[1].lock().unwrap().owners.insert(lead(3), bob());
    let mut screen = Screen::open(&bench);
    let shop = ProfileName::new("shop");
    screen.order(Command::Load { profile: shop.clone() }).await;
    screen.until(|event| matches!(event, Event::Leads { progress, .. } if progress.finished).then_some(())).await;
    // One that came to the vendor after the load is put into the table before the answer is told.
    bench.worlds[1].lock().unwrap().owners.insert(lead(77), bob());
    let asked = Asked::Filter("bob".to_owned());
    screen.order(Command::Ask { profile: shop.clone(), asked: asked.clone() }).await;
    let mut known = 0;
    let found = screen
        .until(|event| match event {
            Event::Leads { table, .. } => {
                known = table.len();
                None
            }
            Event::Answered { asked: about, found, .. } if about == asked => Some(found),
            _ => None,
        })
        .await;
    let wanted: HashSet<LeadId> = [lead(3), lead(77)].map(LeadId::from).into();
    let found = found.unwrap();
    assert_eq!((&*found, known), (&wanted, 13));
    bench.worlds[1].lock().unwrap().read_errors.push_back(ErrorKind::Forbidden);
    screen.order(Command::Ask { profile: shop, asked }).await;
    let refused =
        screen.until(|event| if let Event::Answered { found, .. } = event { Some(found) } else { None }).await;
    assert!(refused.unwrap_err().what.contains("Forbidden"));
}

#[tokio::test]
async fn campaigns_and_lists_are_read_with_the_leads() {
    let bench = two();
    let campaign = Collection { kind: CollectionKind::Campaign, id: "c".into(), name: "C".into(), status: "".into() };
    bench.worlds[1].lock().unwrap().collections.push(campaign);
    let mut screen = Screen::open(&bench);
    for profile in ["sales", "shop"] {
        screen.order(Command::Load { profile: profile.into() }).await;
    }
    let told = screen
        .until(|event| {
            if let Event::Collections { profile, collections } = event { Some((profile, collections)) } else { None }
        })
        .await;
    assert_eq!((told.0.as_str(), told.1.len()), ("shop", 1));
    // When they are gone that is told too.
    bench.worlds[1].lock().unwrap().collections.clear();
    screen.order(Command::Load { profile: "shop".into() }).await;
    let told = screen
        .until(|event| if let Event::Collections { collections, .. } = event { Some(collections) } else { None })
        .await;
    assert!(told.is_empty());
}

#[tokio::test]
async fn a_lead_is_created_once_and_a_lost_answer_is_read_back() {
    for (fate, made) in [
        (None, Some(true)),
        (Some(Creating::LostAfter), Some(true)),
        (Some(Creating::LostBefore), Some(false)),
        (Some(Creating::Late), Some(true)),
        (Some(Creating::Refused), Some(false)),
    ] {
        let bench = two();
        bench.world().creating.extend(fate);
        let lead = NewLead { email: "Ann@X.example".into(), ..NewLead::default() };
        let created = bench.engine.create_lead(&"sales".into(), lead).await.unwrap();
        let outcome = match &created {
            Created::Made(made) => Some(made.email.as_str() == "Ann@X.example"),
            Created::Refused(_) => Some(false),
            Created::Unknown(_) => None,
        };
        assert_eq!((outcome, bench.world().creations), (made, 1), "{fate:?}: {created:?}");
    }
    // One that was there before is no proof.
    let bench = two();
    bench.world().creating.push_back(Creating::LostBefore);
    let older = Some("2020-01-01T00:00:00Z".parse().unwrap());
    bench.world().created.push(LeadRecord {
        id: "old".into(),
        email: "a@x".into(),
        created_at: older,
        ..Default::default()
    });
    let lead = NewLead { email: "a@x".into(), ..NewLead::default() };
    let created = bench.engine.create_lead(&"sales".into(), lead).await.unwrap();
    assert!(matches!(created, Created::Unknown(problem) if problem.what.contains("cannot be told")));
    // Where nothing may be written nothing is created.
    let bench = Make { read_only: true, ..Make::default() }.build();
    assert!(bench.engine.create_lead(&"sales".into(), NewLead::default()).await.is_err());
    assert_eq!(bench.world().creations, 0);
}
