//! Plans that are kept as files: saved from their dialog, opened again, approved by somebody else.

use std::sync::Arc;

use crate::domain::exchange::{Command, Problem};
use crate::domain::plan_file::PlanFile;
use crate::domain::{Plan, SafeText};

use super::dialog::Dialog;
use super::effect::Effect;
use super::job::{Job, ReviewOrder};
use super::notices::Level;
use super::picker::PickedLeads;
use super::plan::{Origin, PlanDialog, Stage};
use super::state::State;
use super::words;

impl State {
    /// Has the file read; its plan is shown once its leads were read again.
    pub(super) fn read_plan_file(&mut self, path: String) {
        let what = format!("Reading {}, then who has its leads now", SafeText::new(&path));
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::File { file: None }, what))));
        self.ask_for_recent_changes();
        self.emit(Effect::ReadFile(path));
    }

    pub(super) fn file_read(&mut self, read: Result<Arc<Vec<u8>>, String>) {
        match read {
            Ok(text) => self.emit(Effect::Send(Command::OpenPlan { text })),
            Err(why) => self.undo_not_planned(&Problem::new(why, "")),
        }
    }

    /// The backend has understood the file. One that was given up meanwhile is dropped.
    pub(super) fn plan_opened(&mut self, opened: Arc<PlanFile>, plan: Arc<Plan>) {
        let waiting = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Plan(dialog) => match (&dialog.stage, &mut dialog.origin) {
                (Stage::Making(_), Origin::File { file }) => Some(file),
                _ => None,
            },
            _ => None,
        });
        let Some(file) = waiting else { return };
        *file = Some(opened);
        self.review_plan(plan);
    }

    /// Orders what is to be said about a plan of the backend's.
    pub(super) fn review_plan(&mut self, plan: Arc<Plan>) {
        self.generation += 1;
        self.plan_generation = self.generation;
        let order = ReviewOrder {
            generation: self.generation,
            plan,
            snapshot: self.profiles.snapshot(),
            mappings: self.known_mappings(),
            capabilities: self.profiles.capabilities(),
            radius: self.radius(),
        };
        self.emit(Effect::Work(Job::Review(Box::new(order))));
    }

    /// Has the plan on the screen written into a file.
    pub(super) fn save_plan(&mut self, dialog: &PlanDialog) {
        let Stage::Ready { plan, review } = &dialog.stage else { return };
        let asked = match &dialog.origin {
            Origin::File { file: Some(file) } => file.asked.to_string(),
            Origin::Assign { leads: PickedLeads::One(lead), .. } => format!("lead {}", lead.id),
            Origin::Assign { leads: PickedLeads::Marked, .. } => match self.marked_all() {
                Some(marked) => marked.query.clone(),
                None => words::counted(self.leads.selection.len(), "marked lead"),
            },
            Origin::TakeBack { of: Some(of), .. } => format!("operation {of}"),
            _ => words::counted(plan.changes(), "lead"),
        };
        let mut plan = plan.clone();
        let note = dialog.note.text().trim();
        if !note.is_empty() {
            Arc::make_mut(&mut plan).note = Some(SafeText::new(note));
        }
        let findings = review.findings.iter().map(|finding| SafeText::new(finding)).collect();
        self.emit(Effect::Send(Command::WritePlan { plan, asked, findings }));
        self.say(Level::Info, "Writing the plan into a file");
    }

    pub(super) fn plan_written(&mut self, text: String) {
        self.emit(Effect::SaveFile { name: "plan.json".to_owned(), text });
    }

    /// Why somebody else has to say yes to a plan first; `None` where nobody has to, or somebody did.
    pub(super) fn needs_approval(&self, dialog: &PlanDialog, changes: usize) -> Option<String> {
        let above = self.options.approval_above?;
        let (changes, how) = match &dialog.origin {
            Origin::File { file: Some(file) } if file.approval().is_some() => return None,
            Origin::File { file: Some(file) } => {
                let how = format!("somebody other than {} has to run `switchboard approve` on its file", file.author);
                (file.plan.changes(), how)
            }
            _ => {
                let key = self.keys.label(super::Context::Plan, super::Action::SavePlan);
                let key = key.map(|key| format!(" ({key})")).unwrap_or_default();
                let how =
                    format!("save the plan{key}, have somebody else run `switchboard approve` on it, open it again");
                (changes, how)
            }
        };
        let (many, most) = (words::counted(changes, "change"), words::number(above));
        (changes > above).then(|| format!("{many}, more than the {most} that one person may send alone: {how}."))
    }
}
