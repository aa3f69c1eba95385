//! Questions to the history as people type them: `who:jane lead:ld_7 state:failed,unknown since:14:00`.

use jiff::tz::TimeZone;
use strum::IntoEnumIterator;

use super::history::HistoryFilter;
use super::safe_text::visible;
use super::{ItemState, OperationKind, ProfileName, SafeText, TargetId, Timestamp, VendorKind, moment};

/// What can be asked for.
pub const FIELDS: [&str; 9] = ["who", "owner", "lead", "profile", "vendor", "kind", "state", "since", "until"];

/// Understands a line of terms `field:value`; a value with blanks stands in quotes. The error is a sentence.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<HistoryFilter, String> {
    let mut filter = HistoryFilter::default();
    for term in terms(text)? {
        let Some((field, value)) = term.split_once(':') else {
            return Err(format!(
                "\"{}\" is no question; write who:jane, lead:ld_7, state:failed, since:14:00",
                visible(&term)
            ));
        };
        if value.is_empty() {
            return Err(format!("{}: needs a value", visible(field)));
        }
        match field.to_lowercase().as_str() {
            "who" => filter.who = Some(SafeText::new(value)),
            "owner" => filter.owner = Some(value.to_owned()),
            "lead" => filter.lead = Some(TargetId::new(value)),
            "profile" => filter.profile = Some(ProfileName::new(value)),
            "vendor" => filter.vendor = Some(vendor(value)?),
            "kind" => filter.kinds = each(value, kind)?,
            "state" => filter.states = each(value, states)?.concat(),
            "since" => filter.since = Some(moment::back(value, now, zone)?),
            "until" => filter.until = Some(moment::back(value, now, zone)?),
            other => return Err(format!("there is no \"{}\"; there are {}", visible(other), FIELDS.join(", "))),
        }
    }
    Ok(filter)
}

fn each<T>(values: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    values.split(',').filter(|value| !value.is_empty()).map(read).collect()
}

/// A vendor by its name in the configuration.
pub fn vendor(word: &str) -> Result<VendorKind, String> {
    word.to_lowercase().parse().map_err(|_| {
        let known: Vec<&'static str> = VendorKind::iter().map(<&'static str>::from).collect();
        format!("there is no vendor \"{}\"; there are {}", visible(word), known.join(", "))
    })
}

fn kind(word: &str) -> Result<OperationKind, String> {
    word.to_lowercase()
        .parse()
        .map_err(|_| format!("there is no kind \"{}\"; there are assign, distribute, map, undo, redo", visible(word)))
}

/// The states that one word stands for.
pub fn states(word: &str) -> Result<Vec<ItemState>, String> {
    let found: Vec<ItemState> = ItemState::iter().filter(|state| state.is_called(word)).collect();
    if found.is_empty() {
        let known = "planned, done, failed, skipped, not_sent, unknown";
        return Err(format!("there is no state \"{}\"; there are {known}", visible(word)));
    }
    Ok(found)
}

/// The terms of a line, without their quotes.
fn terms(text: &str) -> Result<Vec<String>, String> {
    let mut terms = Vec::new();
    let (mut term, mut begun, mut quoted) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            c if c.is_whitespace() && !quoted => {
                if begun {
                    terms.push(std::mem::take(&mut term));
                }
                begun = false;
            }
            c => {
                term.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quotation mark has no end".to_owned());
    }
    if begun {
        terms.push(term);
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_history_is_asked_in_a_line() {
        let found = parse(
            "who:jane owner:\"Jane Smith\" lead:ld:7 vendor:Kenbun kind:undo,redo state:skipped,failed since:2h until:1h",
            now(),
            &TimeZone::UTC,
        );
        assert_eq!(
            found.unwrap(),
            HistoryFilter {
                who: Some("jane".into()),
                owner: Some("Jane Smith".to_owned()),
                lead: Some("ld:7".into()),
                vendor: Some(VendorKind::Kenbun),
                kinds: vec![OperationKind::Undo, OperationKind::Redo],
                states: vec![ItemState::Skipped, ItemState::ChangedByOthers, ItemState::Failed],
                since: Some("2026-11-20T10:00:00Z".parse().unwrap()),
                until: Some("2026-11-20T11:00:00Z".parse().unwrap()),
                ..HistoryFilter::default()
            }
        );
        assert!(parse("  ", now(), &TimeZone::UTC).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (text, why) in [
            ("jane", "is no question"),
            ("whom:jane", "there are who, owner"),
            ("who:", "needs a value"),
            ("vendor:salesforce", "there is no vendor"),
            ("kind:delete", "there is no kind"),
            ("state:lost", "there is no state"),
            ("since:soon", "is no time"),
            ("who:\"jane", "has no end"),
        ] {
            let error = parse(text, now(), &TimeZone::UTC).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn states_are_asked_for_by_the_words_they_are_told_with() {
        use ItemState::*;
        for (word, found) in [
            ("done", vec![Done]),
            ("skipped", vec![Skipped, ChangedByOthers]),
            ("unknown", vec![Sent, Unknown]),
            ("not_sent", vec![NotSent]),
            ("changed by others", vec![ChangedByOthers]),
        ] {
            assert_eq!(states(word).unwrap(), found, "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(text in any::<String>()) {
            let _ = parse(&text, now(), &TimeZone::UTC);
        }
    }
}
