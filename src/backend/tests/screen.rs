use tokio::sync::mpsc;

use super::*;
use crate::backend::spawn;
use crate::domain::Field;
use crate::domain::exchange::Command;
use crate::domain::selection::LeadKey;

pub(super) struct Screen {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
}

impl Screen {
    pub fn open(bench: &Bench) -> Self {
        let (commands, orders) = mpsc::channel(16);
        let (told, events) = mpsc::channel(4);
        spawn(bench.engine.clone(), orders, told);
        Self { commands, events }
    }

    pub async fn order(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    /// Waits for the first event that `wanted` has an answer for; others are passed over.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the backend ended");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), search).await.expect("no such event")
    }
}

fn sales() -> ProfileName {
    ProfileName::new("sales")
}

fn key(n: usize) -> LeadKey {
    LeadKey { profile: sales(), id: lead(n).into() }
}

#[tokio::test]
async fn a_day_at_the_screen() {
    let bench = Make { leads: 200, ..Make::default() }.build();
    let mut screen = Screen::open(&bench);
    screen.until(|event| matches!(event, Event::Opened { .. }).then_some(())).await;
    screen.order(Command::Load { profile: sales() }).await;
    let mut people = None;
    let mut table = None;
    screen
        .until(|event| {
            match event {
                Event::People { people: read, .. } => people = Some(read.len()),
                Event::Leads { table: read, progress, .. } if progress.finished => table = Some(read),
                _ => {}
            }
            (people.is_some() && table.is_some()).then_some(())
        })
        .await;
    assert_eq!((people, table.unwrap().len()), (Some(3), 200));

    screen.order(Command::Apply { plan: Arc::new(assign(30)) }).await;
    let mut moved = 0;
    let summary = screen
        .until(|event| match event {
            Event::Leads { table, .. } => {
                moved = table.owners().iter().find(|(owner, _)| *owner == bob()).map_or(0, |(_, n)| *n);
                None
            }
            Event::Ended { summary, .. } => Some(summary),
            _ => None,
        })
        .await;
    assert_eq!((summary.tally.done, moved), (30, 30));

    screen.order(Command::Detail { lead: key(3) }).await;
    let events = screen
        .until(|event| match event {
            Event::Detail { record, events, .. } => Some((record.unwrap().name.to_string(), events.len())),
            _ => None,
        })
        .await;
    assert_eq!(events, ("Name of l0003".to_owned(), 1));

    screen.order(Command::PlanNewestUndo { redo: true }).await;
    screen.until(|event| matches!(event, Event::NotPlanned { .. }).then_some(())).await;
    screen.order(Command::PlanNewestUndo { redo: false }).await;
    let plan = screen.until(|event| if let Event::Planned { plan, .. } = event { Some(plan) } else { None }).await;
    assert_eq!(plan.changes(), 30);
    screen.order(Command::Apply { plan }).await;
    screen.until(|event| matches!(event, Event::Ended { .. }).then_some(())).await;

    screen.order(Command::History { offset: 0, limit: 10 }).await;
    let (operations, total) = screen
        .until(|event| match event {
            Event::History { operations, total, .. } => Some((operations, total)),
            _ => None,
        })
        .await;
    assert_eq!((operations.len(), total, operations[0].kind), (2, 2, OperationKind::Undo));
    assert_eq!((operations[1].to_take_back(), &operations[1].redos), (vec![], &vec![]));
    screen.order(Command::Items { operation: operations[1].id.clone(), offset: 10, limit: 5 }).await;
    let items = screen
        .until(|event| match event {
            Event::Items { items, total, .. } => Some((items[0].seq, items.len(), total)),
            _ => None,
        })
        .await;
    assert_eq!(items, (10, 5, 30));

    // Done again, it is taken back under its own name.
    let first = operations[1].id.clone();
    screen.order(Command::PlanNewestUndo { redo: true }).await;
    let plan = screen.until(|event| if let Event::Planned { plan, .. } = event { Some(plan) } else { None }).await;
    screen.order(Command::Apply { plan }).await;
    let redo =
        screen.until(|event| if let Event::Ended { summary, .. } = event { Some(summary.id) } else { None }).await;
    screen.order(Command::History { offset: 2, limit: 1 }).await;
    let page =
        screen.until(|event| if let Event::History { operations, .. } = event { Some(operations) } else { None });
    assert_eq!((&page.await[0].redos, &first), (&vec![redo.clone()], &operations[1].id));
    screen.order(Command::PlanUndo { operations: vec![first.clone()], items: None }).await;
    let (asked, plan) = screen
        .until(|event| match event {
            Event::Planned { asked, plan } => Some((asked, plan)),
            _ => None,
        })
        .await;
    assert_eq!(asked, Some(first.clone()));
    assert_eq!((plan.changes(), plan.kind, &plan.reverts), (30, OperationKind::Undo, &Some(redo.clone())));
    let told = format!("Operation {first} was done again by {redo}, which is taken back with it.");
    assert!(plan.parts[0].warnings.contains(&told), "{:?}", plan.parts[0].warnings);

    screen.order(Command::Shutdown).await;
    screen.until(|event| matches!(event, Event::Stopped).then_some(())).await;
    assert!(screen.events.recv().await.is_none());
}

