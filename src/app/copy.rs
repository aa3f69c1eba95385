//! Handing text to the outside: the clipboard, or a file where that does not work.

use crate::domain::selection::LeadKey;
use crate::domain::{Field, SafeLines};

use super::action::Action;
use super::effect::Effect;
use super::notices::Level;
use super::state::State;
use super::words;

/// More leads than this are not for the clipboard: the command line lists them.
const MOST_LEADS: usize = 5000;

impl State {
    /// Copies the marked leads, or the one under the cursor; or writes them to a file.
    pub(super) fn copy_leads(&mut self, action: Action) {
        let marked = self.leads.selection.len();
        if marked > MOST_LEADS {
            let most = words::number(MOST_LEADS);
            let text = format!("Only up to {most} leads can be copied; `switchboard leads` lists any number");
            self.say(Level::Info, &text);
            return;
        }
        let leads: Vec<LeadKey> = if marked > 0 {
            let mut keys: Vec<LeadKey> = self.leads.selection.iter().cloned().collect();
            keys.sort();
            keys
        } else {
            self.leads.current().into_iter().collect()
        };
        let mut text = SafeLines::default();
        for lead in &leads {
            text.push(self.lead_cells(lead));
        }
        self.hand_over(action, "leads", text);
    }

    /// Id, name, company, e-mail and owner of a lead, as far as they are known.
    fn lead_cells(&self, lead: &LeadKey) -> Vec<String> {
        let table = self.profiles.get(&lead.profile).map(|profile| &profile.table);
        let found = table.and_then(|table| Some((table, table.row_of(lead.id.as_str())?)));
        let Some((table, row)) = found else { return vec![lead.id.to_string()] };
        let texts =
            [Field::Id, Field::Name, Field::Company, Field::Email].map(|field| table.text(row, field).into_owned());
        texts.into_iter().chain([table.assignment(row).label().to_string()]).collect()
    }

    /// Copies a text, or writes it to a file of this name.
    pub(super) fn hand_over(&mut self, action: Action, name: &str, text: SafeLines) {
        if text.is_empty() {
            self.say(Level::Info, "There is nothing to copy");
        } else if action == Action::SaveFile {
            self.emit(Effect::SaveFile { name: format!("{name}.tsv"), text: text.as_str().to_owned() });
        } else {
            self.emit(Effect::Copy(text));
        }
    }

    pub(super) fn copied(&mut self, copied: Result<(), String>) {
        match copied {
            Ok(()) => self.say(Level::Info, "Copied"),
            Err(why) => {
                let key = self.keys.label(self.context(), Action::SaveFile);
                let how = key.map(|key| format!("; {key} saves it to a file")).unwrap_or_default();
                self.say(Level::Error, &format!("The clipboard did not take it: {why}{how}"));
            }
        }
    }

    pub(super) fn file_saved(&mut self, saved: Result<String, String>) {
        match saved {
            Ok(path) => self.say(Level::Done, &format!("Saved to {path}")),
            Err(why) => self.say(Level::Error, &format!("The file could not be written: {why}")),
        }
    }
}
