//! Benchmark: screen.
fn main() {}
