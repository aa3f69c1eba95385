//! Bytes from the terminal as events.
//!
//! This is our own reader because a misunderstood key is dangerous here: letters act on leads. An escape sequence that
//! arrives in two pieces over a slow line must not turn into `Esc`, `[`, `A`, and a terminal that is gone must be an
//! end, not a loop (crossterm 0.29 does both: its reader takes a lone escape byte at the end of a read for the key, and
//! reads a closed terminal for ever).

use super::event::{Event, Mouse, MouseKind};
use super::key::{Key, KeyCode, MOST_F_KEYS};

/// Longer sequences than this are not keys; what is collected so far is dropped.
const LONGEST_SEQUENCE: usize = 64;

/// What is pasted beyond this many bytes is dropped: nothing here takes a longer text.
pub const LONGEST_PASTE: usize = 1 << 20;

const PASTE_END: &[u8] = b"\x1b[201~";

/// Turns bytes into events, whatever pieces they arrive in.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Between the two marks of a bracketed paste.
    paste: Option<Vec<u8>>,
}

/// What stands at the beginning of the bytes.
#[derive(Debug, PartialEq)]
enum Parsed {
    /// An event, or bytes that mean nothing, and how many bytes that were.
    Known(Option<Event>, usize),
    PasteBegins(usize),
    /// The rest has not arrived yet.
    Unfinished,
}

/// How long to wait for the rest of what has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    Nothing,
    /// A lone escape byte: the key if nothing follows soon.
    Escape,
    /// The beginning of a sequence or of a character.
    Sequence,
}

impl Decoder {
    /// Takes what was read and hands over the events that are complete.
    pub fn feed(&mut self, read: &[u8], events: &mut Vec<Event>) {
        let mut rest = read.to_vec();
        while !rest.is_empty() {
            rest = if self.paste.is_some() {
                self.collect_paste(&rest, events).to_vec()
            } else {
                self.bytes.append(&mut rest);
                self.parse_all(events)
            };
        }
    }

    /// What has begun and is not complete; the caller calls [`give_up`](Self::give_up) when it takes too long.
    pub fn pending(&self) -> Pending {
        match &*self.bytes {
            [] => Pending::Nothing,
            [0x1b] => Pending::Escape,
            _ => Pending::Sequence,
        }
    }

    /// Nothing more came in time: a lone escape byte is the key, a beginning that never ended is dropped.
    pub fn give_up(&mut self, events: &mut Vec<Event>) {
        let key = match &*self.bytes {
            [0x1b] => Some(Key::plain(KeyCode::Esc)),
            [0x1b, c @ (b'[' | b'O')] => Some(Key::char(char::from(*c)).with_alt()),
            _ => None,
        };
        self.bytes.clear();
        events.extend(key.map(Event::Key));
    }

    /// Parses as far as it goes; returns what follows the opening mark of a paste, which belongs to the paste.
    fn parse_all(&mut self, events: &mut Vec<Event>) -> Vec<u8> {
        let mut at = 0;
        loop {
            match parse(&self.bytes[at..]) {
                Parsed::Known(event, length) => {
                    events.extend(event);
                    at += length;
                }
                Parsed::PasteBegins(length) => {
                    self.paste = Some(Vec::new());
                    let rest = self.bytes.split_off(at + length);
                    self.bytes.clear();
                    return rest;
                }
                Parsed::Unfinished => {
                    self.bytes.drain(..at);
                    return Vec::new();
                }
            }
        }
    }

    /// Collects pasted bytes up to the closing mark, which may itself arrive in pieces; returns what follows it.
    fn collect_paste<'a>(&mut self, read: &'a [u8], events: &mut Vec<Event>) -> &'a [u8] {
        let Some(paste) = &mut self.paste else { return read };
        for (index, byte) in read.iter().enumerate() {
            if paste.len() >= LONGEST_PASTE + PASTE_END.len() {
                // Keep the tail: the closing mark is still to be found.
                let excess = paste.len() - LONGEST_PASTE - PASTE_END.len() + 1;
                paste.drain(LONGEST_PASTE..LONGEST_PASTE + excess);
            }
            paste.push(*byte);
            if paste.ends_with(PASTE_END) {
                let text = paste.len() - PASTE_END.len();
                let text = String::from_utf8_lossy(&paste[..text.min(LONGEST_PASTE)]).into_owned();
                self.paste = None;
                events.push(Event::Paste(text));
                return &read[index + 1..];
            }
        }
        &[]
    }
}

fn key(key: Key, length: usize) -> Parsed {
    Parsed::Known(Some(Event::Key(key)), length)
}

