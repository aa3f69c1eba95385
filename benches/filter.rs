//! Benchmark: filter.
fn main() {}
