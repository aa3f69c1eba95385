//! The profiles that are open, how far their leads are loaded, and the sentences that say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::campaign::Collections;
use crate::domain::exchange::{LoadProgress, Problem};
use crate::domain::leads::{LeadTable, Snapshot, SnapshotPart};
use crate::domain::{Capabilities, Field, Links, Person, ProfileName, TargetKind, Timestamp};

use super::asking::Asking;
use super::words;

/// One configured profile.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: ProfileName,
    /// `None` when it could not be opened.
    pub capabilities: Option<Arc<Capabilities>>,
    pub read_only: bool,
    pub table: LeadTable,
    pub people: Arc<Vec<Person>>,
    /// The campaigns and lists its leads are in; empty where the vendor has none, or they were not read yet.
    pub collections: Arc<Collections>,
    pub(super) asking: Asking,
    pub load: Load,
    /// How far the newest load has come.
    pub progress: Option<LoadProgress>,
    /// When the owners in the table were read. `None` while it is empty.
    pub read_at: Option<Timestamp>,
    /// Until when its vendor's rate limit holds it up.
    pub waits_until: Option<Timestamp>,
}

/// What is going on with a profile's leads.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// It cannot be used at all.
    NotOpened(Problem),
    /// On the way; there may be rows from before.
    Running,
    Done,
    /// It did not work; there may be rows from before.
    Failed(Problem),
}

/// What is to be said about the leads of a profile, or of all of them. Five different things, by kind and by words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Everything is here and was read at this time.
    Ready,
    /// Everything is here, and it is nothing.
    Empty,
    /// What is here is from before.
    Stale,
    Loading,
    Waiting,
    Failed,
}

impl Profile {
    pub(super) fn new(name: ProfileName) -> Self {
        Self {
            name,
            capabilities: None,
            read_only: false,
            table: LeadTable::default(),
            people: Arc::default(),
            collections: Arc::default(),
            asking: Asking::default(),
            load: Load::Running,
            progress: None,
            read_at: None,
            waits_until: None,
        }
    }

    /// The vendor's name; empty where the profile could not be opened.
    pub fn vendor(&self) -> &'static str {
        self.capabilities.as_ref().map_or("", |capabilities| capabilities.vendor.title())
    }

    pub fn fields(&self) -> &'static [Field] {
        self.capabilities.as_ref().map_or(&[], |capabilities| capabilities.fields)
    }

    pub fn names_in_rows(&self) -> bool {
        self.capabilities.as_ref().is_none_or(|capabilities| capabilities.names_in_rows)
    }

    /// How many of its leads have no name yet, where rows come without names.
    pub fn nameless(&self) -> usize {
        let named = self.progress.and_then(|progress| progress.named);
        named.map_or(0, |named| self.table.len().saturating_sub(named))
    }

    /// What reading the names that are not known yet costs: `4,975 requests, about 8 minutes`.
    pub fn names_cost(&self) -> String {
        let requests = self.nameless();
        let counted = words::counted(requests, "request");
        match self.capabilities.as_ref().map(|capabilities| capabilities.pace.per_second) {
            Some(pace) if pace.is_finite() && pace > 0.0 => {
                format!("{counted}, about {}", words::duration(requests as f64 / pace))
            }
            _ => counted,
        }
    }

    pub(super) fn part(&self, links: &Arc<Links>) -> SnapshotPart {
        SnapshotPart {
            profile: self.name.clone(),
            table: self.table.clone(),
            fields: self.fields(),
            people: self.people.clone(),
            links: links.clone(),
            collections: self.collections.clone(),
            answers: self.asking.known(),
        }
    }

    /// Takes in what a load brought.
    pub(super) fn loaded(&mut self, table: LeadTable, progress: LoadProgress) {
        self.table = table;
        self.read_at = progress.read_at.or(self.read_at);
        self.load = if progress.finished { Load::Done } else { Load::Running };
        self.progress = Some(progress);
        // A load that only began says nothing about what holds it up.
        if progress.finished || progress.loaded > 0 {
            self.waits_until = None;
        }
    }

    /// The sentence about a rate limit that holds it up, while one does.
    pub fn waiting(&self, now: Timestamp) -> Option<String> {
        let until = self.waits_until.filter(|until| *until > now)?;
        let seconds = (until.as_millisecond() - now.as_millisecond()) as f64 / 1000.0;
        Some(format!(
            "{} waits for {}'s rate limit: goes on in {}",
            self.name,
            self.vendor(),
            words::duration(seconds.max(1.0))
        ))
    }

    /// What is to be said about it, and the sentence.
    pub fn condition(&self, now: Timestamp, zone: &jiff::tz::TimeZone) -> (Condition, String) {
        let name = &self.name;
        let here = self.table.len();
        let read = self.read_at.map(|at| words::clock(at, now, zone));
        if let Some(text) = self.waiting(now) {
            return (Condition::Waiting, text);
        }
        let campaigns = |capabilities: &Arc<Capabilities>| capabilities.targets == TargetKind::Mappings;
        match (&self.load, self.progress) {
            _ if self.capabilities.as_ref().is_some_and(campaigns) => {
                (Condition::Ready, format!("{name} has campaigns with agents, on a screen of their own"))
            }
            (Load::NotOpened(problem), _) => (Condition::Failed, format!("{name} cannot be used: {problem}")),
            (Load::Failed(problem), _) if here == 0 => {
                (Condition::Failed, format!("The leads of {name} could not be loaded: {problem}"))
            }
            (Load::Failed(problem), _) => {
                let when = read.map_or("from an earlier session".to_owned(), |at| format!("as of {at}"));
                let leads = words::counted(here, "lead");
                (Condition::Failed, format!("{leads} of {name} {when}; loading them again failed: {problem}"))
            }
            (Load::Running, None) => (Condition::Loading, format!("Loading the leads of {name}")),
            (Load::Running, Some(progress)) if progress.read_at.is_none() && here > 0 => {
                // Of very many the first are there before the others.
                let beginning = progress.total.filter(|total| progress.loaded == here && here < *total);
                let leads = match beginning {
                    Some(total) => format!("The first {} of {}", words::number(here), words::counted(total, "lead")),
                    None => words::counted(here, "lead"),
                };
                (Condition::Stale, format!("{leads} of {name} kept from last time; the present ones are being loaded"))
            }
            (Load::Running, Some(progress)) => {
                let so_far = match progress.total {
                    Some(total) => format!("{} of {}", words::number(progress.loaded), words::number(total)),
                    None => format!("{} so far", words::number(progress.loaded)),
                };
                (Condition::Loading, format!("Loading the leads of {name}: {so_far}"))
            }
            (Load::Done, _) if here == 0 => (Condition::Empty, format!("{name} has no leads")),
            (Load::Done, _) => {
                let people = self.people.iter().filter(|person| person.is_active()).count();
                let read = read.map(|at| format!(", read at {at}")).unwrap_or_default();
                let names = match self.nameless() {
                    0 => String::new(),
                    nameless => format!("; the names of {} are not read yet", words::number(nameless)),
                };
                let (leads, people) = (words::counted(here, "lead"), words::counted(people, "owner"));
                let text = format!("{leads} and {people} in {name}{read}{names}");
                (Condition::Ready, text)
            }
        }
    }
}

