//! StateSet's users, and which of them a lead's owner text means.
//!
//! A lead's owner is a text of which nobody says what it holds. A profile writes one thing of a user (`owner_value`), so
//! a text is read as a user's only where it is exactly what this profile would write for that one user and for no other.
//! Everything else stays the text that it is. Only those who look at leads are told more: whoever goes by the text in
//! another way.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::StateSet;
use super::settings::{OwnerValue, Settings};
use super::walk::{Asking, USERS, Walk};
use crate::domain::{OwnerRef, Person, PersonId, PersonStatus, SafeText, Verbatim};
use crate::vendor::fields;
use crate::vendor::{ErrorKind, VendorError};

/// Texts that were looked for in vain and are remembered.
const MOST_STRANGERS: usize = 10_000;

/// How old the users may be before a text that is no user's makes us ask for them again.
pub const REFRESH_AFTER: Duration = Duration::from_secs(30);

/// One user with what may stand for them in a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub person: Person,
    pub email: String,
    pub username: String,
}

impl User {
    pub fn by_hand(id: &str, name: &str, email: &str, username: &str) -> Self {
        let person = Person {
            id: PersonId::new(id),
            name: Verbatim::new(name.trim()),
            email: SafeText::new(email),
            ..Person::default()
        };
        Self { person, email: email.to_owned(), username: username.to_owned() }
    }

    /// Reads an entry of the list, in either spelling. `None` without an id.
    fn of(entry: &Value) -> Option<Self> {
        let entry = entry.as_object()?;
        let id = fields::id(entry.get("id"))?;
        let name = format!("{} {}", text(entry, &["firstName", "first_name"]), text(entry, &["lastName", "last_name"]));
        let mut user = Self::by_hand(&id, &name, text(entry, &["email"]), text(entry, &["username"]));
        user.person.group = SafeText::new(text(entry, &["role", "title"]));
        if !is_active(entry) {
            user.person.status = PersonStatus::Inactive;
        }
        Some(user)
    }

    /// What stands in a lead's owner field for this user; empty where the user has no such thing.
    pub fn value(&self, of: OwnerValue) -> &str {
        match of {
            OwnerValue::Name => self.person.name.as_str(),
            OwnerValue::Id => self.person.id.as_str(),
            OwnerValue::Email => &self.email,
            OwnerValue::Username => &self.username,
        }
    }
}

fn text<'a>(entry: &'a Map<String, Value>, keys: &[&str]) -> &'a str {
    keys.iter().filter_map(|key| entry.get(*key)?.as_str()).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Older lists have a switch, newer ones a word.
fn is_active(entry: &Map<String, Value>) -> bool {
    let switch = entry.get("active").and_then(Value::as_bool) != Some(false);
    let word = entry.get("status").and_then(Value::as_str).is_none_or(|word| word.eq_ignore_ascii_case("active"));
    switch && word
}

/// All users as they were last read.
#[derive(Debug)]
pub struct Directory {
    users: Vec<User>,
    by_id: HashMap<PersonId, usize>,
    /// Whom a text that this profile writes stands for; `None` where it is several.
    by_value: HashMap<String, Option<usize>>,
    value: OwnerValue,
}

impl Directory {
    /// The first of several entries with one id counts.
    pub fn new(users: Vec<User>, value: OwnerValue) -> Self {
        let mut directory = Self { users: Vec::new(), by_id: HashMap::new(), by_value: HashMap::new(), value };
        for user in users {
            let place = directory.users.len();
            if directory.by_id.contains_key(&user.person.id) {
                continue;
            }
            directory.by_id.insert(user.person.id.clone(), place);
            let written = user.value(value);
            if !written.is_empty() {
                directory.by_value.entry(written.to_owned()).and_modify(|one| *one = None).or_insert(Some(place));
            }
            directory.users.push(user);
        }
        directory
    }

    pub fn users(&self) -> &[User] {
        &self.users
    }

    pub fn user(&self, id: &PersonId) -> Option<&User> {
        self.by_id.get(id).map(|place| &self.users[*place])
    }

