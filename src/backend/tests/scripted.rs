//! A vendor in memory that does what the test says, and remembers what it was asked.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::campaign::{Collection, LeadAsk, NewLead};
use crate::domain::{
    Assignment, BatchRule, Capabilities, Change, Exactness, Field, LeadId, LeadRecord, Pace, Person, ReadBack, Settle,
    TargetId, TargetKind, Unassign, VendorKind,
};
use crate::vendor::{
    Check, ErrorKind, Found, Gate, Heard, Looking, Observation, Pages, Session, Target, Targets, Vendor, VendorError,
    WriteOutcome, WriteReport,
};

/// What goes wrong with one write.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The vendor refuses it.
    Refuse,
    /// The answer is lost after (true) or before it took effect.
    Lost(bool),
    /// No answer in time; it takes effect this much later, if at all.
    Late(Option<Duration>),
    /// Accepted for later; it takes effect this much later, if at all.
    Queued(Option<Duration>),
    /// 5xx, without effect.
    Server,
    /// Refused connection.
    NoLine,
    /// 429.
    TooMany(Duration),
    /// The same, and somebody else changes it.
    TooManyAndChanged(Duration, Assignment),
    /// 401: nothing more may be sent.
    SignIn,
    /// The client found it changed just before sending.
    Drifted(Assignment),
    /// The client panics after the write took effect.
    Panic,
    /// It takes effect, and somebody else changes it before the answer is lost.
    LostThenChanged(Assignment),
}

/// One call, as the vendor saw it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Read(Vec<TargetId>),
    /// With what each write came to.
    Write(Vec<(TargetId, Effect)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    Proven,
    /// Certainly none.
    None,
    /// The caller cannot know.
    Open,
}

#[derive(Default)]
pub struct World {
    pub owners: BTreeMap<TargetId, Assignment>,
    pub faults: HashMap<TargetId, VecDeque<Fault>>,
    /// Errors of the next readings, for all targets in them.
    pub read_errors: VecDeque<ErrorKind>,
    pub seen: Vec<Seen>,
    pub people: Vec<Person>,
    pub in_flight: usize,
    pub most_in_flight: usize,
    /// Called before each write takes effect, with the number of writes so far.
    pub on_write: Option<Box<dyn FnMut(usize) + Send>>,
    pub writes: usize,
    pub details: usize,
    pub no_detail: HashSet<LeadId>,
    /// Names the detail call gives.
    pub sessions: Vec<serde_json::Value>,
    /// What each reading of a target was for.
    pub looked: Vec<(TargetId, Looking)>,
    pub collections: Vec<Collection>,
    /// What becomes of the next leads that are created; without a word they are made.
    pub creating: VecDeque<Creating>,
    pub created: Vec<LeadRecord>,
    pub creations: usize,
}

/// What becomes of a lead that is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creating {
    /// Made, and the answer is lost.
    LostAfter,
    /// Not made, and there is no answer.
    LostBefore,
    /// There is no answer, and it is made a moment later.
    Late,
    Refused,
}

pub struct Scripted {
    pub world: Arc<Mutex<World>>,
    pub capabilities: Capabilities,
    pub gate: Arc<dyn Gate>,
    pub latency: Duration,
    pub context: serde_json::Value,
}

pub fn capabilities() -> Capabilities {
    Capabilities {
        vendor: VendorKind::Kenbun,
        targets: TargetKind::Leads,
        experimental: false,
        fields: &[Field::Id, Field::Name, Field::Owner],
        server_filters: &[],
        server_search: false,
        new_lead: None,
        names_in_rows: true,
        all_names: false,
        batch: BatchRule::SINGLE,
        unassign: Unassign::Yes,
        read_back: ReadBack::ById,
        read_at_once: 1,
        settle: Settle {
            first: Duration::from_millis(10),
            most: Duration::from_millis(40),
            deadline: Duration::from_millis(400),
            late: Duration::from_millis(60),
            doubted: 0,
        },
        late_writes: Duration::ZERO,
        undo: Exactness::Exact,
        pace: Pace { per_second: f64::INFINITY, burst: 1, parallel: 4, yields: false },
        freshness: Duration::from_secs(60),
        first_write_alone: false,
        not_undoable: Vec::new(),
        warnings: Vec::new(),
        ..Capabilities::plain(VendorKind::Kenbun, &[])
    }
}

