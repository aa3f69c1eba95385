//! Several leads in one request, by one of two conventions that are documented for other things than leads.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::StateSet;
use super::owner::Raw;
use super::settings::{BulkMode, MOST_IN_BULK};
use super::users::Directory;
use super::walk::Asking;
use super::writing::{Item, Way};
use crate::domain::{LeadId, SafeText};
use crate::vendor::fields;
use crate::vendor::http::Answer;
use crate::vendor::report::{Report, not_after};
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, Target, VendorError, WriteOutcome};

/// What is sent.
pub fn body(mode: BulkMode, owner_field: &str, items: &[&Item<'_>]) -> Value {
    let id = |item: &Item<'_>| item.lead.as_str().to_owned();
    match mode {
        BulkMode::SdkBulk => {
            let update = |item: &&Item<'_>| json!({"id": id(item), "data": {owner_field: item.written.json()}});
            json!({ "updates": items.iter().map(update).collect::<Vec<_>>() })
        }
        BulkMode::None | BulkMode::BulkUpdate => {
            let update = |item: &&Item<'_>| json!({"id": id(item), owner_field: item.written.json()});
            json!({ "updates": items.iter().map(update).collect::<Vec<_>>(), "validate_only": false })
        }
    }
}

impl StateSet {
    /// Writes all items, at most as many at once as a call may hold and each lead once in a call.
    pub(super) async fn write_in_bulk(&self, items: Vec<Item<'_>>, asking: &Asking, report: &mut Report) {
        let mut left = items;
        while !left.is_empty() {
            let mut leads = HashSet::new();
            let (chunk, later): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|item| leads.len() < MOST_IN_BULK && leads.insert(item.lead.clone()));
            left = later;
            let mut chunk = chunk.into_iter();
            let first = match (report.halt().cloned(), self.first.enter(Way::Bulk).await) {
                (None, Ok(first)) => first,
                (Some(halt), _) | (None, Err(halt)) => {
                    chunk.chain(left).for_each(|item| report.settle(item.place, not_after(&halt)));
                    return;
                }
            };
            if first.is_some()
                && let Some(item) = chunk.next()
            {
                // A call that holds one item: what it does to this one it would do to all.
                report.settle(item.place, self.write_carefully(Way::Bulk, &item, first, asking).await);
                left.splice(0..0, chunk);
                continue;
            }
            self.write_chunk(chunk.collect(), asking, report).await;
        }
    }

    /// One request for all, then every lead is read back: what the answer says about single leads is documented for
    /// neither convention.
    async fn write_chunk(&self, items: Vec<Item<'_>>, asking: &Asking, report: &mut Report) {
        let all: Vec<&Item<'_>> = items.iter().collect();
        let body = body(self.settings.bulk_mode, &self.settings.owner_field, &all);
        let answer = match self.send(Way::Bulk, &all, &body, asking).await {
            Ok(answer) => answer,
            Err(verdict) => {
                items.iter().for_each(|item| report.settle(item.place, verdict.clone()));
                return;
            }
        };
        let errors = errors(&answer);
        let targets: Vec<Target> = items.iter().map(|item| Target::by_id(item.lead.as_str())).collect();
        let mut verdicts = vec![Verdict::unknown("it could not be read back".to_owned()); items.len()];
        let mut told = |number: usize, raw: Result<&Raw, &VendorError>, directory: &Directory| {
            verdicts[number] = match raw {
                Ok(raw) => self.verdict_of(&items[number], raw, &answer, directory),
                Err(error) if error.kind == ErrorKind::NotFound => {
                    Verdict::of(WriteOutcome::Failed(error.message.clone()))
                }
                Err(error) => {
                    Verdict::unknown(format!("it could not be read back: {}", error.message)).troubled(error.kind)
                }
            };
        };
        self.read_owners(&targets.as_slice(), asking, &mut told).await;
        for (item, verdict) in items.iter().zip(verdicts) {
            let verdict = match (verdict.outcome, errors.get(&item.lead)) {
                // What the server says about it is the better reason.
                (WriteOutcome::Failed(_), Some(why)) => {
                    Verdict::of(WriteOutcome::Failed(format!("StateSet refused it: {why}")))
                }
                (outcome, _) => Verdict { outcome, ..verdict },
            };
            report.settle(item.place, verdict);
        }
    }
}

/// What the answer says about leads that were not changed.
fn errors(answer: &Answer) -> HashMap<LeadId, SafeText> {
    let body = answer.json().unwrap_or_default();
    let list = body.get("errors").or_else(|| body.pointer("/data/errors")).and_then(Value::as_array);
    let said = |error: &Value| {
        let id = ["lead_id", "id", "product_id"].iter().find_map(|key| fields::id(error.get(*key)))?;
        let words = error.get("error").or_else(|| error.get("message"))?;
        let words = words.get("message").unwrap_or(words);
        Some((LeadId::new(id), SafeText::new(words.as_str()?)))
    };
    list.map(|list| list.iter().filter_map(said).collect()).unwrap_or_default()
}
