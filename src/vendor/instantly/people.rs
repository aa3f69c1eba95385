//! The people that leads may be given to: the members of the workspace.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use compact_str::CompactString;
use http::Method;
use serde_json::Value;

use super::Instantly;
use super::identity::{Evidence, IdKind};
use super::names::Names;
use super::refusal::Right;
use super::settings::IdField;
use crate::domain::{Person, PersonId, PersonStatus, SafeText, Verbatim};
use crate::vendor::VendorError;
use crate::vendor::fields::{id, text};

/// A member as the server lists it.
#[derive(Clone, Debug, Default)]
pub struct Member {
    pub membership: Option<CompactString>,
    pub user: Option<CompactString>,
    pub name: Verbatim,
    pub email: SafeText,
    pub role: SafeText,
    /// False while the invitation is open.
    pub accepted: bool,
}

impl Member {
    fn of(row: &Value) -> Option<Self> {
        let words = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let name = row.get("name");
        let part = |key: &str| words(name.and_then(|name| name.get(key)));
        let mut full = format!("{} {}", part("first"), part("last")).trim().to_owned();
        if full.is_empty() {
            full = words(row.get("nickname"));
        }
        let member = Self {
            membership: id(row.get("id")),
            user: id(row.get("user_id")),
            name: Verbatim::new(full),
            email: ["email", "user_email"].iter().find_map(|key| text(row.get(*key)?)).unwrap_or_default(),
            role: row.get("role").and_then(text).unwrap_or_default(),
            accepted: row.get("accepted").and_then(Value::as_bool).unwrap_or(false),
        };
        (member.membership.is_some() || member.user.is_some()).then_some(member)
    }

    pub fn id_of(&self, kind: IdKind) -> Option<&str> {
        match kind {
            IdKind::User => self.user.as_deref(),
            IdKind::Membership => self.membership.as_deref(),
        }
    }

    /// What to call this member: by name, else by e-mail address.
    fn label(&self) -> Verbatim {
        if self.name.is_empty() { Verbatim::new(self.email.as_str()) } else { self.name.clone() }
    }

    fn person(&self, kind: IdKind, roles: &[String]) -> Option<Person> {
        let may_own = self.accepted && roles.iter().any(|role| role == self.role.as_str());
        let group = if self.accepted { self.role.clone() } else { SafeText::new(&format!("{} (invited)", self.role)) };
        let others = [("user_id", &self.user), ("id", &self.membership)];
        Some(Person {
            id: PersonId::new(self.id_of(kind)?),
            name: self.label(),
            email: self.email.clone(),
            status: if may_own { PersonStatus::Active } else { PersonStatus::Inactive },
            group,
            other_ids: others
                .into_iter()
                .filter_map(|(field, id)| Some((field.to_owned(), id.as_ref()?.to_string())))
                .collect(),
        })
    }
}

impl Instantly {
    /// The members, read now.
    pub(super) async fn read_members(&self, hot: bool) -> Result<Arc<Vec<Member>>, VendorError> {
        let rows = self.all(&["workspace-members"], Right::ReadMembers, &self.place(), hot).await?;
        let mut seen = HashSet::new();
        let is_new = |member: &Member| seen.insert((member.membership.clone(), member.user.clone()));
        let members: Arc<Vec<Member>> = Arc::new(rows.iter().filter_map(Member::of).filter(is_new).collect());
        let mut learned = self.learned();
        let mut names = Names::clone(&learned.names);
        names.people = self.owner_names(&members);
        learned.names = Arc::new(names);
        learned.members = Some(members.clone());
        Ok(members)
    }

    /// The members as they were last read; read now where they were not yet.
    pub(super) async fn known_members(&self) -> Result<Arc<Vec<Member>>, VendorError> {
        let _turn = self.reading_members.lock().await;
        let known = self.learned().members.clone();
        match known {
            Some(members) => Ok(members),
            None => self.read_members(false).await,
        }
    }

    /// The members, read now even if they are known.
    pub(super) async fn members_now(&self) -> Result<Arc<Vec<Member>>, VendorError> {
        let _turn = self.reading_members.lock().await;
        self.read_members(false).await
    }

    /// What owners are called, by the ids that assignments may use.
    fn owner_names(&self, members: &[Member]) -> std::collections::HashMap<PersonId, Verbatim> {
        let kinds: &[IdKind] = match self.settings.owner_id_field {
            IdField::Auto => &[IdKind::Membership, IdKind::User],
            IdField::UserId => &[IdKind::User],
            IdField::Id => &[IdKind::Membership],
        };
        let named = |kind: IdKind| {
            members.iter().filter_map(move |member| Some((PersonId::new(member.id_of(kind)?), member.label())))
        };
        kinds.iter().flat_map(|kind| named(*kind)).filter(|(_, name)| !name.is_empty()).collect()
    }

    pub(super) async fn fetch_people(&self) -> Result<Vec<Person>, VendorError> {
        let (members, ()) = tokio::join!(self.members_now(), self.learn_workspace());
        let members = members?;
        let kind = self.id_kind(&members).await?;
        let mut without_id = 0;
        let mut seen = HashSet::new();
        let mut people: Vec<Person> = Vec::with_capacity(members.len());
        for member in members.iter() {
            match member.person(kind, &self.settings.owner_roles) {
                Some(person) if seen.insert(person.id.clone()) => people.push(person),
                Some(_) => {}
                None => without_id += 1,
            }
        }
        if without_id > 0 {
            tracing::warn!(profile = %self.profile, without_id, field = kind.field(), "members without that id are left out");
        }
        // Those who can be given leads come first; otherwise as the server has them.
        people.sort_by_key(|person| !person.is_active());
        Ok(people)
    }

    /// Which id assignments use. Where no lead was read yet, some are, because only their owners can tell.
    async fn id_kind(&self, members: &[Member]) -> Result<IdKind, VendorError> {
        let setting = self.settings.owner_id_field;
        if setting == IdField::Auto && self.learned().owners.is_empty() {
            let mut pages = 0;
            let mut take = |_| {
                pages += 1;
                // Leads are rarely without an owner; where a whole page is, one more is tried and no other.
                let enough = !self.learned().owners.is_empty() || pages == 2;
                if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            if let Err(error) = self.walk_everything(&mut take).await {
                // Whoever lists the leads is told why; without them the usual kind is as good as any.
                tracing::warn!(profile = %self.profile, kind = ?error.kind, "no leads to tell members' ids by");
            }
        }
        let evidence = Evidence::of(members, &self.learned().owners);
        evidence.decide(setting)
    }

    /// Asks for the workspace's name, which plans show. Where it may not be read, plans do without.
    async fn learn_workspace(&self) {
        if self.learned().workspace.is_some() {
            return;
        }
        let name = async {
            let call = self.call(Method::GET, &["workspaces", "current"], &self.place())?;
            self.accepted(self.http.read_any(&call).await?, Right::ReadWorkspace)?.json()
        };
        match name.await {
            Ok(workspace) => self.learned().workspace = workspace.get("name").and_then(text),
            Err(error) => {
                tracing::warn!(profile = %self.profile, kind = ?error.kind, "the workspace's name could not be read");
            }
        }
    }
}
