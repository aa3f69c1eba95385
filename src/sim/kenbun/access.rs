//! Who is asking, and which organizational unit is active for that credential.

use std::collections::HashMap;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::Kenbun;
use crate::sim::ask::{self, Credentials, Refusal};
use crate::sim::dice;
use crate::sim::faults::{Limiter, Rate};

/// The credentials, and what the server remembers for each.
#[derive(Debug)]
pub struct Access {
    /// The profile's personal access token.
    pub token: String,
    /// The same rights, another credential: its active unit is its own.
    pub colleague: String,
    pub viewer: String,
    pub jwt: String,
    pub client_id: String,
    pub client_secret: String,
    sessions: HashMap<Who, Session>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Token,
    Colleague,
    Viewer,
    Jwt,
    Service,
}

/// What the server remembers for one credential.
#[derive(Debug, Default)]
pub struct Session {
    pub active_unit: Option<usize>,
    requests: u64,
    limiter: Limiter,
    /// When a unit was last chosen.
    pub chosen_at: Option<Instant>,
    /// Choices of a unit that no bulk call has followed yet.
    pub fresh_choices: u32,
}

impl Access {
    pub fn new(seed: u64) -> Self {
        let word = |purpose| format!("{:016x}{:016x}", dice::roll(seed, 1, purpose), dice::roll(seed, 2, purpose));
        Self {
            token: format!("kbn_pat_{}", word(200)),
            colleague: format!("kbn_pat_{}", word(201)),
            viewer: format!("kbn_pat_{}", word(202)),
            jwt: format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", word(203), word(204)),
            client_id: format!("lv_ci_{}", word(205)),
            client_secret: format!("lv_cs_{}", word(206)),
            sessions: HashMap::new(),
        }
    }

    fn recognise(&self, headers: &HeaderMap) -> Option<Who> {
        match ask::credentials(headers)? {
            Credentials::Bearer(token) => match token {
                _ if token == self.token => Some(Who::Token),
                _ if token == self.colleague => Some(Who::Colleague),
                _ if token == self.viewer => Some(Who::Viewer),
                _ if token == self.jwt => Some(Who::Jwt),
                _ => None,
            },
            Credentials::Basic { user, password } => {
                (user == self.client_id && password == self.client_secret).then_some(Who::Service)
            }
        }
    }

    pub fn session(&mut self, who: Who) -> &mut Session {
        self.sessions.entry(who).or_default()
    }
}

impl Kenbun {
    /// Lets a request in. With the switches for it, this is also where the rate is limited and the unit drifts.
    pub fn enter(&self, headers: &HeaderMap) -> Result<Who, Refusal> {
        let mut access = self.access();
        let who = access
            .recognise(headers)
            .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "missing or invalid credentials"))?;
        let session = access.session(who);
        if let Ok(rate) = self.switches.with("rate_limit", Rate::parse)
            && let Err(wait) = session.limiter.admit(rate, Instant::now())
        {
            let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded");
            refusal.retry_after = Some(wait);
            return Err(refusal);
        }
        session.requests += 1;
        let drift = self.switches.number("ou_drift");
        if drift > 0 && session.requests.is_multiple_of(drift) && who != Who::Service {
            // The user's browser, say: it acts with the same credential's memory. The request at hand is the first one
            // to be surprised.
            session.active_unit = Some((session.active_unit.unwrap_or_default() + 1) % self.units.len());
        }
        Ok(who)
    }

    /// The unit that lead calls of this credential are about.
    pub fn active_unit(&self, who: Who) -> Result<usize, Refusal> {
        let chosen = self.access().session(who).active_unit;
        // A service account belongs to one unit.
        let initial = (who == Who::Service || self.switches.is("initial_ou", "default")).then_some(0);
        let open = (!self.switches.on("require_active_ou")).then_some(0);
        chosen
            .or(initial)
            .or(open)
            .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "No active Organizational Unit"))
    }

    /// Whether this credential may write.
    pub fn may_write(&self, who: Who) -> Result<(), Refusal> {
        let viewer = who == Who::Viewer || (who == Who::Token && self.switches.is("role", "viewer"));
        if viewer && self.switches.on("viewer_403") {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "insufficient role"));
        }
        Ok(())
    }
}
