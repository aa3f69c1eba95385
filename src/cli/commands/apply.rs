//! `apply`: carry out a saved plan file.

use crate::cli::args::ApplyArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Out;
use crate::cli::session::{Session, ordered, refuse_read_only, refuse_unusable};
use crate::cli::writing::Writing;
use crate::cli::{planfile, signals};
use crate::domain::SafeText;

pub async fn run(session: &Session, args: &ApplyArgs, out: &mut Out) -> Result<Exit, Failure> {
    let saved = planfile::read(&args.plan)?;
    saved.refuse_elsewhere(session)?;
    let profiles = ordered(session, saved.places.iter().map(|place| &place.profile))?;
    refuse_read_only(profiles.iter().copied())?;
    let stop = signals::listen();
    let engine = session.engine(&profiles)?;
    refuse_unusable(&engine)?;
    let asked = saved.asked.clone();
    let mut plan = saved.into_plan();
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
    writing.carry_out(plan, out).await
}
