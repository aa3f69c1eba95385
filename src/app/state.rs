//! Everything the screen shows, and the way into it for messages.

use crate::domain::Timestamp;

use super::action::Action;
use super::context::Context;
use super::effect::Effect;
use super::keys::Keys;
use super::message::Message;
use super::options::Options;

/// The whole state of the screen.
#[derive(Clone, Debug)]
pub struct State {
    pub options: Options,
    pub keys: Keys,
    /// Width and height of the terminal.
    pub size: (u16, u16),
    pub now: Timestamp,
}

impl State {
    /// The state before anything has happened.
    pub fn new(options: Options, keys: Keys, size: (u16, u16), now: Timestamp) -> Self {
        Self { options, keys, size, now }
    }

    /// What should happen first.
    pub fn start(&mut self) -> Vec<Effect> {
        Vec::new()
    }

    /// Takes in one message and says what should happen.
    pub fn update(&mut self, _message: Message) -> Vec<Effect> {
        Vec::new()
    }

    /// Where the person is: which keys mean what.
    pub fn context(&self) -> Context {
        Context::Leads
    }

    /// Whether an action exists at all where the person is: write actions do not in a read-only profile.
    pub fn exists(&self, _action: Action) -> bool {
        true
    }

    /// Why an action cannot be done right now, in a sentence; `None` when it can.
    pub fn why_not(&self, _action: Action) -> Option<String> {
        None
    }

    /// Something on the screen changes with time alone: send [`Message::Now`] once a second.
    pub fn needs_clock(&self) -> bool {
        false
    }

    /// Something must have been on the screen before it can be confirmed: send [`Message::Painted`] after the frame.
    pub fn awaits_paint(&self) -> bool {
        false
    }

    /// The person left and nothing is in flight: the loop may end.
    pub fn is_done(&self) -> bool {
        false
    }
}
