//! `doctor`: configuration, secrets, reachability, clock, and each profile's contract, with reads only.

use futures_util::future::join_all;

use crate::cli::args::{Format, Global};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::json::CheckLine;
use crate::cli::output::{self, Out};
use crate::cli::session::Session;
use crate::cli::signals;
use crate::domain::safe_text::visible;
use crate::domain::{ProfileName, Timestamp};
use crate::vendor::Check;

/// No clock that is right shows an earlier time than this.
const FIRST_POSSIBLE: i64 = 1_767_225_600;

pub async fn run(global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    let mut report = Report::new(output::format(global.format));
    let session = match session_of(global) {
        Ok(session) => session,
        Err(failure) => {
            for line in failure.message.lines() {
                report.tell(out, None, "config", false, line)?;
            }
            out.flush()?;
            return Ok(Exit::WrongUse);
        }
    };
    let stop = signals::listen();
    let count = session.config.profiles.len();
    let good = format!("{} is in order; {count} {}", session.paths.config.display(), plural(count, "profile"));
    report.tell(out, None, "config", true, &good)?;
    for warning in &session.config.warnings {
        report.tell(out, None, "config", true, &format!("look at this: {warning}"))?;
    }
    // Nobody compares a clock's fractions.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let clock = if now.as_second() < FIRST_POSSIBLE {
        (false, format!("this computer's clock says {now}, which cannot be; ages and the journal would be wrong"))
    } else {
        (true, format!("this computer's clock says {now}"))
    };
    report.tell(out, None, "clock", clock.0, &clock.1)?;
    let journal = match session.journal() {
        Ok(journal) => journal,
        Err(failure) => {
            report.tell(out, None, "data folder", false, &failure.message)?;
            out.flush()?;
            return Ok(report.exit());
        }
    };
    let data = format!("the journal in {} can be written", session.paths.data.display());
    report.tell(out, None, "data folder", true, &data)?;
    let profiles = session.profiles()?;
    let engine = session.engine_with(journal, &profiles)?;
    let infos = engine.profiles();
    for info in &infos {
        match &info.capabilities {
            Ok(capabilities) => {
                let mut detail = format!("its settings are in order and its secrets were found; {}", info.base_url);
                if capabilities.experimental {
                    detail.push_str("; the contract of this vendor rests on guesses");
                }
                if info.read_only {
                    detail.push_str("; read-only");
                }
                report.tell(out, Some(&info.name), "profile", true, &detail)?;
            }
            Err(problem) => report.tell(out, Some(&info.name), "profile", false, &problem.to_string())?,
        }
    }
    let usable: Vec<&ProfileName> =
        infos.iter().filter(|info| info.capabilities.is_ok()).map(|info| &info.name).collect();
    // Side by side: one that does not answer does not hold the others up.
    let checks = join_all(usable.iter().map(|name| engine.doctor(name)));
    for (name, checks) in usable.iter().zip(signals::unless_stopped(&stop, checks).await?) {
        for Check { name: check, ok, detail } in checks {
            report.tell(out, Some(name), &check, ok, &detail)?;
        }
    }
    out.flush()?;
    // Where no profile can be used it is the configuration that is wrong.
    Ok(if usable.is_empty() { Exit::WrongUse } else { report.exit() })
}

/// All profiles are looked at unless some are named.
fn session_of(global: &Global) -> Result<Session, Failure> {
    let mut session = Session::load(global)?;
    if session.wanted.is_empty() {
        session.wanted.push("all".to_owned());
    }
    // Named profiles must exist, and there must be one.
    session.profiles().map(|_| ())?;
    Ok(session)
}

/// What was found, printed as it is found.
pub struct Report {
    format: Format,
    begun: bool,
    bad: usize,
    good: usize,
}

impl Report {
    pub fn new(format: Format) -> Self {
        Self { format, begun: false, bad: 0, good: 0 }
    }

    pub fn tell(
        &mut self,
        out: &mut Out,
        profile: Option<&ProfileName>,
        check: &str,
        ok: bool,
        detail: &str,
    ) -> Result<(), Failure> {
        *(if ok { &mut self.good } else { &mut self.bad }) += 1;
        let detail = visible(detail);
        match self.format {
            Format::Json => out.json(&CheckLine { profile, check, ok, detail: &detail })?,
            Format::Csv => {
                if !self.begun {
                    csv::row(out, ["profile", "check", "ok", "detail"].map(Cell::text))?;
                }
                let profile = profile.map_or("", ProfileName::as_str);
                csv::row(out, [Cell::text(profile), Cell::text(check), Cell::plain(ok), Cell::text(&detail)])?;
            }
            Format::Table => {
                let place = profile.map(|profile| format!("{profile}: ")).unwrap_or_default();
                out.line(&format!("{:4}  {place}{check}: {detail}", if ok { "ok" } else { "BAD" }))?;
            }
        }
        self.begun = true;
        // Checks may take long; each is seen as soon as it is known.
        out.flush()
    }

    pub fn exit(&self) -> Exit {
        match (self.bad, self.good) {
            (0, _) => Exit::Done,
            (_, 0) => Exit::Nothing,
            _ => Exit::Partly,
        }
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
