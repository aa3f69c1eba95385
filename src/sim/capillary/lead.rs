//! What a lead looks like. But for what was written, everything is worked out from its number.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::Capillary;
use super::shop::STORES;
use super::store::Store;
use crate::sim::demo::{DemoLead, Stage, hostile};
use crate::sim::dice::Dice;

/// What customers want: brands, articles, kinds of things and wishes of their own.
const WISHES: [(&str, &[&str]); 4] = [
    ("BRAND", &["Aubépine", "Maison Tilleul", "Nordlys", "Kestrel & Daughters", "Ombú", "Sāga"]),
    (
        "SKU",
        &[
            "TL-2207 Trench, sand",
            "TL-0411 Loafer 42",
            "TL-3380 Cashmere scarf",
            "TL-1182 Weekender",
            "TL-0909 Watch 36mm",
        ],
    ),
    ("CATEGORY", &["Shoes", "Leather goods", "Coats", "Fine jewellery", "Homeware"]),
    ("CUSTOM", &["Wedding list", "Made to measure", "Corporate gifts", "Repair of an heirloom"]),
];

/// Ids of reasons for a status, with their texts.
pub const REASONS: [(u32, &str); 6] = [
    (11, "Asked in the store"),
    (12, "Asked to be called"),
    (13, "Waits for the delivery"),
    (14, "Bought"),
    (15, "Bought elsewhere"),
    (16, "Entered twice"),
];

/// Finer states of some statuses.
pub const SUB_STATUSES: [(&str, &str); 6] = [
    ("OPEN", "New"),
    ("OPEN", "Contacted"),
    ("OPEN", "Trial booked"),
    ("ON_HOLD", "Waiting for stock"),
    ("LOST", "Price"),
    ("LOST", "No answer"),
];

impl Capillary {
    fn demo_lead(&self, number: u32) -> DemoLead {
        self.demo.lead(u64::from(number))
    }

    /// Of this lead alone: its customer's dice are the demo's.
    fn dice(&self, number: u32, purpose: u64) -> Dice {
        Dice::new(self.seed, u64::from(number), purpose)
    }

    /// Type, and what for.
    pub fn wish(&self, number: u32) -> (&'static str, &'static str) {
        let mut dice = self.dice(number, 520);
        let (kind, all) = match hostile::kind(u64::from(number)) {
            // What somebody typed.
            Some(_) => WISHES[3],
            None => WISHES[dice.weighted(&[6, 5, 3, 1])],
        };
        (kind, dice.pick(all))
    }

    /// Where the lead came from: the stores, or somewhere else.
    pub fn source(&self, number: u32) -> i64 {
        if self.dice(number, 521).chance(0.8) { -1 } else { 14 }
    }

    /// The store of a lead, which it keeps for good: that of its first owner, where there is one with a store.
    pub fn home(&self, number: u32) -> usize {
        let owner = self.demo.first_owner(u64::from(number)).and_then(|place| self.shop.users[place].store);
        owner.unwrap_or_else(|| self.dice(number, 522).below(STORES.len()))
    }

    /// Status and sub-status.
    pub fn status(&self, number: u32) -> (&'static str, Option<&'static str>) {
        let mut dice = self.dice(number, 523);
        if dice.chance(0.02) {
            return ("DELETED", None);
        }
        match self.demo_lead(number).stage {
            Stage::New => ("OPEN", dice.chance(0.5).then_some("New")),
            Stage::Contacted => ("OPEN", Some("Contacted")),
            Stage::Qualified => ("OPEN", Some("Trial booked")),
            Stage::Nurture => ("ON_HOLD", dice.chance(0.6).then_some("Waiting for stock")),
            Stage::Won => ("WON", None),
            Stage::Lost => ("LOST", Some(if dice.chance(0.5) { "Price" } else { "No answer" })),
        }
    }

    pub fn updated_at(&self, store: &Store, number: u32) -> Timestamp {
        store.ledger.touched(number).unwrap_or_else(|| self.demo.updated_at(u64::from(number)))
    }

    /// The extended fields as they are now; many leads have none.
    pub fn fields(&self, store: &Store, number: u32) -> Map<String, Value> {
        if let Some(fields) = store.fields.get(&number) {
            return fields.clone();
        }
        let mut dice = self.dice(number, 524);
        let mut fields = Map::new();
        if dice.chance(0.35) {
            return fields;
        }
        let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
        put("trial_status", dice.pick(&["Not Done", "Done", "Booked"]));
        if dice.chance(0.5) {
            put("size", dice.pick(&["XS", "S", "M", "L", "38", "42", "one size"]));
        }
        if dice.chance(0.4) {
            put("occasion", dice.pick(&["Wedding", "Anniversary", "Fête des mères", "दीवाली", "none"]));
        }
        if let Some(kind) = hostile::kind(u64::from(number)) {
            let names = hostile::names();
            put("note", &names[kind % names.len()].1);
        }
        fields
    }

