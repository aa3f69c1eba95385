//! Both ways to sign in: the till's name and password with every request, or a token that is fetched and renewed.

use std::time::{Duration, Instant};

use base64::Engine as _;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use serde_json::json;

use super::Capillary;
use super::envelope::Reply;
use crate::config::{ConfigError, Profile, Secret};
use crate::vendor::asking::Asking;
use crate::vendor::http::{Call, basic, secret_header};
use crate::vendor::{ErrorKind, VendorError};

/// A token's life where the server does not tell it.
const USUAL_LIFE: f64 = 300.0;

/// A token is renewed when this share of its life is over.
const RENEWED_AT: f64 = 0.8;

/// What a profile signs in with; which one follows from the secrets that it has.
#[derive(Clone, Debug)]
pub enum Credentials {
    Basic(HeaderValue),
    OAuth { key: Secret, secret: Secret },
}

impl Credentials {
    /// Fetches the secrets.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let has = |name: &str| profile.secrets.contains_key(name);
        let (till, client) = (has("username") || has("password"), has("key") || has("secret"));
        let name = &profile.name;
        let need = |key: &'static str| {
            profile.secret(key)?.ok_or_else(|| {
                let message = format!("profile {name} needs {key}, such as {key} = {{ env = \"VARIABLE\" }}");
                profile.error(key, message)
            })
        };
        match (till, client) {
            (true, true) => {
                let message = format!(
                    "profile {name} has both a till's username or password and an API client's key or secret: take one \
                     pair out"
                );
                Err(profile.error("key", message))
            }
            (false, true) => Ok(Self::OAuth { key: need("key")?, secret: need("secret")? }),
            _ => {
                let (user, password) = (need("username")?, need("password")?);
                let value = till_header(&user, &password).map_err(|error| profile.error("username", error.message))?;
                Ok(Self::Basic(value))
            }
        }
    }

    /// What must never be shown, should the server repeat it.
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::OAuth { key, secret } => vec![secret.clone(), key.clone()],
            Self::Basic(value) => {
                let pair = value.to_str().ok().and_then(|value| value.strip_prefix("Basic ")).unwrap_or_default();
                let sum = base64::engine::general_purpose::STANDARD.decode(pair).unwrap_or_default();
                let sum = String::from_utf8_lossy(&sum).rsplit(':').next().unwrap_or_default().to_owned();
                vec![Secret::from(pair.to_owned()), Secret::from(sum)]
            }
        }
    }
}

/// `Basic`, with the MD5 sum of the password in its place.
fn till_header(user: &Secret, password: &Secret) -> Result<HeaderValue, ConfigError> {
    let sum = Md5::digest(password.expose_secret().as_bytes());
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    basic(user, &Secret::from(hex))
}

/// The token that is used now.
#[derive(Default)]
pub struct Token(tokio::sync::Mutex<Option<Fetched>>);

struct Fetched {
    value: HeaderValue,
    renew_at: Instant,
}

impl Capillary {
    /// Puts on a call what every call carries. With OAuth this may have to fetch a token first.
    pub(super) async fn sign(&self, call: Call, asking: &Asking) -> Result<Call, VendorError> {
        let mut call = self.dressed(call, asking);
        match &self.settings.credentials {
            Credentials::Basic(value) => Ok(call.header(AUTHORIZATION, value.clone())),
            Credentials::OAuth { key, secret } => {
                for (name, value) in &self.settings.attribution {
                    call = call.header(name.clone(), value.clone());
                }
                let token = self.token_now(key, secret, asking).await?;
                Ok(call.header(self.settings.oauth_header.clone(), token))
            }
        }
    }

    fn dressed(&self, call: Call, asking: &Asking) -> Call {
        let json = HeaderValue::from_static("application/json");
        call.header(CONTENT_TYPE, json).hot(asking.hot).counted_by(&asking.meter)
    }

    /// After a 401: throws the token away that `call` was signed with, unless that has happened already. False where
    /// there is none, so that trying again is of no use.
    pub(super) async fn may_sign_again(&self, call: &Call) -> bool {
        if !matches!(self.settings.credentials, Credentials::OAuth { .. }) {
            return false;
        }
        let used = call.header_value(&self.settings.oauth_header);
        let mut token = self.token.0.lock().await;
        if token.as_ref().map(|token| &token.value) == used {
            *token = None;
        }
        true
    }

