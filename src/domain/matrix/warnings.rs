//! What has to be read before mappings are changed: lists that nobody dials any more, agents without work, doubtful ids.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Known;
use crate::domain::plan::Changes;
use crate::domain::{Assignment, PersonId};

/// Names in one sentence at most.
const MOST_NAMED: usize = 4;

/// Sentences about changes of mappings, the gravest first, then those of `general` that they do not say already. Agents
/// are counted over everything that is known.
pub fn of(changes: &Changes, known: &[Known<'_>], general: &[String]) -> Vec<String> {
    let mut sentences = Vec::new();
    let emptied: Vec<String> = changes
        .iter()
        .filter(|change| matches!(change.after, Assignment::Agents(agents) if agents.is_empty()))
        .map(|change| change.name().to_string())
        .collect();
    if !emptied.is_empty() {
        let (are, them) = if emptied.len() == 1 { ("is", "it") } else { ("are", "them") };
        sentences.push(format!(
            "{} {are} left with no agents: whether everybody or nobody dials {them} then is not documented.",
            listed(&emptied)
        ));
    }
    sentences.extend(about_agents(changes, known));
    let (about_ids, twins) = about_ids(changes, known);
    sentences.extend(about_ids);
    let touched: BTreeSet<_> = changes.iter().map(|change| change.id()).collect();
    let disabled: Vec<String> = known
        .iter()
        .filter(|known| !known.record.enabled && touched.contains(known.record.target.as_str()))
        .map(|known| known.record.label().to_string())
        .collect();
    if !disabled.is_empty() {
        let are = if disabled.len() == 1 { "is" } else { "are" };
        sentences.push(format!("{} {are} disabled in the campaign: mapped, but not dialed.", listed(&disabled)));
    }
    // A vendor's client may have found the same ids to be alike.
    let is_told = |sentence: &String| {
        let named = |id: &String| sentence.split_whitespace().any(|word| word == id);
        twins.iter().any(|twins| twins.iter().all(named))
    };
    sentences.extend(general.iter().filter(|sentence| !is_told(sentence)).cloned());
    sentences
}

/// Agents who lose their only list, and those of them who get no other.
fn about_agents(changes: &Changes, known: &[Known<'_>]) -> Vec<String> {
    let mut lists: BTreeMap<&PersonId, (usize, usize)> = BTreeMap::new();
    let mut losing = BTreeSet::new();
    for agent in known.iter().flat_map(|known| known.record.agents.iter().flatten()) {
        let count = lists.entry(agent).or_default();
        *count = (count.0 + 1, count.1 + 1);
    }
    for change in changes.iter() {
        let (Assignment::Agents(before), Assignment::Agents(after)) = (change.before, change.after) else { continue };
        for agent in after.difference(before) {
            lists.entry(agent).or_default().1 += 1;
        }
        for agent in before.difference(after) {
            let count = lists.entry(agent).or_default();
            count.1 = count.1.saturating_sub(1);
            losing.insert(agent);
        }
    }
    let named = |fits: &dyn Fn(usize, usize) -> bool| -> Vec<String> {
        let found = losing.iter().filter(|agent| lists.get(**agent).is_some_and(|(was, then)| fits(*was, *then)));
        found.map(ToString::to_string).collect()
    };
    let mut sentences = Vec::new();
    let idle = named(&|_, then| then == 0);
    if !idle.is_empty() {
        let are = if idle.len() == 1 { "is" } else { "are" };
        sentences.push(format!("{} {are} left with no list at all in what was read.", listed(&idle)));
    }
    let moved = named(&|was, then| was == 1 && then > 0);
    if !moved.is_empty() {
        let (are, who) = if moved.len() == 1 { ("is", "the agent dials") } else { ("are", "these agents dial") };
        sentences.push(format!(
            "{} {are} taken off the only list {who} now; what happens to a call that is running is not documented.",
            listed(&moved)
        ));
    }
    sentences
}

/// Added agents whom nobody has seen in the campaign, and ids that differ only in case: these also as they are.
fn about_ids(changes: &Changes, known: &[Known<'_>]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut campaigns: BTreeMap<&str, BTreeSet<&PersonId>> = BTreeMap::new();
    let mut campaign_of = BTreeMap::new();
    for Known { record, .. } in known {
        campaign_of.insert(record.target.as_str(), record.campaign_id.as_str());
        let seen = campaigns.entry(&record.campaign_id).or_default();
        seen.extend(record.agents.iter().flatten().chain(&record.others));
    }
    let mut strangers = BTreeSet::new();
    let mut added = BTreeSet::new();
    for change in changes.iter() {
        let (Assignment::Agents(before), Assignment::Agents(after)) = (change.before, change.after) else { continue };
        let seen = campaign_of.get(change.id()).and_then(|campaign| campaigns.get(campaign));
        for agent in after.difference(before) {
            added.insert(agent);
            if seen.is_some_and(|seen| !seen.contains(agent)) {
                strangers.insert(agent.to_string());
            }
        }
    }
    let mut sentences = Vec::new();
    let strangers: Vec<String> = strangers.into_iter().collect();
    if !strangers.is_empty() {
        let (were, them) = if strangers.len() == 1 { ("was", "it") } else { ("were", "them") };
        sentences.push(format!(
            "{} {were} not seen in this campaign before: the server may refuse {them}.",
            listed(&strangers)
        ));
    }
    let mut by_fold: BTreeMap<String, BTreeSet<&PersonId>> = BTreeMap::new();
    for agent in campaigns.values().flatten().copied().chain(added.iter().copied()) {
        by_fold.entry(agent.as_str().to_lowercase()).or_default().insert(agent);
    }
    let alike = by_fold.values().filter(|twins| twins.len() > 1 && twins.iter().any(|twin| added.contains(twin)));
    let alike: Vec<Vec<String>> = alike.map(|twins| twins.iter().map(ToString::to_string).collect()).collect();
    for twins in &alike {
        sentences
            .push(format!("{} differ only in upper and lower case: see that the right one is meant.", listed(twins)));
    }
    (sentences, alike)
}

/// `a`, `a and b`, `a, b, c, d and 7 more`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] if names.len() <= MOST_NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..MOST_NAMED].join(", "), names.len() - MOST_NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::record;
    use super::super::plan::tests::{delta, planned};
    use super::*;

    #[test]
    fn what_has_to_be_said_is_said_and_nothing_else() {
        let mut disabled = record("3", Some(&["cid", "dan"]), &["ann", "bob"]);
        disabled.enabled = false;
        let records = [
            record("1", Some(&["ann", "bob"]), &["cid", "dan"]),
            record("2", Some(&["bob"]), &["ann", "cid", "dan"]),
            disabled,
        ];
        let table: [(Vec<_>, &[&str]); 6] = [
            (vec![delta("7:1", &["cid"], &["bob"])], &[]),
            (
                vec![delta("7:2", &[], &["bob"])],
                &[
                    "Winter / List 2 is left with no agents: whether everybody or nobody dials it then is not documented.",
                ],
            ),
            (vec![delta("7:1", &[], &["ann"])], &["ann is left with no list at all in what was read."]),
            (
                vec![delta("7:1", &[], &["ann"]), delta("7:2", &["ann"], &[])],
                &["ann is taken off the only list the agent dials now; what happens to a call that is running is not \
                   documented."],
            ),
            (
                vec![delta("7:3", &["eve", "Ann"], &[])],
                &[
                    "Ann and eve were not seen in this campaign before: the server may refuse them.",
                    "Ann and ann differ only in upper and lower case: see that the right one is meant.",
                    "Winter / List 3 is disabled in the campaign: mapped, but not dialed.",
                ],
            ),
            (vec![delta("7:1", &["ann"], &[])], &[]),
        ];
        for (wanted, expected) in table {
            assert_eq!(planned(&records, wanted.clone()).warnings, expected, "{wanted:?}");
        }
    }

    #[test]
    fn ids_that_are_alike_are_told_once() {
        let records = [record("1", Some(&["ann"]), &["bob"])];
        let general = [
            "The user ids Ann and ann differ in upper and lower case only: mind which is meant.".to_owned(),
            "The user ids Bob and bob differ in upper and lower case only: mind which is meant.".to_owned(),
        ];
        let known = [Known { record: &records[0], read_at: None }];
        let changes = planned(&records, vec![delta("7:1", &["Ann"], &[])]).changes;
        let told = of(&changes, &known, &general);
        assert_eq!(told.iter().filter(|sentence| sentence.contains("Ann and ann")).count(), 1, "{told:?}");
        assert!(told.contains(&general[1]) && told[1].starts_with("Ann and ann differ only"), "{told:?}");
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<String> = (0..7).map(|n| format!("a{n}")).collect();
        assert_eq!(listed(&names[..1]), "a0");
        assert_eq!(listed(&names[..3]), "a0, a1 and a2");
        assert_eq!(listed(&names), "a0, a1, a2, a3 and 3 more");
    }
}
