//! `prune`: lets go of old operations, after it has said which.

use serde_json::json;

use crate::cli::args::{Format, PruneArgs};
use crate::cli::confirm::{self, Answer};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::items::grouped;
use crate::cli::output::{Out, say};
use crate::cli::session::Session;
use crate::cli::{moment, signals};
use crate::domain::Timestamp;
use crate::domain::history::kept_from;
use crate::journal::{Journal, Prunable};

pub async fn run(session: &Session, args: &PruneArgs, out: &mut Out) -> Result<Exit, Failure> {
    let stop = signals::listen();
    let journal = session.journal()?;
    let now = Timestamp::now();
    let before = match (&args.before, session.config.settings.retention) {
        (Some(time), _) => moment::back(time, now)?,
        (None, Some(retention)) => kept_from(now, retention),
        (None, None) => {
            return Err(Failure::wrong_use(
                "the configuration sets no `retention`, so everything stays; --before TIME names a time for once",
            ));
        }
    };
    let found = journal.prunable(before)?;
    say(&words(&found, before));
    if found.operations == 0 || args.dry_run {
        return told(session, &found, before, false, out);
    }
    if !args.yes {
        let question = format!("Remove {} operations from the history for good", grouped(found.operations));
        let large = session.config.settings.large_plan;
        match confirm::ask(&question, found.operations, large, false, &stop).await? {
            Answer::Yes => {}
            Answer::No => return Err(Failure::refused("not confirmed; nothing was removed")),
            Answer::NobodyThere => {
                return Err(Failure::refused(
                    "there is no terminal to ask on, so nothing was removed; --yes removes without asking",
                ));
            }
        }
    }
    let gone = remove(&journal, before)?;
    say(&format!("{} operations were removed", grouped(gone.operations)));
    told(session, &gone, before, true, out)
}

fn remove(journal: &Journal, before: Timestamp) -> Result<Prunable, Failure> {
    journal.prune(before).map_err(|error| Failure::nothing(format!("{error}; nothing was removed")))
}

/// What would go, in a sentence or two.
fn words(found: &Prunable, before: Timestamp) -> String {
    let mut text = match (found.operations, found.oldest, found.newest) {
        (0, ..) => format!("nothing in the history can go that is older than {before}"),
        (operations, Some(oldest), Some(newest)) => format!(
            "{} operations with {} items, from {oldest} to {newest}, are older than {before}; what they did could not be \
             taken back any more (`switchboard log --until {before} --format json` keeps a copy)",
            grouped(operations),
            grouped(found.items)
        ),
        (operations, ..) => format!("{} operations are older than {before}", grouped(operations)),
    };
    if found.kept > 0 {
        text += &format!(
            "; {} more stay: they are not settled, or a younger operation has to do with them",
            grouped(found.kept)
        );
    }
    text
}

fn told(session: &Session, found: &Prunable, before: Timestamp, removed: bool, out: &mut Out) -> Result<Exit, Failure> {
    if session.format != Format::Table {
        out.json(&json!({
            "type": "prune",
            "before": before.to_string(),
            "operations": found.operations,
            "items": found.items,
            "kept": found.kept,
            "removed": removed,
        }))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
