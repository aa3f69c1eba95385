//! Plans as files: readable, versioned, with a digest over all that matters, so that what is applied tomorrow is what was
//! reviewed today.
//!
//! The digest covers everything in the file but itself and the approvals, without regard to blanks and line breaks. Each
//! approval carries a seal over the digest, its name and its time: it holds for this plan and no other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::harmless;
use super::ids::ProfileName;
use super::safe_text::visible;
use super::{Assignment, Plan, SafeText, Timestamp, VendorKind};

pub const FORMAT: &str = "switchboard-plan";
/// The newest format this program writes and reads.
pub const VERSION: u64 = 1;
/// A million changes fit into so many bytes; what is larger is no plan file.
pub const LARGEST: u64 = 1 << 30;

/// A saved plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    pub format: String,
    pub version: u64,
    /// Who made it, `user@host`.
    pub author: SafeText,
    pub saved_at: Timestamp,
    /// What it was made from: a query, ids, an operation.
    pub asked: SafeText,
    /// Nothing is sent before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// What was worth a second look when it was made, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<SafeText>,
    /// Where it goes to: it is refused elsewhere.
    pub places: Vec<Place>,
    pub plan: Plan,
    /// Not part of what the digest covers: they are added later.
    #[serde(skip)]
    pub approvals: Vec<Approval>,
}

/// A profile as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub profile: ProfileName,
    pub vendor: VendorKind,
    pub base_url: String,
}

/// Somebody's yes to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `user@host`.
    pub who: SafeText,
    pub at: Timestamp,
    /// Over the plan's digest, the name and the time.
    pub seal: String,
}

/// Why somebody's approval was not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    #[error("{0} made this plan: somebody else has to approve it")]
    ByItsAuthor(SafeText),
    #[error("{who} has approved this plan already, at {at}")]
    Already { who: SafeText, at: Timestamp },
    #[error("the plan cannot be written down: {0}")]
    Unwritable(String),
}

impl PlanFile {
    /// A file for a plan that was made just now.
    pub fn new(plan: &Plan, asked: &str, author: SafeText, saved_at: Timestamp, places: Vec<Place>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            author,
            saved_at,
            asked: SafeText::new(asked),
            not_before: None,
            findings: Vec::new(),
            places,
            plan: whole_seconds(plan),
            approvals: Vec::new(),
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut body = self.body()?;
        let digest = digest(&body)?;
        // Before the long list of changes, where a reader sees them.
        body.shift_insert(2, "digest".to_owned(), Value::String(digest));
        if !self.approvals.is_empty() {
            body.shift_insert(3, "approvals".to_owned(), serde_json::to_value(&self.approvals)?);
        }
        let mut text = Vec::new();
        harmless::write_pretty(&mut text, &body).map_err(serde::ser::Error::custom)?;
        text.push(b'\n');
        Ok(text)
    }

    fn body(&self) -> serde_json::Result<Map<String, Value>> {
        match serde_json::to_value(self)? {
            Value::Object(body) => Ok(body),
            _ => Err(serde::ser::Error::custom("a plan is an object")),
        }
    }

    /// The digest that the file's text carries.
    pub fn digest(&self) -> serde_json::Result<String> {
        digest(&self.body()?)
    }

    /// Adds somebody's approval. Its author's does not count: the point is a second person.
    pub fn approve(&mut self, who: &SafeText, at: Timestamp) -> Result<&Approval, NotApproved> {
        if is_same_person(&self.author, who) {
            return Err(NotApproved::ByItsAuthor(who.clone()));
        }
        if let Some(known) = self.approvals.iter().find(|known| is_same_person(&known.who, who)) {
            return Err(NotApproved::Already { who: known.who.clone(), at: known.at });
        }
        let digest = self.digest().map_err(|error| NotApproved::Unwritable(error.to_string()))?;
        let seal = seal(&digest, who, at);
        self.approvals.push(Approval { who: who.clone(), at, seal });
        // Just pushed.
        Ok(&self.approvals[self.approvals.len() - 1])
    }

    /// The approval by a second person, if there is one.
    pub fn approval(&self) -> Option<&Approval> {
        self.approvals.iter().find(|approval| !is_same_person(&self.author, &approval.who))
    }

