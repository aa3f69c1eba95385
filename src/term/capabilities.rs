//! What the terminal can do, from what the environment says. It is never asked: an answer could take seconds over a
//! slow line, or be mistaken for keys.

/// How many colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// No colour sequence is ever sent. Bold, reverse and underline are.
    None,
    /// The 16 of the terminal's own palette, and the 256 of xterm's; others are replaced by the nearest of these.
    Indexed,
    True,
}

/// What may be sent to this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub colours: Colours,
    /// No colours, no box drawing, no motion: `--plain`, `NO_COLOR`, `TERM=dumb`.
    pub plain: bool,
    /// Understands (or quietly ignores) titles, synchronized updates, focus reports and the mouse.
    pub extras: bool,
}

impl Capabilities {
    /// Decides from the environment and the command line.
    pub fn detect(plain: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, values: &[&str]| variable(name).is_some_and(|value| values.contains(&&*value));
        let dumb = is("TERM", &["dumb"]);
        let plain = plain || dumb || variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = if plain {
            Colours::None
        } else if is("COLORTERM", &["truecolor", "24bit"]) {
            Colours::True
        } else {
            Colours::Indexed
        };
        Self { colours, plain, extras: !dumb && !is("TERM", &["linux", "vt100", "vt220", "cons25"]) }
    }

    /// Decides from this process's environment.
    pub fn of_this_process(plain: bool) -> Self {
        Self::detect(plain, |name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(plain: bool, variables: &[(&str, &str)]) -> Capabilities {
        Capabilities::detect(plain, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides() {
        use Colours::*;
        for (plain, variables, expected) in [
            (false, &[("TERM", "xterm-256color")][..], (Indexed, false, true)),
            (false, &[("TERM", "xterm"), ("COLORTERM", "truecolor")], (True, false, true)),
            (false, &[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], (None, true, true)),
            // An empty NO_COLOR is no wish.
            (false, &[("TERM", "xterm"), ("NO_COLOR", "")], (Indexed, false, true)),
            (true, &[("TERM", "xterm")], (None, true, true)),
            (false, &[("TERM", "dumb")], (None, true, false)),
            (false, &[("TERM", "linux")], (Indexed, false, false)),
            (false, &[], (Indexed, false, true)),
        ] {
            let found = detect(plain, variables);
            assert_eq!((found.colours, found.plain, found.extras), expected, "{variables:?}");
        }
    }
}