#[tokio::test]
async fn a_plan_that_was_given_up_is_not_taken_for_the_next_one() {
    let bench = Make { leads: 200, ..Make::default() }.build();
    let report = bench.engine.apply(Arc::new(assign(30)), Watch::none(), StopToken::new()).await.unwrap();
    let operation = report.summary.id;
    let mut screen = Screen::open(&bench);
    screen.order(Command::PlanUndo { operations: vec![operation.clone()], items: None }).await;
    screen.order(Command::PlanForcedUndo { operation: operation.clone(), items: vec![4] }).await;
    screen.order(Command::PlanUndo { operations: vec![operation], items: Some(vec![0, 1]) }).await;
    let plan = screen.until(|event| if let Event::Planned { plan, .. } = event { Some(plan) } else { None }).await;
    assert_eq!(plan.changes(), 2);
    screen.order(Command::Shutdown).await;
    let more = screen.until(|event| match event {
        Event::Planned { .. } | Event::NotPlanned { .. } => Some(true),
        Event::Stopped => Some(false),
        _ => None,
    });
    assert!(!more.await);
}

#[tokio::test]
async fn shutdown_awaits_what_is_on_the_way() {
    let bench = Make { leads: 300, latency: Duration::from_millis(20), ..Make::default() }.build();
    let mut screen = Screen::open(&bench);
    screen.order(Command::Apply { plan: Arc::new(assign(300)) }).await;
    let id =
        screen.until(|event| if let Event::Started { operation, .. } = event { Some(operation) } else { None }).await;
    screen
        .until(|event| matches!(event, Event::Progress { progress, .. } if progress.in_flight > 0).then_some(()))
        .await;
    screen.order(Command::Shutdown).await;
    screen.until(|event| matches!(event, Event::Stopped).then_some(())).await;
    bench.check(&id);
    assert!(bench.items(&id).iter().any(|item| item.state == ItemState::NotSent));
}

#[tokio::test]
async fn a_screen_that_stands_still_holds_nothing_up() {
    let bench = Make { leads: 100, ..Make::default() }.build();
    let mut screen = Screen::open(&bench);
    screen.order(Command::Load { profile: sales() }).await;
    screen.order(Command::Apply { plan: Arc::new(assign(100)) }).await;
    // Nothing is taken out of the channel, which has room for four.
    let journal = bench.engine.journal();
    let ended = || journal.operations(0, 1).unwrap().first().is_some_and(|summary| summary.tally.done == 100);
    while !ended() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut events = 0;
    screen
        .until(|event| {
            events += 1;
            matches!(event, Event::Ended { .. }).then_some(())
        })
        .await;
    assert!(events < 20, "{events} events for a screen that looked once");
}

#[tokio::test]
async fn names_come_for_what_is_visible_and_failures_are_not_asked_again() {
    let make = Make::capabilities(|c| c.names_in_rows = false);
    let bench = Make { leads: 50, ..make }.build();
    bench.world().no_detail.insert(lead(4).into());
    let mut screen = Screen::open(&bench);
    screen.order(Command::Load { profile: sales() }).await;
    let finished = |event| matches!(event, Event::Leads { progress, .. } if progress.finished).then_some(());
    screen.until(finished).await;
    let named = |event, wanted: usize| match event {
        Event::Leads { table, .. } => {
            let named = (0..table.len() as u32).filter(|row| !table.text(*row, Field::Name).is_empty()).count();
            (named == wanted).then_some(())
        }
        _ => None,
    };
    screen.order(Command::Names { leads: (0..10).map(key).collect() }).await;
    screen.until(|event| named(event, 9)).await;
    for _ in 0..3 {
        screen.order(Command::Names { leads: (0..10).map(key).collect() }).await;
    }
    screen.order(Command::Names { leads: (5..12).map(key).collect() }).await;
    screen.until(|event| named(event, 11)).await;
    assert_eq!(bench.world().details, 12);
    // A new load keeps the names that were asked for one by one.
    screen.order(Command::Load { profile: sales() }).await;
    screen.until(finished).await;
    screen.order(Command::Names { leads: (0..10).map(key).collect() }).await;
    screen.order(Command::Names { leads: vec![key(20)] }).await;
    screen.until(|event| named(event, 12)).await;
}

