//! What a workspace has beside leads: members, campaigns, lists, labels, jobs, the audit log, and itself.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::listing::page;
use super::{Instantly, Sim};
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::demo::{self, Demo, Flavour, Role, Staff};
use crate::sim::dice::Dice;

/// The workspace's own labels: the number found in leads, the word, and what kind it is.
pub const LABELS: [(i64, &str, &str); 3] = [
    (5_101, "Budget next year", "positive"),
    (5_102, "Wants a demo", "positive"),
    (5_201, "Uses a competitor", "negative"),
];

/// A campaign or a list of leads.
#[derive(Debug)]
pub struct Collection {
    pub id: String,
    pub name: String,
    status: i64,
    /// The place in the staff of the user it belongs to.
    owner: usize,
    created: Timestamp,
}

/// A background job.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub kind: &'static str,
    pub status: &'static str,
    pub progress: u64,
    pub count: usize,
    pub created: Timestamp,
    pub updated: Timestamp,
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

pub fn campaigns(demo: &Demo, count: usize) -> Vec<Collection> {
    let collection = |place: usize| {
        let mut name = Flavour::OutreachWorkspace.campaign(place);
        if place == 6 {
            let (first, last) = &demo::hostile::names()[2];
            name = format!("{name} {first} {last}");
        }
        Collection {
            id: demo::uuid(demo.seed ^ 620, place as u64),
            name,
            status: [1, 1, 2, 3, 1, 4, 0, 1, -1, 1, -2, -99][place % 12],
            owner: Dice::new(demo.seed, place as u64, 621).below(demo.staff.len() - 1),
            created: before(demo.now, 200 - 3 * (place as i64 % 60), place),
        }
    };
    (0..count).map(collection).collect()
}

pub fn lists(demo: &Demo, count: usize) -> Vec<Collection> {
    const NAMES: [&str; 8] = [
        "Trade fair badges",
        "Bought list, Nordics",
        "Newsletter",
        "Website visitors",
        "Old customers",
        "Conference speakers",
        "Hiring now",
        "Imported by hand",
    ];
    let collection = |place: usize| Collection {
        id: demo::uuid(demo.seed ^ 622, place as u64),
        name: match place / NAMES.len() {
            0 => NAMES[place % NAMES.len()].to_owned(),
            round => format!("{} {}", NAMES[place % NAMES.len()], round + 1),
        },
        status: 0,
        owner: Dice::new(demo.seed, place as u64, 623).below(demo.staff.len() - 1),
        created: before(demo.now, 190 - 4 * (place as i64 % 45), place),
    };
    (0..count).map(collection).collect()
}

/// Days ago, and a bit that differs for each place: times are cursors.
fn before(now: Timestamp, days: i64, place: usize) -> Timestamp {
    now.checked_sub(SignedDuration::from_millis(days * 86_400_000 + 1_000 + place as i64)).unwrap_or(now)
}

/// Jobs that others ran.
pub fn jobs(demo: &Demo) -> Vec<Job> {
    let job = |place: u64, kind, status, progress| {
        let created = before(demo.now, 3 - place as i64, place as usize);
        Job { id: job_id(demo.seed, place), kind, status, progress, count: 400, created, updated: created }
    };
    vec![
        job(0, "import-leads", "success", 100),
        job(1, "move-leads", "failed", 40),
        job(2, "export-leads", "success", 100),
    ]
}

/// 24 hexadecimal digits.
pub fn job_id(seed: u64, number: u64) -> String {
    let mut dice = Dice::new(seed, number, 624);
    format!("{:016x}{:08x}", dice.next_u64(), dice.next_u64() >> 32)
}

pub async fn workspace(State(sim): Sim) -> Response {
    let created = time(before(sim.demo.now, 500, 0));
    let workspace = json!({
        "id": sim.workspace,
        "name": Flavour::OutreachWorkspace.company(),
        "owner": sim.user_id(0),
        "timestamp_created": created,
        "timestamp_updated": created,
        "plan_id": "pid_hg_v1",
    });
    reply(&*sim, Ok(workspace))
}

