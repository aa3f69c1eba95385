//! From a plan to its end: shown, confirmed, carried out, reported. Every command that changes leads goes this way.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::args::{Format, WriteArgs};
use super::confirm::{self, Answer};
use super::exit::{Exit, Failure, Outcome, exit_of_plan, worse};
use super::output::items::{self, Items, grouped, lasting};
use super::output::json::{PartLine, Summary};
use super::output::{Out, say};
use super::progress::Progress;
use super::session::Session;
use super::signals::unless_stopped;
use super::{moment, overview, planfile, waiting};
use crate::backend::{ApplyError, Engine, Report, StopToken, Watch};
use crate::domain::exchange::{Event, OperationProgress};
use crate::domain::history::OperationPart;
use crate::domain::leads::Snapshot;
use crate::domain::plan_file::{self, PlanFile};
use crate::domain::planning::radius::{self, Finding};
use crate::domain::{ItemState, OperationId, Plan, Tally};
use crate::runtime::setup::caps;

/// What carrying out a plan needs to know.
pub struct Writing<'a> {
    pub session: &'a Session,
    pub engine: &'a Engine,
    pub args: &'a WriteArgs,
    pub stop: &'a StopToken,
    /// Standard input held the ids, so that the answer to a question cannot come from there.
    pub stdin_is_taken: bool,
    /// The leads as they were read, for loads before and after.
    pub snapshot: Option<&'a Snapshot>,
    /// What the plan was made from, for a plan file: a query, or ids.
    pub asked: &'a str,
}

