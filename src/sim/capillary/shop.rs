//! The stores and everybody who can own a lead: associates and managers, who are in the staff list, and a few more, who
//! are not.

use std::collections::HashMap;

use crate::sim::demo::{Demo, Role, Staff};
use crate::sim::vendor::Holder;

/// A store of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    pub id: u32,
    pub code: &'static str,
    pub zone: &'static str,
}

/// In the order of the company's teams.
pub const STORES: [Store; 5] = [
    Store { id: 50_101, code: "lyon-bellecour", zone: "south" },
    Store { id: 50_102, code: "geneve-rive", zone: "south" },
    Store { id: 50_103, code: "bruxelles-louise", zone: "north" },
    Store { id: 50_104, code: "lille-centre", zone: "north" },
    Store { id: 50_105, code: "nantes-graslin", zone: "west" },
];

pub const ZONES: [&str; 3] = ["north", "south", "west"];

/// Every this many of the staff one sits in the head office: owns leads, and is in no staff list.
const HEAD_OFFICE: usize = 13;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Associate,
    Manager,
    HeadOffice,
    /// No person: where leads wait for one.
    Queue,
}

impl Kind {
    /// Its word in the staff list; `None` for those who are not in it.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Associate => Some("ASSOCIATE"),
            Self::Manager => Some("MANAGER"),
            Self::HeadOffice | Self::Queue => None,
        }
    }
}

/// Somebody who can own a lead, with all the names the vendor has for one person.
#[derive(Clone, Debug)]
pub struct User {
    /// In the staff list.
    pub id: String,
    pub code: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub mobile: String,
    /// In no list.
    pub user_id: String,
    pub username: String,
    pub kind: Kind,
    /// A place in [`STORES`]; the head office is in none.
    pub store: Option<usize>,
    pub active: bool,
}

impl User {
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    pub fn is_listed(&self) -> bool {
        self.active && self.kind.word().is_some()
    }

    pub fn holder(&self) -> Holder {
        Holder::owner(&self.id, self.name())
    }

    /// What this person is called by in writes, by the name of the switch's value.
    pub fn write_name(&self, kind: &str) -> &str {
        match kind {
            "email" => &self.email,
            "username" => &self.username,
            _ => &self.code,
        }
    }

    fn filter_id(&self, kind: &str) -> &str {
        match kind {
            "code" => &self.code,
            "user_id" => &self.user_id,
            _ => &self.id,
        }
    }
}

/// Everybody, the company's staff first and in its order.
#[derive(Debug)]
pub struct Shop {
    pub users: Vec<User>,
    by_id: HashMap<String, usize>,
}

impl Shop {
    pub fn new(demo: &Demo) -> Self {
        let mut users: Vec<_> = demo.staff.iter().map(user).collect();
        users.push(queue(users.len()));
        let by_id = users.iter().enumerate().map(|(place, user)| (user.id.clone(), place)).collect();
        Self { users, by_id }
    }

    /// The one that a holder means.
    pub fn of(&self, holder: &Holder) -> Option<&User> {
        self.users.get(*self.by_id.get(holder.id()?)?)
    }

    /// The one that a write means.
    pub fn named(&self, kind: &str, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.write_name(kind) == name)
    }

    /// The one that a filter means.
    pub fn filtered(&self, kind: &str, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.filter_id(kind) == id)
    }

    /// The company's own file of everybody in the staff list, with what the staff list does not have.
    pub fn owner_file(&self, filter_kind: &str, write_kind: &str) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = "id,username,display_name,store_code\n".to_owned();
        for user in self.users.iter().filter(|user| user.is_listed()) {
            let store = user.store.map_or("", |place| STORES[place].code);
            let fields = [user.filter_id(filter_kind), user.write_name(write_kind), &user.name(), store];
            text += &(fields.map(quoted).join(",") + "\n");
        }
        text
    }
}

fn user(person: &Staff) -> User {
    let n = person.number;
    let local = person.email.split('@').next().unwrap_or_default();
    let head_office = n % HEAD_OFFICE == HEAD_OFFICE - 1;
    let kind = match person.role {
        _ if head_office => Kind::HeadOffice,
        Role::Admin => Kind::Manager,
        Role::Editor | Role::Viewer => Kind::Associate,
    };
    User {
        id: (2_313 + 7 * n).to_string(),
        code: format!("{}{}", local.replace('.', ""), 12_131 + n),
        email: person.email.clone(),
        first_name: person.first_name.clone(),
        last_name: person.last_name.clone(),
        mobile: person.phone.chars().filter(char::is_ascii_digit).collect(),
        user_id: (50_007_775 + 3 * n).to_string(),
        username: local.to_owned(),
        kind,
        store: (!head_office).then_some(n % STORES.len()),
        active: person.active,
    }
}

fn queue(n: usize) -> User {
    User {
        id: (2_313 + 7 * n).to_string(),
        code: "waiting.room".to_owned(),
        email: "waiting.room@tilleul.example".to_owned(),
        first_name: "Waiting".to_owned(),
        last_name: "Room".to_owned(),
        mobile: String::new(),
        user_id: (50_007_775 + 3 * n).to_string(),
        username: "waiting.room".to_owned(),
        kind: Kind::Queue,
        store: None,
        active: true,
    }
}
