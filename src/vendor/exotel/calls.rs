//! The five calls: their paths, the headers that go with all of them, and errors that name what was sent.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::key::Key;
use super::settings::{Endpoint, Settings};
use super::{Asking, Exotel};
use crate::vendor::http::{Answer, Call, request_id};
use crate::vendor::{ErrorKind, VendorError};

/// The path of each call.
pub fn path<'a>(settings: &'a Settings, endpoint: Endpoint, rest: &[&'a str]) -> Vec<&'a str> {
    let prefix = match endpoint.prefix_setting() {
        "hierarchy_prefix" => &settings.hierarchy_prefix,
        _ => &settings.mapping_prefix,
    };
    prefix.iter().map(String::as_str).chain(rest.iter().copied()).collect()
}

impl Exotel {
    /// Signs a call by the setting for its endpoint. The vendor wants `Content-Type` on reads as well.
    pub(super) fn signed(&self, call: Call, endpoint: Endpoint, asking: &Asking) -> Result<Call, VendorError> {
        let authorization = self.settings.authorization(endpoint)?;
        Ok(call
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .hot(asking.hot)
            .counted_by(&asking.meter))
    }

    fn get(&self, endpoint: Endpoint, rest: &[&str], asking: &Asking) -> Result<Call, VendorError> {
        self.signed(Call::get(&path(&self.settings, endpoint, rest))?, endpoint, asking)
    }

    /// Sends a reading. An answer that is no success is an error that names the credential and its setting.
    async fn read(&self, endpoint: Endpoint, call: &Call) -> Result<Answer, VendorError> {
        let answer = self.http.read_any(call).await?;
        if answer.is_success() { Ok(answer) } else { Err(self.refusal(endpoint, &answer)) }
    }

    pub(super) async fn get_processes(&self, offset: usize, asking: &Asking) -> Result<Answer, VendorError> {
        let rest = ["cc", &self.settings.contact_center, "process"];
        let call = self.get(Endpoint::Processes, &rest, asking)?;
        let call = call.query("limit", self.settings.process_page_size).query("offset", offset);
        self.read(Endpoint::Processes, &call).await
    }

    pub(super) async fn get_campaigns(&self, asking: &Asking) -> Result<Answer, VendorError> {
        let call = self.get(Endpoint::Campaigns, &["hierarchyconfig", "campaign"], asking)?;
        let call = call.query("contactCenterId", &self.settings.contact_center);
        self.read(Endpoint::Campaigns, &call).await
    }

    /// `page`: limit and offset, once the server has shown that it pages.
    pub(super) async fn get_campaign_leads(
        &self,
        process: &str,
        campaign: &str,
        page: Option<(usize, usize)>,
        asking: &Asking,
    ) -> Result<Answer, VendorError> {
        let rest = ["cc", &self.settings.contact_center, "process", process, "campaign", campaign, "campaign-lead"];
        let mut call = self.get(Endpoint::CampaignLead, &rest, asking)?;
        if let Some((limit, offset)) = page {
            call = call.query("limit", limit).query("offset", offset);
        }
        self.read(Endpoint::CampaignLead, &call).await
    }

    pub(super) async fn get_lead_users(
        &self,
        process: &str,
        key: &Key,
        offset: usize,
        asking: &Asking,
    ) -> Result<Answer, VendorError> {
        let rest = ["cc", &self.settings.contact_center, "process", process, "campaign", &key.campaign, "lead-user"];
        let call = self.get(Endpoint::LeadUser, &rest, asking)?;
        let call =
            call.query("leadId", &key.lead).query("limit", self.settings.lead_user_page_size).query("offset", offset);
        self.read(Endpoint::LeadUser, &call).await
    }

    /// An answer that is no success, in words: the status counts, whatever the body says it was.
    pub(super) fn refusal(&self, endpoint: Endpoint, answer: &Answer) -> VendorError {
        let mut error = answer.error();
        let number = request_id(answer);
        if !number.is_empty() && !error.message.contains(number.as_str()) {
            error.message.push_str(&format!(" (request {number})"));
        }
        let (setting, scheme) = (endpoint.setting(), self.settings.scheme(endpoint));
        match error.kind {
            ErrorKind::SignIn => {
                error.message.push_str(&format!("; the {} credential was sent", scheme.word()));
                error.remedy = format!(
                    "{setting} = \"{}\" chose it: the credential may be wrong or over (a Bearer token lasts a day), or this \
                     call wants the other one ({setting} = \"{}\").",
                    scheme.setting(),
                    scheme.other().setting()
                );
            }
            ErrorKind::Forbidden => {
                error.remedy =
                    "An administrator's credential is known to be enough; whether a supervisor's is, depends on \
                                the contact center."
                        .to_owned();
            }
            ErrorKind::NotFound => {
                error.remedy = format!(
                    "If everything is not found, {} or contact_center_id of profile {} is not right.",
                    endpoint.prefix_setting(),
                    self.profile
                );
            }
            _ => {}
        }
        error
    }
}
