//! What answers say about limits: `Retry-After` and the `X-RateLimit-*` family.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::vendor::Heard;

/// Longer pauses are taken for a mistake and cut to this.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the limits out of an answer. Times of day are compared with the server's own clock where it sent one.
pub fn heard(status: u16, headers: &HeaderMap, our_clock: Timestamp) -> Heard {
    let now = date(headers).unwrap_or(our_clock);
    let reset_after = seconds(headers, &["x-ratelimit-reset-after"])
        .or_else(|| reset(headers, &["x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"], now));
    let mut retry_after = retry_after(headers, now)
        .or_else(|| seconds(headers, &["x-ratelimit-retry-after"]).filter(|pause| !pause.is_zero()));
    if status == 429 && retry_after.is_none() {
        retry_after = reset_after;
    }
    Heard {
        status: Some(status),
        retry_after,
        remaining: whole(headers, &["x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining"]),
        reset_after,
        limit: whole(headers, &["x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit"]),
    }
}

/// The server's clock, from the `Date` header.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, "date")?)
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text(headers, "retry-after")?;
    pause(text).or_else(|| Some(until(http_date(text)?, now)))
}

fn seconds(headers: &HeaderMap, names: &[&str]) -> Option<Duration> {
    names.iter().find_map(|name| pause(text(headers, name)?))
}

/// Servers write the end of the window as a moment (unix seconds or milliseconds) or as seconds from now.
fn reset(headers: &HeaderMap, names: &[&str], now: Timestamp) -> Option<Duration> {
    let value: f64 = names.iter().find_map(|name| text(headers, name)?.parse().ok())?;
    if value < 1e9 {
        return pause(&value.to_string());
    }
    let milliseconds = if value < 1e11 { value * 1_000.0 } else { value };
    // Casts of floats saturate; what is out of range is refused by the timestamp.
    Some(until(Timestamp::from_millisecond(milliseconds as i64).ok()?, now))
}

fn whole(headers: &HeaderMap, names: &[&str]) -> Option<u32> {
    // Some servers list several windows: `100, 100;w=60`. The first number is the one that binds.
    let number = |text: &str| text.split([',', ';']).next().and_then(|first| first.trim().parse().ok());
    names.iter().find_map(|name| number(text(headers, name)?))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn pause(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    if seconds.is_nan() {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())).unwrap_or(LONGEST))
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or_default().min(LONGEST)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, pairs: &[(&'static str, &'static str)]) -> Heard {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, http::HeaderValue::from_static(value));
        }
        heard(status, &headers, "1994-11-06T08:49:37Z".parse().unwrap())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let retry = |value| of(503, &[("retry-after", value)]).retry_after;
        assert_eq!(retry("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(retry("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(retry("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry("-3"), Some(Duration::ZERO));
        assert_eq!(retry("1e300"), Some(LONGEST));
        assert_eq!(retry("soon"), None);
        assert_eq!(retry("NaN"), None);
    }

    #[test]
    fn the_servers_own_clock_counts() {
        let heard =
            of(429, &[("date", "Sun, 06 Nov 1994 09:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 09:50:07 GMT")]);
        assert_eq!(heard.retry_after, Some(Duration::from_secs(30)));
    }

    #[test]
    fn windows_are_read_in_their_usual_spellings() {
        let heard =
            of(200, &[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "12")]);
        assert_eq!((heard.limit, heard.remaining), (Some(100), Some(3)));
        assert_eq!(heard.reset_after, Some(Duration::from_secs(12)));
        assert_eq!(heard.retry_after, None);
        // 08:50:37 that day, in seconds; it counts as the pause when the request was refused.
        let at = [("date", "Fri, 01 Sep 2017 00:00:00 GMT"), ("x-ratelimit-reset", "1504224060")];
        assert_eq!(of(429, &at).retry_after, Some(Duration::from_secs(60)));
        let none = [("x-ratelimit-retry-after", "0"), ("x-ratelimit-reset-after", "9")];
        assert_eq!(of(429, &none).retry_after, Some(Duration::from_secs(9)));
    }
}
