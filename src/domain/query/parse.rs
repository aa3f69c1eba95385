//! From the text of a filter line to a query, with friendly words about what is wrong and where.

use std::ops::Range;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use regex::RegexBuilder;
use strum::IntoEnumIterator;

use super::asked::Asked;
use super::term::{AgeUnit, Compare, OwnerIs, Pattern, Term, Test, Trait, When};
use super::{QueryError, Vocabulary};
use crate::domain::fold::fold;
use crate::domain::{Field, Timestamp};

/// A compiled expression may take this much memory; what is larger is a mistake or mischief.
const LARGEST_PATTERN: usize = 1 << 20;

pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Vec<Term>, QueryError> {
    let mut parser = Parser { text, at: 0, vocabulary };
    let mut terms = Vec::new();
    loop {
        parser.skip_space();
        if parser.rest().is_empty() {
            return Ok(terms);
        }
        terms.extend(parser.term()?);
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    vocabulary: &'a Vocabulary,
}

/// A value after a field's name.
struct Value {
    text: String,
    at: Range<usize>,
    /// Quotes make a value mean what it says: `owner:"none"` is somebody called None.
    quoted: bool,
}

fn wrong<T>(at: Range<usize>, message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError { at, message: message.into() })
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The end of the term that begins here, for errors that concern all of it.
    fn end_of_word(&self) -> usize {
        self.rest().find(char::is_whitespace).map_or(self.text.len(), |length| self.at + length)
    }

    /// One term; `None` for one that asks for nothing (`""`).
    fn term(&mut self) -> Result<Option<Term>, QueryError> {
        let start = self.at;
        let negated = self.take('-');
        let test = match self.peek() {
            None => return wrong(start..self.at, "- leaves out what follows it, but nothing follows"),
            Some(c) if c.is_whitespace() => {
                return wrong(start..self.at, "- leaves out what follows it without a space, like -word");
            }
            Some('~') => self.fuzzy()?,
            Some('/') => self.pattern()?,
            Some(_) => match self.field_and_sign() {
                Some((name, compare, sign)) => self.condition(name, compare, sign)?,
                None => Test::Word(self.chunk(false)?.text),
            },
        };
        let asks_for_nothing = matches!(&test, Test::Word(word) if word.is_empty());
        Ok((!asks_for_nothing).then_some(Term { negated, test }))
    }

    fn fuzzy(&mut self) -> Result<Test, QueryError> {
        let start = self.at;
        self.take('~');
        let word = self.chunk(false)?;
        if word.text.trim().is_empty() {
            return wrong(start..self.at, "~ needs letters to look for, like ~smth");
        }
        Ok(Test::Fuzzy(word.text))
    }

    fn pattern(&mut self) -> Result<Test, QueryError> {
        let start = self.at;
        self.take('/');
        let mut escaped = false;
        let closing = self.rest().char_indices().find(|&(_, c)| {
            let closes = c == '/' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let Some((length, _)) = closing else {
            let message = "this regular expression has no closing / (put quotes around a word that begins with /)";
            return wrong(start..self.text.len(), message);
        };
        let source = &self.text[self.at..self.at + length];
        self.at += length + 1;
        let end = self.end_of_word();
        if end > self.at {
            return wrong(start..end, "after the closing / of a regular expression comes a space");
        }
        if source.is_empty() {
            return wrong(start..self.at, "there is nothing between the two /");
        }
        match RegexBuilder::new(source).case_insensitive(true).size_limit(LARGEST_PATTERN).build() {
            Ok(regex) => Ok(Test::Pattern(Pattern { source: source.to_owned(), regex })),
            Err(error) => wrong(start + 1..self.at - 1, pattern_problem(&error)),
        }
    }

    /// A field's name and the sign after it, if that is how the text goes on.
    fn field_and_sign(&mut self) -> Option<(Range<usize>, Compare, Range<usize>)> {
        let name = self.rest().find(|c: char| !c.is_ascii_alphabetic() && c != '_')?;
        if name == 0 {
            return None;
        }
        let sign = self.rest()[name..].strip_prefix(':').unwrap_or(&self.rest()[name..]);
        let colon = self.rest().len() - name - sign.len();
        let (compare, length) = [
            ("<=", Compare::LessOrIs),
            (">=", Compare::MoreOrIs),
            ("<", Compare::Less),
            (">", Compare::More),
            ("=", Compare::Is),
        ]
        .into_iter()
        .find(|(written, _)| sign.starts_with(written))
        .map_or((Compare::Is, colon), |(written, compare)| (compare, colon + written.len()));
        if length == 0 {
            return None;
        }
        let name = self.at..self.at + name;
        let sign = name.end..name.end + length;
        self.at = sign.end;
        Some((name, compare, sign))
    }

    fn condition(&mut self, name: Range<usize>, compare: Compare, sign: Range<usize>) -> Result<Test, QueryError> {
        let word = self.text[name.clone()].to_ascii_lowercase();
        if word == "is" {
            let values = self.values(name.clone(), "is:marked")?;
            only_equality("is", compare, &sign, "is:marked")?;
            return Ok(Test::Is(values.iter().map(trait_of).collect::<Result<_, _>>()?));
        }
        if matches!(word.as_str(), "filter" | "search") {
            return self.question(&word, name, compare, sign);
        }
        let field = self.field(&word, name.clone())?;
        let example = example(field);
        let values = self.values(name, example)?;
        if compare != Compare::Is
            && let [_, second, ..] = &*values
        {
            return wrong(second.at.clone(), format!("{} compares with one value only", &self.text[sign]));
        }
        match field {
            Field::Score => Ok(Test::Score(compare, values.iter().map(number).collect::<Result<_, _>>()?)),
            Field::Created | Field::Updated => {
                let values = values.iter().map(|value| moment(value, example)).collect::<Result<_, _>>()?;
                Ok(Test::When { field, compare, values })
            }
            Field::Owner => {
                only_equality("owner", compare, &sign, example)?;
                Ok(Test::Owner(values.into_iter().map(owner).collect()))
            }
            _ => {
                only_equality(field.into(), compare, &sign, example)?;
                Ok(Test::Text { field, values: values.into_iter().map(|value| value.text).collect() })
            }
        }
    }

    /// `filter:word`, `search:text`: the vendor itself is to say which leads.
    fn question(
        &mut self,
        word: &str,
        name: Range<usize>,
        compare: Compare,
        sign: Range<usize>,
    ) -> Result<Test, QueryError> {
        let Vocabulary { filters, search, any_filter, .. } = self.vocabulary;
        let is_filter = word == "filter";
        if is_filter && filters.is_empty() && !any_filter {
            return wrong(
                name,
                "no profile here has filters of its own: filter: asks the vendor, status: and others do not",
            );
        }
        if !is_filter && !search {
            return wrong(name, "no profile here has a search of its own: search: asks the vendor, plain words do not");
        }
        let example = match filters.first() {
            _ if !is_filter => "search:\"jane smith\"".to_owned(),
            Some((filter, _)) => format!("filter:{filter}"),
            None => "filter:replied".to_owned(),
        };
        let values = self.values(name, &example)?;
        only_equality(word, compare, &sign, &example)?;
        let asked = values.into_iter().map(|value| match is_filter {
            true => self.filter(value).map(Asked::Filter),
            false if value.text.trim().is_empty() => wrong(value.at, format!("search: needs a text, like {example}")),
            false => Ok(Asked::Search(value.text.trim().to_owned())),
        });
        Ok(Test::Asked(asked.collect::<Result<_, _>>()?))
    }

    /// The vendor's filter of that name.
    fn filter(&self, value: Value) -> Result<String, QueryError> {
        let word = fold(value.text.trim()).into_owned();
        let names: Vec<&str> = self.vocabulary.filters.iter().map(|(name, _)| *name).collect();
        // As the vendor's own description spells it.
        let bare = word.strip_prefix("filter_").map(|rest| rest.strip_prefix("val_").unwrap_or(rest));
        if let Some(bare) = bare.filter(|bare| names.contains(bare)) {
            return Ok(bare.to_owned());
        }
        let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if names.contains(&&*word) || (self.vocabulary.any_filter && plain) {
            return Ok(word);
        }
        let guess = nearest(&word, &names).map_or(".".to_owned(), |guess| format!(", did you mean filter:{guess}?"));
        wrong(value.at, format!("there is no filter {:?}{guess} Filters: {}", value.text, names.join(", ")))
    }

    /// The field of that name, if the vendor gives it. A profile and an id every lead has.
    fn field(&self, word: &str, at: Range<usize>) -> Result<Field, QueryError> {
        let given =
            |field: &Field| matches!(field, Field::Id | Field::Profile) || self.vocabulary.fields.contains(field);
        let known: Option<Field> = word.parse().ok();
        if let Some(field) = known.filter(given) {
            return Ok(field);
        }
        let names: Vec<&'static str> = Field::iter().filter(given).map(Into::into).chain(self.further()).collect();
        let what = match known {
            Some(_) => format!("{word} is not given here"),
            None => format!("there is no field {word}"),
        };
        let guess = match nearest(word, &names) {
            Some(guess) if known.is_none() => format!(", did you mean {guess}?"),
            _ => ".".to_owned(),
        };
        let hint = if known.is_none() { "; put quotes around a word with : < > or =" } else { "" };
        wrong(at, format!("{what}{guess} Fields: {}{hint}", names.join(", ")))
    }

    /// The words before a colon that are no fields.
    fn further(&self) -> impl Iterator<Item = &'static str> {
        let Vocabulary { filters, search, any_filter, .. } = self.vocabulary;
        let filter = (!filters.is_empty() || *any_filter).then_some("filter");
        ["is"].into_iter().chain(filter).chain(search.then_some("search"))
    }

    /// The values after a sign, separated by commas.
    fn values(&mut self, name: Range<usize>, example: &str) -> Result<Vec<Value>, QueryError> {
        let mut values = Vec::new();
        loop {
            let start = self.at;
            let value = self.chunk(true)?;
            if value.text.is_empty() && !value.quoted {
                let whole = name.start..self.at.max(name.end);
                return if values.is_empty() {
                    wrong(whole, format!("{} needs a value, like {example}", &self.text[name.start..start]))
                } else {
                    wrong(start - 1..self.at, "a value is missing beside this comma")
                };
            }
            values.push(value);
            if !self.take(',') {
                return Ok(values);
            }
        }
    }

    /// Text up to the next space (or comma, where that separates values); quotes keep both.
    fn chunk(&mut self, comma_ends: bool) -> Result<Value, QueryError> {
        let start = self.at;
        let mut text = String::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            if c.is_whitespace() || (comma_ends && c == ',') {
                break;
            }
            if c == '"' {
                quoted = true;
                self.quotation(&mut text)?;
            } else {
                self.at += c.len_utf8();
                text.push(c);
            }
        }
        Ok(Value { text, at: start..self.at, quoted })
    }

    fn quotation(&mut self, text: &mut String) -> Result<(), QueryError> {
        let start = self.at;
        self.take('"');
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(()),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                _ => text.push(c),
            }
        }
        wrong(start..self.text.len(), "this quotation has no closing \"")
    }
}

