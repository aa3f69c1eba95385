//! The command line: the real binary in a closed world, with the simulators of this process to talk to.

mod cut_off;
mod history;
mod lead_new;
mod mapping;
mod plans;
mod reading;
mod setup;
mod several;
mod sims;
mod undo;
mod world;
mod writing;