impl Writing<'_> {
    /// Shows the plan, and sends it if that is what is wanted.
    pub async fn carry_out(&self, plan: Plan, out: &mut Out) -> Result<Exit, Failure> {
        self.carry_out_with(plan, None, out).await
    }

    /// The same for a plan from a file: its targets are read again, and its approvals count.
    pub async fn carry_out_file(&self, saved: &PlanFile, plan: Plan, out: &mut Out) -> Result<Exit, Failure> {
        self.carry_out_with(plan, Some(saved), out).await
    }

    async fn carry_out_with(&self, plan: Plan, saved: Option<&PlanFile>, out: &mut Out) -> Result<Exit, Failure> {
        let only_shown = self.args.dry_run || self.args.out.is_some();
        let not_before = match &self.args.not_before {
            Some(time) => Some(moment::ahead(time, self.engine.now())?),
            None => saved.and_then(|saved| saved.not_before),
        };
        // A person who looks at a plan from a file should see what is left of it. Without anybody who looks the engine
        // reads every target just before it is sent, which is enough.
        let looked_at = only_shown || (!self.args.yes && std::io::stderr().is_terminal());
        let mut plan = match saved {
            Some(_) if looked_at => unless_stopped(self.stop, self.engine.recheck(plan)).await??,
            _ => plan,
        };
        let skips = || plan.parts.iter().flat_map(|part| part.skips.iter());
        let already = skips().filter(|skip| items::is_benign(skip.reason)).count();
        let left_alone = plan.skips() - already;
        let findings = self.findings(&plan);
        // A plan that is refused leaves no file either, which somebody could apply.
        if let Some(file) = self.args.out.as_ref().filter(|_| over_max(&plan, self.args).is_none()) {
            planfile::write(file, &plan, self.asked, not_before, &findings, self.engine)?;
            say(&format!("the plan is in {}; `switchboard apply {}` carries it out", file.display(), file.display()));
        }
        let unapproved = self.unapproved(&plan, saved);
        if only_shown {
            self.print_unsent(&plan, ItemState::Planned, None, out)?;
            self.tell(&plan, &findings, saved);
            if let Some(message) = over_max(&plan, self.args) {
                return Err(Failure::refused(message));
            }
            unapproved.inspect(|why| say(why));
            return Ok(exit_of_plan(left_alone));
        }
        if plan.changes() == 0 {
            self.print_unsent(&plan, ItemState::Planned, None, out)?;
            return Ok(Outcome { skipped: left_alone, already, ..Outcome::default() }.exit());
        }
        if let Some(message) = over_max(&plan, self.args) {
            self.print_unsent(&plan, ItemState::NotSent, Some("more changes than --max"), out)?;
            return Err(Failure::refused(message));
        }
        if let Some(message) = unapproved {
            self.print_unsent(&plan, ItemState::NotSent, Some("not approved by a second person"), out)?;
            return Err(Failure::refused(format!("{message}; nothing was sent")));
        }
        self.tell(&plan, &findings, saved);
        if !self.args.yes {
            let worth_a_look = !findings.is_empty() || saved.is_some_and(|saved| !saved.findings.is_empty());
            let large = if worth_a_look { 1 } else { self.session.config.settings.large_plan };
            let count = plan.changes();
            let answer = confirm::ask(&overview::question(&plan), count, large, self.stdin_is_taken, self.stop).await?;
            let refusal = match answer {
                Answer::Yes => None,
                Answer::No => Some("not confirmed; nothing was sent"),
                Answer::NobodyThere => {
                    Some("there is no terminal to ask on, so nothing was sent; --yes sends without asking")
                }
            };
            if let Some(refusal) = refusal {
                self.print_unsent(&plan, ItemState::NotSent, Some("not confirmed"), out)?;
                return Err(Failure::refused(refusal));
            }
        }
        if let Some(until) = not_before.filter(|until| *until > self.engine.now()) {
            let progress = Progress::new(self.session.plain);
            if let Err(stopped) = waiting::wait(until, self.engine, &progress, self.stop).await {
                self.print_unsent(&plan, ItemState::NotSent, Some("stopped before its time"), out)?;
                return Err(stopped);
            }
            // What was read before the waiting is old now.
            plan_file::forget_readings(&mut plan);
        }
        let plan = Arc::new(plan);
        self.watched(out, |watch| async move {
            match saved {
                Some(saved) => self.engine.apply_file(saved, plan, watch, self.stop.clone()).await,
                None => self.engine.apply(plan, watch, self.stop.clone()).await,
            }
        })
        .await
    }

    /// Why a plan needs somebody else first; `None` where it does not.
    fn unapproved(&self, plan: &Plan, saved: Option<&PlanFile>) -> Option<String> {
        let judged = saved.map_or(plan, |saved| &saved.plan);
        let Err(ApplyError::NotApproved { changes, above }) = self.engine.needs_approval(judged) else { return None };
        if saved.is_some_and(|saved| saved.approval().is_some()) {
            return None;
        }
        let (changes, above) = (grouped(changes), grouped(above));
        let rule = format!("{changes} changes are more than the {above} that one person may send alone");
        Some(match (saved, &self.args.out) {
            (_, Some(file)) => {
                format!("{rule}; somebody else has to run `switchboard approve {}` first", file.display())
            }
            (Some(saved), None) => {
                format!("{rule}; somebody other than {} has to run `switchboard approve` on this file", saved.author)
            }
            (None, None) => {
                format!("{rule}; save the plan with --out FILE and have somebody else run `switchboard approve FILE`")
            }
        })
    }

    /// What is worth a second look in a plan.
    fn findings(&self, plan: &Plan) -> Vec<Finding> {
        let within = self.session.config.settings.recent_changes;
        let since = self.engine.now().checked_sub(within).ok().filter(|_| !within.is_zero());
        let touched = since.map(|since| self.engine.journal().touched_since(since)).unwrap_or_else(|| Ok(Vec::new()));
        let touched = touched.unwrap_or_else(|error| {
            // A journal that cannot be read stops the operation later, with its reason.
            tracing::warn!(%error, "recent changes could not be looked up");
            Vec::new()
        });
        let nothing = Snapshot::default();
        let caps = caps(&self.session.config);
        radius::findings(plan, self.snapshot.unwrap_or(&nothing), &caps, &touched, within)
    }

    /// Prints how an operation went, item by item, and decides the exit code.
    pub fn report(&self, report: Result<Report, ApplyError>, out: &mut Out) -> Result<Exit, Failure> {
        // What is pressed while the results are printed stops nothing any more.
        let stopped = self.stop.is_stopped();
        let report = match report {
            Ok(report) => report,
            Err(error) => return Err(self.not_carried_out(error, out)),
        };
        // What was done is done, whether or not the results can be written down.
        out.survive();
        let mut summary =
            Summary::new(Some(report.summary.id.clone()), &report.summary.tally, report.requests, report.seconds);
        if report.summary.parts.len() > 1 {
            let mut tallies = self.engine.journal().part_tallies(&report.summary.id)?;
            tallies.resize(report.summary.parts.len(), Tally::default());
            let part =
                |(part, tally): (&OperationPart, &Tally)| PartLine::new(part.profile.clone(), part.vendor, tally);
            summary.parts = report.summary.parts.iter().zip(&tallies).map(part).collect();
            if self.session.format == Format::Table {
                summary.parts.iter().for_each(|part| say(&items::part_words(part)));
            }
        }
        let already = self.print_operation(&report.summary.id, &summary, true, out)?;
        if let Some(trouble) = out.trouble() {
            say(&format!("{trouble}; `switchboard log {}` shows them", report.summary.id));
        }
        for (_, problem) in &report.cut_short {
            say(&problem.to_string());
        }
        let outcome = Outcome::of(&report.summary.tally, already, stopped);
        let exit = outcome.exit();
        if outcome.unknown > 0 {
            say(&format!(
                "the outcome of {} is not known yet; `switchboard resume {}` finds out",
                leads(outcome.unknown),
                report.summary.id
            ));
        } else if exit == Exit::Stopped && outcome.not_sent == 0 {
            let undo = format!("`switchboard undo {}` takes back what is done", report.summary.id);
            say(&format!("stopped; {}", if outcome.done == 0 { "nothing was done" } else { &undo }));
        } else if exit == Exit::Stopped {
            say(&format!(
                "stopped; {} not sent; `switchboard resume {}` goes on, `switchboard undo {}` takes back what is done",
                were(outcome.not_sent),
                report.summary.id,
                report.summary.id
            ));
        }
        Ok(exit)
    }

    /// Prints the items of an operation from the journal. Answers how many of them have nothing to be done.
    pub fn print_operation(
        &self,
        operation: &OperationId,
        summary: &Summary,
        only_open: bool,
        out: &mut Out,
    ) -> Result<usize, Failure> {
        let several = self.engine.profiles().len() > 1;
        let mut items = Items::new(self.session.format, several);
        if only_open {
            items = items.only_open();
        }
        print_items(self.engine.journal(), operation, items, summary, out)
    }

    fn not_carried_out(&self, error: ApplyError, out: &mut Out) -> Failure {
        match error.cut_off() {
            Some(operation) => {
                // What the journal still knows is shown, if it can be read at all.
                let tally = self.engine.journal().operation(operation).map(|known| known.tally).unwrap_or_default();
                let summary = Summary::new(Some(operation.clone()), &tally, 0, 0.0);
                if let Err(failure) = self.print_operation(operation, &summary, true, out) {
                    tracing::error!(%failure, "the items of the operation could not be shown");
                }
                let resume = format!("{error}; `switchboard resume {operation}` goes on when that is mended");
                Failure::new(Exit::Unknown, resume)
            }
            None => failure_of(error),
        }
    }

    fn print_unsent(&self, plan: &Plan, state: ItemState, reason: Option<&str>, out: &mut Out) -> Result<(), Failure> {
        let mut items = Items::new(self.session.format, plan.parts.len() > 1);
        if !self.args.dry_run && self.args.out.is_none() {
            items = items.only_open();
        }
        // People were told the plan and know that nothing of it was sent; programs want every item.
        if state == ItemState::Planned || self.session.format != Format::Table {
            items.print_plan(out, plan, state, reason)?;
        }
        let mut tally = Tally::default();
        tally.add(ItemState::Skipped, plan.skips());
        if state == ItemState::NotSent {
            tally.add(state, plan.changes());
        }
        let cost = plan.cost();
        let mut summary = Summary::new(None, &tally, 0, 0.0);
        if state == ItemState::Planned {
            // What it would take.
            (summary.requests, summary.seconds) = (cost.requests, cost.seconds.round());
            summary.planned = Some(plan.changes());
        }
        items.end(out, &summary)
    }

    /// What has to be read before anything is sent.
    fn tell(&self, plan: &Plan, findings: &[Finding], saved: Option<&PlanFile>) {
        let people = self.session.format == Format::Table || std::io::stderr().is_terminal();
        let lines = if people { overview::lines(plan, self.snapshot) } else { overview::warnings(plan) };
        for line in lines {
            say(&line);
        }
        let now: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let then = saved.map_or(&[][..], |saved| &saved.findings).iter().map(ToString::to_string);
        for finding in then.filter(|finding| !now.contains(finding)).chain(now.iter().cloned()) {
            say(&format!("  ! {finding}"));
        }
        if let Some(approval) = saved.and_then(|saved| saved.approval()) {
            say(&format!("  approved by {} at {}", approval.who, approval.at));
        }
    }

    /// Says what Ctrl-C does, once it was pressed.
    fn tell_stopping(&self, progress: &Progress) -> tokio::task::JoinHandle<()> {
        let (stop, progress) = (self.stop.clone(), progress.clone());
        tokio::spawn(async move {
            stop.stopped().await;
            progress.clear();
            say("stopping: nothing new is sent, what is on the way is awaited (once more leaves at once)");
        })
    }

    /// Goes on with operations that were cut off.
    pub async fn resume(&self, operation: &OperationId, settle_only: bool, out: &mut Out) -> Result<Exit, Failure> {
        self.watched(out, |watch| self.engine.resume(operation, settle_only, watch, self.stop.clone())).await
    }

    /// Decides that an operation is not gone on with.
    pub async fn give_up(&self, operation: &OperationId, out: &mut Out) -> Result<Exit, Failure> {
        self.watched(out, |watch| self.engine.give_up(operation, watch, self.stop.clone())).await
    }

    /// Shows how far `work` is, and reports on it.
    async fn watched<F>(&self, out: &mut Out, work: impl FnOnce(Watch) -> F) -> Result<Exit, Failure>
    where
        F: Future<Output = Result<Report, ApplyError>>,
    {
        let progress = Progress::new(self.session.plain);
        let told = self.tell_stopping(&progress);
        let report = work(watch(&progress)).await;
        told.abort();
        progress.clear();
        self.report(report, out)
    }
}