    /// The token, fetched where there is none or it is about to end. One request, however many wait for it.
    async fn token_now(&self, key: &Secret, secret: &Secret, asking: &Asking) -> Result<HeaderValue, VendorError> {
        let mut token = self.token.0.lock().await;
        if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.value.clone());
        }
        let body = json!({ "key": key.expose_secret(), "secret": secret.expose_secret() });
        let call = Call::post(&["v3", "oauth", "token", "generate"])?.json(&body)?;
        let asked_at = Instant::now();
        let reply = Reply::of(self.http.read_any(&self.dressed(call, asking)).await?);
        let fetched = self.fetched(&reply, asked_at)?;
        let value = fetched.value.clone();
        *token = Some(fetched);
        Ok(value)
    }

    fn fetched(&self, reply: &Reply, asked_at: Instant) -> Result<Fetched, VendorError> {
        if reply.answer.status.is_server_error() || reply.answer.status.as_u16() == 429 {
            return Err(reply.answer.error());
        }
        let data = reply.body.as_ref().and_then(|body| body.get("data"));
        let text = data.and_then(|data| data.get("accessToken")?.as_str()).filter(|text| !text.is_empty());
        let (true, Some(text)) = (reply.is_good(), text) else { return Err(self.no_token(reply)) };
        let value = secret_header(text).map_err(|_| reply.answer.garbled("its token cannot be sent in a header"))?;
        let life = data.and_then(|data| data.get("ttlSeconds")?.as_f64()).unwrap_or(USUAL_LIFE);
        let life = Duration::try_from_secs_f64(life * RENEWED_AT).unwrap_or(Duration::from_secs_f64(USUAL_LIFE));
        Ok(Fetched { value, renew_at: asked_at + life.min(Duration::from_secs(86_400)) })
    }

    fn no_token(&self, reply: &Reply) -> VendorError {
        let status = reply.answer.status.as_u16();
        let words = reply.answer.words();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let message = format!("Capillary gives profile {} no token ({status}){said}", self.profile);
        let mut error = VendorError::new(ErrorKind::SignIn, message).with_remedy(
            "Check key and secret, and that the API client belongs to this cluster (base_url) and has an access group with \
             the resource Leads.",
        );
        error.status = Some(status);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretSource;
    use crate::domain::VendorKind;

    fn of(secrets: &[(&str, &str)]) -> Result<Credentials, ConfigError> {
        let mut profile = Profile::new("stores", VendorKind::Capillary, "https://eu.api.capillarytech.com");
        for (name, value) in secrets {
            profile.secrets.insert((*name).to_owned(), SecretSource::Command(format!("echo {value}")));
        }
        Credentials::of(&profile)
    }

    #[test]
    fn the_password_is_sent_as_its_md5_sum() {
        let made = of(&[("username", "store.server"), ("password", "server123")]).unwrap();
        let Credentials::Basic(value) = &made else { panic!("{made:?}") };
        let expected = "Basic c3RvcmUuc2VydmVyOjhhMTZhNmI3MDUwNWViMWYxZmY3Y2RjMGNkNTU1OWE3";
        assert_eq!(value.to_str().unwrap(), expected);
        assert!(value.is_sensitive());
        let secrets: Vec<String> = made.secrets().iter().map(|secret| secret.expose_secret().to_owned()).collect();
        assert_eq!(secrets, [&expected[6..], "8a16a6b70505eb1f1ff7cdc0cd5559a7"]);
    }

    #[test]
    fn the_way_follows_from_what_is_there() {
        assert!(matches!(of(&[("key", "k"), ("secret", "s")]), Ok(Credentials::OAuth { .. })));
        for (given, words) in [
            (&[][..], "needs username"),
            (&[("username", "a")], "needs password"),
            (&[("key", "k")], "needs secret"),
            (&[("username", "a"), ("password", "b"), ("key", "k"), ("secret", "s")], "take one pair out"),
            (&[("username", "a:b"), ("password", "b")], "must not hold a colon"),
        ] {
            let error = of(given).unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
    }
}
