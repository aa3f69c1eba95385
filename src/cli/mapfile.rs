//! Shift plans: files that say who shall dial which list.
//!
//! The file is the wanted set for the lists it names: each of them gets exactly the agents that stand there, and lists
//! that it does not name stay as they are. It is what `campaigns` prints, in either form:
//!
//! - CSV with a first line that names the columns. `campaign_id`, `lead_id` and `agents` are needed, `profile` and `error`
//!   are looked at, others are not. Agents are separated by blanks, commas or semicolons, or are a JSON list; an empty
//!   cell is nobody.
//! - JSON: a line or a list of `{"campaign": {"id"}, "lead": {"id"}, "agents": ["…"]}`; the ids may stand there without
//!   an object around them. Lines of another `type` than `mapping` and `error` do not count.
//!
//! A list whose agents could not be read when the file was written (`error`, or no `agents`) is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde_json::Value;

use super::exit::Failure;
use super::output::mapping::agents_in;
use crate::domain::campaign::MappingRecord;
use crate::domain::matrix::{Want, WantedMapping};
use crate::domain::safe_text::visible;
use crate::domain::{PersonId, ProfileName, TargetId};

/// A file of this size is no shift plan.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What a file wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShiftPlan {
    pub wanted: Vec<WantedMapping>,
    /// Lists that are left alone, because the file does not know their agents.
    pub unknown: usize,
}

impl ShiftPlan {
    /// The campaigns of the lists that it names, in the file's order.
    pub fn campaigns(&self) -> Vec<String> {
        let mut campaigns: Vec<String> = Vec::new();
        for wanted in &self.wanted {
            let campaign = MappingRecord::parts_of(&wanted.target).map_or("", |(campaign, _)| campaign);
            if !campaigns.iter().any(|known| known == campaign) {
                campaigns.push(campaign.to_owned());
            }
        }
        campaigns
    }
}

/// Reads a file; `-` is standard input. `profile` is the one that is meant: a file about another one is refused.
pub fn read(file: &str, profile: &ProfileName) -> Result<ShiftPlan, Failure> {
    let mut bytes = Vec::new();
    let told = |error: std::io::Error| Failure::wrong_use(format!("{file} cannot be read: {error}"));
    match file {
        "-" => std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes).map_err(told)?,
        _ => std::fs::File::open(file).map_err(told)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(told)?,
    };
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::wrong_use(format!("{file} is too long to be a shift plan")));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::wrong_use(format!("{file} is not text in UTF-8")))?;
    parse(&text, profile).map_err(|why| Failure::wrong_use(format!("{}{why}", visible(file))))
}

/// Understands a file's text. Errors begin with `:LINE: ` or `: `.
pub fn parse(text: &str, profile: &ProfileName) -> Result<ShiftPlan, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.trim_start().chars().next();
    let rows = match first {
        Some('{' | '[') => json(text)?,
        Some(_) => csv(text)?,
        None => return Err(": it is empty".to_owned()),
    };
    let mut plan = ShiftPlan::default();
    let mut seen: BTreeMap<TargetId, usize> = BTreeMap::new();
    for row in rows {
        let line = row.line;
        if row.profile.as_deref().is_some_and(|other| other != profile.as_str()) {
            let other = row.profile.unwrap_or_default();
            return Err(format!(":{line}: it is about profile {}, and {profile} is meant", visible(&other)));
        }
        if row.campaign.is_empty() || row.lead.is_empty() {
            // An item that the vendor could not give has no number of its own.
            if row.agents.is_none() {
                plan.unknown += 1;
                continue;
            }
            return Err(format!(":{line}: a campaign and a lead list have to be named by their ids"));
        }
        let Some(agents) = row.agents else {
            plan.unknown += 1;
            continue;
        };
        let target = MappingRecord::target_of(&row.campaign, &row.lead);
        if let Some(earlier) = seen.insert(target.clone(), line) {
            return Err(format!(
                ":{line}: list {target} is in line {earlier} already, and one of the two must be wrong"
            ));
        }
        plan.wanted.push(WantedMapping { target, want: Want::Exactly(agents) });
    }
    Ok(plan)
}

/// One list of a file.
struct Row {
    line: usize,
    profile: Option<String>,
    campaign: String,
    lead: String,
    /// `None` where the file does not know.
    agents: Option<BTreeSet<PersonId>>,
}

fn csv(text: &str) -> Result<Vec<Row>, String> {
    // Some spreadsheets separate by semicolons or tabs; the first line has no other reason to hold them.
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = [b',', b';', b'\t'].into_iter().max_by_key(|byte| head.bytes().filter(|b| b == byte).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heads = reader.headers().map_err(|error| format!(": {error}"))?.clone();
    let column = |name: &str| heads.iter().position(|head| head.eq_ignore_ascii_case(name));
    let needed = |name: &str| {
        column(name).ok_or_else(|| format!(":1: the first line has to name the columns, and {name} is not among them"))
    };
    let (campaign, lead, agents) = (needed("campaign_id")?, needed("lead_id")?, needed("agents")?);
    let (profile, error) = (column("profile"), column("error"));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!(": {error}"))?;
        let line = record.position().map_or(0, |position| position.line() as usize);
        let cell = |at: usize| unguarded(record.get(at).unwrap_or_default());
        let filled = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let agents = match filled(error) {
            Some(_) => None,
            None => {
                // A line that was cut off is not a list that nobody shall dial.
                let cell = record.get(agents).ok_or_else(|| {
                    format!(":{line}: it ends before the agents; an empty cell there would be for nobody")
                })?;
                Some(agents_in(cell).map_err(|why| format!(":{line}: {why}"))?)
            }
        };
        let (campaign, lead) = (cell(campaign).to_owned(), cell(lead).to_owned());
        rows.push(Row { line, profile: filled(profile), campaign, lead, agents });
    }
    Ok(rows)
}

