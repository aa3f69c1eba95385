//! The kenbun simulator, driven with plain requests and held against the contract.