    /// The one user for whom this profile writes `text`.
    fn whose(&self, text: &str) -> Option<&User> {
        let place = (*self.by_value.get(text)?)?;
        self.users.get(place)
    }

    /// Whether any user is written like this.
    fn knows(&self, text: &str) -> bool {
        self.by_value.contains_key(text)
    }

    /// Reads a lead's owner text.
    pub fn read(&self, text: &str) -> OwnerRef {
        self.whose(text).map_or_else(|| OwnerRef::named(text), |user| user.person.owner_ref())
    }

    /// Reads a lead's owner text for those who look at leads, with whoever goes by it in some way.
    ///
    /// Where names are written the owner's name is the text that stands there, so that what is taken back is written as
    /// it was; elsewhere an owner with an id would be written by that id.
    pub fn read_for_people(&self, text: &str) -> OwnerRef {
        match self.meaning(text) {
            Some((user, _)) if self.value == OwnerValue::Name => OwnerRef::new(user.person.id.as_str(), text),
            _ => self.read(text),
        }
    }

    /// The one user who goes by `text` in some way, for people who look at it. `None` where [`read`](Self::read) says
    /// it already.
    pub fn meaning(&self, text: &str) -> Option<(&User, OwnerValue)> {
        if text.is_empty() || self.whose(text).is_some() {
            return None;
        }
        let goes_by = |user: &&User| OwnerValue::ALL.into_iter().any(|value| user.value(value) == text);
        let mut fitting = self.users.iter().filter(goes_by);
        let user = fitting.next().filter(|_| fitting.next().is_none())?;
        let by = OwnerValue::ALL.into_iter().find(|value| user.value(*value) == text)?;
        Some((user, by))
    }

    /// Texts that stand for several active users.
    pub fn shared(&self) -> Vec<&str> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for user in self.users.iter().filter(|user| user.person.is_active()) {
            *seen.entry(user.value(self.value)).or_default() += 1;
        }
        let mut shared: Vec<&str> =
            seen.into_iter().filter(|(text, users)| !text.is_empty() && *users > 1).map(|(text, _)| text).collect();
        shared.sort_unstable();
        shared
    }
}

/// The users as this client knows them.
pub struct Users {
    known: Mutex<Known>,
    /// One asks; who comes meanwhile takes what that one got.
    asking: tokio::sync::Mutex<()>,
}

struct Known {
    directory: Arc<Directory>,
    asked: Option<Instant>,
    /// Texts that no user went by when they were last looked for.
    strangers: HashSet<String>,
}

impl Known {
    fn note_strangers(&mut self, texts: &HashSet<&str>) {
        if self.strangers.len() > MOST_STRANGERS {
            self.strangers.clear();
        }
        let directory = self.directory.clone();
        self.strangers.extend(texts.iter().filter(|text| !directory.knows(text)).map(|text| (*text).to_owned()));
    }
}

