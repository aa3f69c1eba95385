//! Where the person is, as far as keys are concerned.

/// A section of the key map. At every moment one of them is the place where the person is
/// ([`State::context`](super::State::context)); its [`sections`](Context::sections) say where a key is looked up.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Context {
    /// Keys that work in every place.
    Everywhere,
    /// Keys that move through lists and pages.
    Moving,
    /// Keys that answer a question or leave a place.
    Answering,
    /// Keys of the main screen, whichever pane has the focus.
    Panes,
    Leads,
    Lists,
    Owners,
    /// The hierarchy of campaigns.
    Campaigns,
    /// Which agents dial which lists of a campaign.
    Grid,
    /// Kept mappings.
    Snapshots,
    /// The filter line is being typed.
    Filter,
    /// An owner is being picked; what is typed narrows the list.
    Picker,
    /// An action is being picked by name.
    Palette,
    /// A plan is on the screen and waits for yes or no.
    Plan,
    /// A text is asked for: a note, a count, a name.
    Prompt,
    /// The items of one operation, while it runs or afterwards.
    Operation,
    History,
    Detail,
    Help,
    Messages,
    Columns,
    /// Operations that were cut off are offered.
    Interrupted,
    /// A question with buttons.
    Confirm,
    /// The terminal is too small to show anything.
    TooSmall,
}

impl Context {
    /// The sections in which a key is looked up, the first that knows it wins. Printable keys without ctrl or alt are
    /// text instead where [`takes_text`](Context::takes_text) says so.
    pub fn sections(self) -> &'static [Self] {
        use Context::*;
        match self {
            Everywhere => &[Everywhere],
            Moving => &[Moving, Everywhere],
            Answering => &[Answering, Everywhere],
            Panes => &[Panes, Moving, Answering, Everywhere],
            Leads => &[Leads, Panes, Moving, Answering, Everywhere],
            Lists => &[Lists, Panes, Moving, Answering, Everywhere],
            Owners => &[Owners, Panes, Moving, Answering, Everywhere],
            Campaigns => &[Campaigns, Moving, Answering, Everywhere],
            Grid => &[Grid, Moving, Answering, Everywhere],
            Snapshots => &[Snapshots, Moving, Answering, Everywhere],
            Filter => &[Filter, Moving, Answering, Everywhere],
            Picker => &[Picker, Moving, Answering, Everywhere],
            Palette => &[Palette, Moving, Answering, Everywhere],
            Plan => &[Plan, Moving, Answering, Everywhere],
            Prompt => &[Prompt, Moving, Answering, Everywhere],
            Operation => &[Operation, Moving, Answering, Everywhere],
            History => &[History, Moving, Answering, Everywhere],
            Detail => &[Detail, Moving, Answering, Everywhere],
            Help => &[Help, Moving, Answering, Everywhere],
            Messages => &[Messages, Moving, Answering, Everywhere],
            Columns => &[Columns, Moving, Answering, Everywhere],
            Interrupted => &[Interrupted, Moving, Answering, Everywhere],
            Confirm => &[Confirm, Moving, Answering, Everywhere],
            TooSmall => &[TooSmall, Everywhere],
        }
    }

    /// A text field has the focus: printable keys and the editing keys go there.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Filter | Self::Picker | Self::Palette | Self::Prompt)
    }

    /// The heading of this section on the help page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Moving => "Moving",
            Self::Answering => "Answering and leaving",
            Self::Panes => "Main screen",
            Self::Leads => "Leads",
            Self::Lists => "Lists",
            Self::Owners => "Owners",
            Self::Campaigns => "Campaigns",
            Self::Grid => "Grid of a campaign",
            Self::Snapshots => "Snapshots",
            Self::Filter => "Filter line",
            Self::Picker => "Picking an owner",
            Self::Palette => "Command palette",
            Self::Plan => "Plan",
            Self::Prompt => "Typing an answer",
            Self::Operation => "Operation",
            Self::History => "History",
            Self::Detail => "Lead",
            Self::Help => "Help",
            Self::Messages => "Messages",
            Self::Columns => "Columns",
            Self::Interrupted => "Interrupted operations",
            Self::Confirm => "Question",
            Self::TooSmall => "Small terminal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_place_looks_at_itself_first_and_everywhere_last() {
        for context in Context::iter() {
            assert_eq!(context.sections().first(), Some(&context));
            assert_eq!(context.sections().last(), Some(&Context::Everywhere));
        }
    }
}
