//! Numbers, times and texts as people read them. Plain ASCII, so that every terminal shows it.

use jiff::tz::TimeZone;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::Timestamp;

/// `5,000`
pub fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 lead`, `5,000 leads`
pub fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", number(n)) }
}

/// How long something takes: `under 1 s`, `4 s`, `2 min 5 s`, `1 h 20 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "a time nobody knows".to_owned();
    }
    if seconds < 1.0 {
        return "under 1 s".to_owned();
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{} h", number(h as usize)),
        (h, m, _) => format!("{} h {m} min", number(h as usize)),
    }
}

/// How old something is, in at most four columns: `now`, `5m`, `3h`, `12d`, `8w`, `2y`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = (now.as_second() - since.as_second()) / 60;
    match minutes {
        ..=0 => "now".to_owned(),
        m if m < 60 => format!("{m}m"),
        m if m < 48 * 60 => format!("{}h", m / 60),
        m if m < 100 * 24 * 60 => format!("{}d", m / (24 * 60)),
        m if m < 730 * 24 * 60 => format!("{}w", m / (7 * 24 * 60)),
        m => format!("{}y", m / (365 * 24 * 60)),
    }
}

/// The time of day, with the day where it is not today's: `14:03`, `17 Nov 14:03`, `17 Nov 2025 14:03`.
pub fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (then, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    if then.date() == today.date() {
        then.strftime("%H:%M").to_string()
    } else if then.year() == today.year() {
        then.strftime("%-d %b %H:%M").to_string()
    } else {
        then.strftime("%-d %b %Y %H:%M").to_string()
    }
}

/// Columns a text takes on the screen.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// The beginning of `text`, at most `columns` wide.
pub fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += UnicodeWidthStr::width(grapheme);
        if used > columns {
            return format!("{}...", &text[..at]);
        }
    }
    text.to_owned()
}

/// `text` in lines of at most `columns`, broken at spaces where there are some. Never empty.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let wide = width(word);
        if used > 0 && used + 1 + wide <= columns {
            line.push(' ');
            line.push_str(word);
            used += 1 + wide;
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if wide <= columns {
            line.push_str(word);
            used = wide;
            continue;
        }
        // A word wider than the line is cut wherever the line ends.
        for grapheme in word.graphemes(true) {
            let wide = UnicodeWidthStr::width(grapheme);
            if used + wide > columns && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += wide;
        }
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (n, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(n), shown);
        }
        assert_eq!(counted(1, "lead"), "1 lead");
        assert_eq!(counted(0, "lead"), "0 leads");
    }

    #[test]
    fn durations_and_ages_are_short() {
        for (seconds, shown) in [
            (0.2, "under 1 s"),
            (4.4, "4 s"),
            (125.0, "2 min 5 s"),
            (120.0, "2 min"),
            (4800.0, "1 h 20 min"),
            (f64::INFINITY, "a time nobody knows"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (since, shown) in [
            ("2026-11-20T12:30:00Z", "now"),
            ("2026-11-20T11:55:00Z", "5m"),
            ("2026-11-19T11:55:00Z", "24h"),
            ("2026-11-10T11:55:00Z", "10d"),
            ("2026-05-10T11:55:00Z", "27w"),
            ("2020-05-10T11:55:00Z", "6y"),
        ] {
            assert_eq!(age(since.parse().unwrap(), now), shown);
        }
    }

    #[test]
    fn text_is_broken_at_spaces_and_by_columns() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("王小明王小明", 5), ["王小", "明王", "小明"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a", 0), ["a"]);
        assert_eq!([cut("王小明", 4), cut("王小明", 6), cut("", 0)], ["王小...", "王小明", ""]);
    }
}
