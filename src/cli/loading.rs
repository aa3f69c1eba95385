//! People and leads of the chosen profiles, read now; and which of them a query means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use super::exit::Failure;
use super::output::say;
use super::progress::Progress;
use super::signals::unless_stopped;
use crate::backend::{Engine, StopToken};
use crate::domain::leads::{RowId, Snapshot, SnapshotPart};
use crate::domain::query::term::{Term, Test};
use crate::domain::query::{Query, SearchRequest, Searcher};
use crate::domain::safe_text::visible;
use crate::domain::{Capabilities, Field, LeadId, Person, ProfileName, Timestamp};
use crate::vendor::VendorError;

/// Everything a query or a plan looks at.
#[derive(Default)]
pub struct World {
    pub snapshot: Snapshot,
    pub people: BTreeMap<ProfileName, Vec<Person>>,
    pub read_at: BTreeMap<ProfileName, Timestamp>,
    pub capabilities: BTreeMap<ProfileName, Capabilities>,
    /// Profiles that could not be read, each with a sentence.
    pub missing: Vec<(ProfileName, String)>,
}

/// Details are fetched this many at a time; the profile's own pace still holds.
const DETAILS_AT_ONCE: usize = 32;

/// Reads all profiles side by side. One that fails does not hold the others up: it is in [`World::missing`].
pub async fn load(
    engine: &Engine,
    profiles: &[ProfileName],
    progress: &Progress,
    stop: &StopToken,
) -> Result<World, Failure> {
    let shown = Arc::new(Mutex::new(BTreeMap::new()));
    let readings = profiles.iter().map(|profile| {
        let (progress, shown, name) = (progress.clone(), Arc::clone(&shown), profile.clone());
        let on_page = move |page: crate::domain::exchange::LoadProgress| {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.insert(name.clone(), (page.loaded, page.total));
            progress.show(&loaded_so_far(&shown));
        };
        async move {
            // Both at once: they do not depend on each other.
            let (people, leads) = tokio::join!(engine.load_people(profile), engine.load_leads(profile, on_page));
            people.and_then(|people| leads.map(|leads| (people, leads)))
        }
    });
    let read = unless_stopped(stop, join_all(readings)).await;
    progress.clear();
    let mut world = World::default();
    for (profile, read) in profiles.iter().zip(read?) {
        match (read, engine.capabilities(profile)) {
            (Ok((people, leads)), Some(capabilities)) => {
                world.snapshot.parts.push(SnapshotPart {
                    profile: profile.clone(),
                    table: leads.table,
                    fields: capabilities.fields,
                    people: Arc::new(people.clone()),
                });
                world.people.insert(profile.clone(), people);
                world.read_at.insert(profile.clone(), leads.read_at);
                world.capabilities.insert(profile.clone(), (*capabilities).clone());
            }
            (Err(error), _) => world.missing.push((profile.clone(), sentence(profile, &error))),
            (Ok(_), None) => world.missing.push((profile.clone(), format!("{profile} cannot be used"))),
        }
    }
    Ok(world)
}

impl World {
    /// For commands that write: every chosen profile must have been read, or nothing is sent.
    pub fn complete(self) -> Result<Self, Failure> {
        if self.missing.is_empty() {
            return Ok(self);
        }
        let sentences: Vec<&str> = self.missing.iter().map(|(_, sentence)| sentence.as_str()).collect();
        Err(Failure::nothing(format!("{}\nnothing was sent", sentences.join("\n"))))
    }

    pub fn part(&self, profile: &ProfileName) -> Option<&SnapshotPart> {
        self.snapshot.parts.iter().find(|part| part.profile == *profile)
    }

    /// Understands a query for what these profiles give.
    pub fn query(&self, text: &str) -> Result<Query, Failure> {
        let mut fields: Vec<Field> = self.snapshot.parts.iter().flat_map(|part| part.fields).copied().collect();
        fields.sort_unstable();
        fields.dedup();
        Query::parse(text, &fields).map_err(|error| Failure::wrong_use(pointed_at(text, &error)))
    }

    /// The rows that match. Where a profile's rows carry no names and the query asks for texts, the details of all
    /// rows that match the rest of it are fetched first: a query must never match the wrong leads because their names
    /// were not there.
    pub async fn search(
        &mut self,
        engine: &Engine,
        query: &Query,
        now: Timestamp,
        progress: &Progress,
        stop: &StopToken,
    ) -> Result<Vec<RowId>, Failure> {
        let (texts, rest): (Vec<&Term>, Vec<&Term>) = query.terms().iter().partition(|term| needs_texts(term));
        if !texts.is_empty() {
            let rest = rest.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let rest = self.query(&rest)?;
            let candidates = self.rows(&rest, now);
            let nameless = self.nameless(&candidates);
            self.fetch_details(engine, nameless, progress, stop).await?.complete()?;
        }
        Ok(self.rows(query, now))
    }

    /// Those of the rows whose vendor gives names only one by one, and that have none yet.
    pub fn nameless(&self, rows: &[RowId]) -> Vec<(ProfileName, LeadId)> {
        let nameless = |row: &RowId| {
            let (part, row) = self.snapshot.locate(*row)?;
            let names_in_rows = self.capabilities.get(&part.profile)?.names_in_rows;
            let has = |field: &Field| !part.table.text(row, *field).is_empty();
            let wanted = !names_in_rows && ![Field::Name, Field::Company, Field::Email].iter().any(has);
            wanted.then(|| (part.profile.clone(), part.table.id(row)))
        };
        rows.iter().filter_map(nameless).collect()
    }

