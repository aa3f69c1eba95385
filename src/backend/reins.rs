//! How fast an operation may go, by the wish of whoever watches it: paused, slowed down, or at full speed. The pace of
//! its profile holds besides; this only ever makes it slower.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The latest turns, to know how fast it goes when it is to go slower.
const REMEMBERED: usize = 64;
/// Turns before this say nothing about how fast it goes now.
const LATELY: Duration = Duration::from_secs(10);
/// The slowest that a wish can make it: one request in ten seconds. Slower than that is a pause.
const SLOWEST: f64 = 0.1;

/// The reins of one operation. All its profiles share them.
pub struct Reins {
    wish: watch::Sender<Wish>,
    turns: Mutex<Turns>,
}

/// What is wished for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wish {
    pub paused: bool,
    /// At most so many write requests a second; `None` for full speed.
    pub at_most: Option<f64>,
    /// How fast it went before it was slowed down.
    pub full: f64,
}

#[derive(Default)]
struct Turns {
    latest: VecDeque<Instant>,
    /// When the next one may be taken, while it goes slower.
    next: Option<Instant>,
}

impl Reins {
    pub fn new() -> Self {
        Self { wish: watch::Sender::new(Wish::default()), turns: Mutex::default() }
    }

    pub fn wish(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Hands out nothing new, or goes on.
    pub fn pause(&self, paused: bool) {
        self.wish.send_modify(|wish| wish.paused = paused);
    }

    /// Half as fast as it goes now.
    pub fn slower(&self) {
        let now = self.turns().rate(Instant::now());
        self.wish.send_modify(|wish| {
            let before = wish.at_most.unwrap_or_else(|| {
                wish.full = now;
                now
            });
            wish.at_most = Some((before / 2.0).max(SLOWEST));
        });
    }

    /// Twice as fast, up to full speed.
    pub fn faster(&self) {
        self.wish.send_modify(|wish| {
            wish.at_most = wish.at_most.map(|most| most * 2.0).filter(|most| *most < wish.full);
        });
    }

    /// Waits until the next request may be handed out.
    pub async fn turn(&self) {
        let mut changes = self.wish.subscribe();
        loop {
            let wish = *changes.borrow_and_update();
            let due = match wish {
                Wish { paused: true, .. } => None,
                Wish { at_most, .. } => match self.turns().take(Instant::now(), at_most) {
                    Ok(()) => return,
                    Err(due) => Some(due),
                },
            };
            let nap = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = nap => {}
                // The sender lives as long as this.
                _ = changes.changed() => {}
            }
        }
    }

    /// Takes a turn if there is one now.
    pub fn try_turn(&self) -> bool {
        let wish = self.wish();
        !wish.paused && self.turns().take(Instant::now(), wish.at_most).is_ok()
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    fn take(&mut self, now: Instant, at_most: Option<f64>) -> Result<(), Instant> {
        match at_most {
            None => self.next = None,
            Some(most) => {
                if let Some(next) = self.next.filter(|next| *next > now) {
                    return Err(next);
                }
                self.next = Some(now + Duration::from_secs_f64(1.0 / most.max(SLOWEST)));
            }
        }
        if self.latest.len() >= REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(now);
        Ok(())
    }

    /// Turns a second lately; one where there were too few to tell.
    fn rate(&self, now: Instant) -> f64 {
        let mut lately = self.latest.iter().filter(|turn| now.duration_since(**turn) <= LATELY);
        let Some(first) = lately.next() else { return 1.0 };
        let passed = now.duration_since(*first).as_secs_f64().max(0.001);
        match lately.count() {
            0 => 1.0,
            turns => (turns as f64 / passed).max(SLOWEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turns_in(reins: &Reins, time: Duration) -> usize {
        let mut turns = 0;
        let end = Instant::now() + time;
        while Instant::now() < end && tokio::time::timeout_at(end, reins.turn()).await.is_ok() {
            turns += 1;
            // As if each took its time.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn slower_is_half_as_fast_and_faster_leads_back_to_full_speed() {
        let reins = Reins::new();
        let second = Duration::from_secs(1);
        assert_eq!(turns_in(&reins, 4 * second).await, 80);
        reins.slower();
        let most = reins.wish().at_most.unwrap();
        assert!((9.0..11.0).contains(&most), "{most}");
        assert!((38..=42).contains(&turns_in(&reins, 4 * second).await));
        reins.slower();
        assert!((19..=21).contains(&turns_in(&reins, 4 * second).await));
        reins.faster();
        reins.faster();
        assert_eq!(reins.wish().at_most, None);
        assert_eq!(turns_in(&reins, second).await, 20);
        for _ in 0..20 {
            reins.slower();
        }
        assert_eq!(reins.wish().at_most, Some(SLOWEST));
    }

    #[tokio::test(start_paused = true)]
    async fn slower_right_after_the_first_request_is_no_crawl() {
        let reins = Reins::new();
        reins.turn().await;
        reins.slower();
        assert_eq!(reins.wish().at_most, Some(0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn paused_there_are_no_turns_and_going_on_wakes_who_waits() {
        let reins = Reins::new();
        reins.pause(true);
        assert!(!reins.try_turn());
        assert_eq!(turns_in(&reins, Duration::from_secs(60)).await, 0);
        let (_, ()) = tokio::join!(reins.turn(), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            reins.pause(false);
        });
        assert!(reins.try_turn());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_the_wait_of_a_slow_one_too() {
        let reins = Reins::new();
        (0..12).for_each(|_| reins.slower());
        reins.turn().await;
        let start = Instant::now();
        tokio::join!(reins.turn(), async { (0..12).for_each(|_| reins.faster()) });
        assert!(start.elapsed() < Duration::from_secs(1), "full speed again, and nobody sleeps on");
    }
}
