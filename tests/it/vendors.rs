//! What the tests of all vendors' clients against their simulators have in common.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Map, Value};
use switchboard::config::Config;
use switchboard::domain::campaign::LeadAsk;
use switchboard::domain::{Assignment, Change, LeadRecord, Person, TargetId};
use switchboard::sim::{self, SimOptions, Simulator};
use switchboard::vendor::gate::OpenGate;
use switchboard::vendor::{Pages, Session, Target, Vendor, VendorError, WriteOutcome, WriteReport, registry};

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
