//! `apply` and `approve`: carry out a saved plan file, and say yes to one.

use serde_json::json;

use crate::cli::args::{ApplyArgs, ApproveArgs, Format};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Out, say};
use crate::cli::session::{Session, ordered};
use crate::cli::writing::{Writing, failure_of};
use crate::cli::{overview, planfile, signals};
use crate::domain::plan_file::NotApproved;
use crate::domain::{SafeText, Timestamp};
use crate::runtime::setup::who;

pub async fn run(session: &Session, args: &ApplyArgs, out: &mut Out) -> Result<Exit, Failure> {
    let saved = planfile::read(&args.plan)?;
    planfile::refuse_elsewhere(&saved, session)?;
    let profiles = ordered(session, saved.places.iter().map(|place| &place.profile))?;
    let stop = signals::listen();
    let engine = session.engine(&profiles)?;
    let asked = saved.asked.clone();
    // Of several profiles one that cannot be used is told in the plan, item by item.
    let mut plan = engine.without_unusable(saved.clone().into_plan()).map_err(failure_of)?;
    if let Some(note) = &args.write.note {
        plan.note = Some(SafeText::new(note));
    }
    let writing = Writing {
        session,
        engine: &engine,
        args: &args.write,
        stop: &stop,
        stdin_is_taken: false,
        snapshot: None,
        asked: asked.as_str(),
    };
    writing.carry_out_file(&saved, plan, out).await
}

/// Adds the approval of the person at this computer to a plan file. Sends nothing, and reads nothing but the file.
pub fn approve(args: &ApproveArgs, format: Format, out: &mut Out) -> Result<Exit, Failure> {
    let mut saved = planfile::read(&args.plan)?;
    for line in overview::lines(&saved.plan, None) {
        say(&line);
    }
    for finding in &saved.findings {
        say(&format!("  ! {finding}"));
    }
    say(&format!("  made by {} at {} from {}", saved.author, saved.saved_at, saved.asked));
    let digest = saved.digest().map_err(|error| Failure::wrong_use(format!("the plan cannot be written: {error}")))?;
    let (by, at) = match saved.approve(&who(), Timestamp::now()) {
        Ok(approval) => (approval.who.clone(), approval.at),
        Err(NotApproved::Already { who, at }) => {
            say(&format!("{who} has approved this plan already"));
            return told(format, args, &digest, &who, at, out);
        }
        Err(why @ NotApproved::ByItsAuthor(_)) => return Err(Failure::refused(why.to_string())),
        Err(why @ NotApproved::Unwritable(_)) => return Err(Failure::wrong_use(why.to_string())),
    };
    planfile::rewrite(&args.plan, &saved)?;
    say(&format!("approved by {by}; `switchboard apply {}` carries it out", args.plan.display()));
    told(format, args, &digest, &by, at, out)
}

/// The approval for programs.
fn told(
    format: Format,
    args: &ApproveArgs,
    digest: &str,
    who: &SafeText,
    at: Timestamp,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if format != Format::Table {
        let plan = args.plan.display().to_string();
        out.json(&json!({
            "type": "approval", "plan": plan, "digest": digest, "who": who, "at": at.to_string()
        }))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