/// Prints an operation's items page by page, then the summary.
pub fn print_items(
    journal: &crate::journal::Journal,
    operation: &OperationId,
    mut items: Items,
    summary: &Summary,
    out: &mut Out,
) -> Result<usize, Failure> {
    journal.each_item(operation, &[], |row| items.print(out, &row).map(|()| ControlFlow::Continue(())))?;
    let already = items.already;
    items.end(out, summary)?;
    Ok(already)
}

/// Why nothing was sent, with its exit code.
pub fn failure_of(error: ApplyError) -> Failure {
    match error {
        ApplyError::ReadOnly(_) | ApplyError::NotApproved { .. } => Failure::refused(error.to_string()),
        ApplyError::Nothing => Failure::new(Exit::Done, error.to_string()),
        ApplyError::NoSuchProfile(_)
        | ApplyError::NotOpened(..)
        | ApplyError::ElsewhereNow { .. }
        | ApplyError::NotCovered => Failure::wrong_use(error.to_string()),
        ApplyError::Journal(error) => {
            let failure = Failure::from(error);
            Failure { message: format!("{failure}; nothing was sent"), ..failure }
        }
        ApplyError::JournalLost { .. } | ApplyError::Broken { .. } => {
            Failure::new(Exit::Unknown, error.problem().to_string())
        }
    }
}

