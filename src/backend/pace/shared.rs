//! A bucket that several Switchboards on one host draw from, and that outlives them: kept in a small file under a lock.
//!
//! Whoever needs tokens takes those of a moment at a time, so the file is touched some hundred times a second however fast
//! the pace is, and what leaves is as even as from one.
//! A file that cannot be read, locked or written costs the sharing, never the work: then each draws from its own bucket.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, Road};
use crate::domain::Pace;
use crate::vendor::Heard;

/// Between two looks into the file where none is needed for tokens.
const LOOK: Duration = Duration::from_millis(100);
/// What is taken from it at once. All of that may leave together, so it is little.
const SHARE: Duration = Duration::from_millis(10);
/// Tokens in hand that nobody used go back after this long.
const IN_HAND: Duration = Duration::from_secs(1);
/// Whoever has just emptied the bucket lets others go first for the next token, and of those no one is always first.
const AFTER_YOU: Duration = Duration::from_millis(2);
/// How often somebody else's lock is waited for, and how long in between. Locks are held for microseconds.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_micros(100);
/// A file that is slow to lock (a network folder) is looked at less: this many times as long as a look takes.
const PATIENCE: u32 = 20;
/// A file is one line; more is not ours.
const LONGEST: u64 = 8192;

/// A bucket, alone or shared.
pub struct SharedBucket {
    /// The file's bucket as it was last seen, or the own one.
    bucket: Bucket,
    ledger: Option<Ledger>,
    /// For what is in hand in the end.
    pace: Pace,
    /// Tokens that were taken from the file and not used yet, and when.
    hand: u32,
    hand_at: Duration,
    /// Not before this is the file asked again.
    ask_at: Duration,
}

/// The file.
pub struct Ledger {
    file: File,
    /// Whose pace it is. A profile that points elsewhere begins anew.
    place: String,
    /// How long the last look took, and when the present one began.
    took: Duration,
    since: std::time::Instant,
}

#[derive(Serialize, Deserialize)]
struct Page {
    place: String,
    bucket: Bucket,
}

