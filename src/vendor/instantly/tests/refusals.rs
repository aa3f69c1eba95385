use super::*;

async fn refused(status: u16, body: &'static str) -> VendorError {
    let server = Server::start(move |_, _| Reply::text(status, body)).await;
    client(&server, "retries = 0").collections().await.unwrap_err()
}

#[tokio::test]
async fn each_refusal_says_what_helps() {
    use ErrorKind::{Forbidden, SignIn, Wait};
    for (status, body, kind, message, remedy) in [
        (
            401,
            r#"{"statusCode":401,"error":"Unauthorized","message":"Missing Authorization header"}"#,
            SignIn,
            "(401): Missing Authorization header",
            "keys of API v1",
        ),
        (
            402,
            r#"{"statusCode":402,"error":"Payment Required","message":"Workspace does not have an active paid plan"}"#,
            Forbidden,
            "(402): Workspace does not have an active paid plan",
            "active paid plan",
        ),
        (403, r#"{"message":"Missing scope"}"#, Forbidden, "(403): Missing scope", "campaigns:read"),
        (
            403,
            "error code: 1010",
            Forbidden,
            "blocked before the API (403, Cloudflare), see user_agent: error code: 1010",
            "set user_agent",
        ),
        (
            403,
            "<html><title>Access denied</title>",
            Forbidden,
            "blocked before the API (403, Cloudflare)",
            "set user_agent",
        ),
        (403, r#"{"error_code":1010}"#, Forbidden, "blocked before the API", "set user_agent"),
        (403, "", Forbidden, "blocked before the API", "set user_agent"),
        (
            429,
            r#"{"statusCode":429,"error":"Too Many Requests","message":"Rate limit exceeded"}"#,
            Wait,
            "(429): Rate limit exceeded",
            "requests_per_minute",
        ),
        (500, r#"{"error":"boom"}"#, ErrorKind::Server, "(500): boom", "Try again"),
    ] {
        let server = Server::start(move |_, _| Reply::text(status, body).with("Retry-After", "9999")).await;
        let error = client(&server, "retries = 0").collections().await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.remedy.contains(remedy), "{error:?}");
    }
    assert_eq!(refused(404, "").await.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn an_address_with_the_apis_prefix_means_the_same() {
    let server = server(|_| None).await;
    let mut profile = Profile::new("outreach", VendorKind::Instantly, format!("{}/api/v2/", server.base_url));
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo x".to_owned()));
    let vendor = open(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!(vendor.collections().await.unwrap().len(), 2);
}
