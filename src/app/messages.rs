//! Everything that was said in this session, newest first.

use crate::domain::SafeLines;

use super::action::Action;
use super::dialog::After;
use super::list::ListCursor;
use super::notices::Notice;
use super::state::State;
use super::words;

/// The page of messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessagePage {
    pub cursor: ListCursor,
    /// The lines that the message under the cursor takes.
    pub lines: u16,
}

impl State {
    /// Makes room for the message under the cursor, so that all of it can be read.
    pub(super) fn fit_messages(&self, page: &mut MessagePage) {
        let width = super::dialog::messages_layout(self.size, 0).foot.width;
        let text = self.message(page.cursor.at).map_or("", |notice| notice.text.as_str());
        page.lines = u16::try_from(words::wrap(text, usize::from(width)).len()).unwrap_or(u16::MAX);
    }

    /// The message in this row of the page.
    pub fn message(&self, row: usize) -> Option<&Notice> {
        self.notices.log().iter().rev().nth(row)
    }

    pub(super) fn act_in_messages(&mut self, page: &mut MessagePage, action: Action) -> After {
        match action {
            Action::Back | Action::Accept | Action::Messages => return After::Close,
            Action::Dismiss => {
                self.notices.dismiss();
            }
            Action::Copy => {
                let mut text = SafeLines::default();
                if let Some(notice) = self.message(page.cursor.at) {
                    text.push([notice.text.as_str()]);
                }
                self.hand_over(action, "message", text);
            }
            Action::SaveFile => {
                let mut text = SafeLines::default();
                for notice in self.notices.log() {
                    text.push([
                        &words::clock(notice.at, self.now, &self.options.zone),
                        notice.level.word(),
                        notice.text.as_str(),
                    ]);
                }
                self.hand_over(action, "messages", text);
            }
            action => {
                let height = usize::from(super::dialog::messages_layout(self.size, page.lines).body.height);
                page.cursor.act(action, self.notices.log().len(), height);
            }
        }
        After::Stay
    }
}
