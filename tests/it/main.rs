//! Tests of the parts together: the real client against the simulators over HTTP, the real binary in a pseudo-terminal.
//! One binary, because linking is most of a test build's time.

mod campaigns;
mod cli;
mod engine;
mod invariants;
mod journal;
mod journeys;
mod mappings;
mod matrix;
mod picture;
mod pty;
mod readme;
mod sim_capillary;
mod sim_exotel;
mod sim_faults;
mod sim_instantly;
mod sim_kenbun;
mod sim_stateset;
mod sims;
mod suite;
mod vendor_capillary;
mod vendor_exotel;
mod vendor_instantly;
mod vendor_kenbun;
mod vendor_stateset;
mod vendors;
