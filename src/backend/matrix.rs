//! Campaigns, lists and agents: reading them, remembering what was read, and keeping snapshots of it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::desk::Desk;
use super::engine::Engine;
use super::outbox::Outbox;
use super::task::{Backend, problem};
use crate::domain::campaign::{Collection, MappingRecord};
use crate::domain::exchange::{Event, Problem};
use crate::domain::matrix::{ListSet, MatrixAsk, MatrixTold, Sets, SnapshotInfo};
use crate::domain::{Assignment, Person, PlanPart, ProfileName, SafeText, TargetId, TargetKind, Timestamp};
use crate::journal::{JournalError, NewSnapshot};
use crate::vendor::VendorError;

impl Engine {
    /// The campaigns and lists of a profile, read now.
    pub async fn collections(&self, profile: &ProfileName) -> Result<Vec<Collection>, VendorError> {
        self.inner.desk_for_reading(profile)?.vendor.collections().await
    }

    /// Every lead list of a campaign (of all campaigns where none is named) with its agents, read now. They are
    /// remembered: the snapshot before a change of mappings is made of them.
    pub async fn mappings(
        &self,
        profile: &ProfileName,
        campaign: Option<&str>,
    ) -> Result<Vec<MappingRecord>, VendorError> {
        let desk = self.inner.desk_for_reading(profile)?;
        let read_at = self.now();
        let records = desk.vendor.mappings(campaign).await?;
        desk.mappings.keep(&records, read_at);
        Ok(records)
    }

    /// Agents whom a profile's client knows without asking anybody.
    pub fn roster(&self, profile: &ProfileName) -> Vec<Person> {
        self.inner.desk(profile).map(|desk| desk.vendor.roster()).unwrap_or_default()
    }

    /// What a profile's client found out that the person should know.
    pub fn notices(&self, profile: &ProfileName) -> Vec<String> {
        self.inner.desk(profile).map(|desk| desk.vendor.notices()).unwrap_or_default()
    }

    /// Keeps a mapping for good under a name. Away from the async threads.
    pub async fn keep_snapshot(
        &self,
        profile: &ProfileName,
        name: SafeText,
        sets: Sets,
    ) -> Result<SnapshotInfo, JournalError> {
        let refused = |why: &dyn std::fmt::Display| JournalError::Refused(why.to_string());
        let desk = self.inner.desk(profile).map_err(|error| refused(&error.problem()))?;
        if name.is_empty() {
            return Err(refused(&"a snapshot needs a name"));
        }
        if sets.lists.is_empty() {
            return Err(refused(&"there are no lists to be kept"));
        }
        let snapshot = NewSnapshot {
            name,
            at: self.now(),
            who: self.inner.who.clone(),
            profile: profile.clone(),
            base_url: desk.base_url.clone(),
            before: None,
            sets,
        };
        self.inner.ask(move |journal| journal.keep_snapshot(&snapshot)).await
    }
}

/// The mappings of a profile's campaigns as they were last read, with what was settled since.
#[derive(Default)]
pub struct KeptMappings(Mutex<HashMap<String, KeptCampaign>>);

struct KeptCampaign {
    records: Vec<MappingRecord>,
    read_at: Timestamp,
    /// Something was settled since it was last told.
    changed: bool,
}

impl KeptMappings {
    fn campaigns(&self) -> MutexGuard<'_, HashMap<String, KeptCampaign>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whole campaigns.
    pub fn keep(&self, records: &[MappingRecord], read_at: Timestamp) {
        let mut campaigns = self.campaigns();
        let read: BTreeSet<&str> = records.iter().map(|record| record.campaign_id.as_str()).collect();
        for campaign in read {
            let own = records.iter().filter(|record| record.campaign_id == campaign).cloned().collect();
            campaigns.insert(campaign.to_owned(), KeptCampaign { records: own, read_at, changed: false });
        }
    }

    /// Notes who is mapped to lists now.
    pub fn settled(&self, now: impl IntoIterator<Item = (TargetId, Assignment)>) {
        let mut campaigns = self.campaigns();
        for (target, assignment) in now {
            let Assignment::Agents(agents) = assignment else { continue };
            let Some((campaign, _)) = MappingRecord::parts_of(&target) else { continue };
            let Some(kept) = campaigns.get_mut(campaign) else { continue };
            let Some(record) = kept.records.iter_mut().find(|record| record.target == target) else { continue };
            if let Ok(before) = &record.agents {
                record.others.extend(before.iter().cloned());
            }
            record.others.retain(|agent| !agents.contains(agent));
            record.agents = Ok(agents);
            kept.changed = true;
        }
    }

    /// Campaigns in which something was settled since the last time.
    pub fn changed(&self) -> Vec<MatrixTold> {
        let mut campaigns = self.campaigns();
        let changed = campaigns.iter_mut().filter(|(_, kept)| kept.changed).map(|(campaign, kept)| {
            kept.changed = false;
            MatrixTold::Mappings {
                campaign: campaign.clone(),
                records: Arc::new(kept.records.clone()),
                read_at: kept.read_at,
                whole: true,
            }
        });
        changed.collect()
    }