    fn rows(&self, query: &Query, now: Timestamp) -> Vec<RowId> {
        let request = SearchRequest {
            snapshot: self.snapshot.clone(),
            query: query.clone(),
            // Closed leads are listed as such, and skipped by plans with that reason.
            include_closed: true,
            now,
            ..SearchRequest::default()
        };
        // Never cancelled, so there is always an answer.
        Searcher::default().search(&request, &|| false).unwrap_or_default().rows
    }

    /// Puts every field of these leads into the tables.
    pub async fn fetch_details(
        &mut self,
        engine: &Engine,
        leads: Vec<(ProfileName, LeadId)>,
        progress: &Progress,
        stop: &StopToken,
    ) -> Result<Fetched, Failure> {
        let total = leads.len();
        let mut waiting = leads.into_iter();
        let mut running = FuturesUnordered::new();
        let fetch = |(profile, id): (ProfileName, LeadId)| async move {
            let detail = engine.detail(&profile, &id).await;
            (profile, id, detail)
        };
        running.extend(waiting.by_ref().take(DETAILS_AT_ONCE).map(fetch));
        let mut found: BTreeMap<ProfileName, Vec<crate::domain::LeadRecord>> = BTreeMap::new();
        let mut fetched = Fetched::default();
        let mut done = 0;
        while let Some((profile, id, detail)) = unless_stopped(stop, running.next()).await? {
            running.extend(waiting.next().map(fetch));
            done += 1;
            progress.show(&format!("reading details: {done} of {total}"));
            match detail {
                Ok(record) => found.entry(profile).or_default().push(record),
                // Gone since it was listed: its row stays as the list had it.
                Err(error) if error.kind == crate::vendor::ErrorKind::NotFound => {}
                Err(error) => {
                    fetched.failed += 1;
                    fetched.first.get_or_insert_with(|| format!("lead {id}: {}", sentence(&profile, &error)));
                }
            }
        }
        progress.clear();
        for part in &mut self.snapshot.parts {
            if let Some(records) = found.get(&part.profile) {
                part.table = part.table.with_leads(records);
            }
        }
        Ok(fetched)
    }

    /// Tells of the profiles that could not be read.
    pub fn tell_missing(&self) {
        for (_, sentence) in &self.missing {
            say(sentence);
        }
    }
}

/// How fetching details went.
#[derive(Default)]
pub struct Fetched {
    pub failed: usize,
    /// A sentence about the first failure.
    pub first: Option<String>,
}

impl Fetched {
    /// Details that a query needs must all be there.
    fn complete(self) -> Result<(), Failure> {
        match self.first {
            None => Ok(()),
            Some(first) => Err(Failure::nothing(format!(
                "the query asks for texts, and the details of {} leads could not be read; {first}",
                self.failed
            ))),
        }
    }
}

/// Whether a term can only be answered by texts that some vendors give in a lead's details alone.
fn needs_texts(term: &Term) -> bool {
    match &term.test {
        Test::Word(_) | Test::Fuzzy(_) | Test::Pattern(_) => true,
        Test::Text { field, .. } => !matches!(field, Field::Id | Field::Profile),
        Test::Owner(_) | Test::Score(..) | Test::When { .. } | Test::Is(_) => false,
    }
}

/// What went wrong at which profile, and what helps.
pub fn sentence(profile: &ProfileName, error: &VendorError) -> String {
    let message = visible(error.message.trim_end_matches('.')).into_owned();
    match error.remedy.as_str() {
        "" => format!("{profile}: {message}"),
        remedy => format!("{profile}: {message}; {remedy}"),
    }
}

fn loaded_so_far(profiles: &BTreeMap<ProfileName, (usize, Option<usize>)>) -> String {
    let one = |(profile, (loaded, total)): (&ProfileName, &(usize, Option<usize>))| match total {
        Some(total) => format!("{profile}: {loaded} of {total} leads"),
        None => format!("{profile}: {loaded} leads"),
    };
    format!("reading {}", profiles.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// What is wrong with a query, with a mark below the place.
fn pointed_at(text: &str, error: &crate::domain::query::QueryError) -> String {
    use unicode_width::UnicodeWidthStr;
    let before = visible(text.get(..error.at.start).unwrap_or_default()).into_owned();
    let at = text.get(error.at.clone()).unwrap_or_default();
    let marks = "^".repeat(visible(at).width().max(1));
    format!("the query is wrong: {}\n  {}\n  {}{marks}", error.message, visible(text), " ".repeat(before.width()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_need_details_are_known() {
        let fields: Vec<Field> = <Field as strum::IntoEnumIterator>::iter().collect();
        for (term, needs) in [
            ("smith", true),
            ("-smith", true),
            ("~smth", true),
            ("/sm.th/", true),
            ("company:acme", true),
            ("id:ld_1", false),
            ("owner:none", false),
            ("owner:jane", false),
            ("score>5", false),
            ("created<2d", false),
            ("is:open", false),
        ] {
            let query = Query::parse(term, &fields).unwrap();
            assert_eq!(query.terms().iter().any(needs_texts), needs, "{term}");
        }
    }

    #[test]
    fn a_wrong_query_is_pointed_at() {
        let error = Query::parse("王 stats:new", &[Field::Status]).unwrap_err();
        let shown = pointed_at("王 stats:new", &error);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], "  王 stats:new");
        assert!(lines[2].starts_with("     ^"), "{shown}");
    }
}
