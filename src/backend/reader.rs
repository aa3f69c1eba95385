//! Reading targets' present assignments, with patience for a vendor that has a bad minute.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::time::Instant;

use super::desk::Desk;
use super::pace::PaceGate;
use super::readings::Readings;
use crate::domain::exchange::Problem;
use crate::vendor::targets::Subset;
use crate::vendor::{ErrorKind, Found, Observation, Session, Target, Targets, VendorError};

/// The longest first pause before reading again after an error; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Reads a few targets once. One observation for each; `meter` counts the requests.
pub async fn read(desk: &Desk, targets: &[Target], session: &Session, meter: &Arc<AtomicUsize>) -> Vec<Observation> {
    if targets.is_empty() {
        return Vec::new();
    }
    PaceGate::metered(meter.clone(), desk.vendor.observe(targets, session)).await
}

/// Reads many targets once, all together. What was read of each is given to `found` as it comes, once for each.
pub async fn read_each(
    desk: &Desk,
    targets: &dyn Targets,
    session: &Session,
    meter: &Arc<AtomicUsize>,
    found: &mut Found<'_>,
) {
    if targets.is_empty() {
        return;
    }
    let mut is_given = vec![false; targets.len()];
    let mut once = |number: usize, observation: Observation| {
        if let Some(is_given) = is_given.get_mut(number).filter(|is_given| !**is_given) {
            *is_given = true;
            found(number, observation);
        }
    };
    PaceGate::metered(meter.clone(), desk.vendor.observe_each(targets, session, &mut once)).await;
    for number in (0..targets.len()).filter(|number| !is_given[*number]) {
        found(number, Observation::missed());
    }
}

/// Reads until every target gave an answer that more patience would not change, or until none was read for as long as
/// settling may take. An error that every further request would meet as well ends it at once.
pub async fn read_patiently(
    desk: &Desk,
    targets: &dyn Targets,
    session: &Session,
    meter: &Arc<AtomicUsize>,
) -> Result<Readings, VendorError> {
    let mut pause = FIRST_PAUSE.min(desk.capabilities.settle.first);
    let mut all = Readings::of(targets.len());
    let mut again: Option<Vec<u32>> = None;
    // Many take their time: what counts is how long nothing came.
    let mut latest = Instant::now();
    loop {
        let mut note = |number: usize, observation: Observation| {
            if observation.now.is_ok() {
                latest = Instant::now();
            }
            all.note(number, observation);
        };
        match &again {
            None => read_each(desk, targets, session, meter, &mut note).await,
            Some(numbers) => {
                let mut note = |number: usize, observation| note(numbers[number] as usize, observation);
                read_each(desk, &Subset { all: targets, numbers }, session, meter, &mut note).await;
            }
        }
        if let Some((_, refused)) = all.all_unread().find(|(_, error)| is_final_for_all(error)) {
            return Err(refused.clone());
        }
        let left: Vec<u32> =
            all.all_unread().filter(|(_, error)| passes(error)).map(|(number, _)| number as u32).collect();
        if left.is_empty() || Instant::now() + pause > latest + desk.capabilities.settle.deadline {
            return Ok(all);
        }
        again = Some(left);
        tokio::time::sleep(pause).await;
        pause *= 2;
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
pub async fn read_for_a_plan(desk: &Desk, targets: &dyn Targets, session: &Session) -> Result<Readings, Problem> {
    read_patiently(desk, targets, session, &Arc::default())
        .await
        .map_err(|error| Problem::new(format!("{}: {}", desk.name, error.message), error.remedy))
}