impl Users {
    /// Those of the settings, or nobody before they were asked for.
    pub fn of(settings: &Settings) -> Self {
        let by_hand = settings.owners.clone();
        let known = Known {
            asked: by_hand.as_ref().map(|_| Instant::now()),
            directory: Arc::new(Directory::new(by_hand.unwrap_or_default(), settings.owner_value)),
            strangers: HashSet::new(),
        };
        Self { known: Mutex::new(known), asking: tokio::sync::Mutex::new(()) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now, without asking.
    pub fn now(&self) -> Arc<Directory> {
        self.known().directory.clone()
    }
}

impl StateSet {
    /// Everybody, asked for anew.
    pub(super) async fn fetch_people(&self) -> Result<Vec<Person>, VendorError> {
        if self.settings.owners.is_none() {
            let asking = self.users.asking.lock().await;
            self.ask_for_users(&Asking::default()).await?;
            drop(asking);
        }
        Ok(self.known_users().users.iter().map(|user| self.offered(user)).collect())
    }

    /// A user who cannot be written into a lead is known, but not offered.
    fn offered(&self, user: &User) -> Person {
        let mut person = user.person.clone();
        if user.value(self.settings.owner_value).is_empty() {
            person.status = PersonStatus::Inactive;
        } else if !self.settings.hide_inactive {
            person.status = PersonStatus::Active;
        }
        person
    }

    /// The users as far as they were asked for.
    pub(super) fn known_users(&self) -> Arc<Directory> {
        self.users.now()
    }

    /// The users, asked for if they never were, and again where one of `texts` is nobody's: a user may be new. Each text
    /// makes us ask once.
    ///
    /// Without them leads are read and shown with the text that is there, so an error is no obstacle; it is told once.
    pub(super) async fn users_for<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        asking: &Asking,
    ) -> (Arc<Directory>, Option<VendorError>) {
        let texts: HashSet<&str> = texts.into_iter().collect();
        let must_ask = |known: &Known| match known.asked {
            _ if self.settings.owners.is_some() => false,
            None => true,
            Some(asked) => {
                asked.elapsed() >= self.refresh_after
                    && texts.iter().any(|text| !known.directory.knows(text) && !known.strangers.contains(*text))
            }
        };
        if !must_ask(&self.users.known()) {
            return (self.users.now(), None);
        }
        let one_at_a_time = self.users.asking.lock().await;
        let mut trouble = None;
        if must_ask(&self.users.known()) {
            trouble = self.ask_for_users(asking).await.err();
            if trouble.is_none() {
                self.users.known().note_strangers(&texts);
            }
        }
        drop(one_at_a_time);
        (self.users.now(), trouble)
    }

    /// The user to be written; asked for once more where nobody is known by this id.
    pub(super) async fn directory_with(&self, id: &PersonId, asking: &Asking) -> Arc<Directory> {
        let (directory, _) = self.users_for([], asking).await;
        let is_old = || self.users.known().asked.is_none_or(|asked| asked.elapsed() >= self.refresh_after);
        if directory.user(id).is_some() || self.settings.owners.is_some() || !is_old() {
            return directory;
        }
        let one_at_a_time = self.users.asking.lock().await;
        if self.users.now().user(id).is_none() && is_old() {
            // The caller says that the user is not known.
            let _ = self.ask_for_users(asking).await;
        }
        drop(one_at_a_time);
        self.users.now()
    }

    /// Asks for the users and keeps them. What was known stays where that fails.
    async fn ask_for_users(&self, asking: &Asking) -> Result<(), VendorError> {
        let listed = self.list_users(asking).await;
        let mut known = self.users.known();
        known.asked = Some(Instant::now());
        known.directory = Arc::new(Directory::new(listed?, self.settings.owner_value));
        known.strangers.clear();
        Ok(())
    }

    async fn list_users(&self, asking: &Asking) -> Result<Vec<User>, VendorError> {
        let mut users = Vec::new();
        let mut entries = 0;
        let mut walk = Walk::new(&USERS);
        while let Some(page) = self.next_page(&mut walk, asking).await.map_err(explain)? {
            entries += page.rows.len();
            users.extend(page.rows.iter().filter_map(User::of));
        }
        if users.is_empty() && entries > 0 {
            let message = format!("StateSet (profile {}) lists {entries} users, none of which has an id", self.profile);
            return Err(VendorError::new(ErrorKind::Garbled, message).with_remedy(HELP));
        }
        if users.len() < entries {
            let without_id = entries - users.len();
            tracing::warn!(profile = %self.profile, without_id, "users without an id are left out");
        }
        Ok(users)
    }

    /// Sentences about users that a plan has to say.
    pub(super) fn notices_about_users(&self) -> Vec<String> {
        let directory = self.known_users();
        let shared = directory.shared();
        let Some(example) = shared.first() else { return Vec::new() };
        let label = self.settings.owner_value.label();
        let others = match shared.len() {
            1 => String::new(),
            more => format!(" (and {} more)", more - 1),
        };
        vec![format!(
            "Several users have the {label} “{}”{others}, and StateSet keeps nothing else of a lead's owner: whose such a \
             lead is cannot be told. Another owner_value keeps them apart.",
            SafeText::new(example)
        )]
    }
}

const HELP: &str = "List the people who may own leads in the setting owners.";

/// Where users cannot be listed, they can be written down.
fn explain(mut error: VendorError) -> VendorError {
    if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::NotSupported | ErrorKind::Garbled) {
        error.remedy = HELP.to_owned();
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn user(id: &str, name: &str) -> User {
        User::by_hand(id, name, &format!("{id}@x.example"), &format!("login_{id}"))
    }

    #[test]
    fn both_spellings_of_a_user() {
        let of = |entry: Value| User::of(&entry);
        let old =
            of(json!({"id": 7, "active": true, "firstName": " Jane", "lastName": "Smith", "username": "js"})).unwrap();
        assert_eq!(
            (old.person.id.as_str(), old.person.name.as_str(), old.username.as_str()),
            ("7", "Jane Smith", "js")
        );
        let new = of(json!({
            "id": "u1", "first_name": "Jane", "last_name": "", "email": "j@x.example", "status": "ACTIVE", "role": "rep"
        }))
        .unwrap();
        assert_eq!((new.person.name.as_str(), new.email.as_str()), ("Jane", "j@x.example"));
        assert!(new.person.is_active() && new.person.group.as_str() == "rep");
        for gone in [json!({"id": 1, "active": false}), json!({"id": 1, "status": "SUSPENDED"})] {
            assert_eq!(of(gone).unwrap().person.status, PersonStatus::Inactive);
        }
        assert!(of(json!({"id": 1, "active": null, "status": null})).unwrap().person.is_active());
        for none in [json!(null), json!("u1"), json!({}), json!({"id": ""}), json!({"id": -1})] {
            assert_eq!(of(none), None);
        }
    }

    #[test]
    fn a_text_is_a_user_only_where_it_is_what_would_be_written_for_one() {
        let users = vec![user("u1", "Jane Smith"), user("u2", "Twin"), user("u3", "Twin"), user("u1", "Again")];
        let by_name = Directory::new(users.clone(), OwnerValue::Name);
        assert_eq!(by_name.users().len(), 3);
        assert_eq!(by_name.read("Jane Smith"), OwnerRef::new("u1", "Jane Smith"));
        for bare in ["jane smith", "Jane Smith ", "u1", "u1@x.example", "login_u1", "Twin", "Somebody", " "] {
            assert_eq!(by_name.read(bare), OwnerRef::named(bare));
        }
        let meaning = |text| by_name.meaning(text).map(|(user, by)| (user.person.id.as_str(), by));
        assert_eq!(meaning("u1@x.example"), Some(("u1", OwnerValue::Email)));
        assert_eq!(meaning("u2"), Some(("u2", OwnerValue::Id)));
        assert_eq!((meaning("Jane Smith"), meaning("Twin"), meaning("x"), meaning("")), (None, None, None, None));
        assert_eq!(by_name.read_for_people("u1@x.example"), OwnerRef::new("u1", "u1@x.example"));
        for (text, owner) in [("Jane Smith", OwnerRef::new("u1", "Jane Smith")), ("Twin", OwnerRef::named("Twin"))] {
            assert_eq!(by_name.read_for_people(text), owner);
        }
        assert_eq!(by_name.shared(), ["Twin"]);
        let by_email = Directory::new(users, OwnerValue::Email);
        assert_eq!(by_email.read("u2@x.example"), OwnerRef::new("u2", "Twin"));
        assert_eq!(by_email.read("Jane Smith"), OwnerRef::named("Jane Smith"));
        assert_eq!(
            by_email.read_for_people("Jane Smith"),
            OwnerRef::named("Jane Smith"),
            "it would be written by her id"
        );
        assert!(by_email.shared().is_empty());
    }

    #[test]
    fn a_nameless_user_is_not_what_an_empty_text_means() {
        let directory = Directory::new(vec![User::by_hand("u1", "", "", "")], OwnerValue::Name);
        assert_eq!(directory.read(""), OwnerRef::named(""));
        assert_eq!(directory.user(&"u1".into()).unwrap().value(OwnerValue::Name), "");
    }
}