impl Scripted {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    async fn on_the_way(&self) -> crate::vendor::Permit {
        let permit = self.gate.enter(false).await;
        {
            let mut world = self.world();
            world.in_flight += 1;
            world.most_in_flight = world.most_in_flight.max(world.in_flight);
        }
        tokio::time::sleep(self.latency).await;
        self.world().in_flight -= 1;
        permit
    }
}

fn error(kind: ErrorKind) -> VendorError {
    VendorError::new(kind, format!("scripted: {kind:?}"))
}

#[async_trait]
impl Vendor for Scripted {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn context(&self) -> serde_json::Value {
        self.context.clone()
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        let _permit = self.on_the_way().await;
        Ok(self.world().people.clone())
    }

    async fn leads(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let all: Vec<(TargetId, Assignment)> =
            self.world().owners.iter().map(|(id, owner)| (id.clone(), owner.clone())).collect();
        // A filter is an owner's id here.
        let holds = |owner: &Assignment, filter: &String| {
            owner.owner().and_then(|owner| owner.id.as_ref()).is_some_and(|id| id.as_str() == filter)
        };
        let all: Vec<(TargetId, Assignment)> =
            all.into_iter().filter(|(_, owner)| ask.filters.iter().all(|filter| holds(owner, filter))).collect();
        let created = self.world().created.clone();
        if !created.is_empty() && pages.page(created, None) == ControlFlow::Break(()) {
            return Ok(());
        }
        for page in all.chunks(10) {
            let _permit = self.on_the_way().await;
            if let Some(kind) = self.world().read_errors.pop_front() {
                return Err(error(kind));
            }
            let rows = page
                .iter()
                .map(|(id, owner)| LeadRecord { id: id.clone().into(), owner: owner.clone(), ..LeadRecord::default() })
                .collect();
            if pages.page(rows, Some(all.len())) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    async fn collections(&self) -> Result<Vec<Collection>, VendorError> {
        Ok(self.world().collections.clone())
    }

    async fn create_lead(&self, lead: &NewLead) -> Result<LeadRecord, VendorError> {
        let _permit = self.on_the_way().await;
        let mut world = self.world();
        world.creations += 1;
        let fate = world.creating.pop_front();
        let made = LeadRecord {
            id: format!("new-{}", world.creations).into(),
            email: crate::domain::SafeText::new(&lead.email),
            created_at: Some(crate::domain::Timestamp::now()),
            ..LeadRecord::default()
        };
        if matches!(fate, None | Some(Creating::LostAfter)) {
            world.created.push(made.clone());
        }
        if fate == Some(Creating::Late) {
            let (world, made) = (self.world.clone(), made.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                world.lock().unwrap().created.push(made);
            });
        }
        match fate {
            None => Ok(made),
            Some(Creating::LostAfter | Creating::LostBefore | Creating::Late) => Err(error(ErrorKind::Unreachable)),
            Some(Creating::Refused) => Err(error(ErrorKind::Refused)),
        }
    }

    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        let _permit = self.on_the_way().await;
        let mut world = self.world();
        world.details += 1;
        if world.no_detail.contains(id) {
            return Err(error(ErrorKind::Server));
        }
        let owner = world.owners.get(&TargetId::from(id)).cloned().ok_or_else(|| error(ErrorKind::NotFound))?;
        Ok(LeadRecord { id: id.clone(), name: format!("Name of {id}").into(), owner, ..LeadRecord::default() })
    }

    async fn observe_each(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let _permit = self.on_the_way().await;
        let mut world = self.world();
        let targets: Vec<Target> = (0..targets.len()).map(|number| targets.get(number)).collect();
        world.sessions.push(session.context.clone());
        world.looked.extend(targets.iter().map(|target| (target.id.clone(), session.looking)));
        world.seen.push(Seen::Read(targets.iter().map(|target| target.id.clone()).collect()));
        let trouble = world.read_errors.pop_front();
        for (number, target) in targets.iter().enumerate() {
            let now = match trouble {
                Some(kind) => Err(error(kind)),
                None => world.owners.get(&target.id).cloned().ok_or_else(|| error(ErrorKind::NotFound)),
            };
            found(number, Observation { now, scope: None });
        }
    }

