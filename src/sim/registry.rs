//! The vendors that can be simulated, a line each.

use super::vendor::Entry;

pub static VENDORS: &[Entry] = &[
    super::capillary::ENTRY,
    super::exotel::ENTRY,
    super::instantly::ENTRY,
    super::kenbun::ENTRY,
    super::stateset::ENTRY,
];

/// The entry of `name`; the error lists what exists.
pub fn find(name: &str) -> Result<&'static Entry, String> {
    VENDORS.iter().find(|v| v.name == name).ok_or_else(|| {
        let names: Vec<_> = VENDORS.iter().map(|v| v.name).collect();
        format!("there is no simulator of '{name}'; there are: {}", names.join(", "))
    })
}

/// Help for one vendor: its switches and the faults.
pub fn help(entry: &Entry) -> String {
    format!(
        "{}: {}\n\nSwitches (--switch NAME=VALUE):\n{}\nFaults (--fault SPEC):\n{}",
        entry.name,
        entry.about,
        super::switches::describe(entry.switches),
        super::faults::HELP
    )
}
