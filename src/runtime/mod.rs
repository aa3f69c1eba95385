//! The event loop that joins everything.
