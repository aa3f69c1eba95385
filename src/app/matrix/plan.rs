//! From the painting to the plan.

use std::sync::Arc;

use crate::app::job::MappingOrder;
use crate::app::state::State;
use crate::domain::matrix::MappingRequest;

impl State {
    /// Makes the plan of everything that is painted in this profile, and shows it.
    pub(super) fn plan_painting(&mut self) {
        let lists = self.matrix.center().map_or(0, |center| center.painted().2);
        self.plan_mapping(lists);
    }

    /// What the plan of the painting is made of, as things are now.
    pub(in crate::app) fn mapping_order(&self, generation: u64) -> Option<MappingOrder> {
        let profile = self.matrix.profile.clone()?;
        let center = self.matrix.centers.get(&profile)?;
        let capabilities = self.profiles.get(&profile)?.capabilities.clone()?;
        let wanted = center.boards.values().flat_map(|board| board.painting.wanted(&board.grid)).collect();
        let known = center.boards.values().filter_map(|board| Some((board.records.clone(), board.read_at?))).collect();
        let request = MappingRequest { profile, wanted, note: None, now: self.now };
        Some(MappingOrder { generation, request, known, capabilities })
    }

    /// Everything that is known of mappings, for what a plan says about agents.
    pub(in crate::app) fn known_mappings(&self) -> Vec<Arc<Vec<crate::domain::campaign::MappingRecord>>> {
        let boards = self.matrix.centers.values().flat_map(|center| center.boards.values());
        boards.map(|board| board.records.clone()).collect()
    }
}
