//! The real binary in a pseudo-terminal, as a person uses it.
