//! People of one name: where a plan concerns one of them, it says which.

use std::collections::HashMap;

use crate::domain::leads::Snapshot;
use crate::domain::{Assignment, OperationKind, OwnerRef, PersonId, Plan, ProfileName, SafeText};

use super::job::Review;
use super::words;

/// Gives every owner whose name somebody else of the profile has too the e-mail address beside it, or the id where there
/// is none. Only what the review says is changed, not the plan.
pub(super) fn tell_apart(review: &mut Review, plan: &Plan, snapshot: &Snapshot) {
    let names = names(snapshot);
    if names.is_empty() {
        return;
    }
    let called = |profile: &ProfileName, owner: &Assignment| -> Option<Assignment> {
        let id = owner.owner()?.id.as_ref()?;
        let name = names.get(&(profile, id))?;
        Some(Assignment::Owner(OwnerRef::new(id.as_str(), name.as_str())))
    };
    let mut said = false;
    // Where one profile is concerned the flows do not name it.
    let only = plan.parts.first().map(|part| &part.profile);
    for flow in &mut review.moves {
        let Some(profile) = flow.profile.as_ref().or(only).cloned() else { continue };
        for owner in [&mut flow.from, &mut flow.to] {
            if let Some(named) = called(&profile, owner) {
                *owner = named;
                said = true;
            }
        }
    }
    for shift in &mut review.shifts {
        if let Some(named) = called(&shift.profile, &shift.owner) {
            shift.owner = named;
        }
    }
    let assigns = matches!(plan.kind, OperationKind::Assign | OperationKind::Distribute) && review.parts.len() == 1;
    if let ([first, rest @ ..], true) = (&review.moves[..], said && assigns)
        && rest.iter().all(|flow| flow.to == first.to)
        && let Some(profile) = only
        && first.to.owner().and_then(|owner| owner.id.as_ref()).is_some_and(|id| names.contains_key(&(profile, id)))
    {
        // In full: it may differ from the other at its very end.
        review.does = format!("Assign {} to {}", words::counted(review.changes, "lead"), first.to.label());
    }
}

/// What to call people whose name alone does not say who is meant.
fn names(snapshot: &Snapshot) -> HashMap<(&ProfileName, &PersonId), SafeText> {
    let mut names = HashMap::new();
    for part in &snapshot.parts {
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for person in part.people.iter() {
            *by_name.entry(person.name.as_str()).or_default() += 1;
        }
        let shared = |name: &str| !name.is_empty() && by_name.get(name).is_some_and(|people| *people > 1);
        for person in part.people.iter().filter(|person| shared(person.name.as_str())) {
            let more = if person.email.is_empty() { person.id.as_str() } else { person.email.as_str() };
            names.insert((&part.profile, &person.id), SafeText::new(&format!("{} ({more})", person.label())));
        }
    }
    names
}
