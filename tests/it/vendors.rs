//! What the tests of all vendors' clients against their simulators have in common.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};
use switchboard::backend::{Engine, Report};
use switchboard::config::Config;
use switchboard::domain::campaign::LeadAsk;
use switchboard::domain::{Assignment, Change, LeadRecord, Person, Plan, TargetId};
use switchboard::sim::{self, SimOptions, Simulator};
use switchboard::vendor::gate::OpenGate;
use switchboard::vendor::{Pages, Session, Target, Vendor, VendorError, WriteOutcome, WriteReport, registry};

use super::engine::{apply, check};
use super::invariants::is_holder;

/// One test for each of many cases, some at a time: most of what they do is waiting.
pub async fn side_by_side<T, F: Future<Output = ()>>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) -> F) {
    stream::iter(cases).for_each_concurrent(4, test).await;
}

pub async fn simulator(vendor: &str, leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Simulator {
    let options = SimOptions {
        leads,
        owners: 8,
        faults: faults.iter().map(ToString::to_string).collect(),
        switches: switches.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        ..SimOptions::default()
    };
    sim::start(vendor, options).await.unwrap()
}

/// The client of a profile, as a configuration file would make it, with more settings written as TOML.
pub fn client(profile: &Map<String, Value>, more: &str) -> Arc<dyn Vendor> {
    let mut profile = profile.clone();
    let more: toml::Table = more.parse().unwrap();
    profile.extend(more.into_iter().map(|(key, value)| (key, serde_json::to_value(value).unwrap())));
    let text = format!("[profiles.demo]\n{}", inline(&profile));
    let config = Config::parse(&text, None, &registry::settings()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let entry = registry::entry(config.profiles[0].vendor).unwrap();
    (entry.open)(&config.profiles[0], Arc::new(OpenGate)).unwrap()
}

/// JSON settings as lines of TOML.
pub fn inline(profile: &Map<String, Value>) -> String {
    let value = |value: &Value| match value {
        Value::Object(table) => {
            let pairs: Vec<_> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    };
    profile.iter().map(|(key, setting)| format!("{key} = {}\n", value(setting))).collect()
}

#[derive(Default)]
pub struct Kept {
    pub leads: Vec<LeadRecord>,
    pub troubles: Vec<String>,
}

impl Pages for Kept {
    fn page(&mut self, leads: Vec<LeadRecord>, _total: Option<usize>) -> ControlFlow<()> {
        self.leads.extend(leads);
        ControlFlow::Continue(())
    }

    fn trouble(&mut self, sentence: String) {
        self.troubles.push(sentence);
    }
}

pub async fn list(vendor: &dyn Vendor) -> Result<Kept, VendorError> {
    let mut kept = Kept::default();
    vendor.leads(&LeadAsk::everything(), &mut kept).await.map(|()| kept)
}

pub async fn leads(vendor: &dyn Vendor) -> Vec<LeadRecord> {
    let kept = list(vendor).await.unwrap();
    assert_eq!(kept.troubles, Vec::<String>::new());
    let ids: HashSet<_> = kept.leads.iter().map(|lead| lead.id.clone()).collect();
    assert_eq!(ids.len(), kept.leads.len(), "a lead is given once");
    kept.leads
}

pub fn changes(leads: &[LeadRecord], after: &Assignment) -> Vec<Change> {
    leads
        .iter()
        .map(|lead| Change {
            target: TargetId::from(&lead.id),
            name: lead.name.clone(),
            before: lead.owner.clone(),
            after: after.clone(),
            read_at: None,
            scope: lead.scope.clone(),
        })
        .collect()
}

pub fn targets(leads: &[LeadRecord]) -> Vec<Target> {
    let target =
        |lead: &LeadRecord| Target { id: TargetId::from(&lead.id), scope: String::new(), candidates: Vec::new() };
    leads.iter().map(target).collect()
}

pub fn session(vendor: &dyn Vendor) -> Session {
    Session { context: vendor.context(), ..Session::default() }
}

pub async fn write(vendor: &dyn Vendor, leads: &[LeadRecord], after: &Assignment) -> WriteReport {
    vendor.write(&changes(leads, after), &session(vendor)).await
}

pub fn to(person: &Person) -> Assignment {
    Assignment::Owner(person.owner_ref())
}

pub fn done(report: &WriteReport) -> bool {
    report.outcomes.iter().all(|outcome| *outcome == WriteOutcome::Done)
}

/// Each hits the first six writes.
pub const FAULTS_OF_WRITES: [&str; 8] = [
    "error_before=100%:write:times=6",
    "error_after=100%:times=6",
    "cut_before=100%:write:times=6",
    "cut_after=100%:times=6",
    "cut_inside=100%:times=6",
    "garbage=100%:times=6",
    "rate_limit=100%:write:times=6",
    "unauthorized=100%:write:times=6",
];

/// What a client said of its changes.
#[derive(Debug, Default)]
pub struct Told {
    pub done: usize,
    /// Certainly not done.
    pub not_done: usize,
    /// To be read back.
    pub open: usize,
    /// What was given to whom.
    pub rounds: Vec<(Vec<LeadRecord>, Assignment)>,
}

/// Gives leads, one and some by turns, to one person after the other while a fault is on. What is said to be done is
/// there, and what is said not to be done is as it was.
pub async fn told_truly(sim: &Simulator, vendor: &dyn Vendor, fault: &str) -> Told {
    let (all, people) = (leads(vendor).await, vendor.people().await.unwrap());
    let people: Vec<&Person> = people.iter().filter(|person| person.is_active()).collect();
    sim.set_faults(&[fault]).unwrap();
    let mut told = Told::default();
    for (turn, some) in all.chunks(4).take(8).enumerate() {
        let some = &some[..if turn % 2 == 0 { 1 } else { some.len() }];
        let after = to(people[turn % people.len()]);
        let before: Vec<_> = some.iter().map(|lead| sim.holder(lead.id.as_str())).collect();
        let report = write(vendor, some, &after).await;
        for ((lead, outcome), before) in some.iter().zip(&report.outcomes).zip(before) {
            let now = sim.holder(lead.id.as_str());
            match outcome {
                WriteOutcome::Done => {
                    assert!(now.as_ref().is_some_and(|now| is_holder(now, &after)), "{fault}: done, but {now:?}");
                    told.done += 1;
                }
                WriteOutcome::Failed(_) | WriteOutcome::NotApplied { .. } => {
                    assert_eq!(now, before, "{fault}: {outcome:?}");
                    told.not_done += 1;
                }
                _ => told.open += 1,
            }
        }
        told.rounds.push((some.to_vec(), after));
    }
    assert_eq!(sim.log().complaints(), [], "{fault}");
    assert!(told.done > 0, "{fault}: {told:?}");
    told
}

/// Carries out a plan of 300 leads while of each trouble `chance` in a hundred comes, and writes take effect `late`, such as
/// `100..300ms`: everything has its end, most of it is done, and what is said is true.
pub async fn apply_in_trouble(sim: &Simulator, engine: &Engine, plan: Plan, chance: u8, late: &str) -> Report {
    let begin = sim.log().last();
    let often = |fault: &str| fault.replace("CHANCE", &format!("{chance}%")).replace("LATE", late);
    let faults = [
        "error_before=CHANCE:write",
        "error_after=CHANCE",
        "cut_before=CHANCE:write",
        "cut_after=CHANCE",
        "cut_inside=CHANCE",
        "garbage=CHANCE",
        "late=LATE:chance=1%",
        "rate_limit=1%:write:times=2",
        "error_before=CHANCE:read",
    ];
    sim.set_faults(&faults.map(often)).unwrap();
    let report = apply(engine, plan).await;
    let tally = report.summary.tally;
    assert_eq!(tally.planned + tally.sent + tally.not_sent, 0, "{tally:?} {:?}", report.cut_short);
    assert!(tally.done > 250, "{tally:?}");
    check(sim, engine, &report.summary.id, begin);
    sim.set_faults(&[""; 0]).unwrap();
    report
}
