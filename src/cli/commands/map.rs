//! `map`: who dials which lead list. From options, a file, or a snapshot to a plan; from there the way of all plans.

use std::collections::{BTreeSet, HashMap};

use super::maps_agents;
use crate::backend::{Engine, StopToken};
use crate::cli::args::MapArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::mapfile;
use crate::cli::output::{Out, say};
use crate::cli::people::{find, resolve};
use crate::cli::session::{Session, refuse_read_only};
use crate::cli::signals::{self, unless_stopped};
use crate::cli::writing::Writing;
use crate::domain::campaign::MappingRecord;
use crate::domain::matrix::{Known, MappingRequest, Want, WantedMapping, plan_mappings};
use crate::domain::safe_text::visible;
use crate::domain::{Person, PersonId, ProfileName, SafeText, TargetId};
use crate::vendor::ErrorKind;

pub async fn run(session: &Session, args: &MapArgs, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = session.profiles()?;
    let [profile] = profiles.as_slice() else {
        return Err(Failure::wrong_use("agents are mapped in one profile at a time; name it with --profile"));
    };
    refuse_read_only(profiles.iter().copied())?;
    let name = &profile.name;
    // Read before signals are caught: until then Ctrl-C just ends the waiting for standard input.
    let file = args.from.as_deref().map(|file| mapfile::read(file, name)).transpose()?;
    let stop = signals::listen();
    let engine = session.usable_engine(&profiles)?;
    if !maps_agents(&engine, name) {
        return Err(Failure::wrong_use(format!(
            "{} of the profile {name} gives leads to owners and maps no agents to lead lists; see `assign`",
            profile.vendor.title()
        )));
    }
    let work = Work { session, args, engine: &engine, profile: name, stop: &stop };
    let mut there = 0;
    let (wanted, records, asked) = match (file, &args.restore) {
        (Some(file), _) => {
            tell_unknown("file", file.unknown);
            let wanted = work.of_campaign(file.wanted);
            let records = work.read(&campaigns(&wanted)).await?;
            (
                only_changed(wanted, &records, &mut there),
                records,
                format!("map --from {}", args.from.as_deref().unwrap_or_default()),
            )
        }
        (None, Some(snapshot)) => {
            let kept = engine.journal().snapshot(name, snapshot)?;
            let all =
                kept.sets.lists.values().filter(|list| args.campaign.as_ref().is_none_or(|id| *id == list.campaign_id));
            tell_unknown("snapshot", all.filter(|list| list.agents.is_none()).count());
            let wanted = work.of_campaign(kept.sets.wanted());
            let records = work.read(&campaigns(&wanted)).await?;
            (only_changed(wanted, &records, &mut there), records, format!("map --restore {snapshot}"))
        }
        (None, None) => work.by_hand().await?,
    };
    let capabilities = engine.capabilities(name).ok_or_else(|| Failure::wrong_use(format!("{name} cannot be used")))?;
    let now = engine.now();
    let request =
        MappingRequest { profile: name.clone(), wanted, note: args.write.note.as_deref().map(SafeText::new), now };
    let known: Vec<Known<'_>> = records.iter().map(|record| Known { record, read_at: Some(now) }).collect();
    let plan = plan_mappings(&request, &known, &capabilities);
    let asked = visible(&asked);
    let writing = Writing {
        session,
        engine: &engine,
        args: &args.write,
        stop: &stop,
        stdin_is_taken: args.from.as_deref() == Some("-"),
        snapshot: None,
        asked: &asked,
    };
    let exit = writing.carry_out(plan, out).await?;
    // Those that are as wanted already count as done.
    Ok(if exit == Exit::Nothing && there > 0 { Exit::Partly } else { exit })
}

/// Lists whose agents a file or a snapshot does not know stay as they are, and that is said.
fn tell_unknown(what: &str, lists: usize) {
    match lists {
        0 => {}
        1 => say(&format!("1 list of the {what} is left alone: it does not know its agents")),
        _ => say(&format!("{lists} lists of the {what} are left alone: it does not know their agents")),
    }
}

/// Without the lists that are as wanted already: a file or a snapshot names whole campaigns, and what stays as it is in
/// them is nothing that was left undone.
fn only_changed(wanted: Vec<WantedMapping>, records: &[MappingRecord], already: &mut usize) -> Vec<WantedMapping> {
    let now: HashMap<&TargetId, &MappingRecord> = records.iter().map(|record| (&record.target, record)).collect();
    let is_there = |wanted: &WantedMapping| match (&wanted.want, now.get(&wanted.target).map(|record| &record.agents)) {
        (Want::Exactly(agents), Some(Ok(there))) => agents == there,
        _ => false,
    };
    let (there, rest): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_there);
    *already = there.len();
    if !there.is_empty() {
        say(&match there.len() {
            1 => "1 list is as wanted already".to_owned(),
            count => format!("{count} lists are as wanted already"),
        });
    }
    rest
}

