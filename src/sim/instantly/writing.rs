//! Assigning: one lead by PATCH at once, many by a job in the background.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant};

use super::listing::{Want, object, text, texts};
use super::workspace::{Job, job_id};
use super::{Instantly, Sim};
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::ledger::Ledger;
use crate::sim::vendor::{Applied, Holder, Trace, VendorSim, target};

/// The type of our jobs, where they are listed at all: none is documented.
pub const JOB: &str = "bulk-assign-leads";

/// What PATCH may change.
const FIELDS: [&str; 11] = [
    "personalization",
    "website",
    "last_name",
    "first_name",
    "company_name",
    "job_title",
    "phone",
    "lt_interest_status",
    "pl_value_lead",
    "assigned_to",
    "custom_variables",
];

/// Leads have to have been read within this time before they are assigned in bulk (60 s in the contract, and some slack).
const FRESH: Duration = Duration::from_secs(70);

pub async fn patch(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    reply(&*sim, sim.patch(&id, &ask))
}

pub async fn bulk_assign(State(sim): Sim, ask: Ask) -> Response {
    let body = match object(&ask) {
        Ok(body) => body,
        Err(refusal) => return only_message(refusal.status, &refusal.message),
    };
    if texts(&body, "ids").ok().flatten().is_none_or(|ids| ids.is_empty()) {
        // By the documentation this would be accepted, and touch every lead of the workspace.
        let what = "BULK-ASSIGN WITHOUT IDS: this names no limit on the leads it touches";
        ask.trace.complain(what);
        tracing::error!("the Instantly simulator refuses a request: {what}");
        return sim.error(StatusCode::INTERNAL_SERVER_ERROR, what);
    }
    match sim.enqueue(&body, &ask) {
        Ok(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
        Err(refusal) => only_message(refusal.status, &refusal.message),
    }
}

/// Calls that exist and are not for owners.
pub async fn never(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a call that has nothing to do with owners");
    sim.error(StatusCode::BAD_REQUEST, "not in this simulator")
}

/// This call's errors have no other field.
fn only_message(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

impl Instantly {
    fn patch(&self, id: &str, ask: &Ask) -> Answer<Value> {
        let body = object(ask)?;
        if body.keys().any(|key| !FIELDS.contains(&key.as_str())) {
            ask.trace.complain("PATCH with a field that it does not have");
            return Err(Refusal::bad("body must NOT have additional properties"));
        }
        if body.len() != 1 || !body.contains_key("assigned_to") {
            ask.trace.complain("PATCH with more, or something else, than assigned_to");
        }
        let mut ledger = self.ledger_mut();
        let number = self.existing(&ledger, id)?;
        let to = match body.get("assigned_to") {
            None => None,
            Some(Value::Null) if self.switches.is("patch_null", "400") => {
                return Err(Refusal::bad("body/assigned_to must be string"));
            }
            Some(Value::Null) if self.switches.is("patch_null", "ignore") => None,
            Some(Value::Null) => Some(Holder::Nobody),
            Some(Value::String(id)) => {
                Some(self.member_by_id(id).ok_or_else(|| Refusal::bad("Invalid ID on `assigned_to` field"))?)
            }
            Some(_) => return Err(Refusal::bad("body/assigned_to must be string,null")),
        };
        if let Some(to) = to {
            ask.trace.applied([self.give(&mut ledger, number, &to)]);
        }
        // The answer shows the owner as a read would.
        self.saw(&[number]);
        Ok(self.lead(number, ledger.holder(number), ledger.touched(number)))
    }

    /// Writes an owner; lists may show the old one for a while.
    pub fn give(&self, ledger: &mut Ledger, number: u32, to: &Holder) -> Applied {
        let (before, after) = ledger.assign(number, to, true);
        let lag = self.switches.number("index_lag");
        if lag > 0 {
            self.lagging().insert(number, (Arc::clone(&before), Instant::now() + Duration::from_millis(lag)));
        }
        Applied { target: target(self.leads.id(number)), before, after }
    }

    fn enqueue(&self, body: &Map<String, Value>, ask: &Ask) -> Answer<Value> {
        self.judge(body, &ask.trace);
        let users = texts(body, "organization_user_ids")?.filter(|users| !users.is_empty());
        let users = users.ok_or_else(|| Refusal::bad("body must have required property 'organization_user_ids'"))?;
        let wrong = || Refusal::bad("Invalid ID on `organization_user_ids` field");
        let holders = users.iter().map(|id| self.member_by_id(id)).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let has_newer = body.contains_key("assigned_to") || body.contains_key("has_clause");
        if has_newer && self.switches.is("guard", "400") {
            return Err(Refusal::bad("body must NOT have additional properties"));
        }
        let mut want = self.want(body)?;
        if !self.switches.is("guard", "ignore") {
            want.owner = text(body, "assigned_to")?;
        }
        if self.switches.on("bulk_requires_scope") && want.campaign.is_none() && want.list.is_none() {
            return Err(Refusal::bad("`campaign` or `list_id` is required with `ids`"));
        }
        self.start_job(want, holders, &ask.trace);
        Ok(json!({"status": "accepted", "message": "Your request will be processed in a background job"}))
    }

    /// Looks at the body of a bulk assignment by the rules that the contract has for clients.
    fn judge(&self, body: &Map<String, Value>, trace: &Trace) {
        let many = |key: &str| body.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        if many("organization_user_ids") > 1 {
            trace.complain("a bulk assignment to several users, whose distribution is not documented");
        }
        for key in body.keys() {
            match key.as_str() {
                "organization_user_ids" | "ids" | "campaign" | "list_id" | "assigned_to" => {}
                "limit" if body["limit"].as_u64() == Some(many("ids") as u64) => {}
                "has_clause" => trace.complain("has_clause applies filters that nobody here sees"),
                key => trace.complain(format!("a bulk assignment by {key}")),
            }
        }
        let ids: Vec<&str> = body["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
            trace.complain("ids has duplicates");
        }
        let numbers: Vec<_> = ids.iter().filter_map(|id| self.leads.number(id)).collect();
        let old = self.unread(&numbers, FRESH);
        if old > 0 {
            trace.complain(format!("{old} leads are assigned in bulk that were not read right before"));
        }
    }

    /// Does the work later, in two halves.
    fn start_job(&self, want: Want, holders: Vec<Holder>, trace: &Trace) {
        let mut numbers = want.ids.clone().unwrap_or_default();
        let mut seen = HashSet::new();
        numbers.retain(|number| seen.insert(*number));
        let id = {
            let mut jobs = self.jobs();
            let id = job_id(self.seed, 1_000 + jobs.len() as u64);
            let now = Timestamp::now();
            let (kind, status) = (JOB, "pending");
            jobs.push(Job {
                id: id.clone(),
                kind,
                status,
                progress: 0,
                count: numbers.len(),
                created: now,
                updated: now,
            });
            id
        };
        match self.switches.value("job").as_str() {
            "never" => return,
            "partial" => {
                let mut place = 0_usize;
                numbers.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
            }
            _ => {}
        }
        let Some(sim) = self.me.upgrade() else { return };
        let (trace, delay) = (trace.clone(), self.switches.number("job_delay"));
        tokio::spawn(async move {
            let halves = [&numbers[..numbers.len().div_ceil(2)], &numbers[numbers.len().div_ceil(2)..]];
            for (half, (numbers, wait)) in halves.into_iter().zip([delay, delay / 2]).enumerate() {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                trace.applied(sim.work(&want, numbers, &holders));
                let mut jobs = sim.jobs();
                if let Some(job) = jobs.iter_mut().find(|job| job.id == id) {
                    (job.progress, job.status) = if half == 0 { (50, "in-progress") } else { (100, "success") };
                    job.updated = Timestamp::now();
                }
            }
        });
    }

    fn work(&self, want: &Want, numbers: &[u32], holders: &[Holder]) -> Vec<Applied> {
        let mut ledger = self.ledger_mut();
        let mut applied = Vec::new();
        for &number in numbers {
            if !ledger.exists(number) || !self.is_wanted(want, number, ledger.holder(number)) {
                continue;
            }
            let Some(to) = holders.get(applied.len() % holders.len().max(1)) else { continue };
            applied.push(self.give(&mut ledger, number, to));
        }
        applied
    }
}
