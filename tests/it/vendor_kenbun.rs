//! The kenbun client against the simulator.
