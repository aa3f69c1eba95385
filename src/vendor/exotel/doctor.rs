//! The contract probed with reads, a sentence for each finding: what was found, and what a wrong setting looks like.

use std::collections::BTreeSet;
use std::time::Instant;

use super::key::Key;
use super::people::twins;
use super::reading::{Reading, Until};
use super::settings::{CrossCheck, Endpoint};
use super::wire::{self, Campaign, CampaignLead, LeadItem, Wrapped};
use super::{Asking, Exotel};
use crate::domain::PersonId;
use crate::vendor::findings::{Findings, examine_clock, label, listed};
use crate::vendor::{Check, ErrorKind, VendorError};

impl Exotel {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let asking = Asking::hot();
        let mut findings = Findings::default();
        self.examine_files(&mut findings);
        if !self.examine_processes(&mut findings, &asking).await {
            return findings.into_checks();
        }
        let Some(campaigns) = self.examine_campaigns(&mut findings, &asking).await else {
            return findings.into_checks();
        };
        if let Some((campaign, lead)) = self.examine_lists(&campaigns, &mut findings, &asking).await {
            self.examine_agents(&campaign, &lead, &mut findings, &asking).await;
        }
        self.examine_changes(&mut findings);
        findings.into_checks()
    }

    fn examine_files(&self, findings: &mut Findings) {
        match (self.settings.roster(), &self.settings.roster_file) {
            (Err(why), _) => findings.bad("roster_file", format!("{why}.")),
            (Ok(_), None) => findings.good(
                "roster_file",
                "There is none: agents are those that lead lists name, by their user ids, since no call gives their names.",
            ),
            (Ok(roster), Some(_)) => match twins(roster.keys()) {
                Some((one, other)) => {
                    findings.good("roster_file", format!("{one} and {other} differ in upper and lower case only."));
                }
                None => findings.good("roster_file", format!("{} agents are in it.", roster.len())),
            },
        }
        match (self.settings.lead_names(), &self.settings.lead_names_file) {
            (Err(why), _) => findings.bad("lead_names_file", format!("{why}.")),
            (Ok(_), None) => {
                findings.good("lead_names_file", "There is none: lead lists are shown by their numbers.");
            }
            (Ok(names), Some(_)) => findings.good("lead_names_file", format!("{} names are in it.", names.len())),
        }
    }

    /// Reachability, clock, the first credential. False when nothing else needs to be asked.
    async fn examine_processes(&self, findings: &mut Findings, asking: &Asking) -> bool {
        const NAME: &str = "processes";
        let began = Instant::now();
        let answer = match self.get_processes(0, asking).await {
            Ok(answer) => answer,
            Err(error) => {
                if error.kind != ErrorKind::Unreachable {
                    findings.good("reachable", format!("{} answers.", self.http.base_url()));
                }
                self.failed(NAME, Endpoint::Processes, &error, findings);
                // Names of processes are a comfort; everything else may still work.
                return !matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Setting);
            }
        };
        let took = began.elapsed().as_millis();
        findings.good("reachable", format!("{} answers ({took} ms).", self.http.base_url()));
        examine_clock(&answer, findings);
        if let Err(error) = Wrapped::of(&answer) {
            findings.failed(NAME, &error);
            return true;
        }
        match self.processes(asking).await {
            Ok(processes) => {
                let missing: Vec<&String> = self
                    .settings
                    .process_ids
                    .iter()
                    .filter(|id| !processes.iter().any(|process| process.id == **id))
                    .collect();
                let list = listed(processes.iter().map(|process| label(&process.id, process.name.as_str())));
                if missing.is_empty() {
                    findings.good(NAME, format!("{}: {list}.", processes.len()));
                } else {
                    let missing = listed(missing.into_iter().cloned());
                    findings.bad(NAME, format!("process_ids names {missing}, which is not there; there is: {list}."));
                }
            }
            Err(error) => findings.failed(NAME, &error),
        }
        true
    }

    async fn examine_campaigns(&self, findings: &mut Findings, asking: &Asking) -> Option<Vec<Campaign>> {
        const NAME: &str = "campaigns";
        let read = match self.get_campaigns(asking).await {
            Ok(answer) => wire::campaigns(&answer),
            Err(error) => {
                self.failed(NAME, Endpoint::Campaigns, &error, findings);
                return None;
            }
        };
        match read {
            Ok((mut campaigns, bad)) => {
                let all = campaigns.len();
                let wanted = &self.settings.process_ids;
                campaigns.retain(|campaign| wanted.is_empty() || wanted.contains(&campaign.process));
                let list = listed(campaigns.iter().map(|campaign| label(&campaign.id, campaign.name.as_str())));
                let mut detail = format!("{}: {list}.", campaigns.len());
                if all > campaigns.len() {
                    detail.push_str(&format!(" {} more are in other processes.", all - campaigns.len()));
                }
                if bad > 0 {
                    detail.push_str(&format!(" {bad} come without their numbers and cannot be used."));
                }
                findings.add(NAME, bad == 0, detail);
                Some(campaigns)
            }
            Err(error) => {
                findings.failed(NAME, &error);
                None
            }
        }
    }

    /// The lists of the first campaign that has some, and the one that tells most.
    async fn examine_lists(
        &self,
        campaigns: &[Campaign],
        findings: &mut Findings,
        asking: &Asking,
    ) -> Option<(Campaign, CampaignLead)> {
        const NAME: &str = "lead lists";
        const LOOKED_AT: usize = 3;
        for campaign in campaigns.iter().take(LOOKED_AT) {
            let overview = match self.fresh_overview(campaign, asking).await {
                Ok(overview) => overview,
                Err(error) => {
                    self.failed(NAME, Endpoint::CampaignLead, &error, findings);
                    return None;
                }
            };
            let leads: Vec<&CampaignLead> = overview
                .items
                .iter()
                .filter_map(|item| match item {
                    LeadItem::Lead(lead) => Some(lead),
                    LeadItem::Failed(_) => None,
                })
                .collect();
            let failed = overview.items.len() - leads.len();
            let Some(most) = leads.iter().max_by_key(|lead| lead.users.as_ref().map_or(0, BTreeSet::len)) else {
                continue;
            };
            let trouble = if failed > 0 { format!(" {failed} come as errors.") } else { String::new() };
            let what = label(&campaign.id, campaign.name.as_str());
            findings.add(NAME, failed == 0, format!("{} in campaign {what}.{trouble}", leads.len()));
            return Some((campaign.clone(), (*most).clone()));
        }
        findings.good(NAME, "The campaigns that were looked at have none.");
        None
    }

    async fn examine_agents(&self, campaign: &Campaign, lead: &CampaignLead, findings: &mut Findings, asking: &Asking) {
        const NAME: &str = "agents of a list";
        let key = Key::new(&campaign.id, &lead.lead);
        let reading = match self.read_users(campaign, &key, Until::TheEnd, asking).await {
            Ok(reading) => reading,
            Err(error) => {
                self.failed(NAME, Endpoint::LeadUser, &error, findings);
                return;
            }
        };
        findings.good(
            NAME,
            format!("{key} has {} agents, and {} others are named.", reading.assigned.len(), reading.others.len()),
        );
        self.examine_agreement(lead, &reading, findings);
        let everybody: BTreeSet<PersonId> = reading.everybody();
        if let Some((one, other)) = twins(everybody.iter()) {
            findings.good(
                "user ids",
                format!("{one} and {other} differ in upper and lower case only: mind which is meant."),
            );
        }
        let roster = self.settings.roster().unwrap_or_default();
        let strangers: Vec<&PersonId> = everybody.iter().filter(|id| !roster.contains_key(*id)).collect();
        if !roster.is_empty() && !strangers.is_empty() {
            let list = listed(strangers.into_iter().map(ToString::to_string));
            findings.good("roster_file", format!("These agents of {key} are not in it: {list}."));
        }
    }

    fn examine_agreement(&self, lead: &CampaignLead, reading: &Reading, findings: &mut Findings) {
        const NAME: &str = "cross-check";
        if self.settings.cross_check == CrossCheck::Off {
            findings.good(NAME, "It is switched off: a list that is not read to its end is not noticed.");
            return;
        }
        match &lead.users {
            Ok(users) if *users == reading.assigned_ids => {
                findings.good(NAME, "The list's own answer and the campaign's name the same agents.");
            }
            Ok(users) => findings.bad(
                NAME,
                format!(
                    "The list's own answer names {} agents, the campaign's {}: a wrong idea of how pages are counted looks \
                     like this, and so does a change in the same moment. Try again; if it stays, raise \
                     lead_user_page_size above the number of agents.",
                    reading.assigned_ids.len(),
                    users.len()
                ),
            ),
            Err(why) => findings.bad(NAME, format!("{why}.")),
        }
    }

    fn examine_changes(&self, findings: &mut Findings) {
        let (setting, scheme) = (Endpoint::Mapping.setting(), self.settings.scheme(Endpoint::Mapping));
        match self.settings.authorization(Endpoint::Mapping) {
            Ok(_) => findings.good(
                "changes",
                format!(
                    "They are sent with the {} credential ({setting}); no reading can try that out.",
                    scheme.word()
                ),
            ),
            Err(error) => findings.failed("changes", &error),
        }
    }

    /// An error with what a wrong setting looks like there.
    fn failed(&self, name: &str, endpoint: Endpoint, error: &VendorError, findings: &mut Findings) {
        let mut error = error.clone();
        if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Garbled | ErrorKind::NotSupported) {
            error.remedy = format!(
                "A wrong {} or contact_center_id looks like this, and so does a base_url that is not the CMS host.",
                endpoint.prefix_setting()
            );
        }
        findings.failed(name, &error);
    }
}
