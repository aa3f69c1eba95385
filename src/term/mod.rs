//! The terminal: entered, left and restored whatever happens.
