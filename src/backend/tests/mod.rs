//! The engine against a vendor that follows a script.

mod applying;
mod resuming;
mod screen;
mod scripted;
mod sets;
mod several;
mod undoing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::scripted::{Fault, Scripted, World, blind_repeats, capabilities};
use super::{Engine, ProfileSetup, Report, Setup, StopToken, Tuning, Watch, system_clock};
use crate::domain::exchange::Event;
use crate::domain::history::ItemRow;
use crate::domain::{
    Assignment, Capabilities, Change, ItemState, OperationId, OperationKind, OwnerRef, Person, Plan, PlanPart,
    ProfileName, TargetId, Timestamp, VendorKind,
};
use crate::journal::Journal;

/// An engine over scripted vendors, with a journal in a folder of its own.
struct Bench {
    engine: Engine,
    worlds: Vec<Arc<Mutex<World>>>,
    events: Arc<Mutex<Vec<Event>>>,
    folder: tempfile::TempDir,
}

/// What a test changes about its profiles.
struct Make {
    profiles: Vec<(&'static str, Capabilities)>,
    leads: usize,
    latency: Duration,
    tuning: Tuning,
    read_only: bool,
    base_url: &'static str,
    context: serde_json::Value,
}

impl Default for Make {
    fn default() -> Self {
        Self {
            profiles: vec![("sales", capabilities())],
            leads: 20,
            latency: Duration::from_millis(1),
            tuning: Tuning { retry_pause: Duration::from_millis(5), ..Tuning::default() },
            read_only: false,
            base_url: "https://vendor.example",
            context: serde_json::json!({"unit": "u1"}),
        }
    }
}

fn ann() -> Assignment {
    Assignment::Owner(OwnerRef::new("ann", "Ann A"))
}

fn bob() -> Assignment {
    Assignment::Owner(OwnerRef::new("bob", "Bob B"))
}

fn cid() -> Assignment {
    Assignment::Owner(OwnerRef::new("cid", "Cid C"))
}

fn lead(n: usize) -> TargetId {
    format!("l{n:04}").into()
}

impl Make {
    fn capabilities(change: impl FnOnce(&mut Capabilities)) -> Self {
        let mut capabilities = capabilities();
        change(&mut capabilities);
        Self { profiles: vec![("sales", capabilities)], ..Self::default() }
    }

    fn build(self) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let worlds = self.profiles.iter().map(|_| Arc::new(Mutex::new(self.world()))).collect();
        self.build_in(folder, worlds)
    }

    fn world(&self) -> World {
        World {
            owners: (0..self.leads).map(|n| (lead(n), ann())).collect(),
            people: [ann(), bob(), cid()]
                .iter()
                .filter_map(|assignment| {
                    let owner = assignment.owner()?;
                    Some(Person { id: owner.id.clone()?, name: owner.name.clone()?, ..Person::default() })
                })
                .collect(),
            ..World::default()
        }
    }

    fn build_in(self, folder: tempfile::TempDir, worlds: Vec<Arc<Mutex<World>>>) -> Bench {
        let journal = Journal::open(folder.path()).unwrap();
        let profiles = self
            .profiles
            .into_iter()
            .zip(&worlds)
            .map(|((name, capabilities), world)| {
                let (world, latency, context) = (world.clone(), self.latency, self.context.clone());
                ProfileSetup::new(name.into(), VendorKind::Kenbun, self.base_url, self.read_only, |gate| {
                    Ok::<_, String>(Arc::new(Scripted { world, capabilities, gate, latency, context }) as _)
                })
            })
            .collect();
        let engine = Engine::open(Setup {
            profiles,
            journal,
            who: "tester@here".into(),
            clock: system_clock(),
            data_folder: Some(folder.path().to_owned()),
            tuning: self.tuning,
        })
        .unwrap();
        Bench { engine, worlds, events: Arc::default(), folder }
    }
}

impl Bench {
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.worlds[0].lock().unwrap()
    }

    fn watch(&self) -> Watch {
        let events = self.events.clone();
        Watch::new(move |event| events.lock().unwrap().push(event))
    }

    fn fault(&self, n: usize, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.insert(lead(n), faults.into_iter().collect());
    }

    fn owner(&self, n: usize) -> Assignment {
        self.world().owners[&lead(n)].clone()
    }

    async fn apply(&self, plan: Plan) -> Report {
        self.engine.apply(Arc::new(plan), self.watch(), StopToken::new()).await.unwrap()
    }

    fn items(&self, operation: &OperationId) -> Vec<ItemRow> {
        self.engine.journal().items(operation, 0, usize::MAX).unwrap()
    }

    /// States and reasons by lead, for the items that are not simply done.
    fn others(&self, operation: &OperationId) -> Vec<(String, ItemState, String)> {
        self.items(operation)
            .into_iter()
            .filter(|item| item.state != ItemState::Done)
            .map(|item| (item.target.to_string(), item.state, item.reason.unwrap_or_default().to_string()))
            .collect()
    }

    /// What must hold after every operation: the vendor's state agrees with every `done` and every `failed`, nothing was
    /// written twice without a reading in between, and nothing is left half-way.
    fn check(&self, operation: &OperationId) {
        let world = self.world();
        for item in self.items(operation) {
            let now = &world.owners.get(&item.target);
            match item.state {
                ItemState::Done => assert_eq!(*now, Some(&item.wrote), "{} is done", item.target),
                ItemState::Failed | ItemState::NotSent => {
                    assert_ne!(*now, Some(&item.wrote), "{} is {}", item.target, item.state);
                }
                ItemState::Unknown => assert!(item.reason.is_some()),
                ItemState::Planned | ItemState::Sent => panic!("{} is still {}", item.target, item.state),
                ItemState::Skipped | ItemState::ChangedByOthers => {}
            }
        }
        assert_eq!(blind_repeats(&world.seen), Vec::<TargetId>::new());
        drop(world);
        assert_eq!(self.engine.journal().verify().unwrap(), Vec::<String>::new());
    }
}

fn change(n: usize, before: Assignment, after: Assignment) -> Change {
    Change {
        target: lead(n),
        name: format!("Lead {n}").into(),
        before,
        after,
        read_at: Some(Timestamp::now()),
        scope: Default::default(),
    }
}

fn part(profile: &str, changes: Vec<Change>) -> PlanPart {
    PlanPart::of(profile, VendorKind::Kenbun, changes)
}

fn plan(parts: Vec<PlanPart>) -> Plan {
    Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: Timestamp::now(), parts }
}

/// The first leads of `sales` from Ann to Bob.
fn assign(leads: usize) -> Plan {
    plan(vec![part("sales", (0..leads).map(|n| change(n, ann(), bob())).collect())])
}