fn parse(bytes: &[u8]) -> Parsed {
    match bytes {
        [] | [0x1b] => Parsed::Unfinished,
        // Escape, and after it something of its own.
        [0x1b, 0x1b, ..] => key(Key::plain(KeyCode::Esc), 1),
        [0x1b, b'[', rest @ ..] => control_sequence(rest),
        [0x1b, b'O', rest @ ..] => keypad_sequence(rest),
        [0x1b, rest @ ..] => match parse(rest) {
            Parsed::Known(Some(Event::Key(held)), length) => key(held.with_alt(), length + 1),
            Parsed::Known(event, length) => Parsed::Known(event, length + 1),
            other => other,
        },
        [byte @ 0..=0x1f, ..] | [byte @ 0x7f, ..] => key(control(*byte), 1),
        _ => character(bytes),
    }
}

fn control(byte: u8) -> Key {
    match byte {
        b'\r' => Key::plain(KeyCode::Enter),
        b'\t' => Key::plain(KeyCode::Tab),
        // Terminals disagree about which of the two Backspace is.
        0x7f | 0x08 => Key::plain(KeyCode::Backspace),
        0 => Key::ctrl(' '),
        1..=0x1a => Key::ctrl(char::from(byte - 1 + b'a')),
        _ => Key::ctrl(char::from(byte + 0x40)),
    }
}

fn character(bytes: &[u8]) -> Parsed {
    let length = match bytes[0] {
        ..0x80 => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Parsed::Known(None, 1),
    };
    let Some(piece) = bytes.get(..length) else {
        // Wait for the rest only while what is there can be the beginning of a character.
        let broken = bytes[1..].iter().any(|byte| !(0x80..0xc0).contains(byte));
        return if broken { Parsed::Known(None, 1) } else { Parsed::Unfinished };
    };
    match std::str::from_utf8(piece).ok().and_then(|piece| piece.chars().next()) {
        Some(c) if !c.is_control() => key(Key::char(c), length),
        Some(_) => Parsed::Known(None, length),
        None => Parsed::Known(None, 1),
    }
}

/// `ESC O …`: keys of the application keypad, and F1 to F4.
fn keypad_sequence(rest: &[u8]) -> Parsed {
    let Some(&last) = rest.first() else { return Parsed::Unfinished };
    let plain = |code| key(Key::plain(code), 3);
    match last {
        b'P'..=b'S' => plain(KeyCode::F(last - b'P' + 1)),
        b'M' => plain(KeyCode::Enter),
        b'j'..=b'y' => plain(KeyCode::Char(char::from(last - b'j' + b'*'))),
        b'a'..=b'd' => match letter_key(last.to_ascii_uppercase()) {
            Some(code) => key(Key::new(code, true, false, false), 3),
            None => Parsed::Known(None, 3),
        },
        0x20..0x7f => match letter_key(last) {
            Some(code) => plain(code),
            None => Parsed::Known(None, 3),
        },
        // Not part of this sequence; what it is will be seen next.
        _ => Parsed::Known(None, 2),
    }
}

/// Keys that end in a letter in both kinds of sequences.
fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

/// `ESC [ …`: everything else that is no character. `rest` is what follows the bracket.
fn control_sequence(rest: &[u8]) -> Parsed {
    // The Linux console's F1 to F5.
    if let [b'[', after @ ..] = rest {
        return match after.first() {
            None => Parsed::Unfinished,
            Some(&last @ b'A'..=b'E') => key(Key::plain(KeyCode::F(last - b'A' + 1)), 4),
            Some(_) => Parsed::Known(None, 3),
        };
    }
    // Terminals without SGR mouse reports: three bytes follow.
    if let [b'M', report @ ..] = rest {
        return match report {
            [button, column, row, ..] => {
                let place = |byte: u8| u16::from(byte.saturating_sub(33));
                let button = u16::from(button.saturating_sub(32));
                Parsed::Known(mouse(button, place(*column), place(*row), true), 6)
            }
            _ => Parsed::Unfinished,
        };
    }
    let private = rest.first().is_some_and(|first| (0x3c..=0x3f).contains(first));
    let Some(end) = rest.iter().position(|byte| !(0x20..0x40).contains(byte) || (*byte == b'$' && !private)) else {
        return if rest.len() > LONGEST_SEQUENCE { Parsed::Known(None, rest.len() + 2) } else { Parsed::Unfinished };
    };
    let (last, length) = (rest[end], end + 3);
    if !(0x40..0x7f).contains(&last) && last != b'$' {
        // Broken off: what stands here begins something new.
        return Parsed::Known(None, length - 1);
    }
    let Ok(parameters) = std::str::from_utf8(&rest[..end]) else { return Parsed::Known(None, length) };
    if last == b'~' && parameters == "200" {
        return Parsed::PasteBegins(length);
    }
    Parsed::Known(sequence_event(parameters, last), length)
}

