//! Reading targets' present assignments, with patience for a vendor that has a bad minute.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::time::Instant;

use super::desk::Desk;
use super::pace::PaceGate;
use crate::domain::exchange::Problem;
use crate::vendor::{ErrorKind, Observation, Session, Target, VendorError};

/// The longest first pause before reading again after an error; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Reads once. One observation for each target; `meter` counts the requests.
pub async fn read(desk: &Desk, targets: &[Target], session: &Session, meter: &Arc<AtomicUsize>) -> Vec<Observation> {
    if targets.is_empty() {
        return Vec::new();
    }
    let mut read = PaceGate::metered(meter.clone(), desk.vendor.observe(targets, session)).await;
    // A client that answers for fewer targets than it was asked about has not read the others.
    read.resize_with(targets.len(), || Observation {
        now: Err(VendorError::new(ErrorKind::Garbled, "the vendor's client did not read it")),
        scope: None,
    });
    read
}

/// Reads until every target gave an answer that more patience would not change, or the settling deadline is over. An
/// error that every further request would meet as well ends it at once.
pub async fn read_patiently(
    desk: &Desk,
    targets: &[Target],
    session: &Session,
    meter: &Arc<AtomicUsize>,
) -> Result<Vec<Observation>, VendorError> {
    let deadline = Instant::now() + desk.capabilities.settle.deadline;
    let mut pause = FIRST_PAUSE.min(desk.capabilities.settle.first);
    let mut all = read(desk, targets, session, meter).await;
    loop {
        let refused = all.iter().filter_map(|o| o.now.as_ref().err()).find(|error| is_final_for_all(error));
        if let Some(error) = refused {
            return Err(error.clone());
        }
        let again: Vec<usize> = (0..all.len()).filter(|i| all[*i].now.as_ref().is_err_and(passes)).collect();
        if again.is_empty() || Instant::now() + pause > deadline {
            return Ok(all);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        let subset: Vec<Target> = again.iter().map(|i| targets[*i].clone()).collect();
        for (i, observation) in again.into_iter().zip(read(desk, &subset, session, meter).await) {
            all[i] = observation;
        }
    }
}

/// An error that every further request would meet as well.
pub fn is_final_for_all(error: &VendorError) -> bool {
    matches!(error.kind, ErrorKind::SignIn | ErrorKind::Forbidden | ErrorKind::Setting)
}

/// An error that may be over in a moment.
pub fn passes(error: &VendorError) -> bool {
    matches!(error.kind, ErrorKind::Wait | ErrorKind::Unreachable | ErrorKind::Server | ErrorKind::Garbled)
}

/// The same for a plan that is being made: an error is told with the profile's name.
pub async fn read_for_a_plan(desk: &Desk, targets: &[Target], session: &Session) -> Result<Vec<Observation>, Problem> {
    read_patiently(desk, targets, session, &Arc::default())
        .await
        .map_err(|error| Problem::new(format!("{}: {}", desk.name, error.message), error.remedy))
}
