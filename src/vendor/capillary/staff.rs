//! Who may own leads. Reading and writing use two different names of one person: the owner filter wants an id, a change
//! wants a user name (section 4), and which fields of the staff list these are is an assumption.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::Capillary;
use super::envelope::{self, Reply};
use super::owner_file::FileOwner;
use super::settings::{Settings, StaffField, UnassignMode};
use crate::domain::{Person, PersonId, PersonStatus, SafeText, Verbatim};
use crate::vendor::asking::Asking;
use crate::vendor::fields;
use crate::vendor::http::Call;
use crate::vendor::{ErrorKind, VendorError};

/// How old the staff may be before a person who is not in it makes us ask again.
const REFRESH_AFTER: Duration = Duration::from_secs(30);

/// One person with both names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    pub person: Person,
    /// For `?owner=`; empty where there is none, so that this person's leads cannot be found.
    pub filter_id: String,
    /// For the `owner` of a change; empty where there is none, so that nothing can be assigned.
    pub write_name: String,
}

impl Staff {
    fn new(filter_id: String, write_name: String, name: &str, email: &str, store: &str) -> Self {
        let name = [name.trim(), &write_name, &filter_id].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let id = if filter_id.is_empty() { &write_name } else { &filter_id };
        let mut other_ids = Vec::new();
        for (kind, value) in [("filter", &filter_id), ("write", &write_name)] {
            if !value.is_empty() {
                other_ids.push((kind.to_owned(), value.clone()));
            }
        }
        let person = Person {
            id: PersonId::new(id),
            name: Verbatim::new(name),
            email: SafeText::new(email),
            status: if write_name.is_empty() { PersonStatus::Inactive } else { PersonStatus::Active },
            group: SafeText::new(store),
            other_ids,
        };
        Self { person, filter_id, write_name }
    }

