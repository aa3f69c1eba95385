//! State, messages, actions, effects, and the pure function between them.
//!
//! [`update`] knows no clock, no files and no network: time and answers arrive as [`Message`]s, and what should happen
//! leaves as [`Effect`]s. What takes long over many rows is a [`Job`] or a search, done elsewhere and answered by a
//! message. There is one file per pane and dialog, as there is in `ui`.

pub mod action;
pub mod ask;
pub mod asking;
mod available;
pub mod columns;
pub mod confirm;
pub mod context;
mod copy;
pub mod detail;
pub mod dialog;
pub mod effect;
pub mod field;
pub mod filter;
#[cfg(test)]
pub mod fixture;
pub mod help;
pub mod history;
pub mod interrupted;
pub mod job;
pub mod keys;
pub mod layout;
pub mod leads;
mod leaving;
pub mod list;
pub mod lists;
pub mod marking;
pub mod matrix;
pub mod message;
pub mod messages;
mod namesakes;
pub mod notices;
pub mod operation;
pub mod operations;
pub mod options;
pub mod owners;
pub mod palette;
pub mod picker;
pub mod plan;
mod plan_files;
pub mod plan_parts;
pub mod plan_text;
pub mod profiles;
pub mod recipe;
pub mod state;
#[cfg(test)]
mod tests;
pub mod view_prompt;
pub mod waiting;
pub mod window;
pub mod words;

pub use action::{Action, Spec};
pub use context::Context;
pub use effect::Effect;
pub use job::Job;
pub use keys::Keys;
pub use message::{Edit, Message, Mouse, Signal};
pub use options::{Options, ThemeName};
pub use state::State;

/// Takes in one message and says what should happen.
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    state.update(message)
}
