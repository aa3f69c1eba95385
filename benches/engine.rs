//! Benchmark: engine.
fn main() {}