    /// Reads an entry of the staff list. `None` where it has neither of the names.
    fn of(entry: &Map<String, Value>, settings: &Settings) -> Option<Self> {
        let text = |key: &str| match entry.get(key) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let field = |field: StaffField| match field {
            StaffField::Username => [text("username"), text("userName")].into_iter().find(|text| !text.is_empty()),
            other => Some(text(other.word())),
        };
        let (filter_id, write_name) =
            (field(settings.filter_field).unwrap_or_default(), field(settings.write_field).unwrap_or_default());
        if filter_id.is_empty() && write_name.is_empty() {
            return None;
        }
        let first =
            [text("firstname"), text("firstName")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let last = [text("lastname"), text("lastName")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let name = format!("{first} {last}");
        let store = [text("store_code"), text("storeCode")].into_iter().find(|text| !text.is_empty());
        Some(Self::new(filter_id, write_name, &name, &text("email"), &store.unwrap_or_default()))
    }

    fn by_hand(owner: &FileOwner) -> Self {
        let name = &owner.display_name;
        Self::new(owner.id.clone(), owner.username.clone(), name, "", &owner.store_code)
    }

    /// What the file says about this person, who is in both.
    fn told_by(self, owner: &FileOwner) -> Self {
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let Person { name, email, group, .. } = self.person;
        Self::new(
            or(&owner.id, &self.filter_id),
            or(&owner.username, &self.write_name),
            &or(&owner.display_name, name.as_str()),
            email.as_str(),
            &or(&owner.store_code, group.as_str()),
        )
    }
}

/// Everybody who may own leads, as they were last read.
#[derive(Debug, Default)]
pub struct Directory {
    staff: Vec<Staff>,
    by_id: HashMap<PersonId, usize>,
    by_filter: HashMap<String, usize>,
    by_write_name: HashMap<String, usize>,
    /// Who stands for nobody.
    placeholder: Option<usize>,
    /// Entries of the list without any name to use.
    pub unusable: usize,
}

impl Directory {
    /// The first of several entries of one person counts.
    fn new(listed: Vec<Staff>, by_hand: &[FileOwner], unassign: &UnassignMode) -> Self {
        let mut used = vec![false; by_hand.len()];
        let mut all: Vec<Staff> = Vec::new();
        for staff in listed {
            let same = |owner: &FileOwner| {
                (!owner.id.is_empty() && owner.id == staff.filter_id)
                    || (!owner.username.is_empty() && owner.username == staff.write_name)
            };
            match by_hand.iter().position(same) {
                // Two entries of the list that the file takes for one person.
                Some(at) if used[at] => {}
                Some(at) => {
                    used[at] = true;
                    all.push(staff.told_by(&by_hand[at]));
                }
                None => all.push(staff),
            }
        }
        all.extend(by_hand.iter().zip(&used).filter(|(_, used)| !**used).map(|(owner, _)| Staff::by_hand(owner)));
        let mut directory = Self::default();
        for staff in all {
            directory.add(staff);
        }
        if let UnassignMode::Placeholder(name) = unassign {
            directory.placeholder = directory.by_write_name.get(name).copied();
            if let Some(place) = directory.placeholder {
                // Leads are taken from everybody by giving them to this one; nobody picks it as an owner.
                directory.staff[place].person.status = PersonStatus::Inactive;
            }
        }
        directory
    }

    fn add(&mut self, staff: Staff) {
        if self.by_id.contains_key(&staff.person.id) {
            return;
        }
        let place = self.staff.len();
        self.by_id.insert(staff.person.id.clone(), place);
        if !staff.filter_id.is_empty() {
            self.by_filter.entry(staff.filter_id.clone()).or_insert(place);
        }
        if !staff.write_name.is_empty() {
            self.by_write_name.entry(staff.write_name.clone()).or_insert(place);
        }
        self.staff.push(staff);
    }

    pub fn all(&self) -> &[Staff] {
        &self.staff
    }

    pub fn people(&self) -> Vec<Person> {
        self.staff.iter().map(|staff| staff.person.clone()).collect()
    }

    pub fn get(&self, id: &PersonId) -> Option<&Staff> {
        self.by_id.get(id).map(|place| &self.staff[*place])
    }

    /// Those whose leads can be asked for.
    pub fn with_filter(&self) -> impl Iterator<Item = &Staff> {
        self.staff.iter().filter(|staff| !staff.filter_id.is_empty())
    }

    /// The one with this user name, or else with this id.
    pub fn known_as(&self, text: &str) -> Option<&Staff> {
        let place = self.by_write_name.get(text).or_else(|| self.by_filter.get(text))?;
        Some(&self.staff[*place])
    }

    /// The one with this id, or else with this user name.
    fn with_id(&self, text: &str) -> Option<&Staff> {
        let place = self.by_filter.get(text).or_else(|| self.by_write_name.get(text))?;
        Some(&self.staff[*place])
    }

    pub fn is_placeholder(&self, staff: &Staff) -> bool {
        self.placeholder.is_some_and(|place| self.staff[place].person.id == staff.person.id)
    }

    pub fn placeholder(&self) -> Option<&Staff> {
        self.placeholder.map(|place| &self.staff[place])
    }
}

/// The directory with its age.
#[derive(Default)]
pub struct Known {
    directory: std::sync::RwLock<Option<(Instant, Arc<Directory>)>>,
    /// Who holds it is the only one to ask.
    fetching: tokio::sync::Mutex<()>,
}

impl Known {
    fn get(&self) -> Option<(Instant, Arc<Directory>)> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, directory: &Arc<Directory>) {
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), directory.clone()));
    }
}

