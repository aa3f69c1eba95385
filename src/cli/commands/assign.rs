//! `assign` and `distribute`: from what was asked to a plan.

use std::collections::{BTreeMap, HashSet};

use crate::backend::{Engine, StopToken};
use crate::cli::args::{AssignArgs, DistributeArgs, SpreadBy, Which, WriteArgs};
use crate::cli::exit::{Exit, Failure, worse};
use crate::cli::loading::{self, Want, World};
use crate::cli::output::{Out, say};
use crate::cli::people::{self, resolve};
use crate::cli::progress::Progress;
use crate::cli::session::{Session, ordered, refuse_read_only};
use crate::cli::writing::Writing;
use crate::cli::{ids, signals};
use crate::config::Profile;
use crate::domain::distribution::{self, Share, Way};
use crate::domain::leads::LeadTable;
use crate::domain::planning::{PlanRequest, Wanted, plan};
use crate::domain::query::Query;
use crate::domain::recipe::{OneOrEach, Recipe};
use crate::domain::safe_text::visible;
use crate::domain::{
    Assignment, LeadId, Lifecycle, OperationKind, OwnerRef, Plan, ProfileName, SafeText, SkipReason, Timestamp,
};

pub async fn assign(session: &Session, args: &AssignArgs, out: &mut Out) -> Result<Exit, Failure> {
    let command = Command::new(session, session.profiles_to_write()?, &args.which, &args.write, OperationKind::Assign)?;
    command
        .run(out, |_, profile, world, leads| {
            let to = match &args.target.to {
                Some(owner) => Assignment::Owner(owner_of(session, world, profile, owner)?),
                None => Assignment::unassigned(),
            };
            Ok(vec![Wanted { profile: profile.clone(), leads, to }])
        })
        .await
}

/// `run`: what a recipe says, as if it had been asked for by `assign`.
pub async fn recipe(session: &Session, recipe: &Recipe, write: &WriteArgs, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = match recipe.profiles.as_slice() {
        named if session.wanted.is_empty() && !named.is_empty() => ordered(session, named)?,
        _ => session.profiles_to_write()?,
    };
    let asked = match (&recipe.leads.query, &recipe.leads.ids) {
        (Some(query), _) => Asked::Query(query.clone()),
        (None, Some(OneOrEach::One(ids))) => Asked::Ids(once_each(ids)),
        (None, Some(OneOrEach::Each(ids))) => {
            Asked::IdsOf(ids.iter().map(|(profile, ids)| (profile.clone(), once_each(ids))).collect())
        }
        (None, None) => Asked::Ids(Vec::new()),
    };
    let command = Command { session, profiles, asked, stdin_is_taken: false, write, kind: OperationKind::Assign };
    command
        .run(out, |_, profile, world, leads| {
            let to = match &recipe.assign.to {
                Some(owners) => {
                    let owner = owners.of(profile).ok_or_else(|| {
                        Failure::wrong_use(format!("the recipe names no owner for the profile {profile}"))
                    })?;
                    Assignment::Owner(owner_of(session, world, profile, owner)?)
                }
                None => Assignment::unassigned(),
            };
            Ok(vec![Wanted { profile: profile.clone(), leads, to }])
        })
        .await
}

fn once_each(ids: &[LeadId]) -> Vec<LeadId> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| seen.insert(*id)).cloned().collect()
}

pub async fn distribute(session: &Session, args: &DistributeArgs, out: &mut Out) -> Result<Exit, Failure> {
    let shares = people::shares(&args.to, args.by == SpreadBy::Weights)?;
    let way = match args.by {
        SpreadBy::RoundRobin => Way::RoundRobin,
        SpreadBy::Balance => Way::Balance,
        SpreadBy::Weights => Way::Weights,
    };
    let command =
        Command::new(session, session.profiles_to_write()?, &args.which, &args.write, OperationKind::Distribute)?;
    command
        .run(out, |command, profile, world, leads| {
            let mut owners: Vec<OwnerRef> = Vec::new();
            for share in &shares {
                let owner = owner_of(session, world, profile, &share.owner).map_err(|failure| {
                    let weighted = args.by != SpreadBy::Weights && people::has_weight(&share.owner);
                    let hint = if weighted { "weights count only with --by weights; " } else { "" };
                    Failure { message: format!("{hint}{}", failure.message), ..failure }
                })?;
                if owners.contains(&owner) {
                    let name = owner.label();
                    return Err(Failure::wrong_use(format!("{name} is named twice; use --by weights with {name}:2")));
                }
                owners.push(owner);
            }
            let table = world.part(profile).map(|part| part.table.clone()).unwrap_or_default();
            Ok(dealt(profile, &table, leads, way, &shares, &owners, command.write.include_closed))
        })
        .await
}

