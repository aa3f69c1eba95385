//! Points in time as people write them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use super::Timestamp;
use super::safe_text::visible;

/// Which way a time of day or a length of time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Back,
    Ahead,
}

/// A point in time that has been, as people write it: `14:00` (the last one), `2026-11-01`, `2026-11-01 14:00`,
/// RFC 3339, or how long ago: `90s`, `30m`, `2h`, `1d`, `1w`. The error is a sentence.
pub fn back(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    moment(text, now, zone, Way::Back)
}

/// A point in time that is to come: `14:00` (the next one), a date, RFC 3339, or how long from now: `30m`, `2h`.
pub fn ahead(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    moment(text, now, zone, Way::Ahead)
}

fn moment(text: &str, now: Timestamp, zone: &TimeZone, way: Way) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || {
        let length = if way == Way::Back { "2h for two hours ago" } else { "2h for in two hours" };
        format!(
            "\"{}\" is no time; write 14:00, 2026-11-01, 2026-11-01T14:00, 2026-11-01T14:00:00Z, or {length}",
            visible(text)
        )
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let here = |time: DateTime| time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong());
    if let Ok(time) = text.parse::<DateTime>() {
        return here(time);
    }
    if let (true, Ok(time)) = (text.contains(':'), text.parse::<Time>()) {
        let today = now.to_zoned(zone.clone()).date();
        let at = here(today.to_datetime(time))?;
        let other = match way {
            Way::Back if at > now => today.checked_sub(1.day()),
            Way::Ahead if at < now => today.checked_add(1.day()),
            _ => return Ok(at),
        };
        return here(other.map_err(|_| wrong())?.to_datetime(time));
    }
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let length = SignedDuration::from_secs(i64::from(count) * unit);
    match way {
        Way::Back => now.checked_sub(length),
        Way::Ahead => now.checked_add(length),
    }
    .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (text, been, to_come) in [
            ("12:30", "2026-11-20T11:30:00Z", "2026-11-21T11:30:00Z"),
            ("12:30:15", "2026-11-20T11:30:15Z", "2026-11-21T11:30:15Z"),
            ("23:00", "2026-11-19T22:00:00Z", "2026-11-20T22:00:00Z"),
            ("2026-11-01", "2026-10-31T23:00:00Z", "2026-10-31T23:00:00Z"),
            ("2026-11-01 14:00", "2026-11-01T13:00:00Z", "2026-11-01T13:00:00Z"),
            ("2026-11-01T14:00", "2026-11-01T13:00:00Z", "2026-11-01T13:00:00Z"),
            ("2026-11-01T14:00:00Z", "2026-11-01T14:00:00Z", "2026-11-01T14:00:00Z"),
            ("2026-11-01T14:00:00+02:00", "2026-11-01T12:00:00Z", "2026-11-01T12:00:00Z"),
            ("2h", "2026-11-20T10:00:00Z", "2026-11-20T14:00:00Z"),
            ("30m", "2026-11-20T11:30:00Z", "2026-11-20T12:30:00Z"),
            ("1w", "2026-11-13T12:00:00Z", "2026-11-27T12:00:00Z"),
        ] {
            assert_eq!(back(text, now, &zone).ok(), Some(been.parse().unwrap()), "{text}");
            assert_eq!(ahead(text, now, &zone).ok(), Some(to_come.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "25:00", "h", "-2h", "2026-13-01", "é"] {
            assert!(back(text, now, &zone).is_err() && ahead(text, now, &zone).is_err(), "{text}");
        }
    }
}