    /// The mapping of the campaigns that a part of a plan touches, as it is before: what was read of them, and for the
    /// lists of the plan what the plan found. Without a reading it is these lists alone.
    pub fn before(&self, part: &PlanPart) -> Sets {
        let campaigns = self.campaigns();
        let of = |target: TargetId| MappingRecord::parts_of(&target).map(|(campaign, _)| campaign.to_owned());
        let touched: BTreeSet<String> = part.changes.iter().filter_map(|change| of(change.target())).collect();
        let known = touched.iter().filter_map(|campaign| campaigns.get(campaign)).flat_map(|kept| &kept.records);
        let mut sets = Sets::of(known);
        for change in part.changes.iter() {
            let Assignment::Agents(agents) = change.before else { continue };
            let target = change.target();
            let Some((campaign, lead)) = MappingRecord::parts_of(&target) else { continue };
            let list = sets.lists.entry(target.clone()).or_insert_with(|| ListSet {
                campaign_id: campaign.to_owned(),
                campaign_name: SafeText::empty(),
                lead_id: lead.to_owned(),
                lead_name: change.name(),
                agents: None,
            });
            list.agents = Some(agents.clone());
        }
        sets
    }
}

/// The snapshot to be taken before this part of a plan is sent; the operation's id is put in later. `None` where its
/// targets are no mappings.
pub fn snapshot_before(desk: &Desk, part: &PlanPart, at: Timestamp, who: &SafeText) -> Option<NewSnapshot> {
    if desk.capabilities.targets != TargetKind::Mappings || part.changes.is_empty() {
        return None;
    }
    Some(NewSnapshot {
        name: SafeText::empty(),
        at,
        who: who.clone(),
        profile: desk.name.clone(),
        base_url: desk.base_url.clone(),
        before: None,
        sets: desk.mappings.before(part),
    })
}

/// The campaigns of one profile that are to be read, one after the other.
pub struct Survey {
    wanted: Arc<Mutex<VecDeque<String>>>,
    more: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Survey {
    fn drop(&mut self) {
        // Reads may be dropped at any time.
        self.task.abort();
    }
}

impl Survey {
    fn start(engine: Engine, desk: Arc<Desk>, outbox: Outbox) -> Self {
        let (wanted, more) = (Arc::new(Mutex::default()), Arc::new(Notify::new()));
        let task = tokio::spawn(survey(engine, desk, outbox, wanted.clone(), more.clone()));
        Self { wanted, more, task }
    }

    fn want(&self, campaign: String, soon: bool) {
        let mut wanted = lock(&self.wanted);
        wanted.retain(|other| *other != campaign);
        if soon {
            wanted.push_front(campaign)
        } else {
            wanted.push_back(campaign)
        }
        self.more.notify_one();
    }

