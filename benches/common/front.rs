//! Whoever sits in front of the real loop: a screen that is only looked at, and keys that are pressed.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use switchboard::app::{Options, State};
use switchboard::domain::exchange::{Command, Event};
use switchboard::domain::{SafeLines, SafeText};
use switchboard::input::{self, KeyMap};
use switchboard::runtime::{EventLoop, Files, Outside};
use switchboard::term::{Capabilities, Colours, Drawn, Screen, Surface, View};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub const WIDTH: u16 = 200;
pub const HEIGHT: u16 = 50;

/// A screen that tells of each of its frames what is on it and how long it took to make.
struct Watched<W, F, T> {
    screen: Screen<W>,
    look: F,
    seen: T,
}

impl<W: Write, L, F: FnMut(&Buffer) -> L, T: FnMut(L, Duration)> Surface for Watched<W, F, T> {
    fn size(&self) -> (u16, u16) {
        Surface::size(&self.screen)
    }

    fn resize(&mut self, width: u16, height: u16) {
        Surface::resize(&mut self.screen, width, height);
    }

    fn repaint(&mut self) {
        self.screen.repaint();
    }

    fn draw(&mut self, view: &mut View<'_>) -> io::Result<Drawn> {
        let begun = Instant::now();
        let mut looked = None;
        let drawn = Surface::draw(&mut self.screen, &mut |cells| {
            let cursor = view(cells);
            looked = Some((self.look)(cells));
            cursor
        })?;
        if let Some(looked) = looked {
            (self.seen)(looked, begun.elapsed());
        }
        Ok(drawn)
    }

    fn title(&mut self, _title: &SafeText) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, text: &SafeLines) -> Result<(), String> {
        self.screen.copy(text)
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reclaim(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A running loop over such a screen.
pub struct Front {
    pub events: mpsc::Sender<Event>,
    outside: mpsc::UnboundedSender<Outside>,
    running: JoinHandle<()>,
    _commands: mpsc::Receiver<Command>,
    _folder: tempfile::TempDir,
}

impl Front {
    /// Starts the loop. What `look` takes from a frame before it is sent is told to `seen` once it was written, with
    /// the time that all of it took.
    pub fn open<W, L>(
        out: W,
        look: impl FnMut(&Buffer) -> L + Send + 'static,
        seen: impl FnMut(L, Duration) + Send + 'static,
    ) -> Self
    where
        W: Write + Send + 'static,
        L: Send + 'static,
    {
        let capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };
        let (outside, source) = mpsc::unbounded_channel();
        let (commands, received) = mpsc::channel(64);
        let (events, receiver) = mpsc::channel(64);
        let map = KeyMap::new();
        let folder = tempfile::tempdir().expect("a folder");
        let mut event_loop = EventLoop {
            state: State::new(Options::default(), map.labels(), (WIDTH, HEIGHT), super::now()),
            keys: map,
            surface: Watched { screen: Screen::new(out, capabilities, WIDTH, HEIGHT), look, seen },
            source,
            commands,
            events: receiver,
            clock: Arc::new(super::now),
            files: Files::new(folder.path().join("data"), folder.path().join("config.toml")),
        };
        let running = tokio::spawn(async move {
            event_loop.run().await;
        });
        Self { events, outside, running, _commands: received, _folder: folder }
    }

    pub fn press(&self, key: &str) {
        let key = key.parse().expect("a key");
        assert!(self.outside.send(Outside::Input(input::Event::Key(key))).is_ok(), "the loop runs");
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.running.abort();
    }
}
