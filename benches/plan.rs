//! Benchmark: plan.
fn main() {}