    fn forget(&self, campaign: &str) {
        lock(&self.wanted).retain(|other| other != campaign);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn survey(
    engine: Engine,
    desk: Arc<Desk>,
    outbox: Outbox,
    wanted: Arc<Mutex<VecDeque<String>>>,
    more: Arc<Notify>,
) {
    let tell = |told| outbox.put(Event::Matrix { profile: desk.name.clone(), told });
    loop {
        let next = lock(&wanted).pop_front();
        let Some(campaign) = next else {
            more.notified().await;
            continue;
        };
        tell(MatrixTold::Reading { campaign: campaign.clone() });
        let read_at = engine.now();
        let mut part = |records: Vec<MappingRecord>| {
            let records = Arc::new(records);
            tell(MatrixTold::Mappings { campaign: campaign.clone(), records, read_at, whole: false });
        };
        match desk.vendor.survey(&campaign, &mut part).await {
            Ok(records) => {
                desk.mappings.keep(&records, read_at);
                let records = Arc::new(records);
                tell(MatrixTold::Mappings { campaign, records, read_at, whole: true });
            }
            Err(error) => tell(MatrixTold::NoMappings { campaign, problem: problem(error) }),
        }
    }
}

impl Backend {
    pub(super) fn matrix(&mut self, profile: ProfileName, ask: MatrixAsk) {
        let desk = match self.engine.inner.desk(&profile) {
            Ok(desk) => desk,
            Err(error) => {
                self.outbox.put(Event::Failed { problem: error.problem() });
                return;
            }
        };
        match ask {
            MatrixAsk::Campaigns => self.campaigns(desk),
            MatrixAsk::Mappings { campaign, soon } => self.survey_of(desk).want(campaign, soon),
            MatrixAsk::Forget { campaign } => self.survey_of(desk).forget(&campaign),
            MatrixAsk::Snapshots => {
                let name = profile.clone();
                self.ask(
                    move |engine| engine.journal().snapshots(&name),
                    move |found| Some(Event::Matrix { profile, told: MatrixTold::Snapshots(found) }),
                );
            }
            MatrixAsk::Snapshot { number } => {
                let name = profile.clone();
                self.ask(
                    // One that cannot be found is no trouble of the journal's: it is told as an answer.
                    move |engine| Ok(engine.journal().snapshot(&name, &format!("#{number}"))),
                    move |found| {
                        let told = match found {
                            Ok(snapshot) => MatrixTold::Snapshot(Arc::new(snapshot)),
                            Err(error) => MatrixTold::NoSnapshot(Problem::new(error.to_string(), "")),
                        };
                        Some(Event::Matrix { profile, told })
                    },
                );
            }
            MatrixAsk::KeepSnapshot { name, sets } => {
                let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
                self.background.spawn(async move {
                    let told = match engine.keep_snapshot(&profile, name, Sets::clone(&sets)).await {
                        Ok(info) => MatrixTold::Kept(info),
                        Err(error) => MatrixTold::NoSnapshot(Problem::new(error.to_string(), "")),
                    };
                    outbox.put(Event::Matrix { profile, told });
                });
            }
        }
    }

    fn survey_of(&mut self, desk: Arc<Desk>) -> &Survey {
        let (engine, outbox) = (&self.engine, &self.outbox);
        self.surveys.entry(desk.name.clone()).or_insert_with(|| Survey::start(engine.clone(), desk, outbox.clone()))
    }

    fn campaigns(&mut self, desk: Arc<Desk>) {
        let outbox = self.outbox.clone();
        self.background.spawn(async move {
            let told = match desk.vendor.collections().await {
                Ok(campaigns) => {
                    MatrixTold::Campaigns { campaigns: Arc::new(campaigns), agents: Arc::new(desk.vendor.roster()) }
                }
                Err(error) => MatrixTold::NoCampaigns(problem(error)),
            };
            outbox.put(Event::Matrix { profile: desk.name.clone(), told });
            let capabilities = desk.told_capabilities();
            if !Arc::ptr_eq(&capabilities, &desk.capabilities) {
                outbox.put(Event::Learned { profile: desk.name.clone(), capabilities });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, Cost, PersonId, VendorKind};

    fn record(campaign: &str, lead: &str, agents: &[&str]) -> MappingRecord {
        MappingRecord {
            target: MappingRecord::target_of(campaign, lead),
            process: "Sales".into(),
            campaign_id: campaign.to_owned(),
            campaign_name: "Winter".into(),
            lead_id: lead.to_owned(),
            lead_name: format!("List {lead}").as_str().into(),
            enabled: true,
            agents: Ok(agents.iter().map(PersonId::new).collect()),
            others: BTreeSet::from(["zoe".into()]),
        }
    }

    fn part(changes: &[(&str, &[&str])]) -> PlanPart {
        let change = |(target, before): &(&str, &[&str])| Change {
            target: (*target).into(),
            name: "a list".into(),
            before: Assignment::agents(*before),
            after: Assignment::agents(["new"]),
            read_at: None,
            scope: "".into(),
        };
        PlanPart {
            profile: "center".into(),
            vendor: VendorKind::Exotel,
            changes: changes.iter().map(change).collect(),
            skips: Default::default(),
            cost: Cost::default(),
            inexact: Vec::new(),
            warnings: Vec::new(),
            takes_back: Default::default(),
            context: None,
        }
    }

    #[test]
    fn a_snapshot_before_a_change_holds_whole_campaigns_as_far_as_they_are_known() {
        let kept = KeptMappings::default();
        kept.keep(
            &[record("7", "1", &["ann"]), record("7", "2", &["bob"]), record("8", "1", &[])],
            Timestamp::UNIX_EPOCH,
        );
        let sets = kept.before(&part(&[("7:1", &["ann", "cid"]), ("9:4", &["dan"])]));
        let shown: Vec<String> =
            sets.lists.iter().map(|(target, list)| format!("{target} {:?}", list.agents)).collect();
        assert_eq!(shown.len(), 3, "nothing of campaign 8: {shown:?}");
        let agents = |target: &str| sets.lists[&TargetId::from(target)].agents.clone().unwrap().len();
        assert_eq!((agents("7:1"), agents("7:2"), agents("9:4")), (2, 1, 1));
    }

    #[test]
    fn what_was_settled_is_told_once() {
        let kept = KeptMappings::default();
        kept.keep(&[record("7", "1", &["ann"])], Timestamp::UNIX_EPOCH);
        assert!(kept.changed().is_empty());
        kept.settled([("7:1".into(), Assignment::agents(["zoe"])), ("8:1".into(), Assignment::agents(["zoe"]))]);
        let told = kept.changed();
        let [MatrixTold::Mappings { records, whole: true, .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(records[0].agents, Ok(BTreeSet::from(["zoe".into()])));
        assert_eq!(records[0].others, BTreeSet::from(["ann".into()]));
        assert!(kept.changed().is_empty());
    }
}
