//! Benchmark: journal.
fn main() {}
