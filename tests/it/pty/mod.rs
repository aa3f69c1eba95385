//! A pseudo-terminal with the real binary in it: type keys, wait for words, read the screen.