/// Deals out the leads that can be dealt out. The others get no owner in the plan, where they are skipped with the
/// reason; they must not use up anybody's turn.
fn dealt(
    profile: &ProfileName,
    table: &LeadTable,
    leads: Vec<LeadId>,
    way: Way,
    weights: &[people::Share],
    owners: &[OwnerRef],
    include_closed: bool,
) -> Vec<Wanted> {
    let open = |id: &LeadId| {
        let row = table.row_of(id.as_str());
        row.is_some_and(|row| include_closed || table.lifecycle(row) == Lifecycle::Open)
    };
    let (leads, left): (Vec<LeadId>, Vec<LeadId>) = leads.into_iter().partition(open);
    let loads = distribution::kept_loads(table, &leads, owners);
    let shares: Vec<Share> = owners
        .iter()
        .zip(weights)
        .zip(loads)
        .map(|((owner, share), load)| Share { owner: owner.clone(), weight: share.weight, load })
        .collect();
    let mut wanted = distribution::wanted(profile, &leads, way, &shares).unwrap_or_default();
    if !left.is_empty() {
        wanted.push(Wanted { profile: profile.clone(), leads: left, to: Assignment::Unknown });
    }
    wanted
}

fn owner_of(session: &Session, world: &World, profile: &ProfileName, wanted: &str) -> Result<OwnerRef, Failure> {
    let people = world.people.get(profile).map_or(&[][..], Vec::as_slice);
    resolve(wanted, profile, people, &session.config.people).map(|person| person.owner_ref())
}

struct Command<'a> {
    session: &'a Session,
    profiles: Vec<&'a Profile>,
    asked: Asked,
    /// Standard input held the ids.
    stdin_is_taken: bool,
    write: &'a WriteArgs,
    kind: OperationKind,
}

/// Which leads.
enum Asked {
    Query(String),
    /// Ids that any of the profiles may have.
    Ids(Vec<LeadId>),
    IdsOf(BTreeMap<ProfileName, Vec<LeadId>>),
}

impl<'a> Command<'a> {
    /// Reads the ids, where there are some: until signals are caught, Ctrl-C just ends the waiting for standard input.
    fn new(
        session: &'a Session,
        profiles: Vec<&'a Profile>,
        which: &Which,
        write: &'a WriteArgs,
        kind: OperationKind,
    ) -> Result<Self, Failure> {
        let asked = match (&which.query, &which.ids) {
            (Some(query), _) => Asked::Query(query.clone()),
            (None, Some(source)) => Asked::Ids(ids::read(source)?),
            (None, None) => Asked::Ids(Vec::new()),
        };
        Ok(Self { session, profiles, asked, stdin_is_taken: which.ids.as_deref() == Some("-"), write, kind })
    }