fn only_equality(name: &str, compare: Compare, sign: &Range<usize>, example: &str) -> Result<(), QueryError> {
    if compare == Compare::Is {
        return Ok(());
    }
    wrong(sign.clone(), format!("{name} cannot be greater or less, only equal, like {example}"))
}

fn owner(value: Value) -> OwnerIs {
    match fold(&value.text).as_ref() {
        "none" if !value.quoted => OwnerIs::Nobody,
        "unknown" if !value.quoted => OwnerIs::NotKnown,
        _ => OwnerIs::Called(value.text),
    }
}

fn trait_of(value: &Value) -> Result<Trait, QueryError> {
    let word = fold(&value.text);
    if let Some((found, _)) = Trait::named().find(|(_, name)| *name == word || word.strip_suffix("_lead") == Some(name))
    {
        return Ok(found);
    }
    let names: Vec<&str> = Trait::named().map(|(_, name)| name).collect();
    let guess = nearest(&word, &names).map_or(".".to_owned(), |guess| format!(", did you mean is:{guess}?"));
    wrong(value.at.clone(), format!("is: does not know {:?}{guess} It knows: {}", value.text, names.join(", ")))
}

fn number(value: &Value) -> Result<Option<f64>, QueryError> {
    if value.text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    match value.text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => wrong(value.at.clone(), format!("{:?} is not a number; score takes one, like score>50", value.text)),
    }
}