impl Ledger {
    /// Opens or makes the file, private from the start.
    pub fn open(path: &Path, place: String) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, place, took: Duration::ZERO, since: std::time::Instant::now() })
    }

    /// Locks the file and takes its bucket over. False when it could not be locked; then there is nothing to end.
    fn begin(&mut self, own: &mut Bucket, now: Duration) -> bool {
        self.since = std::time::Instant::now();
        if self.lock().is_none() {
            tracing::debug!(place = %self.place, "the pace could not be shared");
            return false;
        }
        if let Some(theirs) = self.read() {
            *own = theirs.at_most_at(now);
        }
        true
    }

    /// Puts the bucket back and lets others in.
    fn end(&mut self, own: &Bucket) {
        if let Err(error) = self.write(own) {
            tracing::debug!(place = %self.place, %error, "the pace could not be kept");
        }
        let _ = self.file.unlock();
        self.took = self.since.elapsed();
    }

    fn lock(&self) -> Option<()> {
        for _ in 0..TRIES {
            match self.file.try_lock() {
                Ok(()) => return Some(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    fn read(&mut self) -> Option<Bucket> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        (&self.file).take(LONGEST).read_to_string(&mut text).ok()?;
        let page: Page = serde_json::from_str(&text).ok()?;
        (page.place == self.place).then_some(page.bucket)
    }

    fn write(&mut self, bucket: &Bucket) -> std::io::Result<()> {
        let page = Page { place: self.place.clone(), bucket: bucket.clone() };
        let mut text = serde_json::to_string(&page)?;
        text.push('\n');
        self.file.rewind()?;
        // In one write; a line that is cut off counts as none.
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)
    }
}

impl SharedBucket {
    pub fn new(pace: &Pace, now: Duration, ledger: Option<Ledger>) -> Self {
        let bucket = Bucket::new(pace, now);
        let mut this = Self { bucket, ledger, pace: *pace, hand: 0, hand_at: now, ask_at: Duration::ZERO };
        // What an earlier or another Switchboard left.
        this.ask(now, |_| ());
        this
    }

    /// Takes a token and says since when it was there, or when to ask again. Whoever takes `evenly` leaves what may leave
    /// at once to others.
    pub fn take(&mut self, pace: &Pace, now: Duration, evenly: bool) -> Result<Duration, Duration> {
        if self.ledger.is_none() {
            return self.bucket.take(pace, now, evenly);
        }
        if let Some(until) = self.bucket.paused_until(now) {
            return Err(until);
        }
        if self.hand > 0 && now < self.hand_at + IN_HAND {
            self.hand -= 1;
            return Ok(now);
        }
        if now < self.ask_at {
            return Err(self.ask_at);
        }
        let chunk = (self.bucket.rate(pace, now) * SHARE.as_secs_f64()).clamp(1.0, 1000.0) as u32;
        let unused = std::mem::take(&mut self.hand);
        let taken: Result<(Duration, u32), Duration> = self.ask(now, |bucket| {
            (0..unused).for_each(|_| bucket.give_back(pace, now));
            let since = bucket.take(pace, now, evenly)?;
            let more = (1..chunk).take_while(|_| bucket.take(pace, now, evenly).is_ok()).count();
            Ok((since, more as u32))
        });
        match taken {
            Ok((since, more)) => {
                self.hand = more;
                self.hand_at = now;
                self.ask_at = self.bucket.due(pace, now).map_or(now, |due| due + AFTER_YOU * 2);
                Ok(since)
            }
            Err(due) => {
                // Somebody else may be refused meanwhile, or give tokens back: look again soon.
                self.ask_at = due.min(now + LOOK).max(now + self.patience()) + AFTER_YOU.mul_f64(fastrand::f64());
                Err(self.ask_at)
            }
        }
    }

    /// A token was taken and not used.
    pub fn give_back(&mut self, pace: &Pace, now: Duration) {
        if self.ledger.is_some() { self.hand += 1 } else { self.bucket.give_back(pace, now) }
    }

    /// When the present pause ends, if there is one.
    pub fn paused_until(&self, now: Duration) -> Option<Duration> {
        self.bucket.paused_until(now)
    }

    /// Requests a second at present.
    pub fn rate(&self, pace: &Pace, now: Duration) -> f64 {
        self.bucket.rate(pace, now)
    }

    /// The limit as far as one is known.
    pub fn limit(&self, pace: &Pace, now: Duration) -> f64 {
        self.bucket.limit(pace, now)
    }

    /// Learns from what an answer said about limits, for everybody.
    pub fn hear(&mut self, pace: &Pace, now: Duration, heard: &Heard, road: Road) {
        let mut after = self.bucket.clone();
        after.hear(pace, now, heard, road);
        if after != self.bucket {
            self.ask(now, |bucket| bucket.hear(pace, now, heard, road));
        }
    }

    /// Works on the file's bucket, or on the own one where there is no file to work on.
    fn ask<T>(&mut self, now: Duration, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let shared = self.ledger.as_mut().is_some_and(|ledger| ledger.begin(&mut self.bucket, now));
        let done = change(&mut self.bucket);
        if shared && let Some(ledger) = &mut self.ledger {
            ledger.end(&self.bucket);
        }
        done
    }

    fn patience(&self) -> Duration {
        self.ledger.as_ref().map_or(Duration::ZERO, |ledger| ledger.took * PATIENCE)
    }
}

impl Drop for SharedBucket {
    fn drop(&mut self) {
        if self.hand > 0 && self.ledger.is_some() {
            let (hand, at) = (self.hand, self.hand_at);
            let pace = self.pace;
            self.ask(at, |bucket| (0..hand).for_each(|_| bucket.give_back(&pace, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: f64, burst: u32) -> Pace {
        Pace { per_second, burst, parallel: 8, yields: false }
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(1_000_000.0 + seconds)
    }

    fn open(folder: &Path, pace: &Pace, now: Duration) -> SharedBucket {
        let ledger = Ledger::open(&folder.join("pace").join("demo"), "https://a.example".to_owned()).unwrap();
        SharedBucket::new(pace, now, Some(ledger))
    }

    /// What each of several gets that ask every two milliseconds.
    fn greedy(buckets: &mut [SharedBucket], pace: &Pace, from: f64, to: f64) -> Vec<usize> {
        let mut got = vec![0; buckets.len()];
        for step in 0..((to - from) * 500.0) as usize {
            let now = at(from + step as f64 / 500.0);
            for (bucket, got) in buckets.iter_mut().zip(&mut got) {
                *got += (0..100).take_while(|_| bucket.take(pace, now, false).is_ok()).count();
            }
        }
        got
    }

    fn refusal(seconds: u64) -> Heard {
        Heard { status: Some(429), retry_after: Some(Duration::from_secs(seconds)), ..Heard::default() }
    }

    #[test]
    fn several_draw_from_one_bucket_and_each_gets_some() {
        let folder = tempfile::tempdir().unwrap();
        for per_second in [3.0, 40.0] {
            let pace = pace(per_second, 5);
            let now = at(per_second);
            let mut buckets = [0; 3].map(|_| open(folder.path(), &pace, now));
            let got = greedy(&mut buckets, &pace, per_second, per_second + 60.0);
            let all = got.iter().sum::<usize>() as f64;
            assert!((all - 60.0 * per_second).abs() <= 8.0 + per_second * 0.2, "{all} at {per_second} a second");
            assert!(got.iter().all(|got| *got as f64 > per_second * 5.0), "{got:?}");
            std::fs::remove_file(folder.path().join("pace/demo")).unwrap();
        }
    }

    #[test]
    fn the_pace_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let pace = pace(1.0, 30);
        let first = greedy(&mut [open(folder.path(), &pace, at(0.0))], &pace, 0.0, 1.0);
        let second = greedy(&mut [open(folder.path(), &pace, at(1.0))], &pace, 1.0, 2.0);
        assert!(first[0] >= 30 && second[0] <= 2, "{first:?} {second:?}");
    }

    #[test]
    fn what_one_is_told_all_know() {
        let folder = tempfile::tempdir().unwrap();
        for per_second in [50.0, f64::INFINITY] {
            let pace = pace(per_second, 5);
            let mut one = open(folder.path(), &pace, at(0.0));
            let mut other = open(folder.path(), &pace, at(0.0));
            assert!(other.take(&pace, at(0.0), false).is_ok());
            one.hear(&pace, at(0.1), &refusal(7), Road::default());
            // Within a moment: what is in hand may still leave.
            assert!(greedy(std::slice::from_mut(&mut other), &pace, 0.4, 7.0)[0] < 6, "at {per_second}");
            assert_eq!(other.paused_until(at(3.0)), Some(at(7.1)));
            let later = open(folder.path(), &pace, at(5.0));
            assert_eq!(later.paused_until(at(5.0)), Some(at(7.1)));
            std::fs::remove_file(folder.path().join("pace/demo")).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_nonsense_or_from_the_future_or_of_another_place_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let pace = pace(10.0, 5);
        let file = folder.path().join("pace").join("demo");
        drop(open(folder.path(), &pace, at(0.0)));
        for nonsense in ["", "{", "[]", "{\"place\":\"https://a.example\",\"bucket\":{}}", "\u{0}\u{0}"] {
            std::fs::write(&file, nonsense).unwrap();
            assert_eq!(greedy(&mut [open(folder.path(), &pace, at(0.0))], &pace, 0.0, 0.01), [5]);
        }
        // A clock that was a year ahead when this was written.
        drop(greedy(&mut [open(folder.path(), &pace, at(3e7))], &pace, 3e7, 3e7 + 0.1));
        let mut bucket = open(folder.path(), &pace, at(0.0));
        bucket.hear(&pace, at(0.0), &Heard::default(), Road::default());
        assert!(greedy(std::slice::from_mut(&mut bucket), &pace, 0.0, 2.0)[0] >= 19);
        bucket.hear(&pace, at(2.0), &refusal(3600), Road::default());
        let ledger = Ledger::open(&file, "https://b.example".to_owned()).unwrap();
        let elsewhere = SharedBucket::new(&pace, at(2.5), Some(ledger));
        assert_eq!(elsewhere.paused_until(at(2.5)), None);
    }

    #[test]
    fn whoever_holds_the_lock_for_ever_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let pace = pace(10.0, 5);
        let mut bucket = open(folder.path(), &pace, at(0.0));
        let holder = File::open(folder.path().join("pace").join("demo")).unwrap();
        holder.lock().unwrap();
        assert!(greedy(std::slice::from_mut(&mut bucket), &pace, 0.0, 3.0)[0] >= 30);
    }
}