fn over_max(plan: &Plan, args: &WriteArgs) -> Option<String> {
    let max = args.max?;
    (plan.changes() > max).then(|| {
        let changes = if plan.changes() == 1 { "change" } else { "changes" };
        format!("the plan has {} {changes}, more than --max {max} allows; nothing was sent", grouped(plan.changes()))
    })
}

/// Shows how far an operation is.
fn watch(progress: &Progress) -> Watch {
    let progress = progress.clone();
    Watch::new(move |event| {
        if let Event::Progress { progress: now, .. } = event {
            progress.show(&so_far(&now));
        }
    })
}

fn so_far(now: &OperationProgress) -> String {
    let tally = &now.tally;
    let total = tally.total();
    let settled = tally.settled();
    let percent = (settled * 100).checked_div(total).unwrap_or(100);
    let mut parts = vec![format!("{percent:3} %  {} of {}", grouped(settled), grouped(total))];
    for (count, word) in [
        (tally.failed, "failed"),
        (tally.unknown, "not known yet"),
        (tally.skipped + tally.changed_by_others, "skipped"),
        (now.in_flight, "on the way"),
    ] {
        if count > 0 {
            parts.push(format!("{} {word}", grouped(count)));
        }
    }
    if now.stopping {
        parts.push("stopping".to_owned());
    } else if let Some(why) = &now.waiting {
        parts.push(format!("waiting: {}", crate::domain::safe_text::visible(why)));
    } else {
        if now.items_per_second > 0.0 {
            parts.push(format!("{:.0}/s", now.items_per_second));
        }
        if let Some(left) = now.seconds_left {
            parts.push(format!("{} left", lasting(left)));
        }
    }
    parts.join("  ")
}

