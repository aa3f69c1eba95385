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
use crate::backend::{Engine, Loaded, StopToken};
use crate::domain::campaign::{Collections, LeadAsk};
use crate::domain::exchange::LoadProgress;
use crate::domain::leads::{RowId, Snapshot, SnapshotPart};
use crate::domain::query::term::{Term, Test};
use crate::domain::query::{Answer, Answers, Asked, Query, SearchRequest, Searcher, Vocabulary};
use crate::domain::safe_text::visible;
use crate::domain::{Capabilities, Field, LeadId, Links, Person, ProfileName, Timestamp};
use crate::vendor::VendorError;

/// Everything a query or a plan looks at.
#[derive(Default)]
pub struct World {
    pub snapshot: Snapshot,
    pub people: BTreeMap<ProfileName, Vec<Person>>,
    pub read_at: BTreeMap<ProfileName, Timestamp>,
    pub capabilities: BTreeMap<ProfileName, Capabilities>,
    /// What queries may name.
    pub vocabulary: Vocabulary,
    /// Profiles that could not be read, each with a sentence.
    pub missing: Vec<(ProfileName, String)>,
}

/// Details are fetched this many at a time; the profile's own pace still holds.
const DETAILS_AT_ONCE: usize = 32;

/// What is to be read of each profile.
#[derive(Clone, Copy, Debug)]
pub enum Want<'q> {
    /// People and all leads.
    Everything,
    /// People, all leads, and what the vendors themselves answer to the questions of this query.
    EverythingFor(&'q Query),
    /// People, and no more leads than this query can mean.
    OnlyFor(&'q Query),
}

/// Reads all profiles side by side. One that fails does not hold the others up: it is in [`World::missing`].
pub async fn load(
    engine: &Engine,
    profiles: &[ProfileName],
    links: &Links,
    want: Want<'_>,
    progress: &Progress,
    stop: &StopToken,
) -> Result<World, Failure> {
    let shown = Arc::new(Mutex::new(BTreeMap::new()));
    let links = Arc::new(links.clone());
    let readings = profiles.iter().map(|profile| {
        let (progress, shown, name) = (progress.clone(), Arc::clone(&shown), profile.clone());
        let on_page = move |page: LoadProgress| {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.insert(name.clone(), (page.loaded, page.total));
            progress.show(&loaded_so_far(&shown));
        };
        read_profile(engine, profile, want, on_page)
    });
    let read = unless_stopped(stop, join_all(readings)).await;
    progress.clear();
    let mut world = World { vocabulary: vocabulary(engine, profiles), ..World::default() };
    for (profile, read) in profiles.iter().zip(read?) {
        match (read, engine.capabilities(profile)) {
            (Ok(read), Some(capabilities)) => {
                world.snapshot.parts.push(SnapshotPart {
                    profile: profile.clone(),
                    table: read.leads.table,
                    fields: capabilities.fields,
                    people: Arc::new(read.people.clone()),
                    links: links.clone(),
                    collections: Arc::new(read.collections),
                    answers: Answers::new(read.answers),
                });
                world.people.insert(profile.clone(), read.people);
                world.read_at.insert(profile.clone(), read.leads.read_at);
                world.capabilities.insert(profile.clone(), (*capabilities).clone());
                for trouble in read.troubles {
                    say(&format!("{profile}: {}", visible(&trouble)));
                }
            }
            (Err(error), _) => world.missing.push((profile.clone(), sentence(profile, &error))),
            (Ok(_), None) => world.missing.push((profile.clone(), format!("{profile} cannot be used"))),
        }
    }
    Ok(world)
}

/// One profile, as it was read.
struct Read {
    people: Vec<Person>,
    leads: Loaded,
    collections: Collections,
    answers: Vec<(Asked, Answer)>,
    troubles: Vec<String>,
}

async fn read_profile(
    engine: &Engine,
    profile: &ProfileName,
    want: Want<'_>,
    on_page: impl Fn(LoadProgress) + Send + Sync + 'static,
) -> Result<Read, VendorError> {
    let query = match want {
        Want::Everything => None,
        Want::EverythingFor(query) | Want::OnlyFor(query) => Some(query),
    };
    let capabilities = engine.capabilities(profile);
    let can_answer = |asked: &Asked| capabilities.as_ref().is_some_and(|it| asked.is_answered_by(it));
    let mut questions = query.map(Query::questions).unwrap_or_default();
    let all_answered = questions.iter().all(can_answer);
    questions.retain(can_answer);
    let (ask, alone) = match want {
        // Where the vendor knows only some of the questions nothing narrows the listing for sure.
        Want::OnlyFor(query) if all_answered => query.narrowing(),
        _ => (LeadAsk::everything(), questions.clone()),
    };
    let by_listing: Vec<Asked> = questions.into_iter().filter(|asked| !alone.contains(asked)).collect();
    let names = query.is_some_and(names_collections);
    // All at once: they do not depend on each other.
    let (people, leads, collections) =
        tokio::join!(engine.load_people(profile), engine.load_leads_that(profile, &ask, on_page), async {
            if names { engine.load_collections(profile).await } else { Ok(Collections::default()) }
        },);
    let (people, leads, collections) = (people?, leads?, collections?);
    let mut troubles = leads.troubles.clone();
    let ids: Answer = Arc::new((0..leads.table.len() as u32).map(|row| leads.table.id(row)).collect());
    let mut answers: Vec<(Asked, Answer)> = by_listing.into_iter().map(|asked| (asked, ids.clone())).collect();
    for asked in alone {
        let (answer, more) = engine.ask(profile, &asked).await?;
        troubles.extend(more);
        answers.push((asked, answer));
    }
    Ok(Read { people, leads, collections, answers, troubles })
}

/// Whether a query names campaigns or lists, perhaps by the names that only a vendor's list of them has.
fn names_collections(query: &Query) -> bool {
    query.terms().iter().any(|term| matches!(term.test, Test::Text { field: Field::Campaign | Field::List, .. }))
}

/// What queries over these profiles may name.
pub fn vocabulary(engine: &Engine, profiles: &[ProfileName]) -> Vocabulary {
    let capabilities: Vec<_> = profiles.iter().filter_map(|profile| engine.capabilities(profile)).collect();
    Vocabulary::of(capabilities.iter().map(|capabilities| &**capabilities))
}

/// Understands a query for what these profiles give.
pub fn query(text: &str, vocabulary: &Vocabulary) -> Result<Query, Failure> {
    Query::parse_with(text, vocabulary).map_err(|error| Failure::wrong_use(pointed_at(text, &error)))
}

impl World {
    /// For commands that write: a profile that could not be read is told and left out, and does not hold the others up.
    /// Where none could be read, nothing is sent.
    pub fn readable(self) -> Result<Self, Failure> {
        let sentences: Vec<&str> = self.missing.iter().map(|(_, sentence)| sentence.as_str()).collect();
        if self.snapshot.parts.is_empty() && !sentences.is_empty() {
            return Err(Failure::nothing(format!("{}\nnothing was sent", sentences.join("\n"))));
        }
        sentences.iter().for_each(|sentence| say(&format!("{sentence}; this profile is left out")));
        Ok(self)
    }

    pub fn part(&self, profile: &ProfileName) -> Option<&SnapshotPart> {
        self.snapshot.parts.iter().find(|part| part.profile == *profile)
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
            let rest = self::query(&rest, &self.vocabulary)?;
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
        Test::Owner(_) | Test::Score(..) | Test::When { .. } | Test::Is(_) | Test::Asked(_) => false,
    }
}

/// What went wrong at which profile, and what helps.
pub fn sentence(profile: &ProfileName, error: &VendorError) -> String {
    let message = visible(error.message.trim_end_matches('.')).into_owned();
    match error.remedy.as_str() {
        "" => format!("{profile}: {message}"),
        remedy => format!("{profile}: {message}. {}", remedy.trim_end_matches('.')),
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
