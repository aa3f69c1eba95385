//! Work on many segments: spread over the processors, or done here where that is over before others have woken up.

use rayon::prelude::*;

/// Rows that are looked at here rather than by several threads, about: they take less than half a millisecond, and a
/// thread that sleeps wakes up after a tenth of one. In tests both happen.
pub const FEW: usize = if cfg!(test) { 48 } else { 8_192 };

/// What `work` makes of each; `None` as soon as it gives `None` for one.
pub fn over<T: Send, R: Send>(all: Vec<T>, few: bool, work: impl Fn(T) -> Option<R> + Sync + Send) -> Option<Vec<R>> {
    if few { all.into_iter().map(work).collect() } else { all.into_par_iter().map(work).collect() }
}
