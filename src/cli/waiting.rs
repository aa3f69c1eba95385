//! Waiting for the time before which a plan may not be sent, with a countdown.

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
}
