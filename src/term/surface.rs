//! Something to draw on: the terminal of this process, or any writer in a test.

use std::io::{self, Write};

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::clipboard::copy_sequence;
use super::tty::{self, NoTerminal, Out, Wishes};
use super::{Drawn, Screen};
use crate::domain::{SafeLines, SafeText};

/// Paints a frame; says where the terminal's own cursor is shown, if anywhere.
pub type View<'a> = dyn FnMut(&mut Buffer) -> Option<Position> + 'a;

/// What the event loop needs of a terminal.
pub trait Surface {
    /// Columns and rows.
    fn size(&self) -> (u16, u16);

    /// Asks how big it is now; the next frame draws everything if that has changed.
    fn measure(&mut self) -> (u16, u16) {
        self.size()
    }

    fn resize(&mut self, width: u16, height: u16);

    /// The next frame draws everything, whatever is on the screen.
    fn repaint(&mut self);

    /// Draws a frame, which `view` paints on blank cells, with the cursor where it says: one write of what has changed,
    /// none when nothing has.
    fn draw(&mut self, view: &mut View<'_>) -> io::Result<Drawn>;

    /// Names the window.
    fn title(&mut self, title: &SafeText) -> io::Result<()>;

    /// Puts a text on the clipboard, or says why not.
    fn copy(&mut self, text: &SafeLines) -> Result<(), String>;

    /// Gives the terminal back and stops, until it is continued.
    fn suspend(&mut self) -> io::Result<()>;

    /// Takes the terminal over again after a stop that came from elsewhere.
    fn reclaim(&mut self) -> io::Result<()>;
}

/// Longer titles are cut by every window manager.
const LONGEST_TITLE: usize = 120;

impl<W: Write> Surface for Screen<W> {
    fn size(&self) -> (u16, u16) {
        Screen::size(self)
    }

    fn resize(&mut self, width: u16, height: u16) {
        Screen::resize(self, width, height);
    }

    fn repaint(&mut self) {
        self.invalidate();
    }

    fn draw(&mut self, view: &mut View<'_>) -> io::Result<Drawn> {
        Screen::draw(self, view)
    }

    fn title(&mut self, title: &SafeText) -> io::Result<()> {
        if !self.capabilities().extras {
            return Ok(());
        }
        let title: String = title.as_str().chars().take(LONGEST_TITLE).collect();
        self.send(format!("\x1b]2;{title}\x07").as_bytes())
    }

    fn copy(&mut self, text: &SafeLines) -> Result<(), String> {
        if !self.capabilities().extras {
            return Err("this terminal has no clipboard; save it to a file instead".to_owned());
        }
        let sequence = copy_sequence(text)?;
        self.send(sequence.as_bytes()).map_err(|error| error.to_string())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.invalidate();
        Ok(())
    }

    fn reclaim(&mut self) -> io::Result<()> {
        self.invalidate();
        Ok(())
    }
}

/// The terminal of this process. It is given back when this is dropped.
pub struct Terminal {
    screen: Screen<Out>,
    wishes: Wishes,
}

impl Terminal {
    /// Takes the terminal over.
    pub fn enter(wishes: Wishes) -> Result<Self, NoTerminal> {
        tty::enter(wishes)?;
        let (width, height) = tty::size();
        Ok(Self { screen: Screen::new(Out, wishes.capabilities, width, height), wishes })
    }

    /// Gives the terminal back and tells what failed.
    pub fn leave(self) -> io::Result<()> {
        tty::leave()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Whoever wants to know calls `leave`; here there is nobody to tell.
        let _ = tty::leave();
    }
}

impl Surface for Terminal {
    fn size(&self) -> (u16, u16) {
        self.screen.size()
    }

    fn measure(&mut self) -> (u16, u16) {
        let size = tty::size();
        if size != self.screen.size() {
            self.screen.resize(size.0, size.1);
        }
        size
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.screen.resize(width, height);
    }

    fn repaint(&mut self) {
        self.screen.invalidate();
    }

    fn draw(&mut self, view: &mut View<'_>) -> io::Result<Drawn> {
        self.screen.draw(view)
    }

    fn title(&mut self, title: &SafeText) -> io::Result<()> {
        self.screen.title(title)
    }

    fn copy(&mut self, text: &SafeLines) -> Result<(), String> {
        self.screen.copy(text)
    }

    fn suspend(&mut self) -> io::Result<()> {
        let outcome = tty::suspend(self.wishes);
        self.measure();
        self.screen.invalidate();
        outcome
    }

    fn reclaim(&mut self) -> io::Result<()> {
        let outcome = tty::enter(self.wishes).map_err(io::Error::other);
        self.measure();
        self.screen.invalidate();
        outcome
    }
}
