//! Sharing leads out among several owners. The same leads and owners always give the same result.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use hashbrown::HashSet;

use super::ids::{LeadId, ProfileName};
use super::leads::LeadTable;
use super::planning::Wanted;
use super::{Agreement, Assignment, OwnerRef};

/// How leads are shared out (`--by`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::Display, strum::IntoStaticStr, strum::EnumIter,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Way {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Each lead to whoever has the fewest by then.
    Balance,
    /// In proportion to the owners' weights.
    Weights,
}

/// One of the owners that leads are shared out among.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub owner: OwnerRef,
    /// For [`Way::Weights`]; 0 gets nothing.
    pub weight: u32,
    /// Leads of this owner that stay where they are, for [`Way::Balance`].
    pub load: usize,
}

/// For each of `leads` leads the index of the share it goes to. `None` when nobody may get any: there are no shares,
/// or all of their weights are 0.
pub fn distribute(leads: usize, way: Way, shares: &[Share]) -> Option<Vec<usize>> {
    match way {
        _ if shares.is_empty() => None,
        Way::RoundRobin => Some((0..leads).map(|lead| lead % shares.len()).collect()),
        Way::Balance => Some(balance(leads, shares)),
        Way::Weights => weights(leads, shares),
    }
}

/// Shares leads out and puts each owner's together, in the order of the shares: what a plan asks for.
pub fn wanted(profile: &ProfileName, leads: &[LeadId], way: Way, shares: &[Share]) -> Option<Vec<Wanted>> {
    let mut wanted: Vec<Wanted> = shares
        .iter()
        .map(|share| Wanted { profile: profile.clone(), leads: Vec::new(), to: Assignment::Owner(share.owner.clone()) })
        .collect();
    for (lead, share) in leads.iter().zip(distribute(leads.len(), way, shares)?) {
        wanted[share].leads.push(lead.clone());
    }
    wanted.retain(|wanted| !wanted.leads.is_empty());
    Some(wanted)
}

/// The number of leads that each of `owners` keeps when `leads` are taken out and shared out anew.
pub fn kept_loads(table: &LeadTable, leads: &[LeadId], owners: &[OwnerRef]) -> Vec<usize> {
    let mut counts: Vec<usize> = table.owners().iter().map(|&(_, count)| count).collect();
    let mut seen = HashSet::with_capacity(leads.len());
    for row in leads.iter().filter_map(|lead| table.row_of(lead.as_str())) {
        if seen.insert(row) {
            let count = &mut counts[table.owner(row).0 as usize];
            *count = count.saturating_sub(1);
        }
    }
    let is = |owner: &OwnerRef, assignment: &Assignment| match assignment {
        Assignment::Owner(other) => owner.agrees_with(other) == Agreement::Same,
        _ => false,
    };
    owners
        .iter()
        .map(|owner| {
            let theirs = table.owners().iter().zip(&counts).filter(|((assignment, _), _)| is(owner, assignment));
            theirs.map(|(_, count)| count).sum()
        })
        .collect()
}

fn balance(leads: usize, shares: &[Share]) -> Vec<usize> {
    let mut queue: BinaryHeap<_> =
        shares.iter().enumerate().map(|(index, share)| Reverse((share.load, index))).collect();
    let mut out = Vec::with_capacity(leads);
    for _ in 0..leads {
        // Never empty: there is at least one share, and each one taken out is put back.
        let Some(Reverse((load, index))) = queue.pop() else { break };
        out.push(index);
        queue.push(Reverse((load + 1, index)));
    }
    out
}

