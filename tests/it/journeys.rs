//! Journeys of the real binary in a pseudo-terminal.
