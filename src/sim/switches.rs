//! The behaviours that a vendor's contract leaves open, each a named choice with a default.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// One open point of a contract.
#[derive(Clone, Copy, Debug)]
pub struct SwitchSpec {
    pub name: &'static str,
    pub values: Values,
    pub default: &'static str,
    /// What it decides, in a sentence.
    pub about: &'static str,
}

/// What a switch can be set to.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    OneOf(&'static [&'static str]),
    Number {
        min: u64,
        max: u64,
    },
    /// `off`, or a rate such as `100/min`.
    Rate,
    /// `off`, or what a common fault takes for its value; the `{}` of this specification stands for it. `on` is `100%`.
    Fault(&'static str),
}

/// `off` or `on`.
pub const ON_OFF: Values = Values::OneOf(&["off", "on"]);

impl Values {
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::OneOf(all) if all.contains(&value) => Ok(()),
            Self::OneOf(all) => Err(format!("it can be {}", all.join(", "))),
            Self::Number { min, max } => match value.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(format!("it can be a number from {min} to {max}")),
            },
            Self::Rate if value == "off" => Ok(()),
            Self::Rate => super::faults::Rate::parse(value).map(|_| ()).map_err(|e| format!("it can be off, or {e}")),
            Self::Fault(_) => match self.fault(value) {
                Some(spec) => spec.parse::<super::faults::Fault>().map(|_| ()),
                None => Ok(()),
            },
        }
    }

    /// `off` and `on` may also be said as `false` and `true`, and in other words of that kind.
    fn meant(self, value: &str) -> &str {
        let turned = match self {
            Self::OneOf(all) => all.contains(&"off") && all.contains(&"on"),
            Self::Fault(_) => true,
            Self::Number { .. } | Self::Rate => false,
        };
        match value {
            "true" | "yes" if turned => "on",
            "false" | "no" if turned => "off",
            value => value,
        }
    }

    /// The fault that a switch of this kind means with this value.
    fn fault(self, value: &str) -> Option<String> {
        match (self, value) {
            (Self::Fault(spec), "on") => Some(spec.replace("{}", "100%")),
            (Self::Fault(spec), value) if value != "off" => Some(spec.replace("{}", value)),
            _ => None,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::OneOf(all) => all.join(" | "),
            Self::Number { min, max } => format!("{min}..{max}"),
            Self::Rate => "off | N/s | N/min | N/h".to_owned(),
            Self::Fault(spec) => format!("off | the value of the fault {spec}"),
        }
    }
}

/// The switches of one running simulator; they can be turned while it runs.
#[derive(Debug)]
pub struct Switches {
    specs: &'static [SwitchSpec],
    set: RwLock<HashMap<&'static str, String>>,
}

impl Switches {
    pub(super) fn new(specs: &'static [SwitchSpec], given: &[(String, String)]) -> Result<Self, String> {
        let switches = Self { specs, set: RwLock::default() };
        for (name, value) in given {
            switches.turn(name, value)?;
        }
        Ok(switches)
    }

    /// Sets one; the error says what exists.
    pub fn turn(&self, name: &str, value: &str) -> Result<(), String> {
        let Some(spec) = self.specs.iter().find(|s| s.name == name) else {
            return Err(format!("there is no switch '{name}'; there are:\n{}", describe(self.specs)));
        };
        let value = spec.values.meant(value);
        spec.values
            .check(value)
            .map_err(|e| format!("switch '{name}' cannot be '{value}': {e} ({})", spec.about.trim_end_matches('.')))?;
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        set.insert(spec.name, value.to_owned());
        Ok(())
    }

    /// The present value.
    pub fn value(&self, name: &str) -> String {
        self.with(name, str::to_owned)
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.with(name, |v| v == value)
    }

    pub fn on(&self, name: &str) -> bool {
        self.is(name, "on")
    }

    /// The value of a number switch.
    pub fn number(&self, name: &str) -> u64 {
        self.with(name, |v| v.parse().unwrap_or_default())
    }

    /// The faults that switches stand for now.
    pub(super) fn faults(&self) -> Vec<String> {
        self.specs.iter().filter_map(|spec| self.with(spec.name, |value| spec.values.fault(value))).collect()
    }

    /// All of them with their present values.
    pub fn all(&self) -> Vec<(&'static str, String)> {
        self.specs.iter().map(|s| (s.name, self.value(s.name))).collect()
    }

    /// Looks at the present value without copying it.
    pub fn with<T>(&self, name: &str, f: impl FnOnce(&str) -> T) -> T {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        match set.get(name) {
            Some(value) => f(value),
            None => {
                let spec = self.specs.iter().find(|s| s.name == name);
                debug_assert!(spec.is_some(), "the switch '{name}' is asked for but not in the vendor's list");
                f(spec.map_or("", |s| s.default))
            }
        }
    }
}

/// One line for each switch, for help texts and errors.
pub fn describe(specs: &[SwitchSpec]) -> String {
    let mut lines = String::new();
    for spec in specs {
        let values = spec.values.describe();
        lines.push_str(&format!("  {}={} (default {}): {}\n", spec.name, values, spec.default, spec.about));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[SwitchSpec] = &[
        SwitchSpec { name: "colour", values: Values::OneOf(&["red", "blue"]), default: "red", about: "A colour." },
        SwitchSpec { name: "loud", values: ON_OFF, default: "off", about: "Whether it is." },
        SwitchSpec { name: "size", values: Values::Number { min: 1, max: 9 }, default: "3", about: "A size." },
        SwitchSpec { name: "rate_limit", values: Values::Rate, default: "off", about: "A rate." },
        SwitchSpec {
            name: "lost",
            values: Values::Fault("cut_after={}:write"),
            default: "off",
            about: "Lost answers.",
        },
    ];

    #[test]
    fn switches_have_defaults_and_can_be_turned() {
        let switches = Switches::new(SPECS, &[("size".into(), "7".into())]).unwrap();
        assert!(switches.is("colour", "red"));
        assert_eq!(switches.number("size"), 7);
        switches.turn("colour", "blue").unwrap();
        assert_eq!(switches.value("colour"), "blue");
        switches.turn("rate_limit", "100/min").unwrap();
        for (value, on) in [("true", true), ("no", false), ("yes", true), ("false", false), ("on", true)] {
            switches.turn("loud", value).unwrap();
            assert_eq!(switches.on("loud"), on, "{value}");
        }
        assert!(switches.turn("loud", "maybe").is_err() && switches.turn("colour", "true").is_err());
    }

    #[test]
    fn a_switch_can_stand_for_a_fault() {
        let switches = Switches::new(SPECS, &[]).unwrap();
        assert_eq!(switches.faults(), Vec::<String>::new());
        switches.turn("lost", "2%:times=3").unwrap();
        assert_eq!(switches.faults(), ["cut_after=2%:times=3:write"]);
        switches.turn("lost", "on").unwrap();
        assert_eq!(switches.faults(), ["cut_after=100%:write"]);
        assert!(switches.turn("lost", "often").unwrap_err().contains("percentage"));
    }

    #[test]
    fn wrong_switches_say_what_exists() {
        let switches = Switches::new(SPECS, &[]).unwrap();
        assert!(switches.turn("color", "red").unwrap_err().contains("colour=red | blue"));
        assert!(switches.turn("colour", "green").unwrap_err().contains("red, blue"));
        assert!(switches.turn("size", "12").unwrap_err().contains("from 1 to 9"));
        assert!(switches.turn("rate_limit", "often").unwrap_err().contains("100/min"));
        assert!(Switches::new(SPECS, &[("x".into(), "y".into())]).is_err());
    }
}