/// Exact quotas by largest remainder, dealt out evenly so that the first half of the leads has the same proportions as
/// the second.
fn weights(leads: usize, shares: &[Share]) -> Option<Vec<usize>> {
    let sum: u128 = shares.iter().map(|share| u128::from(share.weight)).sum();
    if sum == 0 {
        return None;
    }
    let exact = |share: &Share| u128::from(share.weight) * leads as u128;
    let mut quotas: Vec<usize> = shares.iter().map(|share| (exact(share) / sum) as usize).collect();
    let left = leads - quotas.iter().sum::<usize>();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    by_remainder.sort_by_key(|&index| (Reverse(exact(&shares[index]) % sum), index));
    for &index in by_remainder.iter().take(left) {
        quotas[index] += 1;
    }
    // The k-th lead of an owner who gets n of them is due at (k + ½) / n of the way.
    let mut due = BTreeMap::new();
    for (index, &quota) in quotas.iter().enumerate() {
        for k in 0..quota as u128 {
            let position = ((2 * k + 1) << 40) / (2 * quota as u128);
            due.insert((position, index, k), index);
        }
    }
    Some(due.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LeadRecord;
    use proptest::prelude::*;

    fn share(weight: u32, load: usize) -> Share {
        Share { owner: OwnerRef::with_id(format!("w{weight}l{load}")), weight, load }
    }

    fn counts(dealt: &[usize], shares: usize) -> Vec<usize> {
        let mut counts = vec![0; shares];
        dealt.iter().for_each(|&index| counts[index] += 1);
        counts
    }

    #[test]
    fn each_way_shares_out_as_it_says() {
        let shares = [share(1, 10), share(2, 0), share(1, 3)];
        assert_eq!(distribute(5, Way::RoundRobin, &shares).unwrap(), [0, 1, 2, 0, 1]);
        assert_eq!(distribute(5, Way::Balance, &shares).unwrap(), [1, 1, 1, 1, 2]);
        assert_eq!(distribute(4, Way::Weights, &shares).unwrap(), [1, 0, 2, 1]);
        assert_eq!(distribute(3, Way::Balance, &[]), None);
        assert_eq!(distribute(3, Way::Weights, &[share(0, 0)]), None);
    }

    #[test]
    fn leads_that_are_shared_out_do_not_count_as_present_load() {
        let lead = |id: &str, owner: &str| LeadRecord {
            id: id.into(),
            owner: Assignment::Owner(OwnerRef::named(owner)),
            ..LeadRecord::default()
        };
        let table = LeadTable::default().with_leads(&[lead("1", "Ann"), lead("2", "Ann"), lead("3", "Bob")]);
        let owners = [OwnerRef::new("a", "Ann"), OwnerRef::new("b", "Bob"), OwnerRef::new("c", "Cid")];
        assert_eq!(kept_loads(&table, &["2".into(), "2".into(), "9".into()], &owners), [1, 1, 0]);
    }

    #[test]
    fn every_lead_is_wanted_once() {
        let leads: Vec<LeadId> = (0..10).map(|id| LeadId::from(format!("L{id}"))).collect();
        let wanted = wanted(&"p".into(), &leads, Way::RoundRobin, &[share(1, 0), share(2, 0), share(3, 0)]).unwrap();
        assert_eq!(wanted.iter().map(|wanted| wanted.leads.len()).collect::<Vec<_>>(), [4, 3, 3]);
        let mut all: Vec<_> = wanted.into_iter().flat_map(|wanted| wanted.leads).collect();
        all.sort();
        assert_eq!(all, leads);
    }

    proptest! {
        #[test]
        fn round_robin_differs_by_one_at_most(leads in 0..500_usize, owners in 1..20_usize) {
            let shares: Vec<Share> = (0..owners).map(|_| share(1, 0)).collect();
            let counts = counts(&distribute(leads, Way::RoundRobin, &shares).unwrap(), owners);
            prop_assert_eq!(counts.iter().sum::<usize>(), leads);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn balance_never_passes_over_somebody_with_less(
            leads in 0..300_usize,
            loads in prop::collection::vec(0..100_usize, 1..12),
        ) {
            let shares: Vec<Share> = loads.iter().map(|&load| share(1, load)).collect();
            let counts = counts(&distribute(leads, Way::Balance, &shares).unwrap(), shares.len());
            prop_assert_eq!(counts.iter().sum::<usize>(), leads);
            let after: Vec<usize> = loads.iter().zip(&counts).map(|(load, count)| load + count).collect();
            let least = *after.iter().min().unwrap();
            for (after, count) in after.iter().zip(&counts) {
                prop_assert!(*count == 0 || *after <= least + 1);
            }
        }

        #[test]
        fn weights_are_met_to_less_than_one_lead(
            leads in 0..500_usize,
            weights in prop::collection::vec(0..50_u32, 1..12),
        ) {
            let shares: Vec<Share> = weights.iter().map(|&weight| share(weight, 0)).collect();
            let sum: u32 = weights.iter().sum();
            let Some(dealt) = distribute(leads, Way::Weights, &shares) else {
                prop_assert_eq!(sum, 0);
                return Ok(());
            };
            for (count, weight) in counts(&dealt, shares.len()).iter().zip(&weights) {
                let exact = leads as f64 * f64::from(*weight) / f64::from(sum);
                prop_assert!((*count as f64 - exact).abs() < 1.0);
            }
        }
    }
}