fn moment(value: &Value, example: &str) -> Result<When, QueryError> {
    let text = &value.text;
    if text.eq_ignore_ascii_case("none") {
        return Ok(When::Missing);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at(digits);
    let unit = AgeUnit::LETTERS.iter().find(|(letter, _)| unit.chars().eq([*letter]));
    if let (Ok(amount), Some(&(_, unit))) = (amount.parse(), unit) {
        return Ok(When::Age { amount, unit });
    }
    let range = if let Ok(date) = text.parse::<Date>()
        && !text.contains(['T', 't', ' '])
    {
        let start = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        start(date).zip(date.tomorrow().ok().and_then(start))
    } else if let Ok(at) = text.parse::<Timestamp>() {
        Some((at, at))
    } else {
        let at = text.parse::<DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
        at.map(|at| (at.timestamp(), at.timestamp()))
    };
    match range {
        Some((from, until)) => Ok(When::Moment { from, until, written: text.clone() }),
        None => {
            let message = format!(
                "{text:?} is neither an age (a number with m, h, d or w) nor a date like 2026-11-01; write {example}"
            );
            wrong(value.at.clone(), message)
        }
    }
}

fn example(field: Field) -> &'static str {
    match field {
        Field::Id => "id:42",
        Field::Name => "name:\"Jane Smith\"",
        Field::Company => "company:acme",
        Field::Email => "email:jane@example.com",
        Field::Phone => "phone:\"+1 555 0100\"",
        Field::Status => "status:new",
        Field::Source => "source:web",
        Field::Score => "score>50",
        Field::Created => "created<2d",
        Field::Updated => "updated>2026-11-01",
        Field::Owner => "owner:none or owner:\"Jane Smith\"",
        Field::Campaign => "campaign:7",
        Field::List => "list:7",
        Field::Profile => "profile:sales",
    }
}