    /// `wanted` says what is to become of one profile's leads. It is also asked about none, so that a wrong owner is
    /// told even where no lead matches.
    async fn run(
        self,
        out: &mut Out,
        wanted: impl Fn(&Self, &ProfileName, &World, Vec<LeadId>) -> Result<Vec<Wanted>, Failure>,
    ) -> Result<Exit, Failure> {
        let (session, profiles) = (self.session, &self.profiles);
        refuse_read_only(profiles.iter().copied())?;
        let stop = signals::listen();
        let engine = session.engine(profiles)?;
        let usable = super::usable(&engine)?;
        let names = with_owners(session, &engine, &usable)?;
        let query = if let Asked::Query(text) = &self.asked { Some(text) } else { None };
        let query = query.map(|text| loading::query(text, &loading::vocabulary(&engine, &names))).transpose()?;
        if matches!(&self.asked, Asked::Query(text) if text.trim().is_empty()) {
            // A script may have meant something else than a variable without a value.
            say("the query is empty: every lead is meant");
        }
        let want = match &query {
            Some(query) if self.kind == OperationKind::Assign => Want::OnlyFor(query),
            // Who gets what depends on what everybody has.
            Some(query) => Want::EverythingFor(query),
            None => Want::Everything,
        };
        let narrowed = query.as_ref().is_some_and(|query| !query.questions().is_empty());
        let progress = Progress::new(session.plain);
        let links = &session.config.people;
        let mut world = loading::load(&engine, &names, links, want, &progress, &stop).await?.readable()?;
        let left_out = usable.len() < profiles.len() || !world.missing.is_empty();
        let names: Vec<ProfileName> = world.snapshot.parts.iter().map(|part| part.profile.clone()).collect();
        if let [only] = names.as_slice() {
            wanted(&self, only, &world, Vec::new())?;
        }
        let now = engine.now();
        let of_ids = |ids: usize| format!("{ids} ids");
        let (leads, asked) = match (&self.asked, &query) {
            (Asked::Query(text), Some(query)) => {
                (matching(&mut world, &engine, query, now, &progress, &stop).await?, visible(text).into_owned())
            }
            // Every query was understood above.
            (Asked::Query(_), None) => (Leads::new(), String::new()),
            (Asked::Ids(ids), _) => (located(&world, &names, ids.clone())?, of_ids(ids.len())),
            (Asked::IdsOf(each), _) => {
                let of_these = names.iter().filter_map(|name| Some((name.clone(), each.get(name)?.clone())));
                let leads: Leads = of_these.collect();
                let count = leads.iter().map(|(_, ids)| ids.len()).sum();
                (leads, of_ids(count))
            }
        };
        let mut all = Vec::new();
        for (profile, leads) in leads {
            all.extend(wanted(&self, &profile, &world, leads)?);
        }
        let request = PlanRequest {
            kind: self.kind,
            wanted: all,
            include_closed: self.write.include_closed,
            note: self.write.note.as_deref().map(SafeText::new),
            now,
            read_at: world.read_at.clone(),
        };
        let mut plan = plan(&request, &world.snapshot, &world.people, &world.capabilities);
        if left_out {
            admit_gaps(&mut plan);
        }
        let writing = Writing {
            session,
            engine: &engine,
            args: self.write,
            stop: &stop,
            stdin_is_taken: self.stdin_is_taken,
            // Of a narrowed listing nobody's whole load is known.
            snapshot: (!narrowed || self.kind == OperationKind::Distribute).then_some(&world.snapshot),
            asked: &asked,
        };
        let exit = writing.carry_out(plan, out).await?;
        Ok(if left_out { worse(exit, Exit::Partly) } else { exit })
    }
}

/// Where profiles were left out, an id that was not found elsewhere may be theirs.
fn admit_gaps(plan: &mut Plan) {
    let instead = SkipReason::Other("no such lead in the profiles that could be read".to_owned());
    plan.parts.iter_mut().for_each(|part| part.skips.say_instead(&SkipReason::NoSuchLead, &instead));
}

/// Leads by profile, in the order of the list.
type Leads = Vec<(ProfileName, Vec<LeadId>)>;

async fn matching(
    world: &mut World,
    engine: &Engine,
    query: &Query,
    now: Timestamp,
    progress: &Progress,
    stop: &StopToken,
) -> Result<Leads, Failure> {
    let rows = world.search(engine, query, now, progress, stop).await?;
    let mut leads: Leads = Vec::new();
    let mut place: BTreeMap<ProfileName, usize> = BTreeMap::new();
    for row in rows {
        let Some((part, row)) = world.snapshot.locate(row) else { continue };
        let at = *place.entry(part.profile.clone()).or_insert_with(|| {
            leads.push((part.profile.clone(), Vec::new()));
            leads.len() - 1
        });
        leads[at].1.push(part.table.id(row));
    }
    Ok(leads)
}

