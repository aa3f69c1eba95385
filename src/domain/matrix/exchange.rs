//! What the screen of campaigns asks of the backend, and what it is told.

use std::sync::Arc;

use super::sets::{MappingSnapshot, Sets, SnapshotInfo};
use crate::domain::campaign::{Collection, MappingRecord};
use crate::domain::exchange::Problem;
use crate::domain::{Person, SafeText, Timestamp};

/// An order about one profile's mappings.
#[derive(Clone, Debug)]
pub enum MatrixAsk {
    /// The campaigns that there are.
    Campaigns,
    /// Every list of a campaign with its agents. Campaigns are read one after the other; `soon` puts this one first.
    Mappings { campaign: String, soon: bool },
    /// What an order of these would have read is not wanted any more.
    Forget { campaign: String },
    /// The snapshots that are kept, newest first.
    Snapshots,
    /// One snapshot with everything in it.
    Snapshot { number: i64 },
    /// Keep a mapping under a name.
    KeepSnapshot { name: SafeText, sets: Arc<Sets> },
}

/// What there is to tell about one profile's mappings.
#[derive(Clone, Debug)]
pub enum MatrixTold {
    Campaigns {
        campaigns: Arc<Vec<Collection>>,
        /// Agents whom the vendor's client knows without asking, with their names and teams.
        agents: Arc<Vec<Person>>,
    },
    /// The campaigns could not be read.
    NoCampaigns(Problem),
    /// The reading of a campaign has begun.
    Reading {
        campaign: String,
    },
    /// A campaign as it was read at this time; with lists of which some are still to be read where it is not whole.
    Mappings {
        campaign: String,
        records: Arc<Vec<MappingRecord>>,
        read_at: Timestamp,
        whole: bool,
    },
    /// A campaign could not be read.
    NoMappings {
        campaign: String,
        problem: Problem,
    },
    Snapshots(Vec<SnapshotInfo>),
    Snapshot(Arc<MappingSnapshot>),
    Kept(SnapshotInfo),
    /// A snapshot could not be kept or found.
    NoSnapshot(Problem),
}
