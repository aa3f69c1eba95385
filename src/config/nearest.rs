//! "Did you mean …?": the right name that is nearest to a wrong one.

/// The candidate that `wrong` was most likely meant to be; `None` when none is near. Case and `-` for `_` do not count.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(wrong);
    let allowed = match folded.len() {
        0..=2 => 1,
        3..=5 => 2,
        n => n.div_ceil(3).min(4),
    };
    candidates
        .into_iter()
        .map(|candidate| (steps(&folded, &fold(candidate)), candidate))
        .filter(|(steps, candidate)| *steps <= allowed && *steps < candidate.chars().count().max(2))
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean X?`, or nothing: for messages that have named all candidates before.
pub(super) fn hint<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, candidates).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// As [`hint`], and where none is near all candidates: `; there are X, Y`.
pub(super) fn names_hint<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match nearest(wrong, candidates.iter().copied()) {
        Some(name) => format!("; did you mean {name}?"),
        None if candidates.is_empty() => String::new(),
        None => format!("; there are {}", candidates.join(", ")),
    }
}

fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Insertions, removals, replacements and swaps of neighbours between two words.
fn steps(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_right_name_is_found() {
        let names = ["base_url", "token", "client_id", "client_secret", "org_unit", "read_only", "vendor"];
        for (wrong, right) in [
            ("tokn", Some("token")),
            ("baseurl", Some("base_url")),
            ("base-url", Some("base_url")),
            ("Vendor", Some("vendor")),
            ("clinet_id", Some("client_id")),
            ("readonly", Some("read_only")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
        assert_eq!(hint("colour", names), "");
        assert_eq!(names_hint("tokn", names), "; did you mean token?");
        assert_eq!(names_hint("colour", ["token", "vendor"]), "; there are token, vendor");
        assert_eq!(names_hint("colour", []), "");
    }
}
