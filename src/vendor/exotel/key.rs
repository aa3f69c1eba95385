//! The two numbers of a mapping: campaign and lead list, `campaignId:leadId` as a target (contract, section 13).

use crate::domain::{TargetId, safe_text};
use crate::vendor::{ErrorKind, VendorError};

/// A (campaign, lead list).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub campaign: String,
    pub lead: String,
}

impl Key {
    pub fn new(campaign: impl Into<String>, lead: impl Into<String>) -> Self {
        Self { campaign: campaign.into(), lead: lead.into() }
    }

    /// Takes a target apart. Both sides must be numbers as the API writes them, or the target is none of ours.
    pub fn of(target: &TargetId) -> Result<Self, VendorError> {
        let both = target.as_str().split_once(':').filter(|(campaign, lead)| is_number(campaign) && is_number(lead));
        let Some((campaign, lead)) = both else {
            let message = format!("{target} is not a campaign and a lead list, which are written as 7:40");
            return Err(VendorError::new(ErrorKind::Refused, message));
        };
        Ok(Self::new(campaign, lead))
    }

    pub fn target(&self) -> TargetId {
        TargetId::from(format!("{}:{}", self.campaign, self.lead))
    }

    /// The numbers as a request's body has them.
    pub fn numbers(&self) -> Result<(u64, u64), VendorError> {
        match (self.campaign.parse(), self.lead.parse()) {
            (Ok(campaign), Ok(lead)) => Ok((campaign, lead)),
            _ => Err(VendorError::new(ErrorKind::Refused, format!("{self} holds a number that is too large"))),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", safe_text::visible(&self.campaign), safe_text::visible(&self.lead))
    }
}

fn is_number(text: &str) -> bool {
    // `007` would be another text for the same list.
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_two_numbers() {
        let key = Key::of(&TargetId::new("7:40")).unwrap();
        assert_eq!((key.target(), key.numbers().unwrap()), (TargetId::new("7:40"), (7, 40)));
        for bad in ["", "7", "7:", ":40", "7:x", "07:40", "7:40:1", "7: 40", "-7:40", "7:item 3"] {
            assert_eq!(Key::of(&TargetId::new(bad)).unwrap_err().kind, ErrorKind::Refused, "{bad}");
        }
        assert!(Key::new("1", "9".repeat(30)).numbers().is_err());
    }
}