    /// The lead as every answer shows it.
    pub fn lead(&self, store: &Store, number: u32) -> Map<String, Value> {
        let demo = self.demo_lead(number);
        let (kind, wish) = self.wish(number);
        let (status, sub_status) = self.status(number);
        let hostile = hostile::kind(u64::from(number)).is_some();
        let mut lead = Map::new();
        let mut put = |name: &str, value: Value| lead.insert(name.to_owned(), value);
        put("id", self.id(number).into());
        put("userId", self.customer_id(self.customer(number)).into());
        put("type", kind.into());
        put("leadFor", if hostile { format!("{} {}", demo.first_name, demo.last_name).into() } else { wish.into() });
        put("status", status.into());
        if let Some(sub_status) = sub_status {
            put("subStatus", sub_status.into());
        }
        let follow_ups = self.follow_ups(number, &demo);
        if let Some(last) = follow_ups.last() {
            put("lastFollowUp", last["followedUpOn"].clone());
        }
        let mut dice = self.dice(number, 525);
        if matches!(status, "OPEN" | "ON_HOLD") && dice.chance(0.6) {
            let ahead = Duration::from_secs(3_600 * (1 + dice.below(24 * 9) as u64));
            put("nextFollowUp", when(number, self.demo.now.checked_add(ahead).unwrap_or(self.demo.now)));
        }
        put("createdOn", when(number, demo.created_at));
        put("createdBy", self.till(number).into());
        put("lastUpdatedOn", when(number, self.updated_at(store, number)));
        let by = match store.ledger.touched(number) {
            Some(_) => TILL,
            // The nightly run that closes what nobody followed up.
            None if status == "LOST" => -1,
            None => self.till(number),
        };
        put("lastUpdatedBy", by.into());
        put("followUpDetails", follow_ups.into());
        put("statusLogDetails", self.status_log(number, &demo).into());
        put("orgSourceId", self.source(number).into());
        let fields = self.fields(store, number);
        if !fields.is_empty() {
            put("extendedFields", Value::Object(fields));
        }
        let user = self.shop.of(store.ledger.holder(number));
        let field = self.switches.value("expose_owner");
        let shown = match field.as_str() {
            "off" => return lead,
            "ownerId" => user.map(|user| Value::from(user.id.clone())),
            "ownerName" => user.map(|user| Value::from(user.name())),
            _ => user.map(|user| Value::from(user.write_name(&self.switches.value("write_name")))),
        };
        lead.insert(field, shown.unwrap_or(Value::Null));
        lead
    }

    /// Who entered a lead: a till of its store.
    fn till(&self, number: u32) -> i64 {
        TILL + 1 + self.home(number) as i64
    }

    pub fn follow_ups_of(&self, number: u32) -> Vec<Value> {
        self.follow_ups(number, &self.demo_lead(number))
    }

    pub fn status_log_of(&self, number: u32) -> Vec<Value> {
        self.status_log(number, &self.demo_lead(number))
    }

    fn follow_ups(&self, number: u32, demo: &DemoLead) -> Vec<Value> {
        let mut dice = self.dice(number, 526);
        let times = [0, 0, 0, 1, 1, 2, 3];
        let (customer, id) = (self.customer_id(self.customer(number)), self.id(number));
        let age = demo.updated_at.duration_since(demo.created_at).as_secs();
        (0..dice.pick(&times))
            .map(|turn: i64| {
                let at = Timestamp::from_second(demo.created_at.as_second() + age * (turn + 1) / 4).unwrap_or(demo.created_at);
                json!({
                    "id": id * 10 + turn as u64,
                    "userId": customer,
                    "leadId": id,
                    "notes": dice.pick(&["Called, no answer", "Wants to see it on Saturday", "Sent a picture", "Sized"]),
                    "createdBy": self.till(number),
                    "createdOn": when(number, at),
                    "followedUpBy": self.till(number),
                    "followedUpOn": when(number, at),
                    "scheduledFollowUp": null,
                })
            })
            .collect()
    }

    fn status_log(&self, number: u32, demo: &DemoLead) -> Vec<Value> {
        let (customer, id) = (self.customer_id(self.customer(number)), self.id(number));
        let entry = |turn: u64, status: &str, sub_status: Option<&str>, at: Timestamp, reason: usize| {
            let (reason_id, reason) = REASONS[reason];
            let mut entry = json!({
                "id": id * 10 + turn, "userId": customer, "leadId": id, "status": status,
                "createdBy": self.till(number), "createdOn": when(number, at),
                "reasonId": reason_id, "reason": reason,
            });
            if let Some(sub_status) = sub_status {
                entry["subStatus"] = sub_status.into();
            }
            entry
        };
        let mut log = vec![entry(0, "OPEN", None, demo.created_at, (number % 2) as usize)];
        let (status, sub_status) = self.status(number);
        let reason = match status {
            "ON_HOLD" => 2,
            "WON" => 3,
            "LOST" => 4,
            "DELETED" => 5,
            _ => return log,
        };
        log.push(entry(1, status, sub_status, demo.updated_at, reason));
        log
    }

    /// The customer whom leads are about, for those who ask for one.
    pub fn customer_json(&self, customer: u32) -> Value {
        let demo = self.demo_lead(customer);
        let mut identifiers = vec![json!({"type": "mobile", "value": demo.phone.replace([' ', '+'], "")})];
        if !demo.email.is_empty() {
            identifiers.push(json!({"type": "email", "value": demo.email}));
        }
        let id = self.customer_id(customer);
        json!({
            "id": id,
            "profiles": [{
                "firstName": demo.first_name, "lastName": demo.last_name, "identifiers": identifiers,
                "commChannels": [], "source": "INSTORE", "userId": id, "accountId": "", "fields": {},
            }],
            "loyaltyInfo": {"loyaltyType": if customer.is_multiple_of(3) { "loyalty" } else { "non_loyalty" }},
            "segments": {},
            "extendedFields": {"city": demo.city},
        })
    }
}

/// The till that the simulator's credentials are of.
const TILL: i64 = 75_029_724;

/// Some tills write their own time.
fn when(number: u32, at: Timestamp) -> Value {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    match Offset::from_seconds(19_800) {
        Ok(india) if number.is_multiple_of(5) => at.display_with_offset(india).to_string().into(),
        _ => at.to_string().into(),
    }
}
