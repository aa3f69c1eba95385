//! Addresses: where a profile's server is, and paths made of ids that mean nothing to us.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::config::ConfigError;
use crate::vendor::{ErrorKind, VendorError};

/// Everything but what RFC 3986 calls unreserved.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Checks a base URL: `https`, or `http` to this computer; a host and perhaps a path, nothing else.
pub fn base(text: &str) -> Result<Url, ConfigError> {
    let wrong = |why: &str| ConfigError::new(format!("base_url {why}: {}", crate::domain::safe_text::visible(text)));
    let url = Url::parse(text.trim_end_matches('/')).map_err(|_| wrong("is not an address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated in the message: it holds a password.
        return Err(ConfigError::new("base_url must not hold a user name or password"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("has no host"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must be a host and a path only"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong("must begin with https:// (http is for this computer only)")),
        _ => Err(wrong("must begin with https://")),
    }
}

/// Whether the address is on this computer.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// A path of these segments, each escaped whole, so that an id can never become a second segment or a query.
///
/// An empty segment, `.` and `..` are refused: every URL reader on the way would take them for something else than
/// a record's id, even escaped.
pub fn path(segments: &[&str]) -> Result<String, VendorError> {
    let mut path = String::new();
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            let shown = if segment.is_empty() { "an empty id".to_owned() } else { format!("the id {segment}") };
            return Err(VendorError::new(ErrorKind::Refused, format!("{shown} cannot be part of an address")));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, IN_SEGMENT));
    }
    Ok(path)
}

/// The base with path and query behind it.
pub fn join(base: &Url, path: &str, query: &[(String, String)]) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}{path}"));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_this_computer() {
        for good in ["https://api.kenbun.io", "https://x.example/api/", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert!(base(good).is_ok(), "{good}");
        }
        assert!(base("http://localhost:3000").is_ok());
        for bad in [
            "http://api.kenbun.io",
            "http://localhost.evil.example",
            "http://128.0.0.1",
            "ftp://x",
            "api.kenbun.io",
            "",
            "https://",
            "https://x/?a=b",
            "https://x/#a",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
        let error = base("https://me:hush@x.example").unwrap_err().to_string();
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn odd_ids_stay_one_segment() {
        let base = base("http://127.0.0.1:1/api").unwrap();
        for (id, expected) in [
            ("ld_1-a.b~c", "/api/lead/ld_1-a.b~c"),
            ("a/b?c#d", "/api/lead/a%2Fb%3Fc%23d"),
            ("a b%20", "/api/lead/a%20b%2520"),
            ("../x", "/api/lead/..%2Fx"),
            ("\\..\\", "/api/lead/%5C..%5C"),
            ("Ж;=\n", "/api/lead/%D0%96%3B%3D%0A"),
        ] {
            assert_eq!(join(&base, &path(&["lead", id]).unwrap(), &[]).path(), expected);
        }
        for id in ["", ".", ".."] {
            assert_eq!(path(&["lead", id]).unwrap_err().kind, ErrorKind::Refused);
        }
    }

    #[test]
    fn queries_are_escaped() {
        let base = base("http://127.0.0.1:1").unwrap();
        let url = join(&base, "/leads", &[("page".into(), "1".into()), ("q".into(), "a&b=c d".into())]);
        assert_eq!(url.as_str(), "http://127.0.0.1:1/leads?page=1&q=a%26b%3Dc+d");
    }
}
