//! `resume`: settle what was cut off by reading, then send what was not sent yet, or give it up.

use std::ops::ControlFlow;

use super::undo::profiles_of;
use crate::cli::args::ResumeArgs;
use crate::cli::confirm::{self, Answer};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::items::{Items, grouped};
use crate::cli::output::json::Summary;
use crate::cli::output::{Out, say};
use crate::cli::session::{Session, refuse_read_only, refuse_unusable};
use crate::cli::signals;
use crate::cli::writing::{self, Writing};
use crate::config::Profile;
use crate::domain::history::{HistoryFilter, OperationLife, OperationSummary};
use crate::journal::Journal;

pub async fn run(session: &Session, args: &ResumeArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.write.out.is_some() && (args.settle_only || args.give_up) {
        let what = if args.give_up { "--give-up" } else { "--settle-only" };
        return Err(Failure::wrong_use(format!("--out writes what was not sent, and {what} sends nothing of that")));
    }
    let journal = session.journal()?;
    session.refuse_strangers(&journal)?;
    let operations = match &args.operation {
        Some(name) => vec![journal.find(name)?],
        None => open_operations(session, &journal, args.settle_only)?,
    };
    if operations.is_empty() {
        say("no operation was cut off");
        Items::new(session.format, false).end(out, &Summary::default())?;
        return Ok(Exit::Done);
    }
    if args.write.dry_run && args.write.out.is_none() {
        for operation in &operations {
            let summary = Summary::new(Some(operation.id.clone()), &operation.tally, 0, 0.0);
            let items = Items::new(session.format, operation.parts.len() > 1);
            writing::print_items(&journal, &operation.id, items, &summary, out)?;
        }
        return Ok(Exit::Done);
    }
    let profiles = if args.give_up { known_profiles(session, &operations) } else { profiles_of(session, &operations)? };
    // Of several profiles one that cannot be used holds no other up: the engine leaves its items, and says so.
    let alone = profiles.len() == 1;
    if alone && !args.settle_only && !args.give_up {
        refuse_read_only(profiles.iter().copied())?;
    }
    let stop = signals::listen();
    let engine = session.engine_with(journal, &profiles)?;
    if alone && !args.give_up {
        refuse_unusable(&engine)?;
    }
    let writing = Writing {
        session,
        engine: &engine,
        args: &args.write,
        stop: &stop,
        stdin_is_taken: false,
        snapshot: None,
        asked: "",
    };
    if args.write.out.is_some() {
        return write_rest(&writing, &operations, out).await;
    }
    let mut exits = Vec::new();
    let mut refusals = Vec::new();
    for operation in &operations {
        let went = match args.give_up {
            true => writing.give_up(&operation.id, out).await,
            false => go_on(&writing, operation, args.settle_only, out).await,
        };
        match went {
            Ok(exit) => exits.push(exit),
            // The others are settled all the same.
            Err(failure) => {
                say(&failure.message);
                refusals.push((failure.exit, operation));
            }
        }
        if stop.is_stopped() {
            exits.push(Exit::Stopped);
            break;
        }
    }
    let none_went = exits.is_empty();
    exits.extend(refusals.into_iter().map(|(exit, operation)| match exit {
        // Something was carried out, so that the codes for nothing at all would be wrong.
        Exit::WrongUse | Exit::Refused if !none_went => left_open(operation),
        exit => exit,
    }));
    Ok(writing::all(exits))
}

/// Writes a plan file of what an operation did not send. The operation stays open: what comes second of the file and a
/// resume finds the leads as they are wanted, and leaves them alone.
async fn write_rest(writing: &Writing<'_>, operations: &[OperationSummary], out: &mut Out) -> Result<Exit, Failure> {
    let [operation] = operations else {
        let ids: Vec<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
        let ids = ids.join(", ");
        return Err(Failure::wrong_use(format!("a plan file holds the rest of one operation: name one of {ids}")));
    };
    let id = &operation.id;
    if let Some(back) = operation.takes_back() {
        let all =
            format!("operation {id} takes {back} back; `switchboard undo OP --out FILE` writes what is left of that");
        return Err(Failure::wrong_use(all));
    }
    if operation.life == OperationLife::Running {
        return Err(Failure::wrong_use(format!("operation {id} is being carried out just now")));
    }
    if let Some(over) = operation.over_by() {
        return Err(Failure::wrong_use(format!("operation {id} was {over}: what was not sent stays so")));
    }
    if operation.tally.unknown + operation.tally.sent > 0 {
        say(&format!(
            "what operation {id} sent without an answer is not in the plan; `switchboard resume {id}` settles it"
        ));
    }
    let plan = writing.engine.plan_rest(operation).await?;
    writing.carry_out(plan, out).await
}