impl Capillary {
    /// Reads the staff anew; once for all who want it at the same time.
    pub(super) async fn fetch_staff(&self, asking: &Asking) -> Result<Arc<Directory>, VendorError> {
        let wanted_at = Instant::now();
        let _fetching = self.staff.fetching.lock().await;
        if let Some((_, directory)) = self.staff.get().filter(|(at, _)| *at > wanted_at) {
            return Ok(directory);
        }
        let mut listed = Vec::new();
        let mut unusable = 0;
        if self.settings.staff_list {
            for (number, kind) in self.settings.staff_types.iter().enumerate() {
                match self.staff_of(kind, asking).await {
                    Ok(entries) => {
                        for entry in entries {
                            match entry.as_object().and_then(|entry| Staff::of(entry, &self.settings)) {
                                Some(staff) => listed.push(staff),
                                None => unusable += 1,
                            }
                        }
                    }
                    // An organisation may have only one kind of staff and say so by an error.
                    Err(error) if number > 0 && matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound) => {
                        tracing::warn!(profile = %self.profile, kind, %error, "this kind of staff cannot be listed");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let mut directory = Directory::new(listed, &self.settings.file_owners, &self.settings.unassign);
        directory.unusable = unusable;
        let directory = Arc::new(directory);
        self.staff.set(&directory);
        Ok(directory)
    }

    async fn staff_of(&self, kind: &str, asking: &Asking) -> Result<Vec<Value>, VendorError> {
        let call = Call::get(&["v1.1", "store", "staff"])?
            .query("format", "json")
            .query(self.settings.staff_type_param.as_str(), kind);
        let reply = self.ask(call, asking).await?;
        self.staff_in(reply)
    }

    /// Version 1.1 answers 200 whatever happens, says inside how it went, and gives one element where a list has one.
    fn staff_in(&self, reply: Reply) -> Result<Vec<Value>, VendorError> {
        if !reply.answer.is_success() {
            return Err(reply.error(&self.profile));
        }
        let Some(response) = reply.body.as_ref().and_then(|body| body.get("response")) else {
            return Err(match reply.answer.json() {
                Ok(_) => reply.answer.garbled("it has no response in it"),
                Err(error) => error,
            });
        };
        let status = response.get("status");
        let of = |key: &str| status.and_then(|status| status.get(key));
        let failed = match of("success") {
            Some(Value::Bool(success)) => !success,
            Some(Value::String(success)) => !success.eq_ignore_ascii_case("true"),
            _ => envelope::code(of("code")).is_some_and(|code| !(200..300).contains(&code)),
        };
        let users = response.pointer("/store/staff/user");
        if failed {
            return Err(self.refused_inside(envelope::code(of("code")), of("message"), &reply));
        }
        match users {
            Some(Value::Array(users)) => Ok(users.clone()),
            Some(user @ Value::Object(_)) => Ok(vec![user.clone()]),
            None | Some(Value::Null | Value::String(_)) => Ok(Vec::new()),
            Some(_) => Err(reply.answer.garbled("its list of staff is none")),
        }
    }

    fn refused_inside(&self, code: Option<i64>, message: Option<&Value>, reply: &Reply) -> VendorError {
        let kind = match code {
            Some(401) => ErrorKind::SignIn,
            Some(403) => ErrorKind::Forbidden,
            Some(404) => ErrorKind::NotFound,
            Some(429) => ErrorKind::Wait,
            Some(500..=599) => ErrorKind::Server,
            _ => ErrorKind::Refused,
        };
        let words = SafeText::new(message.and_then(Value::as_str).unwrap_or("no reason given"));
        let words: String = words.as_str().chars().take(200).collect();
        let code = code.map_or(String::new(), |code| format!(" (code {code})"));
        let message = format!(
            "Capillary (profile {}) does not list its staff: {words}{code}{}",
            self.profile,
            reply.request_id()
        );
        VendorError::new(kind, message).with_remedy(
            "Check staff_type_param and staff_types, or name the owners in owner_file with staff_list = false.",
        )
    }

    /// The staff as it was last read, read now where it never was.
    pub(super) async fn directory(&self, asking: &Asking) -> Result<Arc<Directory>, VendorError> {
        match self.staff.get() {
            Some((_, directory)) => Ok(directory),
            None => self.fetch_staff(asking).await,
        }
    }

    /// The staff with this person in it if that can be had.
    pub(super) async fn directory_with(&self, id: &PersonId, asking: &Asking) -> Result<Arc<Directory>, VendorError> {
        let known = self.staff.get();
        match known {
            Some((at, directory)) if directory.get(id).is_some() || at.elapsed() < REFRESH_AFTER => Ok(directory),
            // Who was there before is better than nobody.
            Some((_, directory)) => Ok(self.fetch_staff(asking).await.unwrap_or(directory)),
            None => self.fetch_staff(asking).await,
        }
    }

    /// What a plan should say about the staff.
    pub(super) fn notices_about_staff(&self) -> Vec<String> {
        let Some((_, directory)) = self.staff.get() else { return Vec::new() };
        let mut notices = Vec::new();
        if let UnassignMode::Placeholder(name) = &self.settings.unassign
            && directory.placeholder().is_none()
        {
            let name = crate::domain::safe_text::visible(name).into_owned();
            notices.push(format!(
                "Nobody stands for {name} (unassign_placeholder) in the staff list: that a lead was given to it cannot be \
                 verified."
            ));
        }
        notices
    }

    /// Without asking; empty before the first time.
    pub(super) fn known_staff(&self) -> Arc<Directory> {
        self.staff.get().map(|(_, directory)| directory).unwrap_or_default()
    }
}

/// The owner that a row tells by itself. No documented answer does; where one comes, it fills in what the owner filter
/// leaves open.
pub fn told_by_row<'a>(row: &Map<String, Value>, directory: &'a Directory) -> Option<&'a Staff> {
    ["ownerId", "owner", "ownerName", "assignedTo"].into_iter().find_map(|key| {
        let value = row.get(key)?;
        let inside = value.get("id");
        let text = fields::id(inside.or_else(|| value.get("username")).or(Some(value)))?;
        // One person's user name may read like another one's id.
        if key == "ownerId" || inside.is_some() { directory.with_id(&text) } else { directory.known_as(&text) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(filter: &str, write: &str) -> Staff {
        Staff::new(filter.to_owned(), write.to_owned(), "From List", "l@x.example", "north")
    }

    fn by_hand(id: &str, username: &str, name: &str) -> FileOwner {
        let (id, username) = (id.to_owned(), username.to_owned());
        FileOwner { id, username, display_name: name.to_owned(), store_code: String::new() }
    }

    #[test]
    fn the_file_comes_before_the_list() {
        let file = [by_hand("70", "asha", "Asha K"), by_hand("2", "", ""), by_hand("9", "new", "New One")];
        let listed = vec![listed("1", "asha"), listed("2", "ravi"), listed("3", "mia"), listed("3", "twice")];
        let directory = Directory::new(listed, &file, &UnassignMode::Unsupported);
        let all: Vec<_> = directory
            .all()
            .iter()
            .map(|staff| (staff.filter_id.as_str(), staff.write_name.as_str(), staff.person.name.as_str()))
            .collect();
        let expected =
            [("70", "asha", "Asha K"), ("2", "ravi", "From List"), ("3", "mia", "From List"), ("9", "new", "New One")];
        assert_eq!(all, expected);
        assert_eq!(directory.get(&"70".into()).unwrap().person.group.as_str(), "north");
        assert_eq!(directory.known_as("mia").unwrap().filter_id, "3");
        assert_eq!(directory.known_as("9").unwrap().write_name, "new");
    }

    #[test]
    fn a_user_name_that_reads_like_somebody_elses_id_is_told_apart() {
        let directory = Directory::new(vec![listed("1", "2"), listed("2", "ravi")], &[], &UnassignMode::Unsupported);
        for (row, write_name) in [
            (serde_json::json!({ "ownerId": 2 }), "ravi"),
            (serde_json::json!({ "owner": { "id": "2" } }), "ravi"),
            (serde_json::json!({ "owner": "2" }), "2"),
            (serde_json::json!({ "ownerId": "ravi" }), "ravi"),
        ] {
            let found = told_by_row(row.as_object().unwrap(), &directory).map(|staff| staff.write_name.as_str());
            assert_eq!(found, Some(write_name), "{row}");
        }
    }

    #[test]
    fn who_has_one_name_only_is_known_by_it() {
        let directory = Directory::new(
            vec![listed("", "asha"), listed("5", "")],
            &[],
            &UnassignMode::Placeholder("asha".to_owned()),
        );
        let (asha, five) = (&directory.all()[0], &directory.all()[1]);
        assert_eq!((asha.person.id.as_str(), five.person.id.as_str()), ("asha", "5"));
        assert!(!five.person.is_active(), "nothing can be assigned without a user name");
        assert!(directory.is_placeholder(asha) && !asha.person.is_active());
        assert_eq!(directory.with_filter().count(), 1);
    }
}
