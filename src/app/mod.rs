//! State, messages, actions, effects, and the pure function between them.