fn leads(count: usize) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{} items", grouped(count)) }
}

fn were(count: usize) -> String {
    if count == 1 { "1 item was".to_owned() } else { format!("{} items were", grouped(count)) }
}

/// The end of several operations: each ends for itself, the worst counts.
pub fn all(exits: impl IntoIterator<Item = Exit>) -> Exit {
    exits.into_iter().reduce(worse).unwrap_or(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line() {
        let tally = Tally { planned: 500, sent: 5, done: 1_495, failed: 3, ..Tally::default() };
        let mut now = OperationProgress {
            tally,
            in_flight: 5,
            items_per_second: 32.4,
            seconds_left: Some(15.6),
            ..Default::default()
        };
        assert_eq!(so_far(&now), " 74 %  1,498 of 2,003  3 failed  5 on the way  32/s  16 s left");
        now.waiting = Some("the rate limit".to_owned());
        assert!(so_far(&now).ends_with("waiting: the rate limit"));
        now.stopping = true;
        assert!(so_far(&now).ends_with("stopping"));
        assert_eq!(so_far(&OperationProgress::default()), "100 %  0 of 0");
    }

    #[test]
    fn refusals_have_their_exit_codes() {
        use crate::domain::exchange::Problem;
        let profile = || crate::domain::ProfileName::new("sales");
        for (error, exit) in [
            (ApplyError::ReadOnly(profile()), Exit::Refused),
            (ApplyError::NotApproved { changes: 3, above: 2 }, Exit::Refused),
            (ApplyError::NotCovered, Exit::WrongUse),
            (ApplyError::Nothing, Exit::Done),
            (ApplyError::NoSuchProfile(profile()), Exit::WrongUse),
            (ApplyError::NotOpened(profile(), Problem::new("x", "")), Exit::WrongUse),
            (
                ApplyError::ElsewhereNow { profile: profile(), then: "a".to_owned(), now: "b".to_owned() },
                Exit::WrongUse,
            ),
        ] {
            let failure = failure_of(error);
            assert_eq!(failure.exit, exit, "{failure}");
        }
    }
}
