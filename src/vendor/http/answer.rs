//! A vendor's answer: its status, its body, and the words in it that are meant for people.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::Who;
use crate::domain::SafeText;
use crate::vendor::{ErrorKind, VendorError};

/// The most characters of a vendor's words that are shown.
const LONGEST_MESSAGE: usize = 200;

/// A whole answer: the status line, the headers and the body to its last byte.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// From `Retry-After` or its relatives.
    pub retry_after: Option<Duration>,
    pub(super) who: Arc<Who>,
    /// `GET /leads`, for sentences.
    pub(super) what: String,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The body as JSON. Bytes that are not UTF-8 and halves of surrogate pairs become `U+FFFD`.
    pub fn json(&self) -> Result<Value, VendorError> {
        json(&self.body).ok_or_else(|| {
            let found = if self.body.is_empty() { "nothing".to_owned() } else { quote(&self.words()) };
            self.garbled(format!("instead of JSON it answered {found}"))
        })
    }

    /// A success with a body that is no JSON, where every answer is.
    pub(super) fn is_garbled(&self) -> bool {
        self.is_success() && self.status != StatusCode::NO_CONTENT && !is_json(&self.body)
    }

    /// What the body says to people, safe and short; empty where it says nothing.
    pub fn words(&self) -> SafeText {
        // Before it is cut: half a secret is one, too.
        short(&self.who.redact(raw_message(&self.body, self.who.message_keys)))
    }

    /// The complaint that this answer does not fit the contract.
    pub fn garbled(&self, why: impl std::fmt::Display) -> VendorError {
        let Who { title, profile, .. } = &*self.who;
        let message = format!("{title} (profile {profile}) gave an answer to {} that does not fit: {why}", self.what);
        let mut error = VendorError::new(ErrorKind::Garbled, message).with_remedy(format!(
            "Check that base_url of profile {profile} is the address of {title}'s API and not of a page or a proxy."
        ));
        error.status = Some(self.status.as_u16());
        error
    }

    /// The status as an error with a sentence; for answers that are not a success.
    pub fn error(&self) -> VendorError {
        let Who { title, profile, .. } = &*self.who;
        let status = self.status.as_u16();
        let words = self.words();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let what = &self.what;
        let (kind, message, remedy) = match status {
            401 | 407 => (
                ErrorKind::SignIn,
                format!("{title} refused the credentials of profile {profile} ({status}){said}"),
                "Check the profile's credentials: they may be wrong, expired, or belong to another address.".to_owned(),
            ),
            402 => (
                ErrorKind::Forbidden,
                format!("{title} wants the account of profile {profile} to be paid or upgraded first (402){said}"),
                format!("Ask whoever runs the {title} account."),
            ),
            403 => (
                ErrorKind::Forbidden,
                format!("{title} does not let the credentials of profile {profile} do this (403){said}"),
                format!("Ask an administrator of the {title} account for the right, or use other credentials."),
            ),
            404 | 410 => (
                ErrorKind::NotFound,
                format!("{title} (profile {profile}) has no such record ({status}, {what}){said}"),
                String::new(),
            ),
            405 | 501 => (
                ErrorKind::NotSupported,
                format!("{title} (profile {profile}) has no such call ({status}, {what}){said}"),
                format!("Check that base_url of profile {profile} is the address of {title}'s API."),
            ),
            429 => (
                ErrorKind::Wait,
                match self.retry_after {
                    Some(pause) => format!(
                        "{title} wants profile {profile} to wait {} (429){said}",
                        crate::vendor::http::plain_seconds(pause)
                    ),
                    None => format!("{title} wants profile {profile} to send less (429){said}"),
                },
                "Lower requests_per_minute of the profile if this happens often.".to_owned(),
            ),
            408 | 425 | 503 => (
                ErrorKind::Wait,
                format!("{title} (profile {profile}) is too busy to answer ({status}){said}"),
                "Try again a little later.".to_owned(),
            ),
            300..=399 => (
                ErrorKind::Setting,
                format!("{title} (profile {profile}) points to another address ({status}{})", self.points_to()),
                format!("Set base_url of profile {profile} to the address that answers itself; it is never followed."),
            ),
            500..=599 => (
                ErrorKind::Server,
                format!("{title} (profile {profile}) failed to handle {what} ({status}){said}"),
                "Try again; if it stays, tell the vendor.".to_owned(),
            ),
            400..=499 => (
                ErrorKind::Refused,
                format!("{title} (profile {profile}) refused {what} ({status}){said}"),
                String::new(),
            ),
            _ => (
                ErrorKind::Garbled,
                format!("{title} (profile {profile}) gave an answer to {what} that does not fit ({status}){said}"),
                String::new(),
            ),
        };
        let mut error = VendorError::new(kind, message).with_remedy(remedy);
        error.status = Some(status);
        error.retry_after = self.retry_after;
        error
    }

    /// The answer itself where it is a success, its error otherwise.
    pub fn or_error(self) -> Result<Self, VendorError> {
        if self.is_success() { Ok(self) } else { Err(self.error()) }
    }

    /// Where a redirection points, without path and query: these may hold what is nobody's business.
    fn points_to(&self) -> String {
        let location = self.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok());
        match location.and_then(|text| reqwest::Url::parse(text).ok()) {
            Some(url) => format!(", {}", SafeText::new(&url.origin().ascii_serialization())),
            None => String::new(),
        }
    }
}