fn sequence_event(parameters: &str, last: u8) -> Option<Event> {
    if let Some(report) = parameters.strip_prefix('<') {
        let numbers: Vec<u16> = report.split(';').filter_map(|number| number.parse().ok()).collect();
        return match (&*numbers, last) {
            ([button, column, row], b'M') => mouse(*button, column.saturating_sub(1), row.saturating_sub(1), true),
            _ => None,
        };
    }
    // The first number of each parameter; the kitty protocol puts more behind colons.
    let number = |index: usize, part: usize| -> Option<u32> {
        parameters.split(';').nth(index)?.split(':').nth(part)?.parse().ok()
    };
    let modified = |code: KeyCode, bits: u32| {
        let bits = bits.saturating_sub(1);
        Some(Event::Key(Key::new(code, bits & 4 != 0, bits & 2 != 0, bits & 1 != 0)))
    };
    let modifiers = number(1, 0).unwrap_or(1);
    match last {
        // Answers of the terminal about itself.
        _ if parameters.starts_with(['?', '>', '=']) => None,
        // A released key, where a terminal reports that.
        _ if number(1, 1) == Some(3) => None,
        b'I' if parameters.is_empty() => Some(Event::Focus(true)),
        b'O' if parameters.is_empty() => Some(Event::Focus(false)),
        b'Z' => modified(KeyCode::Tab, 2),
        b'a'..=b'd' => modified(letter_key(last.to_ascii_uppercase())?, 2),
        // xterm's modifyOtherKeys.
        b'~' if number(0, 0) == Some(27) => modified(code_point(number(2, 0)?)?, modifiers),
        b'~' => modified(numbered_key(number(0, 0)?)?, modifiers),
        // rxvt's way of saying ctrl and shift.
        b'^' => modified(numbered_key(number(0, 0)?)?, 5),
        b'$' => modified(numbered_key(number(0, 0)?)?, 2),
        b'@' => modified(numbered_key(number(0, 0)?)?, 6),
        b'u' => modified(code_point(number(0, 0)?)?, modifiers),
        _ => modified(letter_key(last)?, modifiers),
    }
}

/// The key behind a number before `~`.
fn numbered_key(number: u32) -> Option<KeyCode> {
    let number = u8::try_from(number).ok()?;
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        // The numbers have gaps where the keyboard of a VT220 had them.
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28..=29 => KeyCode::F(number - 13),
        31..=34 => KeyCode::F(number - 14),
        _ => return None,
    })
}

/// The key behind a code point in the newer protocols.
fn code_point(number: u32) -> Option<KeyCode> {
    Some(match number {
        8 | 127 => KeyCode::Backspace,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        57376..=57387 => KeyCode::F(u8::try_from(number - 57376 + 13).ok().filter(|f| *f <= MOST_F_KEYS)?),
        // The rest of the private area are keys that mean nothing here (volume, lone modifiers).
        57344..=63743 => return None,
        _ => KeyCode::Char(char::from_u32(number).filter(|c| !c.is_control())?),
    })
}

