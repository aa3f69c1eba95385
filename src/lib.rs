//! Switchboard connects leads with the people who follow them up: mark leads, pick an owner, see exactly what will
//! change, apply it over the vendor's API, watch it happen, take it back.
//!
//! # The way through the house
//!
//! ```text
//! keys, mouse, resize, signals ─► input ─► Message ─► app::update (pure) ─► Effect ─► backend task ─► vendor ─► network
//!                                             ▲                                          │   │
//!                                             └───────────── Event ◄─────────────────────┘   └─► journal (SQLite)
//!  ui::view(&State) ─► cells ─► one buffered write per frame
//! ```
//!
//! One way round, no short cuts: [`ui`] changes nothing, [`app`] does no input or output and knows no clock, only
//! [`backend`] talks to vendors and the journal, only [`term`] touches the terminal.
//!
//! | Module | Holds | May use |
//! |---|---|---|
//! | [`domain`] | pure values and rules: ids, leads, people, assignment, plan, undo, query, ranking, safe text | nothing of ours |
//! | [`app`] | state, messages, actions, effects, `update` | `domain` |
//! | [`ui`] | drawing: one file per pane and dialog, theme, layout | `app`, `domain` |
//! | [`input`] | key notation, key map, terminal events into messages | `app` |
//! | [`term`] | enter, leave, restore, output buffer, clipboard | nothing of ours |
//! | [`backend`] | loading, the apply engine, pacing, read-back, cache | `domain`, `vendor`, `journal` |
//! | [`vendor`] | one trait, a folder per vendor with private wire types; shared HTTP | `domain`, `config` |
//! | [`journal`] | SQLite: operations, items, their states | `domain` |
//! | [`config`] | load, merge, check with file and line; secrets, paths, file modes | `domain`, `input` notation |
//! | [`sim`] | a simulator of every vendor over real HTTP on loopback, with faults | `domain` names |
//! | [`cli`] | the same work without a screen | `backend`, `journal`, `domain`, `config`; `runtime` to set up and to open the screen |
//! | [`runtime`] | the event loop that joins them | all |

pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod domain;
pub mod input;
pub mod journal;
pub mod runtime;
pub mod sim;
pub mod term;
pub mod ui;
pub mod vendor;
