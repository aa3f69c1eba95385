//! A cursor in a list that may be longer than the screen.

use super::action::Action;

/// Which row the cursor is on, and which is the first on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListCursor {
    pub at: usize,
    pub top: usize,
}

impl ListCursor {
    /// Does a moving action. False when the action is not one of those.
    pub fn act(&mut self, action: Action, len: usize, height: usize) -> bool {
        let page = height.max(2) - 1;
        match action {
            Action::CursorUp => self.at = self.at.saturating_sub(1),
            Action::CursorDown => self.at = self.at.saturating_add(1),
            Action::PageUp => {
                self.at = self.at.saturating_sub(page);
                self.top = self.top.saturating_sub(page);
            }
            Action::PageDown => {
                self.at = self.at.saturating_add(page);
                self.top = self.top.saturating_add(page);
            }
            Action::First => self.at = 0,
            Action::Last => self.at = len.saturating_sub(1),
            _ => return false,
        }
        self.fit(len, height);
        true
    }

    /// Keeps the cursor in the list and the list's end at the screen's end.
    pub fn fit(&mut self, len: usize, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(len.saturating_sub(height));
        if self.at < self.top {
            self.top = self.at;
        } else if self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
    }

    /// Scrolls by the mouse wheel: the cursor stays on the screen.
    pub fn scroll(&mut self, down: bool, len: usize, height: usize) {
        const STEP: usize = 3;
        let last_top = len.saturating_sub(height.max(1));
        self.top = if down { (self.top + STEP).min(last_top) } else { self.top.saturating_sub(STEP) };
        self.at = self.at.clamp(self.top, (self.top + height.max(1) - 1).min(len.saturating_sub(1)).max(self.top));
    }

    /// Puts the cursor on the row at `offset` from the first on the screen, where there is one.
    pub fn click(&mut self, offset: usize, len: usize) -> bool {
        let row = self.top + offset;
        if row < len {
            self.at = row;
        }
        row < len
    }
}

/// A page that is only scrolled, without a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    pub top: usize,
}

impl Scroll {
    /// Does a moving action. False when the action is not one of those.
    pub fn act(&mut self, action: Action, lines: usize, height: usize) -> bool {
        let page = height.max(2) - 1;
        match action {
            Action::CursorUp => self.top = self.top.saturating_sub(1),
            Action::CursorDown => self.top += 1,
            Action::PageUp => self.top = self.top.saturating_sub(page),
            Action::PageDown => self.top += page,
            Action::First => self.top = 0,
            Action::Last => self.top = lines,
            _ => return false,
        }
        self.fit(lines, height);
        true
    }

    pub fn fit(&mut self, lines: usize, height: usize) {
        self.top = self.top.min(lines.saturating_sub(height));
    }

    pub fn scroll(&mut self, down: bool, lines: usize, height: usize) {
        self.top = if down { self.top + 3 } else { self.top.saturating_sub(3) };
        self.fit(lines, height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_on_the_screen() {
        let mut cursor = ListCursor::default();
        for (action, at, top) in [
            (Action::CursorUp, 0, 0),
            (Action::CursorDown, 1, 0),
            (Action::PageDown, 5, 4),
            (Action::Last, 99, 95),
            (Action::CursorDown, 99, 95),
            (Action::PageUp, 95, 91),
            (Action::First, 0, 0),
        ] {
            assert!(cursor.act(action, 100, 5));
            assert_eq!((cursor.at, cursor.top), (at, top), "{action}");
        }
        assert!(!cursor.act(Action::Help, 100, 5));
    }

    #[test]
    fn an_empty_list_is_no_trouble() {
        let mut cursor = ListCursor { at: 7, top: 3 };
        cursor.fit(0, 0);
        assert_eq!(cursor, ListCursor::default());
        cursor.act(Action::Last, 0, 0);
        cursor.scroll(true, 0, 0);
        assert_eq!(cursor, ListCursor::default());
        assert!(!cursor.click(0, 0));
    }
}
