//! The help page: every key, first those of the place it was asked in.

use strum::IntoEnumIterator;

use super::action::Action;
use super::context::Context;
use super::dialog::After;
use super::list::Scroll;
use super::state::State;
use super::words;

/// The help page.
#[derive(Clone, Debug)]
pub struct HelpPage {
    /// Where help was asked.
    pub place: Context,
    pub scroll: Scroll,
}

/// A line of the page.
#[derive(Clone, Debug, PartialEq)]
pub enum HelpLine {
    Heading(&'static str),
    /// Keys, or what can be written, with the beginning of what it does.
    Entry {
        keys: String,
        text: String,
    },
    /// It goes on, below the text.
    More(String),
    Blank,
}

/// The most room for keys.
const KEYS_WIDTH: u16 = 18;

/// Where the texts of the page begin, in a body of this width: after the keys.
pub fn text_column(width: u16) -> u16 {
    KEYS_WIDTH.min(width * 2 / 5) + 1
}

/// An entry as lines of the page: as many as its text takes.
fn entry(keys: String, text: &str, width: usize) -> impl Iterator<Item = HelpLine> + use<> {
    let mut wrapped = words::wrap(text, width).into_iter();
    let first = HelpLine::Entry { keys, text: wrapped.next().unwrap_or_default() };
    std::iter::once(first).chain(wrapped.map(HelpLine::More))
}

impl State {
    /// The page's lines.
    pub fn help_lines(&self, page: &HelpPage) -> Vec<HelpLine> {
        let here = page.place.sections();
        let body = super::dialog::help_layout(self.size).body;
        let width = usize::from(body.width.saturating_sub(text_column(body.width)).max(1));
        let others = Context::iter().filter(|context| !here.contains(context));
        let mut lines = Vec::new();
        for context in here.iter().copied().chain(others) {
            let entries: Vec<HelpLine> = Action::iter()
                .filter(|action| action.spec().contexts.contains(&context) && self.exists(*action))
                .flat_map(|action| {
                    let keys = self.keys.in_section(context, action).join(" ");
                    let keys = if keys.is_empty() { "no key".to_owned() } else { keys };
                    // Reasons are those of this moment: elsewhere they would be others.
                    let why_not = here.contains(&context).then(|| self.why_not_under(page.place, action)).flatten();
                    let why_not = why_not.map(|why| format!(" (not now: {why})")).unwrap_or_default();
                    entry(keys, &format!("{}{why_not}", action.spec().help), width)
                })
                .collect();
            if entries.is_empty() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(HelpLine::Blank);
            }
            lines.push(HelpLine::Heading(context.title()));
            lines.extend(entries);
        }
        lines.extend([HelpLine::Blank, HelpLine::Heading("Queries")]);
        lines.extend(QUERIES.iter().flat_map(|(word, text)| entry((*word).to_owned(), text, width)));
        lines.extend([HelpLine::Blank, HelpLine::Heading("States of an item")]);
        lines.extend(STATES.iter().flat_map(|(state, text)| entry((*state).to_owned(), text, width)));
        lines
    }

    pub(super) fn act_in_help(&mut self, page: &mut HelpPage, action: Action) -> After {
        let height = usize::from(super::dialog::help_layout(self.size).body.height);
        match action {
            Action::Back | Action::Accept | Action::Help => After::Close,
            action => {
                let lines = self.help_lines(page).len();
                page.scroll.act(action, lines, height);
                After::Stay
            }
        }
    }
}

const QUERIES: &[(&str, &str)] = &[
    ("word", "occurs in name, company, e-mail or another text; several words: all of them"),
    ("~word", "its letters occur in this order; best matches first"),
    ("/regex/", "matches a regular expression"),
    ("status:new", "exactly this; also source, company, e-mail, campaign, list, phone, id"),
    ("owner:none", "nobody has it; owner:unknown: not known; owner:\"Jane Smith\""),
    ("score>50", "also <, >=, <=; created<2d: younger than two days; updated>2026-11-01"),
    ("is:marked", "also is:closed, is:do_not_call"),
    ("-term", "not; a,b inside a value: either"),
];

const STATES: &[(&str, &str)] = &[
    ("planned", "not sent yet"),
    ("sent", "on the way"),
    ("done", "proven by the answer or by reading back"),
    ("failed", "refused, or proven not to have happened"),
    ("unknown", "the answer was lost; it is read back"),
    ("skipped", "left alone, with the reason"),
    ("not sent", "stopped before its turn"),
    ("changed by others", "found when reading back"),
];
