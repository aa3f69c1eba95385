//! The command line: the real binary in a closed world.
