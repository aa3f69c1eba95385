//! Plans as files: readable, versioned, with a digest over all that matters, so that what is applied tomorrow is what was
//! reviewed today.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::exit::Failure;
use super::output::json;
use super::session::Session;
use crate::config::files;
use crate::domain::safe_text::visible;
use crate::domain::{Plan, ProfileName, SafeText, Timestamp, VendorKind};
use crate::runtime::setup::who;

const FORMAT: &str = "switchboard-plan";
/// The newest format this program writes and reads.
const VERSION: u64 = 1;
/// A million changes fit into this.
const LARGEST: u64 = 1 << 30;

/// A saved plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    pub format: String,
    pub version: u64,
    pub author: SafeText,
    pub saved_at: Timestamp,
    /// What it was made from: a query, ids, an operation.
    pub asked: SafeText,
    /// Where it goes to: it is refused elsewhere.
    pub places: Vec<Place>,
    pub plan: Plan,
}

/// A profile as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub profile: ProfileName,
    pub vendor: VendorKind,
    pub base_url: String,
}

/// Writes a plan to `file`.
pub fn write(file: &Path, plan: &Plan, asked: &str, session: &Session) -> Result<(), Failure> {
    let mut places: Vec<Place> = Vec::new();
    for part in &plan.parts {
        let profile = session.profile(part.profile.as_str())?;
        let place = Place { profile: profile.name.clone(), vendor: profile.vendor, base_url: profile.base_url.clone() };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let saved = PlanFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        author: who(),
        saved_at: Timestamp::now(),
        asked: SafeText::new(asked),
        places,
        plan: whole_seconds(plan),
    };
    let text = to_text(&saved).map_err(|error| Failure::wrong_use(format!("the plan cannot be written: {error}")))?;
    files::write_atomic(file, &text)
        .map_err(|error| Failure::wrong_use(format!("the plan cannot be written to {}: {error}", file.display())))
}

/// Fractions may be read back with another last digit, which would look like a changed file.
fn whole_seconds(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for part in &mut plan.parts {
        part.cost.seconds = part.cost.seconds.ceil();
    }
    plan
}

fn to_text(saved: &PlanFile) -> serde_json::Result<Vec<u8>> {
    let Value::Object(mut body) = serde_json::to_value(saved)? else {
        return Err(serde::ser::Error::custom("a plan is an object"));
    };
    let digest = digest(&body)?;
    // Before the long list of changes, where a reader sees it.
    body.shift_insert(2, "digest".to_owned(), Value::String(digest));
    let mut text = Vec::new();
    json::write_pretty(&mut text, &body).map_err(serde::ser::Error::custom)?;
    text.push(b'\n');
    Ok(text)
}

/// Over everything but the digest itself, without regard to blanks and line breaks.
fn digest(body: &serde_json::Map<String, Value>) -> serde_json::Result<String> {
    let hash = Sha256::digest(serde_json::to_vec(body)?);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256:{hex}"))
}

/// Reads a plan file, and refuses one that was changed or that a newer program wrote.
pub fn read(file: &Path) -> Result<PlanFile, Failure> {
    let refuse = |why: String| Failure::wrong_use(format!("{}: {why}; nothing was sent", file.display()));
    let data = std::fs::metadata(file).map_err(|error| refuse(format!("this plan file cannot be read: {error}")))?;
    if data.len() > LARGEST {
        return Err(refuse("this is larger than any plan file".to_owned()));
    }
    let text = std::fs::read(file).map_err(|error| refuse(format!("this plan file cannot be read: {error}")))?;
    parse(&text).map_err(refuse)
}

/// See [`read`].
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
    if digest(&body).map_err(|error| not_a_plan(&error))? != written {
        return Err("this plan file was changed after it was written: its digest does not fit".to_owned());
    }
    let saved: PlanFile = serde_json::from_value(Value::Object(body)).map_err(|error| not_a_plan(&error))?;
    for part in &saved.plan.parts {
        if part.takes_back.iter().any(|back| back.change as usize >= part.changes.len()) {
            return Err(not_a_plan(&"it takes back a change that it does not have"));
        }
        if !saved.places.iter().any(|place| place.profile == part.profile && place.vendor == part.vendor) {
            return Err(not_a_plan(&format!("it does not say where the part for {} goes", part.profile)));
        }
    }
    Ok(saved)
}

