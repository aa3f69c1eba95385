//! Configurations, good and bad, held against made-up vendors' settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::domain::{Field, VendorKind};

const VENDORS: &[VendorSettings] = &[
    VendorSettings {
        vendor: VendorKind::Kenbun,
        settings: &[
            spec("base_url", SettingKind::Text, Some("\"https://api.example.com/\"")),
            spec("token", SettingKind::Secret, None),
            spec("client_id", SettingKind::Secret, None),
            spec("client_secret", SettingKind::Secret, None),
            spec("auth", SettingKind::Choice(&["bearer", "basic"]), Some("\"bearer\"")),
            spec("org_unit", SettingKind::Text, None),
            spec("bulk_size", SettingKind::Integer { min: 1, max: 500 }, Some("500")),
            spec("owners", SettingKind::People, None),
            spec("names_file", SettingKind::Path, None),
        ],
        credentials: &[&["token"], &["client_id", "client_secret"]],
    },
    VendorSettings {
        vendor: VendorKind::Exotel,
        settings: &[
            spec("auth.lead_user", SettingKind::Choice(&["basic", "bearer"]), None),
            spec("requests_per_second", SettingKind::Number { min: 0.01, max: f64::INFINITY }, None),
            spec("labels", SettingKind::TextList, None),
        ],
        credentials: &[],
    },
];

const fn spec(name: &'static str, kind: SettingKind, default: Option<&'static str>) -> SettingSpec {
    SettingSpec { name, kind, default, doc: "" }
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Some(Path::new("/home/me/config.toml")), VENDORS)
}

/// `LINE: MESSAGE` of everything that is wrong with a configuration.
fn complaints(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(|error| format!("{}: {}", error.line.unwrap_or(0), error.message)).collect(),
    }
}

#[test]
fn a_whole_configuration_is_understood() {
    let config = parse(
        r#"
default_profile = "sales"

[profiles.sales]
vendor = "kenbun"
base_url = "https://api.kenbun.io/"
token = { env = "KENBUN_TOKEN" }
org_unit = "unit_default"
owners = [{ id = 7, name = "Jane" }, { id = "u8" }]
names_file = "names.csv"

[profiles.center]
vendor = "exotel"
base_url = "http://127.0.0.1:8080"
read_only = true
auth.lead_user = "bearer"
requests_per_second = 2

[profiles.usual]
vendor = "kenbun"
client_id = { file = "id" }
client_secret = { command = "pass show kenbun" }

[settings]
theme = "high-contrast"
large_plan = 10
freshness = "5m"

[views.hot]
query = "score>50 owner:none"
columns = ["name", "score", "owner"]
sort = "score desc"

[keys]
quit = "ctrl-q"
[keys.leads]
mark = ["space", "x"]

[people.jane]
name = "Jane Smith"
sales = "user_7"
center = 12

[people.bob]
ids = { sales = ["user_8", "bob@example.com"] }

[teams]
morning = ["asha.k", "ravi.s"]
"#,
    )
    .unwrap();
    assert_eq!(config.default_profile.as_ref().map(|name| name.as_str()), Some("sales"));
    let sales = config.profile("sales").unwrap();
    assert_eq!((sales.base_url.as_str(), sales.read_only), ("https://api.kenbun.io", false));
    assert_eq!(sales.secrets["token"], SecretSource::Env("KENBUN_TOKEN".to_owned()));
    assert_eq!(sales.text("org_unit"), Some("unit_default"));
    assert_eq!(sales.text("names_file"), Some("/home/me/names.csv"));
    let owners = sales.setting("owners").unwrap().as_array().unwrap();
    assert_eq!(owners[0]["id"].as_str(), Some("7"));
    assert_eq!((sales.origin.line, sales.origin.keys["token"]), (Some(4), 7));
    let center = config.profile("center").unwrap();
    assert!(center.read_only);
    assert_eq!((center.text("auth.lead_user"), center.number("requests_per_second")), (Some("bearer"), Some(2.0)));
    let usual = config.profile("usual").unwrap();
    assert_eq!(usual.base_url, "https://api.example.com");
    assert_eq!(usual.secrets["client_id"], SecretSource::File(PathBuf::from("/home/me/id")));
    assert_eq!(config.settings.theme, Theme::HighContrast);
    assert_eq!((config.settings.large_plan, config.settings.freshness), (10, Some(Duration::from_secs(300))));
    assert_eq!(config.views[0].columns, [Field::Name, Field::Score, Field::Owner]);
    assert!(config.views[0].sort.unwrap().descending);
    assert_eq!(config.keys.len(), 2);
    assert_eq!((config.keys[1].scope.as_deref(), config.keys[1].keys.len()), (Some("leads"), 2));
    let people: Vec<String> = config.people.iter().map(|link| format!("{} {:?}", link.key, link.ids)).collect();
    assert_eq!(people.len(), 2, "{people:?}");
    assert_eq!(config.people.called("jane smith").unwrap().ids[&"center".into()], ["12".into()]);
    assert_eq!(config.people.called("BOB").unwrap().ids[&"sales".into()].len(), 2);
    assert_eq!(config.teams["morning"], ["asha.k", "ravi.s"]);
}