    /// Whether everything that `plan` would write is in this file's plan. A plan that was read again has fewer changes.
    pub fn covers(&self, plan: &Plan) -> bool {
        type Wrote<'a> = std::collections::HashMap<(&'a ProfileName, &'a str), &'a Assignment>;
        let mut known: Wrote<'_> = Wrote::new();
        for part in &self.plan.parts {
            known.extend(part.changes.iter().map(|change| ((&part.profile, change.id()), change.after)));
        }
        let all = plan.parts.iter().flat_map(|part| part.changes.iter().map(move |change| (&part.profile, change)));
        self.plan.kind == plan.kind
            && all.into_iter().all(|(profile, change)| known.get(&(profile, change.id())) == Some(&change.after))
    }

    /// The plan as it is to be applied: every before-value counts as old, so that each target is read again. Who approved
    /// it is kept with the operation's note.
    pub fn into_plan(self) -> Plan {
        let approved = self.approval().map(|approval| format!("approved by {}", approval.who));
        let mut plan = self.plan;
        if let Some(approved) = approved {
            plan.note = Some(match plan.note {
                Some(note) => SafeText::new(&format!("{note} ({approved})")),
                None => SafeText::new(&approved),
            });
        }
        forget_readings(&mut plan);
        plan
    }
}

/// Every before-value counts as old from now on, so that each target is read again before it is written.
pub fn forget_readings(plan: &mut Plan) {
    plan.parts.iter_mut().for_each(|part| part.changes.forget_readings());
}

/// Whether two `user@host` are one person: the same user, on whichever computer.
pub fn is_same_person(a: &SafeText, b: &SafeText) -> bool {
    let user = |who: &SafeText| who.as_str().split('@').next().unwrap_or_default().to_lowercase();
    user(a) == user(b)
}

/// Fractions may be read back with another last digit, which would look like a changed file.
fn whole_seconds(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for part in &mut plan.parts {
        part.cost.seconds = part.cost.seconds.ceil();
    }
    plan
}

fn digest(body: &Map<String, Value>) -> serde_json::Result<String> {
    Ok(sha256(&serde_json::to_vec(body)?))
}

