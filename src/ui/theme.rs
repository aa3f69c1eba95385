//! Colours and glyphs. Default foreground and background belong to the terminal; the mono theme uses no colours at
//! all, and the plain glyphs are ASCII.

use ratatui::style::{Color, Modifier, Style};

use crate::app::{Options, ThemeName};
use crate::domain::ItemState;

/// What a piece of text is, as far as its looks are concerned. Everything that a role says, a word or a mark beside it
/// says as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Text,
    /// Matters less: ids, units, explanations.
    Dim,
    /// Titles of panes and columns.
    Title,
    /// The title of the pane that has the focus.
    Focused,
    /// The lines between panes.
    Rule,
    /// The row under the cursor.
    Cursor,
    Mark,
    /// Letters that made a row match.
    Match,
    Good,
    Warning,
    Error,
    /// Something on the way.
    Busy,
    /// A key in a hint.
    Key,
    Bar,
    Button,
    ButtonFocused,
}

/// How everything looks.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    name: ThemeName,
    pub glyphs: &'static Glyphs,
}

impl Theme {
    pub fn of(options: &Options) -> Self {
        Self { name: options.painted_theme(), glyphs: if options.plain { &PLAIN } else { &RICH } }
    }

    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let underlined = plain.add_modifier(Modifier::UNDERLINED);
        let shape = match role {
            Role::Cursor | Role::ButtonFocused => reversed,
            Role::Focused => bold.patch(reversed),
            Role::Title | Role::Key | Role::Error | Role::Mark => bold,
            // Where there are colours they are enough beside the words.
            Role::Warning if self.name == ThemeName::Mono => underlined,
            Role::Match => bold.patch(underlined),
            Role::Warning
            | Role::Text
            | Role::Dim
            | Role::Rule
            | Role::Good
            | Role::Busy
            | Role::Bar
            | Role::Button => plain,
        };
        match self.color(role) {
            Some(color) => shape.fg(color),
            None => shape,
        }
    }

    /// The sixteen colours that every terminal's own palette makes readable.
    fn color(self, role: Role) -> Option<Color> {
        let (dark, light, strong) = match role {
            Role::Text | Role::Cursor | Role::Title | Role::Button | Role::ButtonFocused => return None,
            Role::Dim | Role::Rule => (Color::DarkGray, Color::DarkGray, Color::Reset),
            Role::Focused => (Color::Cyan, Color::Blue, Color::Reset),
            Role::Mark | Role::Match => (Color::Yellow, Color::Magenta, Color::LightYellow),
            Role::Good => (Color::Green, Color::Green, Color::LightGreen),
            Role::Warning => (Color::Yellow, Color::Magenta, Color::LightYellow),
            Role::Error => (Color::LightRed, Color::Red, Color::LightRed),
            Role::Busy | Role::Key | Role::Bar => (Color::Cyan, Color::Blue, Color::LightCyan),
        };
        let color = match self.name {
            ThemeName::Mono => return None,
            ThemeName::Dark => dark,
            ThemeName::Light => light,
            ThemeName::HighContrast => strong,
        };
        (color != Color::Reset).then_some(color)
    }

    /// The mark of an item's state.
    pub fn state_mark(self, state: ItemState) -> char {
        if !self.glyphs.is_ascii {
            return state.mark();
        }
        match state {
            ItemState::Planned => '.',
            ItemState::Sent => '>',
            ItemState::Done => '+',
            ItemState::Failed => 'x',
            ItemState::Unknown => '?',
            ItemState::Skipped => '~',
            ItemState::NotSent => '-',
            ItemState::ChangedByOthers => '!',
        }
    }

    /// The look of an item's state.
    pub fn state_role(self, state: ItemState) -> Role {
        match state {
            ItemState::Planned | ItemState::NotSent => Role::Dim,
            ItemState::Sent => Role::Busy,
            ItemState::Done => Role::Good,
            ItemState::Failed => Role::Error,
            ItemState::Unknown | ItemState::Skipped | ItemState::ChangedByOthers => Role::Warning,
        }
    }
}

/// The characters that are no words.
#[derive(Debug)]
pub struct Glyphs {
    is_ascii: bool,
    pub rule: &'static str,
    pub vertical: &'static str,
    /// Where a vertical line meets the rule above it, and the one below it.
    pub tee_down: &'static str,
    pub tee_up: &'static str,
    pub top_left: &'static str,
    pub top_right: &'static str,
    pub bottom_left: &'static str,
    pub bottom_right: &'static str,
    pub cursor: &'static str,
    pub mark: &'static str,
    /// A cell without a mark, and one that is being written.
    pub off: &'static str,
    pub pending: &'static str,
    /// A row that is about to be marked.
    pub in_range: &'static str,
    /// A lead that carries a warning.
    pub flag: &'static str,
    pub bar: &'static str,
    /// Half a cell of a bar.
    pub half_bar: &'static str,
    /// The part of a bar that is not done.
    pub bar_rest: &'static str,
    pub ellipsis: &'static str,
    pub arrow: &'static str,
    pub ascending: &'static str,
    pub descending: &'static str,
    /// Between two facts of a line.
    pub dot: &'static str,
    /// More above, more below.
    pub more_above: &'static str,
    pub more_below: &'static str,
    /// Points at a mistake.
    pub caret: &'static str,
}

static RICH: Glyphs = Glyphs {
    is_ascii: false,
    rule: "─",
    vertical: "│",
    tee_down: "┬",
    tee_up: "┴",
    top_left: "┌",
    top_right: "┐",
    bottom_left: "└",
    bottom_right: "┘",
    cursor: "▶",
    mark: "●",
    off: "·",
    pending: "›",
    in_range: "○",
    flag: "!",
    bar: "█",
    half_bar: "▌",
    bar_rest: "░",
    ellipsis: "…",
    arrow: "→",
    ascending: "▲",
    descending: "▼",
    dot: " · ",
    more_above: "↑",
    more_below: "↓",
    caret: "^",
};

static PLAIN: Glyphs = Glyphs {
    is_ascii: true,
    rule: "-",
    vertical: "|",
    tee_down: "-",
    tee_up: "-",
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    cursor: ">",
    mark: "*",
    off: ".",
    pending: ">",
    in_range: "o",
    flag: "!",
    bar: "#",
    half_bar: "#",
    bar_rest: ".",
    ellipsis: "~",
    arrow: "->",
    ascending: "^",
    descending: "v",
    dot: ", ",
    more_above: "^",
    more_below: "v",
    caret: "^",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_has_no_colours_and_plain_no_special_characters() {
        use Role::*;
        let roles = [
            Text,
            Dim,
            Title,
            Focused,
            Rule,
            Cursor,
            Mark,
            Match,
            Good,
            Warning,
            Error,
            Busy,
            Key,
            Bar,
            Button,
            ButtonFocused,
        ];
        let mono = Theme::of(&Options { theme: ThemeName::Mono, ..Options::default() });
        let without_color = Theme::of(&Options { no_color: true, ..Options::default() });
        for role in roles {
            for theme in [mono, without_color] {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
            }
            for name in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast] {
                let style = Theme::of(&Options { theme: name, ..Options::default() }).style(role);
                assert_eq!(style.bg, None, "the background belongs to the terminal: {role:?}");
            }
        }
        assert!(format!("{PLAIN:?}").is_ascii());
    }
}