/// The campaigns of these wishes, once each.
fn campaigns(wanted: &[WantedMapping]) -> BTreeSet<String> {
    let campaign = |wanted: &WantedMapping| MappingRecord::parts_of(&wanted.target).map(|(id, _)| id.to_owned());
    wanted.iter().filter_map(campaign).collect()
}

struct Work<'a> {
    session: &'a Session,
    args: &'a MapArgs,
    engine: &'a Engine,
    profile: &'a ProfileName,
    stop: &'a StopToken,
}

impl Work<'_> {
    /// Those of one campaign, where `--campaign` names it.
    fn of_campaign(&self, mut wanted: Vec<WantedMapping>) -> Vec<WantedMapping> {
        if let Some(campaign) = &self.args.campaign {
            wanted.retain(|wanted| MappingRecord::parts_of(&wanted.target).is_some_and(|(id, _)| id == campaign));
        }
        wanted
    }

    /// What is mapped in these campaigns now. Lists of a campaign that is not there are no such lists.
    async fn read(&self, campaigns: &BTreeSet<String>) -> Result<Vec<MappingRecord>, Failure> {
        let mut records = Vec::new();
        for campaign in campaigns {
            match unless_stopped(self.stop, self.engine.mappings(self.profile, Some(campaign))).await? {
                Ok(read) => records.extend(read),
                Err(error) if error.kind == ErrorKind::NotFound => say(&format!("{error}")),
                Err(error) => {
                    let remedy = if error.remedy.is_empty() { String::new() } else { format!(" {}", error.remedy) };
                    return Err(Failure::nothing(format!("{}: {error}{remedy}\nnothing was sent", self.profile)));
                }
            }
        }
        Ok(records)
    }

    /// `--campaign ID --lead ID… --add … --remove …`
    async fn by_hand(&self) -> Result<(Vec<WantedMapping>, Vec<MappingRecord>, String), Failure> {
        let args = self.args;
        let Some(campaign) = &args.campaign else {
            return Err(Failure::wrong_use("--lead needs the --campaign that the list is in"));
        };
        if args.add.is_empty() && args.remove.is_empty() {
            return Err(Failure::wrong_use("say whom to --add or --remove"));
        }
        let records = self.read(&BTreeSet::from([campaign.clone()])).await?;
        let people = self.people(&records);
        let users = |wanted: &[String]| -> Result<BTreeSet<PersonId>, Failure> {
            wanted.iter().map(|user| self.user(user, &people)).collect()
        };
        let (add, remove) = (users(&args.add)?, users(&args.remove)?);
        if let Some(both) = add.intersection(&remove).next() {
            return Err(Failure::wrong_use(format!("{both} is to be added and to be removed")));
        }
        let mut leads: Vec<&String> = Vec::new();
        for lead in &args.lead {
            if !leads.contains(&lead) {
                leads.push(lead);
            }
        }
        let wanted = leads
            .iter()
            .map(|lead| WantedMapping {
                target: MappingRecord::target_of(campaign, lead),
                want: Want::Delta { add: add.clone(), remove: remove.clone() },
            })
            .collect();
        Ok((wanted, records, format!("map --campaign {campaign}")))
    }

    /// The agents that can be named: those of the customer's roster, and those whom the campaign's lists name.
    fn people(&self, records: &[MappingRecord]) -> Vec<Person> {
        let mut people = self.engine.roster(self.profile);
        let mut known: BTreeSet<PersonId> = people.iter().map(|person| person.id.clone()).collect();
        for agent in records.iter().flat_map(|record| record.agents.iter().flatten().chain(&record.others)) {
            if known.insert(agent.clone()) {
                people.push(Person { id: agent.clone(), ..Person::default() });
            }
        }
        people
    }

    /// A user id, an e-mail address, or a name that fits exactly one agent. An id that nobody has seen is taken as it is:
    /// no call lists all users, and the plan points it out.
    fn user(&self, wanted: &str, people: &[Person]) -> Result<PersonId, Failure> {
        if wanted.trim().is_empty() {
            return Err(Failure::wrong_use(
                "--add and --remove name agents, such as --add asha.k,ravi.s; one of them is empty",
            ));
        }
        let is_id = !wanted.chars().any(char::is_whitespace);
        let links = &self.session.config.people;
        match find(wanted, self.profile, people, links)? {
            Some(person) => Ok(person.id.clone()),
            None if is_id => Ok(PersonId::new(wanted)),
            None => resolve(wanted, self.profile, people, links).map(|person| person.id.clone()),
        }
    }
}