fn mouse(button: u16, column: u16, row: u16, pressed: bool) -> Option<Event> {
    const MOVED: u16 = 32;
    const HELD: u16 = 4 | 8 | 16;
    let kind = match button & !HELD {
        _ if button & MOVED != 0 || !pressed => return None,
        0 if button & HELD != 0 => MouseKind::ExtendedClick,
        0 => MouseKind::Click,
        64 => MouseKind::WheelUp,
        65 => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Event::Mouse(Mouse { kind, column, row }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        decoder.feed(bytes, &mut events);
        decoder.give_up(&mut events);
        events
    }

    fn keys(bytes: &[u8]) -> String {
        let names: Vec<String> = decode(bytes)
            .iter()
            .map(|event| match event {
                Event::Key(key) => key.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        names.join(" ")
    }

    #[test]
    fn what_terminals_send_for_keys() {
        for (sent, expected) in [
            (&b"aA?"[..], "a A ?"),
            ("ж王👩".as_bytes(), "ж 王 👩"),
            (b"\r\t\x7f\x08 ", "enter tab backspace backspace space"),
            (b"\n", "ctrl-j"),
            (b"\x00\x01\x1a\x1c\x1f", r"ctrl-space ctrl-a ctrl-z ctrl-\ ctrl-_"),
            (b"\x1b", "esc"),
            (b"\x1b\x1b", "esc esc"),
            (b"\x1b\x1b[A", "esc up"),
            (b"\x1bx\x1b\r\x1b\x7f\x1b\x01", "alt-x alt-enter alt-backspace ctrl-alt-a"),
            (b"\x1b[A\x1bOA\x1b[1;5A\x1b[1;2B", "up up ctrl-up shift-down"),
            (b"\x1b[a\x1bOd\x1b[5^\x1b[3$", "shift-up ctrl-left ctrl-pageup shift-delete"),
            (b"\x1b[Z\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~", "shift-tab home end home end home end"),
            (b"\x1b[2~\x1b[3~\x1b[5~\x1b[6~\x1b[3;5~", "insert delete pageup pagedown ctrl-delete"),
            (b"\x1bOP\x1bOS\x1b[11~\x1b[15~\x1b[17~\x1b[24~\x1b[[E", "f1 f4 f1 f5 f6 f12 f5"),
            (b"\x1b[1;2P\x1b[15;5~\x1b[25~\x1b[34~", "shift-f1 ctrl-f5 f13 f20"),
            (b"\x1bOM\x1bOk\x1bOp", "enter + 0"),
            (b"\x1b[97;5u\x1b[27;5;13~\x1b[27u\x1b[97;5:3u", "ctrl-a ctrl-enter esc"),
            (b"\x1b[", "alt-["),
            (b"\x1b[I\x1b[O", "Focus(true) Focus(false)"),
        ] {
            assert_eq!(keys(sent), expected, "{:?}", String::from_utf8_lossy(sent));
        }
    }

    #[test]
    fn sequences_that_mean_nothing_do_not_become_letters() {
        for sent in [
            &b"\x1b[?2026;2$y"[..],
            b"\x1b[?62;c",
            b"\x1b[>0;276;0c",
            b"\x1b[12;40R\x1b[99~",
            b"\x1b[12",
            b"\xff\xc3",
            b"\xc2\x9b",
        ] {
            let events = keys(sent);
            assert!(events.is_empty() || events.starts_with("f3") || events.ends_with("f3"), "{events}");
        }
        assert_eq!(keys(b"\x1b[12\x1b[A"), "up");
        assert_eq!(keys(b"\xc3\x28"), "(");
    }

    #[test]
    fn only_presses_and_the_wheel_are_reported() {
        let event = |kind, column, row| Event::Mouse(Mouse { kind, column, row });
        assert_eq!(decode(b"\x1b[<0;10;5M\x1b[<0;10;5m\x1b[<35;1;1M"), [event(MouseKind::Click, 9, 4)]);
        assert_eq!(
            decode(b"\x1b[<64;1;1M\x1b[<65;200;50M\x1b[<4;3;3M\x1b[<2;3;3M"),
            [
                event(MouseKind::WheelUp, 0, 0),
                event(MouseKind::WheelDown, 199, 49),
                event(MouseKind::ExtendedClick, 2, 2),
            ]
        );
        assert_eq!(decode(b"\x1b[M !!a"), [event(MouseKind::Click, 0, 0), Event::Key(Key::char('a'))]);
        assert_eq!(decode(b"\x1b[<0;0;99999M"), []);
    }

    #[test]
    fn a_paste_is_one_event_whatever_is_in_it() {
        assert_eq!(
            decode(b"x\x1b[200~y\r\n\x1b[A\x1b[201~z"),
            [Event::Key(Key::char('x')), Event::Paste("y\r\n\x1b[A".into()), Event::Key(Key::char('z')),]
        );
        assert_eq!(decode(b"\x1b[201~"), []);
        let long = [b"\x1b[200~", &vec![b'a'; LONGEST_PASTE + 5_000][..], PASTE_END, b"q"].concat();
        let events = decode(&long);
        assert!(matches!(&events[..], [Event::Paste(text), Event::Key(_)] if text.len() == LONGEST_PASTE));
    }

    #[test]
    fn an_escape_byte_alone_waits_for_what_follows() {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        decoder.feed(b"\x1b", &mut events);
        assert_eq!((events.len(), decoder.pending()), (0, Pending::Escape));
        decoder.feed(b"[", &mut events);
        assert_eq!((events.len(), decoder.pending()), (0, Pending::Sequence));
        decoder.feed(b"A", &mut events);
        assert_eq!((&events[..], decoder.pending()), (&[Event::Key(Key::plain(KeyCode::Up))][..], Pending::Nothing));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            bytes in proptest::collection::vec(
                prop_oneof![Just(0x1b), Just(b'['), Just(b'~'), Just(b'0'), Just(b'2'), Just(b'1'), any::<u8>()], 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut events = Vec::new();
            decoder.feed(&bytes[..cut], &mut events);
            decoder.feed(&bytes[cut..], &mut events);
            decoder.give_up(&mut events);
            prop_assert_eq!(events, decode(&bytes));
        }

        #[test]
        fn typed_text_comes_through(text in "[^\\p{Cc}]{0,40}") {
            let typed: String = decode(text.as_bytes())
                .into_iter()
                .filter_map(|event| match event {
                    Event::Key(key) => key.text(),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(typed, text);
        }
    }
}