/// Each id to the one profile that has it. One that nobody has goes to the first, where the plan skips it with `no such
/// lead`.
fn located(world: &World, profiles: &[ProfileName], ids: Vec<LeadId>) -> Result<Leads, Failure> {
    let mut leads: Leads = profiles.iter().map(|profile| (profile.clone(), Vec::new())).collect();
    for id in ids {
        let has = |profile: &ProfileName| world.snapshot.row_of(profile, id.as_str()).is_some();
        let found: Vec<usize> = (0..profiles.len()).filter(|n| has(&profiles[*n])).collect();
        match found.as_slice() {
            [several, other, ..] => {
                return Err(Failure::wrong_use(format!(
                    "the id {id} is in {} and in {}; name the profile that is meant with --profile",
                    profiles[*several], profiles[*other]
                )));
            }
            found => leads[found.first().copied().unwrap_or_default()].1.push(id),
        }
    }
    leads.retain(|(_, ids)| !ids.is_empty());
    Ok(leads)
}

/// Profiles whose targets are lead lists with agents have no owners of leads. Where every profile is meant they are left
/// out; where they were named that is a mistake.
fn with_owners(session: &Session, engine: &Engine, profiles: &[ProfileName]) -> Result<Vec<ProfileName>, Failure> {
    let (maps, owned): (Vec<&ProfileName>, Vec<&ProfileName>) =
        profiles.iter().partition(|profile| super::maps_agents(engine, profile));
    match maps.first() {
        Some(profile) if !session.means_all() || owned.is_empty() => Err(Failure::wrong_use(format!(
            "{} of the profile {profile} maps agents to lead lists and has no owners of single leads; see `map`",
            engine.capabilities(profile).map_or("the vendor", |capabilities| capabilities.vendor.title())
        ))),
        _ => Ok(owned.into_iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LeadRecord;
    use crate::domain::leads::{Snapshot, SnapshotPart};

    fn table(leads: &[(&str, Lifecycle)]) -> LeadTable {
        let leads: Vec<LeadRecord> = leads
            .iter()
            .map(|(id, lifecycle)| LeadRecord { id: (*id).into(), lifecycle: *lifecycle, ..LeadRecord::default() })
            .collect();
        LeadTable::default().with_leads(&leads)
    }

    fn world(parts: &[(&str, &[(&str, Lifecycle)])]) -> World {
        let part = |(profile, leads): &(&str, &[(&str, Lifecycle)])| SnapshotPart {
            profile: ProfileName::new(profile),
            table: table(leads),
            ..SnapshotPart::default()
        };
        World { snapshot: Snapshot { parts: parts.iter().map(part).collect() }, ..World::default() }
    }

    fn ids(ids: &[&str]) -> Vec<LeadId> {
        ids.iter().map(LeadId::new).collect()
    }

    #[test]
    fn every_id_goes_to_the_profile_that_has_it() {
        let open = Lifecycle::Open;
        let world = world(&[("a", &[("1", open), ("2", open)]), ("b", &[("2", open), ("3", open)])]);
        let profiles = [ProfileName::new("a"), ProfileName::new("b")];
        assert_eq!(
            located(&world, &profiles, ids(&["3", "1", "9"])).unwrap(),
            [(profiles[0].clone(), ids(&["1", "9"])), (profiles[1].clone(), ids(&["3"]))]
        );
        let failure = located(&world, &profiles, ids(&["2"])).unwrap_err();
        assert_eq!((failure.exit, failure.message.contains("a and in b")), (Exit::WrongUse, true), "{failure}");
        assert!(located(&world, &profiles, Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn closed_and_unknown_leads_use_up_nobodys_turn() {
        let table = table(&[("1", Lifecycle::Open), ("2", Lifecycle::Closed), ("3", Lifecycle::Open)]);
        let weights = people::shares(&["x".to_owned(), "y".to_owned()], false).unwrap();
        let owners = [OwnerRef::with_id("x"), OwnerRef::with_id("y")];
        let deal = |include_closed| {
            let leads = ids(&["1", "2", "nope", "3"]);
            dealt(&ProfileName::new("a"), &table, leads, Way::RoundRobin, &weights, &owners, include_closed)
                .into_iter()
                .map(|wanted| (wanted.to, wanted.leads))
                .collect::<Vec<_>>()
        };
        let to = |id: &str| Assignment::Owner(OwnerRef::with_id(id));
        assert_eq!(
            deal(false),
            [(to("x"), ids(&["1"])), (to("y"), ids(&["3"])), (Assignment::Unknown, ids(&["2", "nope"]))]
        );
        assert_eq!(
            deal(true),
            [(to("x"), ids(&["1", "3"])), (to("y"), ids(&["2"])), (Assignment::Unknown, ids(&["nope"]))]
        );
    }
}
