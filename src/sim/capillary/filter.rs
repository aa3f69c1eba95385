//! What `GET /v2/leads` can be asked for, read from its query.

use super::Capillary;
use super::errors::Refused;
use super::shop::STORES;
use crate::sim::ask::Ask;

pub const STATUSES: [&str; 5] = ["OPEN", "ON_HOLD", "WON", "LOST", "DELETED"];
pub const TYPES: [&str; 4] = ["SKU", "CATEGORY", "BRAND", "CUSTOM"];
const ENTITIES: [&str; 8] = ["ZONE", "CONCEPT", "STORE", "TILL", "STR_SERVER", "ADMIN_USER", "ASSOCIATE", "STAFF"];

/// All of these have to fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub customer: Option<u64>,
    pub status: Option<String>,
    pub sub_status: Option<String>,
    pub owner: Option<OwnedBy>,
    /// Places of stores.
    pub stores: Option<Vec<usize>>,
    pub kind: Option<String>,
    pub source: Option<i64>,
}

/// A filter by owner.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedBy {
    /// The holder's id.
    Holder(String),
    /// An id that nobody has.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    pub by_update: bool,
    pub ascending: bool,
}

/// Which part of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub offset: u64,
    pub limit: usize,
}

impl Capillary {
    pub fn filter(&self, ask: &Ask) -> Result<Filter, Refused> {
        let owner = ask.text("owner").filter(|_| self.switches.is("owner_filter", "works"));
        let owner = owner.map(|id| match self.shop.filtered(&self.switches.value("filter_id"), id) {
            Some(user) => OwnedBy::Holder(user.id.clone()),
            None => OwnedBy::Nobody,
        });
        Ok(Filter {
            customer: number(ask, "userId")?,
            status: one_of(ask, "status", &STATUSES)?,
            sub_status: ask.text("substatus").map(str::to_owned),
            owner,
            stores: self.entity(ask)?,
            kind: match ask.text("type") {
                Some("ALL") => None,
                _ => one_of(ask, "type", &TYPES)?,
            },
            source: number(ask, "orgSourceId")?,
        })
    }

    /// The stores that an entity is, or that are in it.
    fn entity(&self, ask: &Ask) -> Result<Option<Vec<usize>>, Refused> {
        let Some(kind) = one_of(ask, "entityType", &ENTITIES)? else { return Ok(None) };
        let code = ask.text("entityCode").ok_or_else(|| Refused::bad("entityCode is required with entityType"))?;
        let fits = |place: usize| match kind.as_str() {
            "STORE" => STORES[place].code == code,
            "ZONE" => STORES[place].zone == code,
            "TILL" => code.strip_suffix(".till01") == Some(STORES[place].code),
            "CONCEPT" => true,
            // People belong to a store; which leads are theirs is what `owner` is for.
            _ => false,
        };
        Ok(Some((0..STORES.len()).filter(|place| fits(*place)).collect()))
    }

    /// The order and the part of the list; without a sort order the newest come first.
    pub fn window(&self, ask: &Ask) -> Result<(Order, Window), Refused> {
        let by_update = match ask.text("sortBy") {
            None | Some("createdon") => false,
            Some("lastUpdatedOn") => true,
            Some(_) => return Err(Refused::bad("sortBy must be createdon or lastUpdatedOn")),
        };
        let ascending = match ask.text("sortOrder") {
            Some("ASC") => true,
            None | Some("DESC") => false,
            Some(_) => return Err(Refused::bad("sortOrder must be ASC or DESC")),
        };
        let limit: u64 = number(ask, "limit")?.unwrap_or(20);
        if limit == 0 {
            return Err(Refused::bad("limit must be at least 1"));
        }
        let limit = limit.min(self.switches.number("page_cap")) as usize;
        Ok((Order { by_update, ascending }, Window { offset: number(ask, "offset")?.unwrap_or(0), limit }))
    }
}

fn number<T: std::str::FromStr>(ask: &Ask, name: &str) -> Result<Option<T>, Refused> {
    ask.text(name)
        .map(|text| text.parse().map_err(|_| Refused::bad(format!("{name} must be a whole number"))))
        .transpose()
}

fn one_of(ask: &Ask, name: &str, all: &[&str]) -> Result<Option<String>, Refused> {
    match ask.text(name) {
        None => Ok(None),
        Some(text) if all.contains(&text) => Ok(Some(text.to_owned())),
        Some(_) => Err(Refused::bad(format!("{name} must be one of {}", all.join(", ")))),
    }
}