#[tokio::test]
async fn a_load_that_fails_leaves_what_is_there() {
    let bench = Make { leads: 50, ..Make::default() }.build();
    let mut screen = Screen::open(&bench);
    screen.order(Command::Load { profile: sales() }).await;
    screen.until(|event| matches!(event, Event::Leads { progress, .. } if progress.finished).then_some(())).await;
    bench.world().read_errors.push_back(crate::vendor::ErrorKind::Server);
    screen.order(Command::Load { profile: sales() }).await;
    let mut rows = 0;
    screen
        .until(|event| {
            if let Event::Leads { table, .. } = &event {
                rows = table.len();
            }
            matches!(event, Event::LoadFailed { .. }).then_some(())
        })
        .await;
    assert_eq!(rows, 50);
    screen.order(Command::Load { profile: ProfileName::new("nowhere") }).await;
    screen.until(|event| matches!(event, Event::LoadFailed { .. }).then_some(())).await;
}

#[tokio::test]
async fn what_was_cut_off_is_told_at_the_start_and_can_be_gone_on_with() {
    let bench = Make { leads: 100, latency: Duration::from_millis(2), ..Make::default() }.build();
    let stop = StopToken::new();
    let stopper = stop.clone();
    bench.world().on_write = Some(Box::new(move |number| {
        if number == 10 {
            stopper.stop();
        }
    }));
    bench.fault(3, [Fault::Lost(true)]);
    bench.world().read_errors.extend(vec![crate::vendor::ErrorKind::Server; 500]);
    let id = bench.engine.apply(Arc::new(assign(100)), Watch::none(), stop).await.unwrap().summary.id;
    bench.world().read_errors.clear();
    let mut screen = Screen::open(&bench);
    let interrupted =
        screen.until(|event| if let Event::Interrupted { operations } = event { Some(operations) } else { None }).await;
    assert_eq!(interrupted[0].id, id);
    screen.order(Command::Resume { operation: id.clone(), settle_only: false }).await;
    let summary =
        screen.until(|event| if let Event::Ended { summary, .. } = event { Some(summary) } else { None }).await;
    assert_eq!(summary.tally.done, 100);
    bench.check(&id);
}

#[tokio::test]
async fn leads_of_the_last_session_are_shown_until_they_are_read_again() {
    let bench = Make { leads: 90, ..Make::default() }.build();
    let mut screen = Screen::open(&bench);
    screen.order(Command::Load { profile: sales() }).await;
    screen.until(|event| matches!(event, Event::Leads { progress, .. } if progress.finished).then_some(())).await;
    let folder = bench.folder.path().join("cache");
    while !folder.exists() || std::fs::read_dir(&folder).unwrap().flatten().all(|f| f.file_name() != "leads-sales") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    screen.order(Command::Shutdown).await;
    screen.until(|event| matches!(event, Event::Stopped).then_some(())).await;
    let Bench { engine, worlds, folder, .. } = bench;
    drop(engine);
    worlds[0].lock().unwrap().owners.insert(lead(90), bob());

    let bench = Make::default().build_in(folder, worlds);
    let mut screen = Screen::open(&bench);
    screen.order(Command::Load { profile: sales() }).await;
    let mut told = Vec::new();
    screen
        .until(|event| {
            if let Event::Leads { table, progress, .. } = event {
                told.push((table.len(), progress.read_at.is_some()));
            }
            (told.last() == Some(&(91, true))).then_some(())
        })
        .await;
    assert_eq!(told[0], (90, false), "old leads first, and said to be old: {told:?}");
    assert!(told[..told.len() - 1].iter().all(|(rows, read)| *rows == 90 && !read), "{told:?}");
}