pub async fn members(State(sim): Sim, ask: Ask) -> Response {
    let words = ask.text("search").unwrap_or_default().to_lowercase();
    let accepted = ask.text("accepted").map(|text| text == "true");
    // Somebody who left is no member any more; somebody invited is one already.
    let staff = sim.demo.staff.iter().filter(|person| person.active).map(|person| sim.member(person));
    let all = staff.chain([sim.invited()]).filter(|member| {
        let text = format!("{} {} {}", member["name"]["first"], member["name"]["last"], member["email"]);
        text.to_lowercase().contains(&words) && accepted.is_none_or(|accepted| member["accepted"] == accepted)
    });
    let items = all.map(|member| (member["id"].as_str().unwrap_or_default().to_owned(), member)).collect();
    reply(&*sim, page(&ask, items, sim.extra()))
}

pub async fn campaigns_page(State(sim): Sim, ask: Ask) -> Response {
    let words = ask.text("search").unwrap_or_default().to_lowercase();
    let status = |name: &str| ask.text(name).and_then(|text| text.parse::<i64>().ok());
    let (only, not) = (status("status"), status("exclude_status"));
    let wanted = sim.campaigns.iter().filter(|campaign| {
        campaign.name.to_lowercase().contains(&words)
            && only.is_none_or(|status| campaign.status == status)
            && not.is_none_or(|status| campaign.status != status)
    });
    let item = |campaign: &Collection| {
        json!({
            "id": campaign.id,
            "name": campaign.name,
            "status": campaign.status,
            "campaign_schedule": {"schedules": [{
                "name": "Office hours", "timing": {"from": "09:00", "to": "17:00"},
                "days": {"1": true, "2": true, "3": true, "4": true, "5": true}, "timezone": "Europe/Belgrade",
            }]},
            "timestamp_created": time(campaign.created),
            "timestamp_updated": time(campaign.created),
            "organization": sim.workspace,
            "owned_by": sim.user_id(campaign.owner),
        })
    };
    let items = wanted.map(|campaign| (campaign.id.clone(), item(campaign))).collect();
    reply(&*sim, page(&ask, items, sim.extra()))
}

pub async fn lists_page(State(sim): Sim, ask: Ask) -> Response {
    let words = ask.text("search").unwrap_or_default().to_lowercase();
    let wanted = sim.lists.iter().filter(|list| list.name.to_lowercase().contains(&words));
    let item = |list: &Collection| {
        json!({
            "id": list.id,
            "organization_id": sim.workspace,
            "name": list.name,
            "timestamp_created": time(list.created),
            "has_enrichment_task": false,
            "owned_by": sim.user_id(list.owner),
        })
    };
    let items = wanted.map(|list| (time(list.created), item(list))).collect();
    reply(&*sim, page(&ask, items, sim.extra()))
}

pub async fn labels(State(sim): Sim, ask: Ask) -> Response {
    let words = ask.text("search").unwrap_or_default().to_lowercase();
    let kind = ask.text("interest_status");
    let wanted = LABELS
        .iter()
        .enumerate()
        .filter(|(_, (_, label, its))| label.to_lowercase().contains(&words) && kind.is_none_or(|kind| kind == *its));
    let item = |(place, (number, label, kind)): (usize, &(i64, &str, &str))| {
        let created = time(before(sim.demo.now, 100, place));
        let item = json!({
            "id": demo::uuid(sim.seed ^ 625, place as u64),
            "label": label,
            "interest_status": number,
            "interest_status_label": kind,
            "created_by": sim.user_id(0),
            "organization_id": sim.workspace,
            "timestamp_created": created,
            "use_with_ai": false,
        });
        (created, item)
    };
    reply(&*sim, page(&ask, wanted.map(item).collect(), sim.extra()))
}

