//! Reading fields from outside: any of them may be missing, null or of another type than the contract says, and none
//! of that may spoil a row, let alone its page.

use compact_str::CompactString;
use serde_json::{Map, Value};

use crate::domain::{SafeText, Timestamp};

/// A text for people; numbers and switches are spelled out.
pub fn text(value: &Value) -> Option<SafeText> {
    let text = match value {
        Value::String(text) => SafeText::new(text.trim()),
        Value::Number(number) => SafeText::new(&number.to_string()),
        Value::Bool(switch) => SafeText::new(if *switch { "true" } else { "false" }),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A whole number; texts and fractions are tolerated.
pub fn whole_number(value: &Value) -> Option<i32> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // Saturates; NaN cannot come from JSON, and a text that says so is no score.
    (!number.is_nan()).then_some(number.round() as i32)
}

/// A point in time: RFC 3339, the same without an offset (taken as UTC), or a unix time in seconds or milliseconds. The
/// year 1 is what some servers write for "never".
pub fn timestamp(value: &Value) -> Option<Timestamp> {
    let moment = match value {
        Value::String(text) => {
            let text = text.trim();
            text.parse::<Timestamp>().ok().or_else(|| {
                let civil: jiff::civil::DateTime = text.parse().ok()?;
                Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
            })
        }
        Value::Number(number) => {
            let number = number.as_f64()?;
            let milliseconds = if number.abs() < 1e11 { number * 1_000.0 } else { number };
            Timestamp::from_millisecond(milliseconds as i64).ok()
        }
        _ => None,
    }?;
    (moment.as_second() > -62_000_000_000).then_some(moment)
}

/// A value with every text in it made safe, for [`LeadRecord::extra`](crate::domain::LeadRecord::extra).
pub fn safe(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(SafeText::new(text).to_string()),
        Value::Array(list) => Value::Array(list.iter().map(safe).collect()),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (SafeText::new(key).to_string(), safe(value))).collect())
        }
        other => other.clone(),
    }
}

/// An id as it is: opaque, but there. A text that could not be read whole would be another record's id.
pub fn id(value: Option<&Value>) -> Option<CompactString> {
    match value? {
        Value::String(id) if !id.is_empty() && !id.contains('\u{fffd}') => Some(CompactString::from(id.as_str())),
        Value::Number(id) if id.is_u64() => Some(CompactString::from(id.to_string())),
        _ => None,
    }
}

/// Keeps a field in [`LeadRecord::extra`](crate::domain::LeadRecord::extra) with its texts made safe. A name that is
/// taken already gets `prefix` before it.
pub fn keep(extra: &mut Map<String, Value>, prefix: &str, key: &str, value: &Value) {
    let mut key = SafeText::new(key).to_string();
    while extra.contains_key(&key) {
        key.insert_str(0, prefix);
    }
    extra.insert(key, safe(value));
}
