//! Shared by the benchmarks: realistic leads, medians, memory.
