//! Waiting: for the time before which a plan may not be sent, with a countdown, and for a vendor that wants a pause.

use std::io::IsTerminal;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::exit::Failure;
use super::output::say;
use super::progress::Progress;
use super::signals::unless_stopped;
use crate::backend::{Engine, StopToken};
use crate::domain::Timestamp;

/// Waits until `until`. Ctrl-C ends it, with nothing sent.
pub async fn wait(until: Timestamp, engine: &Engine, progress: &Progress, stop: &StopToken) -> Result<(), Failure> {
    let at = until.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    say(&format!("waiting until {at}; every lead is read again then; Ctrl-C leaves the plan unsent"));
    loop {
        // Looked at anew every second: a computer that slept in between does not count what it slept.
        let left = until.duration_since(engine.now());
        if !left.is_positive() {
            progress.clear();
            return Ok(());
        }
        progress.show(&format!("not before {at}: {} left", countdown(left.as_secs())));
        let pause = Duration::from_secs(1).min(left.unsigned_abs());
        unless_stopped(stop, tokio::time::sleep(pause)).await.map_err(|stopped| {
            progress.clear();
            Failure::new(stopped.exit, "stopped before the plan's time; nothing was sent")
        })?;
    }
}

/// Shorter pauses are no news.
const WORTH_SAYING: Duration = Duration::from_secs(5);

/// Says when a vendor makes a profile wait so long that it would look as if nothing happened any more, also where
/// standard error is no terminal. Must be called within a runtime.
pub fn tell_pauses(engine: &Engine, plain: bool) {
    // A line that says how far something is may stand there.
    let over_it = if plain || !std::io::stderr().is_terminal() { "" } else { "\r\x1b[K" };
    for profile in engine.profiles() {
        let Some(mut pauses) = engine.pauses(&profile.name) else { continue };
        // It ends with the engine, which it does not keep.
        tokio::spawn(async move {
            while pauses.changed().await.is_ok() {
                let until = *pauses.borrow_and_update();
                if let Some(text) = until.and_then(|until| pause(until, Timestamp::now())) {
                    say(&format!("{over_it}{}: {} {text}", profile.name, profile.vendor.title()));
                }
            }
        });
    }
}

fn pause(until: Timestamp, now: Timestamp) -> Option<String> {
    let left = Duration::try_from(until.duration_since(now)).ok().filter(|left| *left >= WORTH_SAYING)?;
    // Rounded up: it does not go on before that.
    let left = countdown(i64::try_from(left.as_secs()).unwrap_or(i64::MAX).saturating_add(1));
    Some(format!("asked for a pause; it goes on in {left}, Ctrl-C stops it"))
}

fn countdown(seconds: i64) -> String {
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days} d {hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_reads_like_a_clock() {
        for (seconds, text) in [(9, "0:09"), (75, "1:15"), (3_600, "1:00:00"), (90_061, "1 d 1:01:01")] {
            assert_eq!(countdown(seconds), text);
        }
    }

    #[test]
    fn only_a_long_pause_is_said() {
        let now: Timestamp = "2026-11-02T10:00:00Z".parse().unwrap();
        let said = |seconds| pause(now + jiff::SignedDuration::from_secs(seconds), now);
        assert_eq!(said(-7), None);
        assert_eq!(said(4), None);
        assert_eq!(said(3_599).unwrap(), "asked for a pause; it goes on in 1:00:00, Ctrl-C stops it");
    }
}