/// The last line of a regular expression's error says what is wrong; the others draw where, with a fixed-width font.
fn pattern_problem(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this regular expression is too large".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("this regular expression is not right: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    }
}

/// The name that was probably meant.
fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let most = 1 + word.chars().count() / 3;
    let begins = names.iter().find(|name| word.len() >= 2 && name.starts_with(word));
    begins.copied().or_else(|| {
        let close = names.iter().map(|name| (distance(word, name), *name)).min_by_key(|&(distance, _)| distance)?;
        (close.0 <= most).then_some(close.1)
    })
}

/// Letters to add, drop, change or swap with their neighbour to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(32).collect(), b.chars().take(32).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                change.min(swap).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::query::Query;
    use proptest::prelude::*;

    const FIELDS: &[Field] = &[
        Field::Id,
        Field::Name,
        Field::Company,
        Field::Email,
        Field::Status,
        Field::Source,
        Field::Score,
        Field::Created,
        Field::Updated,
        Field::Owner,
        Field::Campaign,
    ];

    #[test]
    fn what_is_typed_is_understood_and_printed_the_same_way() {
        for (typed, printed) in [
            ("", ""),
            ("  jane   smith ", "jane smith"),
            ("\"jane smith\"", "\"jane smith\""),
            ("o\"'brien x\"y", "\"o'brien xy\""),
            ("~smth", "~smth"),
            ("~\"a b\"", "~\"a b\""),
            ("/^a.c$/ /a\\/b/", "/^a.c$/ /a\\/b/"),
            ("/a b/", "/a b/"),
            ("status:new,Open", "status:new,Open"),
            ("STATUS=new", "status:new"),
            ("owner:none,unknown,\"Jane Smith\"", "owner:none,unknown,\"Jane Smith\""),
            ("owner:\"none\"", "owner:\"none\""),
            ("score>50 score>=1 score<2.5 score<=-3 score:7,8", "score>50 score>=1 score<2.5 score<=-3 score:7,8"),
            ("score:>50 score:none", "score>50 score:none"),
            ("created<2d updated>2026-11-01", "created<2d updated>2026-11-01"),
            ("created>=2026-11-01T10:00", "created>=2026-11-01T10:00"),
            ("updated<2026-11-01T10:00:00Z", "updated<2026-11-01T10:00:00Z"),
            ("is:marked -is:closed,do_not_call", "is:marked -is:closed,do_not_call"),
            ("-word -\"two words\" -~fz -/re/ -status:new", "-word -\"two words\" -~fz -/re/ -status:new"),
            ("source:\"\"", "source:\"\""),
            ("profile:sales id:7", "profile:sales id:7"),
            ("\"-dash\" \"a:b\" \"~\"", "\"-dash\" \"a:b\" \"~\""),
            ("10:30 a,b 'x", "\"10:30\" a,b 'x"),
            ("\"\" x", "x"),
            ("back\\slash \"q\\\"q\\\\\"", "back\\slash \"q\\\"q\\\\\""),
        ] {
            let query = Query::parse(typed, FIELDS).unwrap_or_else(|error| panic!("{typed:?}: {error:?}"));
            assert_eq!(query.to_string(), printed, "{typed:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_its_place() {
        for (typed, at, said) in [
            ("jane \"open", 5..10, "no closing \""),
            ("status:\"new", 7..11, "no closing \""),
            ("score>", 0..6, "score> needs a value, like score>50"),
            ("x score> 5", 2..8, "score> needs a value"),
            ("status:new,", 10..11, "missing beside this comma"),
            ("status:,new", 0..7, "needs a value"),
            ("score>abc", 6..9, "\"abc\" is not a number"),
            ("score>1,2", 8..9, "one value only"),
            ("created<2x", 8..10, "neither an age"),
            ("updated>2026-13-01", 8..18, "neither an age"),
            ("created<99999999999999d", 8..23, "neither an age"),
            ("name>x", 4..5, "cannot be greater or less"),
            ("owner<x", 5..6, "cannot be greater or less"),
            ("stauts:new", 0..6, "did you mean status? Fields: id, name,"),
            ("a -comp:x", 3..7, "did you mean company?"),
            ("http://x", 0..4, "put quotes around"),
            ("phone:5", 0..5, "phone is not given here. Fields: id, name,"),
            ("list:5", 0..4, "list is not given here"),
            ("is:", 0..3, "is: needs a value, like is:marked"),
            ("is:makred", 3..9, "did you mean is:marked?"),
            ("is>marked", 2..3, "cannot be greater"),
            ("-", 0..1, "nothing follows"),
            ("x - y", 2..3, "without a space"),
            ("~", 0..1, "needs letters"),
            ("~ x", 0..1, "needs letters"),
            ("/abc", 0..4, "no closing /"),
            ("//", 0..2, "nothing between"),
            ("/a/b", 0..4, "comes a space"),
            ("/a(/", 1..3, "not right: unclosed group"),
            ("/(a{1000}){1000}/", 1..16, "too large"),
        ] {
            let error = Query::parse(typed, FIELDS).expect_err(typed);
            assert!(error.message.contains(said), "{typed:?}: {:?}", error.message);
            assert_eq!(error.at, at, "{typed:?}: {:?}", error.message);
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_points_into_the_text(text in any::<String>()) {
            if let Err(error) = Query::parse(&text, FIELDS) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
            }
        }

        #[test]
        fn every_beginning_of_a_query_is_understood_or_explained(
            text in "(-?(~|/)?[a-zé]{0,3}((score|created|status|owner|is)?[:<>=]{1,2})?[\"a-z0-9,/ \\\\]{0,6} ){0,4}",
        ) {
            for (end, _) in text.char_indices() {
                match Query::parse(&text[..end], FIELDS) {
                    Ok(query) => prop_assert_eq!(Query::parse(&query.to_string(), FIELDS), Ok(query)),
                    Err(error) => {
                        prop_assert!(text.get(error.at.clone()).is_some());
                        prop_assert!(!error.message.is_empty());
                    }
                }
            }
        }

        #[test]
        fn printing_and_parsing_again_gives_the_same_query(words in prop::collection::vec(any::<String>(), 0..4)) {
            let terms = words.iter().filter(|word| !word.is_empty()).enumerate().map(|(index, word)| Term {
                negated: index % 2 == 1,
                test: match index {
                    0 => Test::Word(word.clone()),
                    1 => Test::Text { field: Field::Name, values: words.clone() },
                    2 => Test::Owner(vec![OwnerIs::Called(word.clone()), OwnerIs::Nobody]),
                    _ => Test::Word(word.clone()),
                },
            });
            let query = Query { terms: terms.collect() };
            prop_assert_eq!(Query::parse(&query.to_string(), FIELDS), Ok(query));
        }
    }
}
