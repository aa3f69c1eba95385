//! Questions that only the vendor can answer: a listing narrowed by the vendor itself.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::desk::Desk;
use crate::domain::exchange::LoadProgress;
use crate::domain::leads::LeadTable;
use crate::domain::query::{Answer, Asked};
use crate::domain::{LeadId, LeadRecord};
use crate::vendor::{Pages, VendorError};

/// The leads that the vendor finds. Those that are new to the table are put into it.
pub async fn ask(desk: &Desk, asked: &Asked) -> Result<Asking, VendorError> {
    let mut found = Found::default();
    desk.vendor.leads(&asked.ask(), &mut found).await?;
    let changed = desk.add_found(&found.leads);
    let answer = Arc::new(found.leads.into_iter().map(|lead| lead.id).collect::<HashSet<LeadId>>());
    Ok(Asking { answer, changed, troubles: found.troubles })
}

/// What came of a question.
pub struct Asking {
    pub answer: Answer,
    /// The table with leads that were new to it, where there were some.
    pub changed: Option<(LeadTable, LoadProgress)>,
    /// What the person should know about the listing.
    pub troubles: Vec<String>,
}

/// What a listing brought.
#[derive(Default)]
struct Found {
    leads: Vec<LeadRecord>,
    troubles: Vec<String>,
}

impl Pages for Found {
    fn page(&mut self, leads: Vec<LeadRecord>, _total: Option<usize>) -> ControlFlow<()> {
        self.leads.extend(leads);
        ControlFlow::Continue(())
    }

    fn trouble(&mut self, sentence: String) {
        self.troubles.push(sentence);
    }
}