impl PlanFile {
    /// Refuses a plan that was made for another place than the configuration leads to now.
    pub fn refuse_elsewhere(&self, session: &Session) -> Result<(), Failure> {
        for place in &self.places {
            let profile = session.profile(place.profile.as_str())?;
            if profile.vendor != place.vendor || profile.base_url != place.base_url {
                return Err(Failure::wrong_use(format!(
                    "the plan was made for {} at {}, and the profile {} is {} at {} now; nothing was sent",
                    place.vendor.title(),
                    visible(&place.base_url),
                    profile.name,
                    profile.vendor.title(),
                    profile.base_url
                )));
            }
        }
        Ok(())
    }

    /// The plan as it is to be applied: every before-value counts as old, so that each target is read again.
    pub fn into_plan(self) -> Plan {
        let mut plan = self.plan;
        for change in plan.parts.iter_mut().flat_map(|part| &mut part.changes) {
            change.read_at = None;
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assignment, Change, Cost, OperationKind, OwnerRef, PlanPart, Skip, SkipReason, TargetId};
    use proptest::prelude::*;

    fn saved() -> PlanFile {
        let part = PlanPart {
            profile: ProfileName::new("sales"),
            vendor: VendorKind::Kenbun,
            changes: vec![Change {
                target: TargetId::new("ld_1"),
                name: SafeText::new("Ann \u{202e}x"),
                before: Assignment::unassigned(),
                after: Assignment::Owner(OwnerRef::new("u1", "Jane \u{202e}\u{1b}")),
                read_at: Some("2026-11-01T10:00:00Z".parse().unwrap()),
                scope: Default::default(),
            }],
            skips: vec![Skip {
                target: TargetId::new("ld_2"),
                name: SafeText::empty(),
                before: Assignment::Unknown,
                after: Assignment::unassigned(),
                reason: SkipReason::NoSuchLead,
            }],
            cost: Cost { requests: 2, seconds: 0.123_456_789_123 },
            inexact: vec![("why".to_owned(), 1)],
            warnings: vec!["beware".to_owned()],
            takes_back: Vec::new(),
            context: Some(serde_json::json!({ "ouId": "unit" })),
        };
        let plan = Plan {
            kind: OperationKind::Assign,
            reverts: None,
            note: Some(SafeText::new("why not")),
            made_at: "2026-11-01T10:00:01Z".parse().unwrap(),
            parts: vec![part],
        };
        PlanFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            author: SafeText::new("me@here"),
            saved_at: "2026-11-01T10:00:02Z".parse().unwrap(),
            asked: SafeText::new("status:new"),
            places: vec![Place {
                profile: ProfileName::new("sales"),
                vendor: VendorKind::Kenbun,
                base_url: "https://x".to_owned(),
            }],
            plan: whole_seconds(&plan),
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let saved = saved();
        let text = to_text(&saved).unwrap();
        assert_eq!(parse(&text).unwrap(), saved);
        let shown = String::from_utf8(text.clone()).unwrap();
        assert!(shown.lines().nth(3).unwrap().trim().starts_with("\"digest\": \"sha256:"), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown}");
        // Blanks do not count.
        let body: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(parse(&serde_json::to_vec(&body).unwrap()).unwrap(), saved);
        assert!(saved.into_plan().parts[0].changes[0].read_at.is_none());
    }

    #[test]
    fn a_plan_file_that_is_not_what_was_written_is_refused() {
        let text = String::from_utf8(to_text(&saved()).unwrap()).unwrap();
        for (from, to, why) in [
            ("ld_1", "ld_9", "its digest does not fit"),
            ("\"u1\"", "\"u2\"", "its digest does not fit"),
            ("status:new", "status:old", "its digest does not fit"),
            ("\"kind\": \"assign\"", "\"kind\": \"assign\", \"more\": 1", "its digest does not fit"),
            ("\"version\": 1", "\"version\": 2", "written by a newer Switchboard (format 2"),
            ("switchboard-plan", "something", "not a plan file"),
            ("\"digest\"", "\"digestive\"", "has no digest"),
            ("{", "", "not a plan file"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = parse(changed.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{from} → {to}: {error}");
        }
        assert!(read(Path::new("/nowhere/plan.json")).unwrap_err().message.contains("cannot be read"));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_flipped_byte_goes_unnoticed(at in 0usize..10_000, bit in 0u8..8) {
            let mut text = to_text(&saved()).unwrap();
            let at = at % text.len();
            text[at] ^= 1 << bit;
            // Only blanks between the parts may differ.
            if let Ok(read) = parse(&text) {
                prop_assert_eq!(read, saved());
            }
        }
    }
}
