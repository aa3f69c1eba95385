//! The async task behind the screen and the command line: commands in, events out. Only it talks to vendors and the
//! journal.
