//! The engine over real HTTP: faults, drift, kills.