/// A cell without the apostrophe that keeps spreadsheets from running it.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start().starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    }
}

fn json(text: &str) -> Result<Vec<Row>, String> {
    if let Ok(Value::Array(items)) = serde_json::from_str(text) {
        return items.iter().enumerate().filter_map(|(n, item)| row(n + 1, item).transpose()).collect();
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .filter_map(|(n, line)| {
            let line_number = n + 1;
            match serde_json::from_str(line) {
                Ok(item) => row(line_number, &item).transpose(),
                Err(error) => Some(Err(format!(":{line_number}: it is no JSON: {error}"))),
            }
        })
        .collect()
}

/// `Ok(None)`: a line about something else.
fn row(line: usize, item: &Value) -> Result<Option<Row>, String> {
    let wrong = |why: &str| Err(format!(":{line}: {why}"));
    let Value::Object(object) = item else { return wrong("it is no object") };
    if object.get("type").is_some_and(|kind| kind != "mapping" && kind != "error") {
        return Ok(None);
    }
    let id = |name: &str| {
        let value = object.get(name).map(|value| value.get("id").unwrap_or(value));
        match value {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => String::new(),
        }
    };
    let agents = match object.get("agents") {
        Some(Value::Array(list)) => {
            let agents: Option<BTreeSet<PersonId>> = list.iter().map(|id| id.as_str().map(PersonId::from)).collect();
            match agents {
                Some(agents) => Some(agents),
                None => return wrong("agents must be a list of user ids"),
            }
        }
        Some(Value::Null) | None => None,
        Some(_) => return wrong("agents must be a list of user ids"),
    };
    let profile = object.get("profile").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(Row { line, profile, campaign: id("campaign"), lead: id("lead"), agents }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let words = |wanted: &WantedMapping| match &wanted.want {
            Want::Exactly(agents) => agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Want::Delta { .. } => panic!("a file names whole sets"),
        };
        let plan = parse(text, &ProfileName::new("center"))?;
        Ok(plan.wanted.iter().map(|wanted| (wanted.target.to_string(), words(wanted))).collect())
    }

    #[test]
    fn a_file_is_the_wanted_set_of_the_lists_it_names() {
        let wanted = vec![("7:40".to_owned(), "asha.k ravi.s".to_owned()), ("7:41".to_owned(), String::new())];
        for text in [
            "campaign_id,lead_id,agents\n7,40,ravi.s asha.k\n7,41,\n",
            "profile,campaign_id,campaign,lead_id,lead,enabled,agents,error\ncenter,7,Winter,40,Warm,true,asha.k ravi.s,\n\
             center,7,Winter,41,Cold,true,,\ncenter,7,Winter,42,Bad,true,,could not be read\n",
            "\u{feff}\r\nLead_ID;agents;Campaign_ID\r\n40;asha.k, ravi.s;7\r\n41;;7\r\n;;\r\n",
            "{\"type\":\"mapping\",\"campaign\":{\"id\":\"7\"},\"lead\":{\"id\":\"40\"},\"agents\":[\"ravi.s\",\"asha.k\"]}\n\
             {\"type\":\"snapshot\"}\n{\"campaign\":7,\"lead\":41,\"agents\":[]}\n\
             {\"type\":\"mapping\",\"campaign\":{\"id\":\"7\"},\"lead\":{\"id\":\"\"},\"agents\":null}\n\
             {\"type\":\"error\",\"campaign\":{\"id\":\"7\"},\"lead\":{\"id\":\"42\"},\"error\":\"not read\"}\n",
            "[{\"campaign\":\"7\",\"lead\":\"40\",\"agents\":[\"asha.k\",\"ravi.s\"]},\n\
             {\"campaign\":\"7\",\"lead\":\"41\",\"agents\":[]}]",
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, why) in [
            ("", ": it is empty"),
            ("a,b\n1,2\n", ":1: the first line has to name the columns, and campaign_id"),
            ("campaign_id,lead_id,agents\n7,40,a\n7,40,b\n", ":3: list 7:40 is in line 2 already"),
            ("campaign_id,lead_id,agents\n7,,a\n", ":2: a campaign and a lead list"),
            ("campaign_id,lead_id,agents\n7,40,[a\n", ":2: the agents are no list"),
            ("campaign_id,lead_id,agents\n7,40,a\n7,41", ":3: it ends before the agents"),
            ("campaign_id,lead_id,agents,profile\n7,40,a,other\n", ":2: it is about profile other"),
            ("{\"campaign\":7,\"lead\":40,\"agents\":[1]}", ":1: agents must be a list"),
            ("{\"campaign\":7\n", ":1: it is no JSON"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }
}
