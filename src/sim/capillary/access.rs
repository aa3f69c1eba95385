//! Who is asking: a till with its password, or a key with a token that does not live long.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use md5::{Digest, Md5};
use serde_json::Value;
use tokio::time::Instant;

use super::Capillary;
use super::errors::Refused;
use crate::sim::ask::{self, Credentials};
use crate::sim::dice;
use crate::sim::faults::{Limiter, Rate};
use crate::sim::vendor::Trace;

/// Tokens that are remembered; the oldest go first.
const TOKENS: usize = 1_000;

/// The credentials, and what the server remembers for each.
#[derive(Debug)]
pub struct Access {
    pub username: String,
    pub password: String,
    pub key: String,
    pub secret: String,
    /// The tokens that were given out, and when each ends.
    tokens: HashMap<String, Instant>,
    given: u64,
    till: Limiter,
    client: Limiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Till,
    Client,
}

impl Access {
    pub fn new(seed: u64) -> Self {
        let word = |purpose| format!("{:016x}", dice::roll(seed, 1, purpose));
        Self {
            username: "tilleul.till07".to_owned(),
            password: word(500),
            key: format!("tilleul-{}", word(501)),
            secret: format!("{}{}", word(502), word(503)),
            tokens: HashMap::new(),
            given: 0,
            till: Limiter::default(),
            client: Limiter::default(),
        }
    }

    /// What the till's password looks like on the wire.
    fn hashed(&self) -> String {
        Md5::digest(self.password.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A new token that is good for so long.
    fn token(&mut self, seed: u64, ttl: Duration) -> String {
        self.given += 1;
        let now = Instant::now();
        if self.tokens.len() >= TOKENS {
            self.tokens.retain(|_, ends| *ends > now);
        }
        let part = |purpose| format!("{:016x}", dice::roll(seed, self.given, purpose));
        let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", part(504), part(505));
        self.tokens.insert(token.clone(), now + ttl);
        token
    }
}

impl Capillary {
    /// The answer to `POST /v3/oauth/token/generate`.
    pub fn new_token(&self, body: &[u8]) -> Result<(String, u64), Refused> {
        let asked: Value = serde_json::from_slice(body).map_err(|_| Refused::bad("the body is not JSON"))?;
        let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut access = self.access();
        if text("key") != access.key || text("secret") != access.secret {
            return Err(Refused::new(StatusCode::UNAUTHORIZED, "the key or the secret is wrong"));
        }
        if self.switches.is("access_group", "none") {
            return Err(Refused::new(StatusCode::FORBIDDEN, "the key has no access group with the resource Leads"));
        }
        let seconds = self.switches.number("token_ttl");
        Ok((access.token(self.seed, Duration::from_secs(seconds)), seconds))
    }

    /// Lets a request in, or not. This is also where the rate is limited.
    pub fn let_in(&self, headers: &HeaderMap, trace: &Trace) -> Result<(), Refused> {
        let who = self.recognise(headers, trace)?;
        let mut access = self.access();
        let limiter = match who {
            Who::Till => &mut access.till,
            Who::Client => &mut access.client,
        };
        if let Ok(rate) = self.switches.with("rate_limit", Rate::parse)
            && let Err(wait) = limiter.admit(rate, Instant::now())
        {
            let mut refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "API rate limit exceeded");
            refused.retry_after = self.switches.on("retry_after").then_some(wait);
            return Err(refused);
        }
        Ok(())
    }

    fn recognise(&self, headers: &HeaderMap, trace: &Trace) -> Result<Who, Refused> {
        let no = |message: &str| Refused::new(StatusCode::UNAUTHORIZED, message);
        let access = self.access();
        let token = self.switches.with("oauth_header", |name| headers.get(name)).and_then(|value| value.to_str().ok());
        if let Some(token) = token {
            if headers.contains_key(header::AUTHORIZATION) {
                trace.complain("a token and an Authorization header in one call");
            }
            return match access.tokens.get(token) {
                Some(ends) if Instant::now() < *ends => Ok(Who::Client),
                Some(_) => Err(no("the token has expired")),
                None => Err(no("the token is not valid")),
            };
        }
        match ask::credentials(headers) {
            Some(Credentials::Basic { user, password }) if user == access.username => {
                if password == access.password {
                    trace.complain("the password as it is, not its md5");
                }
                if password == access.hashed() { Ok(Who::Till) } else { Err(no("Authentication failed")) }
            }
            Some(_) => Err(no("Authentication failed")),
            None => Err(no("Authentication required")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hashed_as_in_the_vendors_own_example() {
        let access = Access { password: "server123".to_owned(), ..Access::new(1) };
        assert_eq!(access.hashed(), "8a16a6b70505eb1f1ff7cdc0cd5559a7");
    }
}
