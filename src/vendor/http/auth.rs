//! Credentials as header values that no log prints.

use base64::Engine as _;
use http::HeaderValue;
use secrecy::ExposeSecret;

use crate::config::{ConfigError, Secret};

/// `Bearer TOKEN`.
pub fn bearer(token: &Secret) -> Result<HeaderValue, ConfigError> {
    secret_header(&format!("Bearer {}", token.expose_secret()))
}

/// `Basic` with the base64 of `USER:PASSWORD`.
pub fn basic(user: &Secret, password: &Secret) -> Result<HeaderValue, ConfigError> {
    if user.expose_secret().contains(':') {
        return Err(ConfigError::new("the user name (or client id) of basic authentication must not hold a colon"));
    }
    let pair = format!("{}:{}", user.expose_secret(), password.expose_secret());
    secret_header(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// Any header value with a secret in it.
pub fn secret_header(text: &str) -> Result<HeaderValue, ConfigError> {
    // The library's own message is left out: it might one day quote the value.
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ConfigError::new("a credential holds characters that no HTTP header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_written_as_the_standards_say() {
        let secret = |text: &str| Secret::from(text.to_owned());
        assert_eq!(bearer(&secret("kbn_pat_x")).unwrap().to_str().unwrap(), "Bearer kbn_pat_x");
        // The example of RFC 7617.
        let value = basic(&secret("Aladdin"), &secret("open sesame")).unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(basic(&secret("test"), &secret("123£")).unwrap().to_str().unwrap(), "Basic dGVzdDoxMjPCow==");
        assert!(basic(&secret("a:b"), &secret("c")).is_err());
        let error = bearer(&secret("tok\nen")).unwrap_err().to_string();
        assert!(!error.contains("tok"), "{error}");
    }
}
