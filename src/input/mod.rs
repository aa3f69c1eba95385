//! Key notation, the key map, and terminal events turned into messages.