/// The exit code of an operation that was not gone on with.
fn left_open(operation: &OperationSummary) -> Exit {
    if operation.tally.unknown + operation.tally.sent > 0 { Exit::Unknown } else { Exit::Nothing }
}

/// What there is to go on with when no operation is named: everything that was cut off, and, unless only settling is
/// wanted, the newest operations as long as something of them was not sent, because they were stopped, were only settled,
/// or the vendor was gone. What came before an operation that went to its end is history: going on with it takes its id.
fn open_operations(session: &Session, journal: &Journal, settle_only: bool) -> Result<Vec<OperationSummary>, Failure> {
    let mut open = journal.interrupted()?;
    open.retain(|operation| session.concerns(operation));
    if settle_only {
        return Ok(open);
    }
    journal.each_operation(&HistoryFilter::default(), |operation| -> Result<_, Failure> {
        match operation.life {
            _ if !session.concerns(&operation) => {}
            OperationLife::Interrupted | OperationLife::Running => {}
            // What was taken back is over, but what came before it may be open.
            OperationLife::Ended if operation.tally.not_sent > 0 && operation.over_by().is_some() => {}
            OperationLife::Ended if operation.tally.not_sent > 0 => {
                // Of what is not configured any more nothing can be sent.
                if operation.parts.iter().all(|part| session.profile(part.profile.as_str()).is_ok()) {
                    open.push(operation);
                }
            }
            _ => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    // Newest first, as operations are listed.
    open.sort_by_key(|operation| std::cmp::Reverse(operation.at));
    Ok(open)
}

/// Settles one operation by reading, and sends what was not sent if that is wanted and confirmed.
async fn go_on(
    writing: &Writing<'_>,
    operation: &OperationSummary,
    settle_only: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let unsent = operation.tally.planned + operation.tally.not_sent;
    let over = operation.over_by().filter(|_| unsent > 0);
    if let Some(over) = over {
        say(&format!("operation {} was {over}: what was not sent stays so", operation.id));
    }
    if settle_only || unsent == 0 || over.is_some() {
        return writing.resume(&operation.id, settle_only, out).await;
    }
    let refusal = refusal(writing, operation, unsent).await?;
    let Some(refusal) = refusal else { return writing.resume(&operation.id, false, out).await };
    // What was on the way is settled by reading alone, which needs nobody's consent.
    let settled = writing.resume(&operation.id, true, out).await?;
    say(&refusal);
    Ok(if settled == Exit::Unknown { settled } else { Exit::Refused })
}

/// Why the rest must not be sent; `None` where it may.
async fn refusal(
    writing: &Writing<'_>,
    operation: &OperationSummary,
    unsent: usize,
) -> Result<Option<String>, Failure> {
    let args = writing.args;
    if let Some(max) = args.max.filter(|max| unsent > *max) {
        return Ok(Some(format!("{} items are left, more than --max {max} allows; nothing was sent", grouped(unsent))));
    }
    if args.yes {
        return Ok(None);
    }
    let question = format!("Send what operation {} did not send ({} items)", operation.id, grouped(unsent));
    let large = writing.session.config.settings.large_plan;
    Ok(match confirm::ask(&question, unsent, large, false, writing.stop).await? {
        Answer::Yes => None,
        Answer::No => Some("not confirmed; nothing was sent".to_owned()),
        Answer::NobodyThere => {
            Some("there is no terminal to ask on, so nothing was sent; --yes sends without asking".to_owned())
        }
    })
}

/// The profiles of operations as far as they are still configured.
fn known_profiles<'s>(session: &'s Session, operations: &[OperationSummary]) -> Vec<&'s Profile> {
    let mut profiles: Vec<&Profile> = Vec::new();
    let named = operations.iter().flat_map(|operation| &operation.parts);
    for profile in named.filter_map(|part| session.profile(part.profile.as_str()).ok()) {
        if !profiles.iter().any(|known| known.name == profile.name) {
            profiles.push(profile);
        }
    }
    profiles
}
