//! Plan files on disk: written from a plan, read and refused with a sentence. What is in them is
//! [`plan_file`](crate::domain::plan_file)'s.

use std::path::Path;

use super::exit::Failure;
use super::output::say;
use super::session::Session;
use crate::backend::Engine;
use crate::config::files;
use crate::domain::plan_file::{self, LARGEST, PlanFile};
use crate::domain::planning::radius::Finding;
use crate::domain::safe_text::visible;
use crate::domain::{Plan, SafeText, Timestamp};

/// Writes a plan to `file`. What was there stays under another name, which is said: it may be a plan that somebody has
/// approved.
pub fn write(
    file: &Path,
    plan: &Plan,
    asked: &str,
    not_before: Option<Timestamp>,
    findings: &[Finding],
    engine: &Engine,
) -> Result<(), Failure> {
    let mut saved = engine.plan_file(plan, asked);
    saved.not_before = not_before;
    saved.findings = findings.iter().map(|finding| SafeText::new(&finding.to_string())).collect();
    if let Some(kept) = put(file, &saved, files::write_keeping)? {
        say(&format!("what was in {} before is in {} now", file.display(), kept.display()));
    }
    Ok(())
}

/// Puts a plan file in place of what is there, open to whom that was.
pub fn rewrite(file: &Path, saved: &PlanFile) -> Result<(), Failure> {
    put(file, saved, files::replace)
}

fn put<T>(file: &Path, saved: &PlanFile, write: fn(&Path, &[u8]) -> std::io::Result<T>) -> Result<T, Failure> {
    let text = saved.to_text().map_err(|error| Failure::wrong_use(format!("the plan cannot be written: {error}")))?;
    write(file, &text)
        .map_err(|error| Failure::wrong_use(format!("the plan cannot be written to {}: {error}", file.display())))
}

/// Reads a plan file, and refuses one that was changed or that a newer program wrote.
pub fn read(file: &Path) -> Result<PlanFile, Failure> {
    let text = files::read_at_most(file, LARGEST);
    text.map_err(|error| format!("this plan file cannot be read: {error}"))
        .and_then(|text| plan_file::parse(&text))
        .map_err(|why| Failure::wrong_use(format!("{}: {why}; nothing was sent", file.display())))
}

/// Refuses a plan that was made for another place than the configuration leads to now, or than the command line names.
pub fn refuse_elsewhere(saved: &PlanFile, session: &Session) -> Result<(), Failure> {
    for place in &saved.places {
        let named = |name: &String| name == "all" || name == place.profile.as_str();
        if !session.wanted.is_empty() && !session.wanted.iter().any(named) {
            let wanted = visible(&session.wanted.join(", ")).into_owned();
            return Err(Failure::wrong_use(format!(
                "the plan was made for the profile {}, not for {wanted}; nothing was sent",
                place.profile
            )));
        }
        let profile = session.profile(place.profile.as_str()).map_err(|failure| {
            Failure::wrong_use(format!(
                "the plan was made for the profile {}: {failure}; nothing was sent",
                place.profile
            ))
        })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_told_by_its_name() {
        let failure = read(Path::new("/nowhere/plan.json")).unwrap_err();
        assert!(failure.message.starts_with("/nowhere/plan.json: this plan file cannot be read"), "{failure}");
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().message.contains("cannot be read"));
    }
}
