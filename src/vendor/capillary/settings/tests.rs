use super::*;
use crate::config::SecretSource;
use crate::domain::VendorKind;

fn profile(settings: &str) -> Profile {
    let mut profile = Profile::new("stores", VendorKind::Capillary, "https://eu.api.capillarytech.com");
    for name in ["key", "secret"] {
        profile.secrets.insert(name.to_owned(), SecretSource::Command(format!("echo the-{name}")));
    }
    profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
    profile
}

fn of(settings: &str) -> Result<Settings, ConfigError> {
    Settings::of(&profile(settings))
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let made = of("").unwrap();
    let written: String =
        SPECS.iter().filter_map(|spec| Some(format!("{} = {}\n", spec.name, spec.default?))).collect();
    assert_eq!(format!("{made:?}"), format!("{:?}", of(&written).unwrap()));
    assert_eq!((made.page_size, made.parallel, made.requests_per_minute), (100, 2, Some(90)));
    assert_eq!((made.assign_method.as_str(), made.assign_path.with("a/b")), ("PUT", vec!["v2", "leads", "a/b"]));
    assert_eq!((made.filter_field, made.write_field), (StaffField::Id, StaffField::Code));
    assert_eq!(made.oauth_header, "x-cap-api-oauth-token");
    assert!(of("auth = \"oauth\"").is_ok());
    assert_eq!((made.max_pages, made.freshness), (None, Duration::from_secs(60)));
    assert!(made.allow_unknown_previous && made.echo_extended_fields && made.attribution.is_empty());
    assert!(SPECS.iter().all(|spec| spec.doc.ends_with('.') && !spec.doc.contains("  ")));
}

#[test]
fn on_whose_behalf_is_said_in_headers() {
    let settings = of("attribution_entity_code = \"st-1\"\nattribution_entity_type = \"STORE_CODE\"").unwrap();
    let headers: Vec<_> =
        settings.attribution.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let expected = [("x-cap-api-attribution-entity-code", "st-1"), ("x-cap-api-attribution-entity-type", "STORE_CODE")];
    assert_eq!(headers, expected);
}

#[test]
fn wrong_values_are_told() {
    for (settings, words) in [
        ("page_size = 0", "page_size must be from 1 to 1000, not 0"),
        ("owner_in = \"path\"", "owner_in must be one of body, query"),
        ("owner_in = \"query\"\nunassign_mode = \"null\"", "a query cannot hold null"),
        ("unassign_mode = \"placeholder\"", "needs unassign_placeholder"),
        ("unassign_placeholder = \"queue\"", "is for unassign_mode = \"placeholder\""),
        ("assign_path = \"/v2/leads\"", "with {leadId} once"),
        ("assign_path = \"/v2/{leadId}/{leadId}\"", "with {leadId} once"),
        ("assign_path = \"/../{leadId}\"", "with {leadId} once"),
        ("auth = \"basic\"", "auth is \"basic\", but the profile has key and secret, which sign in by oauth"),
        ("auth = \"bearer\"", "auth must be one of basic, oauth"),
        ("oauth_header = \"a b\"", "the name of an HTTP header"),
        ("oauth_header = \" \"", "oauth_header is empty"),
        ("staff_types = []", "staff_types is empty"),
        ("staff_list = false", "leaves no owners"),
        ("owner_file = \"/no/such/file\"", "/no/such/file cannot be read"),
        ("attribution_entity_type = \"TILL\"", "needs attribution_entity_code"),
        ("attribution_entity_code = \"a\\nb\"", "characters that no HTTP header may hold"),
        ("confirm_within_s = 0.0", "confirm_within_s must be from 0.1 to 600, not 0"),
    ] {
        let error = of(settings).unwrap_err();
        assert!(error.message.contains(words), "{settings}: {error}");
    }
    let with_path = Profile { base_url: "https://eu.api.capillarytech.com/v2/".to_owned(), ..profile("") };
    assert!(Settings::of(&with_path).unwrap_err().message.contains("must end before /v2"));
}

#[test]
fn attribution_is_for_oauth() {
    let mut profile = profile("attribution_entity_code = \"st-1\"");
    profile.secrets.clear();
    for name in ["username", "password"] {
        profile.secrets.insert(name.to_owned(), SecretSource::Command(format!("echo the-{name}")));
    }
    assert!(Settings::of(&profile).unwrap_err().message.contains("attribution is for OAuth"));
}

#[test]
fn owners_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("owners.csv");
    std::fs::write(&file, "id,username,display_name,store_code\n7,asha.k,Asha K,n1\n").unwrap();
    let settings = of(&format!("staff_list = false\nowner_file = {:?}", file.to_str().unwrap())).unwrap();
    assert_eq!(settings.file_owners[0].username, "asha.k");
    assert_eq!(of("requests_per_minute = 0\nmax_pages = 3").unwrap().max_pages, Some(3));
}