    async fn write(&self, batch: &[Change], session: &Session) -> WriteReport {
        let _permit = self.on_the_way().await;
        let mut world = self.world();
        world.sessions.push(session.context.clone());
        world.writes += 1;
        let number = world.writes;
        if let Some(on_write) = &mut world.on_write {
            on_write(number);
        }
        let mut report = WriteReport { outcomes: Vec::new(), halt: None, trouble: None, requests: 1 };
        let mut effects = Vec::new();
        let mut panics = false;
        for change in batch {
            let fault = world.faults.get_mut(&change.target).and_then(VecDeque::pop_front);
            let mut apply = |to: &Assignment| {
                if let Some(owner) = world.owners.get_mut(&change.target) {
                    // Sets are changed agent by agent, whatever else is in them.
                    *owner = Assignment::carried_over(&change.before, to, owner).unwrap_or_else(|| to.clone());
                }
            };
            if let Some(Fault::TooManyAndChanged(_, to)) = &fault {
                apply(to);
            }
            let queued = matches!(fault, Some(Fault::Queued(_)));
            let (outcome, effect) = match fault {
                None => {
                    apply(&change.after);
                    (WriteOutcome::Done, Effect::Proven)
                }
                Some(Fault::Refuse) => (WriteOutcome::Failed("refused by script".to_owned()), Effect::None),
                Some(Fault::Lost(applied)) => {
                    if applied {
                        apply(&change.after);
                    }
                    report.trouble = Some(ErrorKind::Unreachable);
                    (WriteOutcome::Unknown("the line was cut".to_owned()), Effect::Open)
                }
                Some(Fault::LostThenChanged(to)) => {
                    apply(&to);
                    (WriteOutcome::Unknown("the line was cut".to_owned()), Effect::Open)
                }
                Some(Fault::Late(after) | Fault::Queued(after)) => {
                    if let Some(after) = after {
                        let (world, change) = (self.world.clone(), change.clone());
                        tokio::spawn(async move {
                            tokio::time::sleep(after).await;
                            world.lock().unwrap().owners.insert(change.target, change.after);
                        });
                    }
                    let outcome = match queued {
                        true => WriteOutcome::Queued("accepted for later".to_owned()),
                        false => WriteOutcome::Late("no answer in time".to_owned()),
                    };
                    (outcome, Effect::Open)
                }
                Some(Fault::Server) => {
                    report.trouble = Some(ErrorKind::Server);
                    (WriteOutcome::Unknown("the server failed (500)".to_owned()), Effect::Open)
                }
                Some(Fault::NoLine) => {
                    report.trouble = Some(ErrorKind::Unreachable);
                    (WriteOutcome::NotApplied { why: "connection refused".to_owned(), retry_after: None }, Effect::None)
                }
                Some(Fault::TooMany(retry_after) | Fault::TooManyAndChanged(retry_after, _)) => {
                    let retry_after = Some(retry_after);
                    report.trouble = Some(ErrorKind::Wait);
                    self.gate.heard(Heard { status: Some(429), retry_after, ..Heard::default() });
                    (WriteOutcome::NotApplied { why: "too many requests".to_owned(), retry_after }, Effect::None)
                }
                Some(Fault::SignIn) => {
                    report.halt = Some(error(ErrorKind::SignIn));
                    report.trouble = Some(ErrorKind::SignIn);
                    (WriteOutcome::Failed("not signed in (401)".to_owned()), Effect::None)
                }
                Some(Fault::Drifted(now)) => {
                    apply(&now);
                    (WriteOutcome::Drifted { now }, Effect::None)
                }
                Some(Fault::Panic) => {
                    apply(&change.after);
                    panics = true;
                    (WriteOutcome::Done, Effect::Open)
                }
            };
            report.outcomes.push(outcome);
            effects.push((change.target.clone(), effect));
        }
        world.seen.push(Seen::Write(effects));
        drop(world);
        assert!(!panics, "the script says so");
        report
    }

    async fn check(&self) -> Vec<Check> {
        vec![Check { name: "reachable".to_owned(), ok: true, detail: "It answers.".to_owned() }]
    }
}

/// Targets that were written again though an earlier write's effect was open and nobody had read them since.
pub fn blind_repeats(seen: &[Seen]) -> Vec<TargetId> {
    let mut open: HashSet<&TargetId> = HashSet::new();
    let mut blind = Vec::new();
    for call in seen {
        match call {
            Seen::Read(targets) => targets.iter().for_each(|target| {
                open.remove(target);
            }),
            Seen::Write(effects) => {
                for (target, effect) in effects {
                    if open.contains(target) {
                        blind.push(target.clone());
                    }
                    if *effect == Effect::Open {
                        open.insert(target);
                    }
                }
            }
        }
    }
    blind
}
