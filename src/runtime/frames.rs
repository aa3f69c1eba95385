//! When the next frame is drawn.

use std::time::Duration;

use tokio::time::Instant;

/// Frames do not follow each other faster, about 60 in a second, but for what a search finds that took longer than
/// [`ANSWER`].
const FRAME: Duration = Duration::from_millis(16);

/// A key that searches is painted together with what it finds, if that is there by then: most queries are answered
/// sooner than this, and one frame instead of two shows the matches a whole frame earlier. Well under [`FRAME`], so that
/// the typed letter is never late.
const ANSWER: Duration = Duration::from_millis(8);

/// What is to be drawn, and what was drawn last.
#[derive(Debug, Default)]
pub struct Frames {
    changed: bool,
    drawn_at: Option<Instant>,
    /// The first search that no frame has shown yet was asked for at this time.
    searched_at: Option<Instant>,
    /// The last frame showed a question without its answer: the answer has waited long enough, and is painted as soon
    /// as it is there.
    owes_answer: bool,
}

impl Frames {
    /// There is something new to be seen.
    pub fn change(&mut self) {
        self.changed = true;
    }

    /// A search has begun.
    pub fn search(&mut self, now: Instant) {
        self.searched_at.get_or_insert(now);
    }

    /// When the next frame is to be drawn; `None` when nothing has changed.
    pub fn due(&self, is_searching: bool, now: Instant) -> Option<Instant> {
        if !self.changed {
            return None;
        }
        if self.owes_answer && !is_searching {
            return Some(now);
        }
        let due = self.drawn_at.map_or(now, |at| at + FRAME);
        match self.searched_at {
            Some(asked) if is_searching => Some(due.max(asked + ANSWER)),
            _ => Some(due),
        }
    }

    /// Everything is on the screen now.
    pub fn drawn(&mut self, is_searching: bool, now: Instant) {
        *self = Self { changed: false, drawn_at: Some(now), searched_at: None, owes_answer: is_searching };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_waits_a_little_for_its_answer_and_the_answer_for_nothing() {
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut frames = Frames::default();
        assert_eq!(frames.due(false, at(0)), None);
        frames.change();
        assert_eq!(frames.due(false, at(0)), Some(at(0)), "the first frame waits for nothing");
        frames.drawn(false, at(1));
        assert_eq!(frames.due(false, at(2)), None);
        frames.change();
        assert_eq!(frames.due(false, at(2)), Some(at(17)), "frames keep a distance");
        frames.drawn(false, at(17));

        // A letter is typed; its answer comes soon.
        frames.search(at(100));
        frames.change();
        assert_eq!(frames.due(true, at(100)), Some(at(108)));
        assert_eq!(frames.due(false, at(103)), Some(at(33)), "with its answer it is drawn at once");
        frames.drawn(false, at(103));

        // Another one, whose answer takes longer: the letter is drawn, then what it finds.
        frames.search(at(200));
        frames.change();
        frames.drawn(true, at(208));
        assert_eq!(frames.due(true, at(210)), None);
        frames.change();
        assert_eq!(frames.due(true, at(210)), Some(at(224)), "whatever else happens keeps its distance");
        assert_eq!(frames.due(false, at(212)), Some(at(212)), "the answer does not wait");
        frames.drawn(false, at(212));
        frames.change();
        assert_eq!(frames.due(false, at(213)), Some(at(228)), "and it comes once");

        // Letters that come faster than answers: the first that no frame has shown counts.
        frames.drawn(false, at(300));
        for ms in [301, 305, 309] {
            frames.search(at(ms));
            frames.change();
        }
        assert_eq!(frames.due(true, at(310)), Some(at(316)));
    }
}