/// The profiles in the order in which they were opened.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    all: Vec<Profile>,
    /// Who is the same person in several of them.
    links: Arc<Links>,
}

impl Profiles {
    pub(super) fn new(links: Arc<Links>) -> Self {
        Self { all: Vec::new(), links }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, name: &ProfileName) -> Option<&Profile> {
        self.all.iter().find(|profile| profile.name == *name)
    }

    /// The profile of this name; a new one where there is none.
    pub(super) fn entry(&mut self, name: &ProfileName) -> &mut Profile {
        let at = self.all.iter().position(|profile| profile.name == *name).unwrap_or_else(|| {
            self.all.push(Profile::new(name.clone()));
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    /// Everything that is known of all profiles.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { parts: self.usable().map(|profile| profile.part(&self.links)).collect() }
    }

    /// Everything that is known of one profile.
    pub fn snapshot_of(&self, name: &ProfileName) -> Snapshot {
        let one = self.usable().filter(|profile| profile.name == *name);
        Snapshot { parts: one.map(|profile| profile.part(&self.links)).collect() }
    }

    pub(super) fn usable(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter().filter(|profile| profile.capabilities.is_some())
    }

    pub(super) fn capabilities(&self) -> BTreeMap<ProfileName, Arc<Capabilities>> {
        let with = |profile: &Profile| Some((profile.name.clone(), profile.capabilities.clone()?));
        self.all.iter().filter_map(with).collect()
    }

    pub(super) fn people(&self) -> BTreeMap<ProfileName, Arc<Vec<Person>>> {
        self.all.iter().map(|profile| (profile.name.clone(), profile.people.clone())).collect()
    }

    pub(super) fn read_at(&self) -> BTreeMap<ProfileName, Timestamp> {
        self.all.iter().filter_map(|profile| Some((profile.name.clone(), profile.read_at?))).collect()
    }

    /// Every vendor in sight can be written to nowhere.
    pub fn all_read_only(&self) -> bool {
        !self.all.is_empty() && self.usable().all(|profile| profile.read_only)
    }
}
