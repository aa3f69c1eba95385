//! The command line: the real binary in a closed world, with the simulators of this process to talk to.

mod cut_off;
mod history;
mod mapping;
mod plans;
mod reading;
mod setup;
mod sims;
mod undo;
mod world;
mod writing;
