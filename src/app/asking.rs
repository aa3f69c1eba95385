//! Questions of the query that a vendor itself answers: asked once the query stands, and never taken for granted before
//! the answer is there.

use crate::domain::exchange::{Command, Problem};
use crate::domain::query::{Answer, Answers, Asked, Vocabulary};
use crate::domain::{ProfileName, Timestamp};

use super::effect::Effect;
use super::leads::Why;
use super::notices::Level;
use super::state::{Focus, State};
use super::words;

/// What one profile's vendor was asked, and what it answered.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    all: Vec<(Asked, Standing)>,
    answers: Answers,
}

/// How far a question is.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    Asked,
    /// The vendor found these leads, at this time.
    Answered {
        found: Answer,
        at: Timestamp,
    },
    Failed(Problem),
}

/// What is to be said about the questions of the present query.
#[derive(Clone, Debug, PartialEq)]
pub enum Narrowing {
    /// The query is still being typed.
    NotAsked(String),
    Asked(String),
    Failed(String),
    /// The table shows only what a vendor found: which vendors, for the title, and the sentence.
    Narrowed {
        by: String,
        text: String,
    },
}

impl Asking {
    /// What queries may use.
    pub(super) fn known(&self) -> Answers {
        self.answers.clone()
    }

    fn standing(&self, asked: &Asked) -> Option<&Standing> {
        self.all.iter().find(|(known, _)| known == asked).map(|(_, standing)| standing)
    }

    fn set(&mut self, asked: Asked, standing: Standing) {
        match self.all.iter_mut().find(|(known, _)| *known == asked) {
            Some((_, known)) => *known = standing,
            None => self.all.push((asked, standing)),
        }
        let answered = self.all.iter().filter_map(|(asked, standing)| match standing {
            Standing::Answered { found, .. } => Some((asked.clone(), found.clone())),
            _ => None,
        });
        self.answers = Answers::new(answered.collect());
    }
}

impl State {
    /// What queries over the listed profiles may name.
    pub fn vocabulary(&self) -> Vocabulary {
        let capabilities = self.listed_profiles().filter_map(|profile| profile.capabilities.as_deref());
        Vocabulary { fields: self.listed_fields(), ..Vocabulary::of(capabilities) }
    }

    /// Asks the listed vendors what the query wants to know of them and was not asked yet. Not while it is typed: half a
    /// word is another question.
    pub(super) fn ask_vendors(&mut self) {
        let questions = self.filter.query.questions();
        if self.focus == Focus::Filter || questions.is_empty() {
            return;
        }
        let mut wanted: Vec<(ProfileName, Asked)> = Vec::new();
        for profile in self.listed_profiles() {
            let Some(capabilities) = &profile.capabilities else { continue };
            let is_open =
                |asked: &Asked| asked.is_answered_by(capabilities) && profile.asking.standing(asked).is_none();
            let open = questions.iter().filter(|asked| is_open(asked));
            wanted.extend(open.map(|asked| (profile.name.clone(), asked.clone())));
        }
        for (profile, asked) in wanted {
            self.profiles.entry(&profile).asking.set(asked.clone(), Standing::Asked);
            self.emit(Effect::Send(Command::Ask { profile, asked }));
        }
    }

    /// A vendor has answered.
    pub(super) fn answered(&mut self, profile: &ProfileName, asked: Asked, found: Result<Answer, Problem>) {
        let now = self.now;
        let entry = self.profiles.entry(profile);
        // Forgotten meanwhile: it is asked anew.
        if entry.asking.standing(&asked).is_none() {
            return;
        }
        let vendor = entry.vendor();
        match found {
            Ok(found) => {
                let text = format!("{vendor} found {} for {asked}", words::counted(found.len(), "lead"));
                entry.asking.set(asked, Standing::Answered { found, at: now });
                self.say(Level::Info, &text);
            }
            Err(problem) => {
                entry.asking.set(asked, Standing::Failed(problem.clone()));
                self.notices.problem(now, &problem);
            }
        }
        self.search(Why::OtherRows);
        self.count_views();
    }

    /// What a vendor found is read anew with everything else.
    pub(super) fn forget_answers(&mut self, profile: &ProfileName) {
        self.profiles.entry(profile).asking = Asking::default();
    }

    /// What was not answered may be asked once more.
    pub(super) fn forget_refusals(&mut self) {
        let names: Vec<ProfileName> = self.profiles.iter().map(|profile| profile.name.clone()).collect();
        for name in names {
            let asking = &mut self.profiles.entry(&name).asking;
            asking.all.retain(|(_, standing)| !matches!(standing, Standing::Failed(_)));
        }
    }

    /// What is to be said about the questions of the query: the gravest thing.
    pub fn narrowing(&self) -> Option<Narrowing> {
        let questions = self.filter.query.questions();
        if questions.is_empty() {
            return None;
        }
        let said: Vec<String> = questions.iter().map(ToString::to_string).collect();
        let what = said.join(" ");
        let (mut vendors, mut unasked, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        let mut oldest: Option<Timestamp> = None;
        for profile in self.listed_profiles() {
            let Some(capabilities) = &profile.capabilities else { continue };
            for asked in questions.iter().filter(|asked| asked.is_answered_by(capabilities)) {
                let vendor = profile.vendor();
                match profile.asking.standing(asked) {
                    None => note(&mut unasked, vendor),
                    Some(Standing::Asked) => note(&mut waits, vendor),
                    Some(Standing::Failed(problem)) => {
                        return Some(Narrowing::Failed(format!("{vendor} did not answer {asked}: {problem}")));
                    }
                    Some(Standing::Answered { at, .. }) => oldest = Some(oldest.map_or(*at, |other| other.min(*at))),
                }
                note(&mut vendors, vendor);
            }
        }
        Some(match (&unasked[..], &waits[..], oldest) {
            ([], [], Some(at)) => {
                let (by, at) = (vendors.join(" and "), words::clock(at, self.now, &self.options.zone));
                let text = format!("Only what {by} found for {what} at {at}");
                Narrowing::Narrowed { by, text }
            }
            ([], waits, _) => Narrowing::Asked(format!("Asking {} for {what}", waits.join(" and "))),
            (unasked, ..) => Narrowing::NotAsked(format!("Enter asks {} for {what}", unasked.join(" and "))),
        })
    }
}

fn note(vendors: &mut Vec<&'static str>, vendor: &'static str) {
    if !vendors.contains(&vendor) {
        vendors.push(vendor);
    }
}