pub async fn jobs_page(State(sim): Sim, ask: Ask) -> Response {
    let mut jobs: Vec<_> = sim.jobs().iter().filter(|job| sim.is_listed(job)).cloned().collect();
    let of = |name: &str, own: &str| ask.text(name).is_none_or(|all| all.split(',').any(|one| one == own));
    jobs.retain(|job| of("type", job.kind) && of("status", job.status) && of("ids", &job.id));
    match ask.text("sort_column") {
        Some("updated_at") => jobs.sort_by_key(|job| job.updated),
        _ => jobs.sort_by_key(|job| job.created),
    }
    if ask.text("sort_order") != Some("asc") {
        jobs.reverse();
    }
    let items = jobs.iter().map(|job| (job.id.clone(), sim.job(job))).collect();
    reply(&*sim, page(&ask, items, sim.extra()))
}

pub async fn job(State(sim): Sim, Path(id): Path<String>) -> Response {
    let find = || -> Answer<Value> {
        let jobs = sim.jobs();
        let found = jobs.iter().find(|job| job.id == id && sim.is_listed(job));
        found.map(|job| sim.job(job)).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Resource not found"))
    };
    reply(&*sim, find())
}

/// Nothing that assigns is in the audit log, so it only has what others did.
pub async fn audit_logs(State(sim): Sim, ask: Ask) -> Response {
    let item = |place: u64| {
        let at = time(before(sim.demo.now, 2, place as usize));
        let id = demo::uuid(sim.seed ^ 626, place);
        (id.clone(), json!({"id": id, "activity_type": 8, "timestamp": at, "organization_id": sim.workspace}))
    };
    reply(&*sim, page(&ask, (0..3).map(item).collect(), false))
}

impl Instantly {
    fn extra(&self) -> bool {
        self.switches.on("extra_empty_page")
    }

    pub fn user_id(&self, number: usize) -> String {
        user_id(self.seed, number)
    }

    fn member(&self, person: &Staff) -> Value {
        let role = match (person.number, person.role) {
            (0, _) => "owner",
            (7, _) => "client",
            (_, Role::Admin) => "admin",
            (_, Role::Editor) => "editor",
            (_, Role::Viewer) => "view",
        };
        json!({
            "id": member_id(self.seed, person.number),
            "user_id": self.user_id(person.number),
            "email": person.email,
            "user_email": person.email,
            "name": {"first": person.first_name, "last": person.last_name},
            "nickname": null,
            "role": role,
            "accepted": true,
            "timestamp_created": time(before(self.demo.now, 400, person.number)),
            "workspace_id": self.workspace,
        })
    }

    /// An invitation that nobody has accepted yet.
    fn invited(&self) -> Value {
        let number = self.demo.staff.len();
        json!({
            "id": member_id(self.seed, number),
            "user_id": self.user_id(number),
            "email": "new.colleague@cobalt.example",
            "role": "editor",
            "accepted": false,
            "timestamp_created": time(before(self.demo.now, 1, number)),
            "workspace_id": self.workspace,
        })
    }

    fn is_listed(&self, job: &Job) -> bool {
        job.kind != super::writing::JOB || self.switches.on("job_listed")
    }

    fn job(&self, job: &Job) -> Value {
        json!({
            "id": job.id,
            "workspace_id": self.workspace,
            "user_id": self.user_id(0),
            "type": job.kind,
            "entity_type": "workspace",
            "entity_id": self.workspace,
            "data": {"total_to_process": job.count},
            "progress": job.progress,
            "status": job.status,
            "created_at": time(job.created),
            "updated_at": time(job.updated),
        })
    }
}

pub fn user_id(seed: u64, number: usize) -> String {
    demo::uuid(seed ^ 627, number as u64)
}

pub fn member_id(seed: u64, number: usize) -> String {
    demo::uuid(seed ^ 628, number as u64)
}
