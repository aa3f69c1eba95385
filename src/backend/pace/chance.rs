//! Refusals that say nothing about the pace: some servers refuse one call in thirty whatever comes, and any may do it once.
//!
//! Whether a refusal came alone is seen by what else was on the way: where a window is full, that is refused as well. One
//! that came alone while no limit was known costs its pause and nothing else. Of several at about the same pace the
//! second teaches like any other; where a third comes soon although it goes slower, they come by chance, and what was
//! thought before the first of them is thought again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lesson::Lesson;

/// Refusals with fewer requests than this between them are repeated ones.
const SOON: u32 = 150;
/// With more than this between them the server does not refuse by chance any more.
const RARELY: u32 = 600;
/// So many in a row that came alone, each at a lower pace than the one before, come by chance.
const IN_A_ROW: u32 = 3;
/// So many others that were on the way have to get through for each that did not.
const OTHERS: u32 = 3;
/// With fewer requests than this from one to the next, on average, it is too fast after all.
const TOO_OFTEN: f64 = 8.0;
const AT_FIRST: f64 = 30.0;
/// What one refusal more changes of that average.
const ONE_MORE: f64 = 0.25;
/// Who asks for a longer pause than this means it.
const NO_CHANCE: Duration = Duration::from_secs(2);

/// What was thought of the limit before a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    pub lesson: Option<Lesson>,
    /// Requests a second where nothing limits them.
    pub ramp: f64,
    /// Whether a setting or a header says a limit.
    pub is_limited: bool,
}

/// The refusals that came alone lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// Requests that left since the last refusal.
    left: u32,
    /// The refusals that are being looked at.
    rush: Option<Rush>,
    in_a_row: u32,
    /// What was thought before the first of those.
    before: Option<Before>,
    /// They come by chance.
    is_known: bool,
    /// Requests from one to the next, on average.
    apart: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Rush {
    /// When what was on the way has its answers.
    until: Duration,
    refused: u32,
    through: u32,
    apart: u32,
    before: Before,
}

impl Chance {
    /// A request left.
    pub fn left(&mut self) {
        self.left = self.left.saturating_add(1);
    }

    /// One that left did not.
    pub fn take_back(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// The first refusal of a rush. What was on the way has its answers by `until`.
    pub fn refused(&mut self, before: Before, asked: Option<Duration>, until: Duration) {
        if asked.is_some_and(|asked| asked > NO_CHANCE) {
            *self = Self::default();
            return;
        }
        let apart = std::mem::take(&mut self.left);
        self.rush = Some(Rush { until, refused: 1, through: 0, apart, before });
    }

    /// One more that was on the way was refused, or got through.
    pub fn answered(&mut self, refused: bool) {
        if let Some(rush) = &mut self.rush {
            if refused { rush.refused += 1 } else { rush.through += 1 }
        }
    }

    /// Once the others on the way have their answers: what to think again, if the refusal says nothing.
    pub fn judge(&mut self, now: Duration) -> Option<Before> {
        let rush = self.rush.take_if(|rush| now >= rush.until)?;
        if rush.refused > 1 && rush.refused * OTHERS > rush.through {
            *self = Self::default();
            return None;
        }
        self.apart += (f64::from(rush.apart) - self.apart) * ONE_MORE;
        if self.is_known && rush.apart <= RARELY {
            if self.apart < TOO_OFTEN {
                *self = Self::default();
                return None;
            }
            return Some(rush.before);
        }
        if self.is_known || rush.apart > SOON || self.before.is_none() {
            *self = Self { before: Some(rush.before), apart: AT_FIRST, ..Self::default() };
        }
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW {
            self.is_known = true;
            return self.before;
        }
        let is_free = rush.before.lesson.is_none() && !rush.before.is_limited;
        (self.in_a_row == 1 && is_free).then_some(rush.before)
    }

    /// Whether this could be.
    pub fn is_sound(&self, now: Duration) -> bool {
        let before = [self.before, self.rush.map(|rush| rush.before)];
        let mut lessons = before.iter().flatten().filter_map(|before| before.lesson.as_ref());
        self.apart.is_finite()
            && before.iter().flatten().all(|before| before.ramp.is_finite() && before.ramp > 0.0)
            && lessons.all(|lesson| lesson.is_sound(now))
    }
}