#[test]
fn every_mistake_has_its_line_and_the_nearest_right_name() {
    let kenbun = "[profiles.sales]\nvendor = \"kenbun\"\ntoken = { env = \"T\" }\n";
    let after = |lines: &str| format!("{kenbun}{lines}\n");
    for (text, complaint) in [
        ("a = ".to_owned(), "1: this is not valid TOML"),
        (
            "defualt_profile = \"x\"".to_owned(),
            "1: unknown key \"defualt_profile\" at the top level; did you mean default_profile?",
        ),
        (
            after("base_urll = \"https://x\""),
            "4: unknown key \"base_urll\" in this kenbun profile; did you mean base_url?",
        ),
        (after("tokn = 1"), "4: unknown key \"tokn\" in this kenbun profile; did you mean token?"),
        (
            after("colour = 1"),
            "4: unknown key \"colour\" in this kenbun profile; there are vendor, base_url, read_only, token, ",
        ),
        ("large_plan = 5".to_owned(), "1: \"large_plan\" has to stand below [settings], not at the top level"),
        (after("bulk_size = 501"), "4: bulk_size must be from 1 to 500, not 501"),
        (after("bulk_size = \"5\""), "4: bulk_size must be a whole number, not a text"),
        (after("auth = \"baerer\""), "4: auth must be one of bearer, basic, not \"baerer\"; did you mean bearer?"),
        (after("owners = [\n{ id = \"a\" },\n{ name = \"b\" }]"), "6: each of owners needs an id"),
        (after("read_only = \"yes\""), "4: read_only must be true or false, not a text"),
        (after("base_url = \"http://api.kenbun.io\""), "4: base_url must be https"),
        (after("base_url = \"api.kenbun.io\""), "4: base_url must begin with https://"),
        (after("base_url = \"https://me:pw@x\""), "4: base_url must not hold a user or a password"),
        (after("client_id = { env = \"A\", file = \"b\" }"), "4: client_id needs exactly one of env, command or file"),
        (
            after("client_id = { enw = \"A\" }"),
            "4: client_id can come from env, command or file, not from \"enw\"; did you mean env?",
        ),
        (after("client_id = {}"), "4: client_id needs one of env, command or file"),
        (
            "[profiles.sales]\nvendor = \"kenbun\"\n".to_owned(),
            "1: profile sales has no credentials: kenbun takes token, or client_id and client_secret",
        ),
        (
            "[profiles.sales]\nvendor = \"kenbun\"\nclient_id = { env = \"A\" }".to_owned(),
            "1: profile sales has no client_secret",
        ),
        (
            "[profiles.sales]\nvendor = \"kenbum\"".to_owned(),
            "2: vendor must be one of capillary, exotel, instantly, kenbun, stateset, not \"kenbum\"; did you mean kenbun?",
        ),
        ("[profiles.sales]\nvender = \"kenbun\"".to_owned(), "1: profile sales does not say its vendor"),
        ("[profiles.c]\nvendor = \"exotel\"".to_owned(), "1: profile c has no base_url"),
        (
            "[profiles.c]\nvendor = \"exotel\"\nbase_url = \"https://x\"\nauth.lead_usr = \"basic\"".to_owned(),
            "4: unknown key \"auth.lead_usr\" in this Exotel profile; did you mean auth.lead_user?",
        ),
        (
            "[profiles.c]\nvendor = \"exotel\"\nbase_url = \"https://x\"\nrequests_per_second = 0".to_owned(),
            "4: requests_per_second must be 0.01 or more, not 0",
        ),
        ("[profiles.all]\nvendor = \"exotel\"".to_owned(), "1: a profile cannot be called \"all\""),
        (
            "[profiles.s]\nvendor = \"stateset\"".to_owned(),
            "1: this Switchboard has no client for StateSet; it has kenbun, exotel",
        ),
        (
            after("[people.jane]\nids = { sale = \"1\" }"),
            "5: people.jane names the profile \"sale\", which is not in this file; did you mean sales?",
        ),
        (after("[people.jane]\nshop = \"1\""), "5: people.jane names the profile \"shop\", which is not in this file"),
        (after("[people.jane]\nnmae = \"Jane\""), "5: unknown key \"nmae\" in [people.jane]; did you mean name?"),
        (after("[people.jane]\nname = \"Jane\""), "4: people.jane has no id at any profile"),
        (after("[people.jane]\nsales = \" \""), "5: people.jane has an empty id at the profile sales"),
        (
            after("[people.jane]\nsales = \"1\"\nids = { sales = \"2\" }"),
            "6: people.jane names the profile sales twice",
        ),
        (
            after("[people.jane]\nsales = \"1\"\n[people.bob]\nsales = [\"2\", \"1\"]"),
            "7: the id 1 of the profile sales is also people.jane's (line 5)",
        ),
        (after("[people.jane]\nsales = [\"1\", \"1\"]"), "5: the id 1 of the profile sales is there twice (line 5)"),
        (
            after("[people.jane]\nsales = \"1\"\n[people.j2]\nname = \"JANE\"\nsales = \"2\""),
            "6: people.j2 and people.jane (line 4) would both be found by the name \"jane\"",
        ),
        ("default_profile = \"x\"".to_owned(), "1: default_profile names the profile \"x\", which is not in this file"),
        ("[settings]\nthem = \"dark\"".to_owned(), "2: unknown key \"them\" in [settings]; did you mean theme?"),
        ("[settings]\nfreshness = \"5 minutes\"".to_owned(), "2: freshness must be a length of time"),
        ("[views.a]\nsort = \"scor\"".to_owned(), "2: there is no column \"scor\" to sort by; did you mean score?"),
        ("[views.a]\ncolumns = [\"name\", \"nam\"]".to_owned(), "2: there is no column \"nam\"; did you mean name?"),
        ("[views.a]\nquery = \"staus:new\"".to_owned(), "2: the query \"staus:new\" is wrong: "),
        ("[[views]]\nquery = \"x\"".to_owned(), "1: a view needs a name"),
    ] {
        let found = complaints(&text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        assert!(found[0].starts_with(complaint), "{text}\nexpected {complaint}\nfound    {}", found[0]);
    }
}

#[test]
fn a_secret_in_plain_text_is_refused_and_not_repeated() {
    let found = complaints("[profiles.sales]\nvendor = \"kenbun\"\ntoken = \"kbn_pat_0123456789\"\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("3: token is written in plain text"), "{found:?}");
    assert!(found[0].contains("{ env = ") && !found[0].contains("kbn_pat"), "{found:?}");
}

#[test]
fn all_mistakes_are_told_at_once_with_file_and_line() {
    let text =
        "x = 1\n[profiles.sales]\nvendor = \"kenbun\"\nbulk_size = 0\ntoken = { env = \"T\" }\n[settings]\nmouse = 1\n";
    let errors = parse(text).unwrap_err();
    let lines: Vec<_> = errors.0.iter().map(|error| error.line).collect();
    assert_eq!(lines, [Some(1), Some(4), Some(7)]);
    assert!(errors.to_string().starts_with("/home/me/config.toml:1: unknown key"), "{errors}");
}

#[test]
fn a_secret_that_cannot_be_fetched_is_named_with_its_place() {
    let text = "[profiles.sales]\nvendor = \"kenbun\"\ntoken = { env = \"SWITCHBOARD_TEST_NOT_SET\" }\n";
    let error = parse(text).unwrap().profile("sales").unwrap().secret("token").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/home/me/config.toml:3: token of profile sales: the environment variable SWITCHBOARD_TEST_NOT_SET is not set"
    );
}

#[test]
fn loopback_may_be_http() {
    for (url, good) in [
        ("http://127.0.0.1:1", true),
        ("http://localhost", true),
        ("http://[::1]:80/v1", true),
        ("http://127.0.0.1.evil.example", false),
        ("http://localhost.evil.example", false),
        ("http://10.0.0.1", false),
        ("ftp://x", false),
        ("https://", false),
        ("https://x/?a=b", false),
        ("https://api.example.com/v1/", true),
    ] {
        assert_eq!(values::check_url(url).is_ok(), good, "{url}");
    }
}

#[test]
fn a_file_is_read_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let error = Config::read(&file, VENDORS).unwrap_err().to_string();
    assert!(error.contains("no such configuration file"), "{error}");
    std::fs::write(&file, b"# \xff\n").unwrap();
    assert_eq!(Config::read(&file, VENDORS).unwrap_err().0[0].line, Some(1));
    std::fs::write(&file, "").unwrap();
    assert!(Config::read(&file, VENDORS).unwrap().profiles.is_empty());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z\\[\\]={}\"'.\n# 0-9]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("[profiles.a]\nvendor = \"kenbun\"\n{text}"));
    }
}
