use super::*;
use crate::vendor::registry;

#[test]
fn the_registry_opens_a_client() {
    let entry = registry::entry(VendorKind::Exotel).unwrap();
    let good = profile("https://cms.example.com", "");
    let vendor = (entry.open)(&good, Arc::new(OpenGate)).unwrap();
    let capabilities = vendor.capabilities();
    assert_eq!(capabilities.targets, crate::domain::TargetKind::Mappings);
    assert_eq!((capabilities.pace.burst, capabilities.pace.per_second, capabilities.pace.parallel), (6, 1.0, 2));
    assert!(vendor.notices().is_empty());
    for (settings, without, key) in [
        ("contact_center_id", "", "contact_center_id"),
        ("", "bearer_token", "auth.campaigns"),
        ("", "basic_password", "auth.lead_user"),
    ] {
        let mut bad = good.clone();
        bad.settings.remove(settings);
        bad.secrets.remove(without);
        let error = (entry.open)(&bad, Arc::new(OpenGate)).err().unwrap().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[tokio::test]
async fn each_call_has_its_path_its_headers_and_its_credential() {
    let center = Center::with(&[(40, "asha.k")]);
    let server = center.open(|_| None).await;
    let client = client(&server, "lead_user_page_size = 50");
    client.mappings(Some("7")).await.unwrap();
    write(&client, &[change("7:40", "asha.k", "zed")]).await;
    let seen: Vec<(String, String)> = server
        .requests()
        .iter()
        .map(|request| {
            assert_eq!(request.headers["accept"], "application/json");
            assert_eq!(request.headers["content-type"], "application/json", "{}", request.line());
            (request.line(), request.headers["authorization"].clone())
        })
        .collect();
    let (bearer, basic) = ("Bearer bear-token", "Basic Ym9zczpodXNoLWh1c2g=");
    let wanted = [
        ("GET /configuration/hierarchyconfig/campaign?contactCenterId=1", bearer),
        ("GET /configuration/cc/1/process?limit=10&offset=0", bearer),
        ("GET /cms/configuration/cc/1/process/3/campaign/7/campaign-lead", bearer),
        ("GET /cms/configuration/cc/1/process/3/campaign/7/lead-user?leadId=40&limit=50&offset=0", basic),
        ("GET /cms/configuration/cc/1/process/3/campaign/7/lead-user?leadId=40&limit=50&offset=50", basic),
        ("PUT /cms/configuration/voice/campaignLeadUserMapping", basic),
        ("GET /cms/configuration/cc/1/process/3/campaign/7/lead-user?leadId=40&limit=50&offset=0", basic),
    ];
    assert_eq!(seen, wanted.map(|(line, header)| (line.to_owned(), header.to_owned())));
}

#[tokio::test]
async fn schemes_and_prefixes_are_settings() {
    let server = Server::start(|_, _| Reply::json(json!([]))).await;
    let client = client(&server, "hierarchy_prefix = \"/cms/configuration\"\nauth.campaigns = \"basic\"");
    client.mappings(None).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.path(), "/cms/configuration/hierarchyconfig/campaign");
    assert!(request.headers["authorization"].starts_with("Basic "));

    let mut ready = profile(&server.base_url, "");
    ready.secrets.remove("basic_username");
    ready.secrets.insert("basic_token".to_owned(), SecretSource::Command("echo Ym9zczpo".to_owned()));
    let settings = Settings::of(&ready).unwrap();
    let header = settings.credential(super::super::settings::Scheme::Basic).unwrap();
    assert_eq!(header.to_str().unwrap(), "Basic Ym9zczpo");
}

#[tokio::test]
async fn a_refused_credential_is_named_and_the_other_is_not_tried() {
    for (refused, setting, sent) in [
        ("campaign", "auth.campaigns = \"bearer\"", "the Bearer credential was sent"),
        ("campaign-lead", "auth.campaign_lead = \"bearer\"", "the Bearer credential was sent"),
        ("lead-user", "auth.lead_user = \"basic\"", "the Basic credential was sent"),
    ] {
        let center = Center::with(&[(40, "asha.k")]);
        let last = move |request: &Request| request.path().rsplit('/').next() == Some(refused);
        let server = center.open(move |request| last(request).then(|| error(401, "no"))).await;
        let error = client(&server, "").mappings(Some("7")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::SignIn);
        assert!(error.message.contains(sent) && error.message.contains(": no"), "{error}");
        assert!(error.remedy.contains(setting), "{}", error.remedy);
        assert_eq!(server.requests().iter().filter(|request| last(request)).count(), 1, "{refused}");
    }
}

#[test]
fn a_certificate_file_that_is_none_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (content, why) in [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\n???", "no PEM file")] {
        std::fs::write(file.path(), content).unwrap();
        let bad = profile("https://cms.example.com", &format!("ca_file = {:?}", file.path().to_str().unwrap()));
        let error = Settings::of(&bad).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let bad = profile("https://cms.example.com", "roster_file = \"/no/such/file\"");
    assert!(Settings::of(&bad).unwrap_err().to_string().contains("/no/such/file"));
}