fn seal(digest: &str, who: &SafeText, at: Timestamp) -> String {
    sha256(format!("{digest}\n{who}\n{at}").as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Reads a file's text, and refuses one that was changed or that a newer program wrote; the error is a sentence's
/// beginning without the file's name.
pub fn parse(text: &[u8]) -> Result<PlanFile, String> {
    let not_a_plan = |why: &dyn std::fmt::Display| format!("this is not a plan file: {}", visible(&why.to_string()));
    let body: Value = serde_json::from_slice(text).map_err(|error| not_a_plan(&error))?;
    let Value::Object(mut body) = body else { return Err(not_a_plan(&"it is not an object")) };
    if body.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(not_a_plan(&format!("its format is not \"{FORMAT}\"")));
    }
    match body.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(format!(
                "this plan file was written by a newer Switchboard (format {newer}, this one knows {VERSION})"
            ));
        }
        _ => return Err(not_a_plan(&"its version is missing or unknown")),
    }
    let Some(Value::String(written)) = body.shift_remove("digest") else {
        return Err("this plan file has no digest, so it is not what was written".to_owned());
    };
    let approvals = body.shift_remove("approvals");
    if digest(&body).map_err(|error| not_a_plan(&error))? != written {
        return Err("this plan file was changed after it was written: its digest does not fit".to_owned());
    }
    let mut saved: PlanFile = serde_json::from_value(Value::Object(body)).map_err(|error| not_a_plan(&error))?;
    for part in &saved.plan.parts {
        if part.takes_back.iter().any(|back| back.change as usize >= part.changes.len()) {
            return Err(not_a_plan(&"it takes back a change that it does not have"));
        }
        if !saved.places.iter().any(|place| place.profile == part.profile && place.vendor == part.vendor) {
            return Err(not_a_plan(&format!("it does not say where the part for {} goes", part.profile)));
        }
    }
    if let Some(approvals) = approvals {
        saved.approvals = serde_json::from_value(approvals).map_err(|error| not_a_plan(&error))?;
    }
    match saved.approvals.iter().find(|approval| approval.seal != seal(&written, &approval.who, approval.at)) {
        Some(wrong) => Err(format!("the approval by {} is not for this plan, or was changed", wrong.who)),
        None => Ok(saved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Change, Changes, Cost, OperationKind, OwnerRef, PlanPart, Skip, SkipReason, TakesBack, TargetId,
    };
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn saved() -> PlanFile {
        let part = PlanPart {
            profile: ProfileName::new("sales"),
            vendor: VendorKind::Kenbun,
            changes: vec![Change {
                target: TargetId::new("ld_1"),
                name: SafeText::new("Ann \u{202e}x"),
                before: Assignment::unassigned(),
                after: Assignment::Owner(OwnerRef::new("u1", "Jane \u{202e}\u{1b}")),
                read_at: Some(at("2026-11-01T10:00:00Z")),
                scope: "unit".into(),
            }]
            .into(),
            skips: vec![Skip {
                target: TargetId::new("ld_2"),
                name: SafeText::empty(),
                before: Assignment::agents(["b", "a"]),
                after: Assignment::unassigned(),
                reason: SkipReason::Drift { was: "x".into(), now: "y".into() },
            }]
            .into(),
            cost: Cost { requests: 2, seconds: 0.123_456_789_123 },
            inexact: vec![("why".to_owned(), 1)],
            warnings: vec!["beware".to_owned()],
            takes_back: vec![TakesBack { change: 0, operation: "op1".into(), seq: 7 }].into(),
            context: Some(serde_json::json!({ "ouId": "unit" })),
        };
        let plan = Plan {
            kind: OperationKind::Undo,
            reverts: Some("op1".into()),
            note: Some(SafeText::new("why not")),
            made_at: at("2026-11-01T10:00:01Z"),
            parts: vec![part],
        };
        let place =
            Place { profile: ProfileName::new("sales"), vendor: VendorKind::Kenbun, base_url: "https://x".to_owned() };
        let mut saved = PlanFile::new(&plan, "status:new", "me@here".into(), at("2026-11-01T10:00:02Z"), vec![place]);
        saved.not_before = Some(at("2026-11-02T06:00:00Z"));
        saved.findings = vec!["1 lead is closed.".into()];
        saved
    }

    fn approved() -> PlanFile {
        let mut saved = saved();
        saved.approve(&"bob@there".into(), at("2026-11-01T11:00:00Z")).unwrap();
        saved.approve(&"cid@there".into(), at("2026-11-01T12:00:00Z")).unwrap();
        saved
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        for saved in [saved(), approved()] {
            let text = saved.to_text().unwrap();
            assert_eq!(parse(&text).unwrap(), saved);
            let shown = String::from_utf8(text.clone()).unwrap();
            assert!(shown.lines().nth(3).unwrap().trim().starts_with("\"digest\": \"sha256:"), "{shown}");
            assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown}");
            // Blanks do not count.
            let body: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(parse(&serde_json::to_vec(&body).unwrap()).unwrap(), saved);
            assert!(saved.into_plan().parts[0].changes.to_vec()[0].read_at.is_none());
        }
    }

    #[test]
    fn a_plan_file_that_is_not_what_was_written_is_refused() {
        let text = String::from_utf8(approved().to_text().unwrap()).unwrap();
        for (from, to, why) in [
            ("ld_1", "ld_9", "its digest does not fit"),
            ("\"u1\"", "\"u2\"", "its digest does not fit"),
            ("status:new", "status:old", "its digest does not fit"),
            ("\"kind\": \"undo\"", "\"kind\": \"undo\", \"more\": 1", "its digest does not fit"),
            ("2026-11-02T06", "2026-11-02T05", "its digest does not fit"),
            ("\"version\": 1", "\"version\": 2", "written by a newer Switchboard (format 2"),
            ("switchboard-plan", "something", "not a plan file"),
            ("\"digest\"", "\"digestive\"", "has no digest"),
            ("bob@there", "eve@there", "the approval by eve@there is not for this plan"),
            ("2026-11-01T11", "2026-11-01T09", "the approval by bob@there is not for this plan"),
            ("{", "", "not a plan file"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = parse(changed.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{from} → {to}: {error}");
        }
    }

    #[test]
    fn an_approval_takes_a_second_person_and_holds_for_one_plan() {
        let mut file = saved();
        assert!(file.approval().is_none());
        let now = at("2026-11-01T11:00:00Z");
        for author in ["me@here", "ME@elsewhere", "me"] {
            assert_eq!(file.approve(&author.into(), now), Err(NotApproved::ByItsAuthor(author.into())));
        }
        file.approve(&"bob@there".into(), now).unwrap();
        assert!(matches!(file.approve(&"Bob@home".into(), now), Err(NotApproved::Already { .. })));
        assert_eq!(file.approval().unwrap().who.as_str(), "bob@there");
        // Moved to another plan it is nothing.
        let mut other = saved();
        other.plan.parts[0].changes.edit(|_, change| change.target = TargetId::new("ld_3"));
        other.approvals = file.approvals.clone();
        assert!(parse(&other.to_text().unwrap()).unwrap_err().contains("not for this plan"));
        assert_eq!(file.into_plan().note.unwrap().as_str(), "why not (approved by bob@there)");
    }

    #[test]
    fn a_file_covers_what_is_left_of_its_plan_and_nothing_else() {
        let file = saved();
        let plan = file.plan.clone();
        assert!(file.covers(&plan));
        let mut fewer = plan.clone();
        fewer.parts[0].changes = Changes::default();
        assert!(file.covers(&fewer));
        let change = |with: &dyn Fn(&mut Change)| {
            let mut plan = plan.clone();
            plan.parts[0].changes.edit(|number, change| {
                if number == 0 {
                    with(change)
                }
            });
            file.covers(&plan)
        };
        assert!(change(&|change| change.read_at = None));
        assert!(!change(&|change| change.target = "ld_2".into()));
        assert!(!change(&|change| change.after = Assignment::unassigned()));
        assert!(!file.covers(&Plan { kind: OperationKind::Assign, ..plan.clone() }));
    }

    /// Where every value of a JSON document stands.
    fn leaves(value: &Value, path: String, all: &mut Vec<String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                fields.iter().for_each(|(key, value)| leaves(value, format!("{path}/{key}"), all));
            }
            Value::Array(values) if !values.is_empty() => {
                values.iter().enumerate().for_each(|(n, value)| leaves(value, format!("{path}/{n}"), all));
            }
            _ => all.push(path),
        }
    }

    /// Another value of a kind that could stand there.
    fn other(value: &Value, noise: u8) -> Value {
        match value {
            Value::Null => Value::String(format!("x{noise}")),
            Value::Bool(on) => Value::Bool(!on),
            Value::Number(number) => Value::from(number.as_f64().unwrap_or(0.0) as i64 + 1 + i64::from(noise)),
            Value::String(text) => Value::String(format!("{text}{noise}")),
            Value::Array(_) => serde_json::json!([noise]),
            Value::Object(_) => serde_json::json!({ "x": noise }),
        }
    }

    proptest! {
        #[test]
        fn every_field_is_under_the_digest_or_a_seal(at in any::<proptest::sample::Index>(), noise in any::<u8>()) {
            let mut body: Value = serde_json::from_slice(&approved().to_text().unwrap()).unwrap();
            let mut all = Vec::new();
            leaves(&body, String::new(), &mut all);
            let path = &all[at.index(all.len())];
            let slot = body.pointer_mut(path).unwrap();
            *slot = other(slot, noise);
            prop_assert!(parse(&serde_json::to_vec(&body).unwrap()).is_err(), "{path} can be changed unnoticed");
        }

        #[test]
        fn no_field_can_be_left_out(at in any::<proptest::sample::Index>()) {
            let mut body: Value = serde_json::from_slice(&saved().to_text().unwrap()).unwrap();
            let fields = body.pointer_mut("/plan/parts/0/changes/0").unwrap().as_object_mut().unwrap();
            let key = fields.keys().nth(at.index(fields.len())).unwrap().clone();
            fields.remove(&key);
            prop_assert!(parse(&serde_json::to_vec(&body).unwrap()).is_err());
        }

        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_flipped_byte_goes_unnoticed(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let mut text = approved().to_text().unwrap();
            let at = at.index(text.len());
            text[at] ^= 1 << bit;
            // Only blanks between the parts may differ.
            if let Ok(read) = parse(&text) {
                prop_assert_eq!(read, approved());
            }
        }

        #[test]
        fn half_a_file_is_no_file(at in any::<proptest::sample::Index>()) {
            let text = approved().to_text().unwrap();
            let end = at.index(text.trim_ascii_end().len());
            prop_assert!(parse(&text[..end]).is_err());
        }

        #[test]
        fn deep_files_are_refused(depth in 1usize..100_000, braces in any::<bool>()) {
            let (open, close) = if braces { ("{\"a\":", "}") } else { ("[", "]") };
            let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            prop_assert!(parse(inner.as_bytes()).is_err());
            let body = format!("{{\"format\":\"{FORMAT}\",\"version\":1,\"digest\":\"x\",\"plan\":{inner}}}");
            prop_assert!(parse(body.as_bytes()).is_err());
        }
    }
}
