//! Drawing: a pure function from the state to a frame.