/// Whether [`json`] would find something; without building it.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() || json(body).is_some()
}

/// Parses JSON from outside. `None` where it is none.
///
/// Texts typed by people and cut by machines hold halves of surrogate pairs and bytes of other encodings; one such
/// name must not make a page of a hundred leads unreadable.
pub fn json(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&whole_surrogates(&text)).ok()
}

/// Replaces `\uD800`–`\uDFFF` escapes that are not part of a pair by `\uFFFD`.
fn whole_surrogates(text: &str) -> Cow<'_, str> {
    let escape = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match escape(at) {
            Some(0xd800..=0xdbff) if matches!(escape(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&text[kept..at]);
                out.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            Some(_) => at += 6,
            // Any other escape: the character behind the backslash is not the start of one.
            None => at += 2,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where a body's words for people are looked for, the best place first.
pub const MESSAGE_KEYS: &[&str] =
    &["error", "errors", "message", "detail", "title", "error_description", "description"];

/// What a body says to people: JSON `error` (a text, or an object with a message), `message`, `detail`, `title`,
/// otherwise the first line of the text. Safe, and at most 200 characters.
pub fn message_of(body: &[u8]) -> SafeText {
    short(&raw_message(body, MESSAGE_KEYS))
}

fn raw_message(body: &[u8], keys: &[&str]) -> String {
    if let Some(value) = json(body) {
        return words_in(&value, keys).unwrap_or_default();
    }
    let text = String::from_utf8_lossy(body);
    // A proxy's page says in its title what it wants; its first line is markup.
    if text.trim_start().starts_with('<') {
        return page_title(&text).unwrap_or_default();
    }
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

fn words_in(value: &Value, keys: &[&str]) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match value {
        Value::String(_) => text(value),
        Value::Array(list) => list.iter().find_map(|value| words_in(value, keys)),
        Value::Object(object) => {
            // A text under `error` is often but the status again ("Not Found"), with the sentence beside it; and a code
            // is better than nothing.
            let is_label = |key: &str| key == "error" && object.get(key).is_some_and(Value::is_string);
            let sentence = keys.iter().filter(|key| !is_label(key)).filter_map(|key| object.get(*key));
            let label = keys.iter().filter(|key| is_label(key)).filter_map(|key| object.get(*key));
            let code = object.get("code").filter(|code| code.is_string());
            sentence.chain(label).chain(code).find_map(|value| words_in(value, keys))
        }
        _ => None,
    }
}

/// What the body of a refusal says about how long to wait: `retry_after` in seconds, in `error` or beside it.
pub(super) fn pause_in(body: &[u8]) -> Option<Duration> {
    let body = json(body)?;
    let pause = body.pointer("/error/retry_after").or_else(|| body.get("retry_after"))?;
    let seconds = match pause {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// The number under which the vendor's support finds the request, from the body of an error.
pub(super) fn request_id_in(body: &[u8]) -> Option<String> {
    let body = json(body)?;
    let id = body.pointer("/error/request_id").or_else(|| body.get("request_id"))?;
    id.as_str().map(str::to_owned)
}

fn page_title(page: &str) -> Option<String> {
    // ASCII only, so that positions stay those of the original.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

fn short(text: &str) -> SafeText {
    // Cut before it is made safe: a body may be megabytes of one line.
    let mut words: String = text.trim().chars().take(LONGEST_MESSAGE + 1).collect();
    words = SafeText::new(&words).as_str().to_owned();
    if words.chars().count() > LONGEST_MESSAGE {
        words = words.chars().take(LONGEST_MESSAGE - 1).chain(['…']).collect();
    }
    SafeText::new(&words)
}

fn quote(words: &SafeText) -> String {
    if words.is_empty() { "something else".to_owned() } else { format!("“{words}”") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_people_are_found_in_every_shape() {
        for (body, words) in [
            (r#"{"error":"no active OU"}"#, "no active OU"),
            (r#"{"error":{"code":7,"message":"bad id"}}"#, "bad id"),
            (r#"{"errors":[{"message":"first"},{"message":"second"}]}"#, "first"),
            (r#"{"message":"m","title":"t"}"#, "m"),
            (r#"{"error":true,"detail":"d"}"#, "d"),
            (r#"{"error":"","title":"t"}"#, "t"),
            (r#"{"error":"Not Found","message":"no such lead","request_id":"r"}"#, "no such lead"),
            (r#"{"error":{"code":"RATE_LIMITED","retry_after":3}}"#, "RATE_LIMITED"),
            (r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"it is converted"}"#, "it is converted"),
            (r#"{"type":"x","message":"m","code":"c","detail":"d","path":"/leads"}"#, "m"),
            (r#"{"success":false,"error":{"code":"C","message":"m","details":{}}}"#, "m"),
            (r#""just text""#, "just text"),
            ("\n  upstream gone \nmore", "upstream gone"),
            ("<html><head><TITLE>502\nBad Gateway</title>", "502 Bad Gateway"),
            ("<html>no title", ""),
            ("{}", ""),
            ("", ""),
            ("{\"error\":\"a\\u001b[2Jb\"}", "a␛[2Jb"),
        ] {
            assert_eq!(message_of(body.as_bytes()).as_str(), words, "{body}");
        }
        let long = message_of("\u{1b}ä".repeat(3_000_000).as_bytes());
        assert_eq!(long.as_str().chars().count(), 200);
        assert!(long.as_str().ends_with('…'));
        assert_eq!(message_of(b"\xff\xfe bytes").as_str(), "\u{fffd}\u{fffd} bytes");
    }

    #[test]
    fn what_an_error_says_beside_its_words() {
        let pause = |body: &str| pause_in(body.as_bytes()).map(|pause| pause.as_secs_f64());
        assert_eq!(pause(r#"{"error":{"code":"RATE_LIMITED","retry_after":30}}"#), Some(30.0));
        assert_eq!(pause(r#"{"error":"too many","retry_after":"1.5"}"#), Some(1.5));
        for none in [r#"{"error":{"retry_after":-1}}"#, r#"{"retry_after":1e300}"#, r#"{"retry_after":[]}"#, "soon"] {
            assert_eq!(pause(none), None, "{none}");
        }
        let id = |body: &str| request_id_in(body.as_bytes());
        assert_eq!(id(r#"{"error":{"request_id":"req_1"}}"#).as_deref(), Some("req_1"));
        assert_eq!(id(r#"{"error":"x","request_id":"req_2"}"#).as_deref(), Some("req_2"));
        assert_eq!(id("<html>"), None);
    }

    #[test]
    fn one_broken_text_does_not_spoil_a_page() {
        let body = br#"[{"n":"a\ud83d"},{"n":"\ud83d\ude00"},{"n":"\\ud83d"},{"n":"\udc00\u00e4"}]"#;
        let value = json(body).unwrap();
        let names: Vec<_> = value.as_array().unwrap().iter().map(|row| row["n"].as_str().unwrap()).collect();
        assert_eq!(names, ["a\u{fffd}", "😀", "\\ud83d", "\u{fffd}ä"]);
        assert_eq!(json(b"{\"n\":\"\xff\"}").unwrap()["n"], "\u{fffd}");
        assert_eq!(json(b"\xef\xbb\xbf[1]").unwrap()[0], 1);
        assert_eq!(json(b""), None);
        assert_eq!(json(b"[1"), None);
        assert_eq!(json("[".repeat(100_000).as_bytes()), None);
        assert_eq!(json(b"\"\\ud83"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), text in ".{0,40}") {
            message_of(&body);
            json(&body);
            json(format!("{{\"error\":\"\\ud8{text}").as_bytes());
            message_of(format!("<TITLE>{text}</title>").as_bytes());
        }
    }
}
