//! Our requests held against the vendor's own description of them, where it lies beside this checkout.

use std::path::{Path, PathBuf};

use super::*;
use crate::domain::campaign::CollectionKind;

/// `shared/apis/instantly.openapi.json` in one of the folders above this one. It is the vendor's and not ours to copy.
fn description() -> Option<Value> {
    let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let file: PathBuf =
        places.map(|place| place.join("shared/apis/instantly.openapi.json")).find(|file| file.exists())?;
    Some(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

struct Description(Value);

impl Description {
    /// The entry for a request: its path, with `{id}` for what is one.
    fn of(&self, request: &Request) -> &Value {
        let method = request.method.to_lowercase();
        let paths = self.0["paths"].as_object().unwrap();
        let known = paths.get(request.path()).filter(|entry| entry.get(&method).is_some());
        let parent = request.path().rsplit_once('/').unwrap().0;
        let entry =
            known.or_else(|| paths.get(&format!("{parent}/{{id}}"))).unwrap_or_else(|| panic!("{}", request.line()));
        entry.get(&method).unwrap_or_else(|| panic!("{}", request.line()))
    }

    fn check(&self, schema: &Value, value: &Value, what: &str) {
        let mut schema = schema.clone();
        // References lead into the whole description.
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{what}: {errors:?}\n{value}");
    }

    fn check_request(&self, request: &Request) {
        let entry = self.of(request);
        let what = request.line();
        if !request.body.is_empty() {
            let schema = &entry["requestBody"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{what} has no body");
            self.check(schema, &request.json(), &what);
            // The list's schema does not list its filters as the bulk call's does.
            let keys = schema["properties"].as_object().unwrap();
            for key in request.json().as_object().unwrap().keys() {
                assert!(keys.contains_key(key), "{what}: {key} is not documented");
            }
        }
        let parameters = entry["parameters"].as_array().cloned().unwrap_or_default();
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, text) = pair.split_once('=').unwrap();
            let known = parameters.iter().find(|known| known["name"] == name && known["in"] == "query");
            let schema = &known.unwrap_or_else(|| panic!("{what}: {name} is not documented"))["schema"];
            let value = match schema["type"].as_str() {
                Some("integer" | "number") => json!(text.parse::<i64>().unwrap()),
                _ => json!(text),
            };
            self.check(schema, &value, &what);
        }
    }
}

#[tokio::test]
async fn every_request_fits_the_vendors_own_description() {
    let Some(description) = description().map(Description) else {
        println!("left out: the vendor's description (shared/apis/instantly.openapi.json) is not beside this checkout");
        return;
    };
    let mut all = Vec::new();
    for settings in [
        "page_size = 1",
        "strategy = \"bulk\"\nbulk_limit = \"count\"\njob_hint = true",
        "strategy = \"bulk\"\nguard_current_owner = false\nbulk_scope = \"ids_only\"\nrequire_scope = true",
    ] {
        let server = server(|request| {
            let body = if request.body.is_empty() { Value::Null } else { request.json() };
            let is_first =
                request.path() == "/api/v2/leads/list" && body["ids"].is_null() && body["starting_after"].is_null();
            let mut row = lead("l0", "u_joe");
            row["lt_interest_status"] = json!(77);
            is_first.then(|| Reply::json(json!({"items": [row], "next_starting_after": "l0"})))
        })
        .await;
        let client = client(&server, settings);
        client.people().await.unwrap();
        client.check().await;
        client.collections().await.unwrap();
        client.detail(&"l0".into()).await.unwrap();
        for (word, _) in capabilities::FILTERS {
            let ask = LeadAsk {
                collection: Some((CollectionKind::List, "li1".to_owned())),
                search: Some("smith".to_owned()),
                filters: vec![(*word).to_owned()],
            };
            list_that(&client, &ask).await.unwrap();
        }
        list(&client).await.unwrap();
        let targets: Vec<_> = (0..4)
            .map(|n| Target { id: format!("l{n}").into(), scope: "campaign:c1".to_owned(), candidates: vec![joe()] })
            .collect();
        client.observe(&targets, &Session::default()).await;
        client.write(&changes(9), &Session::default()).await;
        client.write(&[change("a", Assignment::unassigned())], &Session::default()).await;
        all.extend(server.requests());
    }
    assert!(all.len() > 100);
    all.iter().for_each(|request| description.check_request(request));
    // The bulk call's schema lists the filters; the list's only names them.
    let filters = &description.0["paths"]["/api/v2/leads/bulk-assign"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["properties"]["filter"]["enum"];
    let mut theirs: Vec<_> = filters.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let mut ours: Vec<_> = capabilities::FILTERS.iter().map(|(word, _)| capabilities::filter(word).unwrap()).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
    // What the tests' own server answers is what the vendor describes.
    let answer = &description.0["components"]["schemas"]["Lead"];
    description.check(answer, &lead("l0", "u_joe"), "a lead");
}
