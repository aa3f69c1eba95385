//! Texts as a search compares them: without regard to case and accents.
//!
//! Folding goes character by character: compatibility forms are taken apart (`ﬁ` is `fi`, `Ａ` is `a`), accents are
//! dropped, what is left is lower-cased, and a few letters that Unicode does not take apart get their usual spelling
//! (`ø` is `o`, `ß` is `ss`). Marks that are letters in their script stay: Indic and Thai vowel signs, the voicing of
//! kana (`が` is not `か`); Hangul syllables stay whole.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::char::{compose, decompose_compatible};

use super::safe_text::visible;

/// `text` without case and accents. Holds no control characters. Borrows when nothing changes.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let steers = |b: u8| b < 0x20 || b == 0x7f;
        return if text.bytes().any(steers) {
            Cow::Owned(visible(text).to_ascii_lowercase())
        } else if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let mut folded = String::with_capacity(text.len() + 8);
    fold_onto(text, &mut folded);
    if folded == text { Cow::Borrowed(text) } else { Cow::Owned(folded) }
}

/// Appends the fold of `text` to `out`; the same as [`fold`] without a text in between.
pub fn fold_onto(text: &str, out: &mut String) {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    let start = out.len();
    for c in visible(text).chars() {
        push_folded(c, out, start);
    }
}

/// A folded text that knows where each of its bytes came from.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    pub text: String,
    /// For every character of the original: where it and its fold end. Empty when both are the same byte for byte.
    ends: Vec<(u32, u32)>,
}

impl Folded {
    /// `text` is one that may be shown: what is dangerous in it has become visible marks already.
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { text: text.to_ascii_lowercase(), ends: Vec::new() };
        }
        let mut folded = String::with_capacity(text.len() + 8);
        let mut ends: Vec<(u32, u32)> = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let before = folded.len();
            push_folded(c, &mut folded, 0);
            if let (Some(last), true) = (ends.last_mut(), joins_the_one_before(c)) {
                // The character melted into the one before it, which now accounts for all of their fold.
                last.1 = folded.len() as u32;
            }
            debug_assert!(folded.len() >= before || joins_the_one_before(c));
            ends.push(((at + c.len_utf8()) as u32, folded.len() as u32));
        }
        Self { text: folded, ends }
    }

    /// The bytes of the original that a range of the fold came from, whole characters with their accents.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.ends.is_empty() || range.is_empty() {
            return range;
        }
        let first = self.ends.partition_point(|&(_, folded)| folded as usize <= range.start);
        let past = self.ends.partition_point(|&(_, folded)| folded as usize <= range.end.saturating_sub(1));
        let start = if first == 0 { 0 } else { self.ends[first - 1].0 as usize };
        let Some(&(mut end, folded)) = self.ends.get(past) else { return start..start };
        // Accents that were dropped belong to the character before them.
        for &(further, same) in &self.ends[past + 1..] {
            if same != folded {
                break;
            }
            end = further;
        }
        start..end as usize
    }
}

/// Appends one character's fold; what lies before `start` is another text.
fn push_folded(c: char, out: &mut String, start: usize) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    if is_kana(c) || is_hangul_syllable(c) {
        out.push(c);
        return;
    }
    decompose_compatible(c, |part| {
        if is_accent(part) {
            return;
        }
        if joins_the_one_before(part)
            && let Some(last) = out[start..].chars().next_back()
            && let Some(joined) = compose(last, part)
        {
            out.truncate(out.len() - last.len_utf8());
            out.push(joined);
            return;
        }
        for lower in part.to_lowercase() {
            match usual_spelling(lower) {
                Some(spelling) => out.push_str(spelling),
                None if is_accent(lower) => {}
                None => out.push(lower),
            }
        }
    });
}

/// Letters with a stroke or of two letters, which Unicode does not take apart.
fn usual_spelling(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

/// Marks that only change how a letter sounds, in scripts whose readers search without them.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{487}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}'
        | '\u{5c7}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Kana voicing marks and the later parts of a Hangul syllable: one character with what stands before them.
fn joins_the_one_before(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}' | '\u{1161}'..='\u{1175}' | '\u{11a8}'..='\u{11c2}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{30ff}')
}

fn is_hangul_syllable(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_accents_do_not_count() {
        for (text, folded) in [
            ("Jane Smith", "jane smith"),
            ("Zoë", "zoe"),
            ("Zoe\u{308}", "zoe"),
            ("ÅNGSTRÖM", "angstrom"),
            ("Łukasz Đorđević", "lukasz dordevic"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Nguyễn Thị", "nguyen thi"),
            ("ОЛЬГА Йод Ёлка", "ольга иод елка"),
            ("ΌΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("Οδυσσεύς", "οδυσσευσ"),
            ("İstanbul ISPARTA", "istanbul isparta"),
            ("王小明", "王小明"),
            ("ＡＢＣ ﬁn", "abc fin"),
            ("がき", "がき"),
            ("か\u{3099}き", "がき"),
            ("ｶﾞ", "ガ"),
            ("한국", "한국"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("a\0b", "a␀b"),
            ("हिन्दी", "हिन्दी"),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
            assert_eq!(Folded::new(&visible(text)).text, folded, "{text:?}");
        }
        assert_ne!(fold("がき"), fold("かき"));
    }

    #[test]
    fn a_range_of_the_fold_leads_back_to_whole_characters() {
        for (text, found, original) in [
            ("Zoë Ng", "zoe", "Zoë"),
            ("Zoe\u{308} Ng", "zoe", "Zoe\u{308}"),
            ("Große Straße", "strasse", "Straße"),
            ("Straße", "ras", "raß"),
            ("か\u{3099}き", "が", "か\u{3099}"),
            ("ｶﾞｷ", "ガ", "ｶﾞ"),
            ("王小明", "小", "小"),
            ("plain", "lai", "lai"),
        ] {
            let folded = Folded::new(text);
            let at = folded.text.find(found).unwrap();
            assert_eq!(&text[folded.original(at..at + found.len())], original, "{text:?} {found:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_the_same_both_ways_and_leads_back_into_the_text(raw in any::<String>()) {
            let shown = visible(&raw).into_owned();
            let folded = Folded::new(&shown);
            prop_assert_eq!(&*fold(&raw), folded.text.as_str());
            let mut appended = "か".to_owned();
            fold_onto(&raw, &mut appended);
            prop_assert_eq!(&appended["か".len()..], folded.text.as_str());
            prop_assert!(!folded.text.chars().any(char::is_control));
            let cuts: Vec<usize> = folded.text.char_indices().map(|(at, _)| at).chain([folded.text.len()]).collect();
            for pair in cuts.windows(2) {
                let original = folded.original(pair[0]..pair[1]);
                prop_assert!(shown.get(original.clone()).is_some(), "{:?} {:?}", shown, original);
            }
        }
    }
}
