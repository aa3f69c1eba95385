//! What queries mean, and that the fast way finds what the plain way finds.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

use proptest::prelude::*;

use super::plain::holds;
use super::*;
use crate::domain::fold::fold;
use crate::domain::leads::{LeadTable, SnapshotPart};
use crate::domain::selection::LeadKey;
use crate::domain::testing::{self, FIELDS, now};
use crate::domain::{Assignment, Blank, LeadFlags, LeadRecord, Lifecycle, OwnerRef, Person};

fn parse(text: &str) -> Query {
    Query::parse(text, FIELDS).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

fn go_on() -> impl Fn() -> bool + Sync {
    || false
}

fn people() -> Arc<Vec<Person>> {
    let person = |id: &str, name: &str, email: &str| Person {
        id: id.into(),
        name: name.into(),
        email: email.into(),
        ..Person::default()
    };
    Arc::new(vec![person("u1", "Jane Smith", "jane@corp.example"), person("u2", "Zoë Ng", "zoe@corp.example")])
}

fn request(parts: &[(&str, LeadTable)], query: &str) -> SearchRequest {
    let part = |(profile, table): &(&str, LeadTable)| SnapshotPart {
        profile: (*profile).into(),
        table: table.clone(),
        fields: FIELDS,
        people: people(),
        ..SnapshotPart::default()
    };
    SearchRequest {
        snapshot: Snapshot { parts: parts.iter().map(part).collect() },
        query: parse(query),
        now: now(),
        ..SearchRequest::default()
    }
}

fn leads() -> LeadTable {
    let ago = |seconds: i64| Timestamp::from_second(now().as_second() - seconds).ok();
    let lead = |id: &str, name: &str, company: &str| LeadRecord {
        id: id.into(),
        name: name.into(),
        company: company.into(),
        ..LeadRecord::default()
    };
    LeadTable::default().with_leads(&[
        LeadRecord {
            email: "jane@smith.example".into(),
            phone: "+1 555 0100".into(),
            status: "new".into(),
            source: "Web Form".into(),
            campaign: "7".into(),
            score: Some(50),
            created_at: ago(3_600),
            updated_at: "2026-11-01T10:00:00Z".parse().ok(),
            owner: Assignment::Owner(OwnerRef::named("Jane Smith")),
            flags: LeadFlags::DO_NOT_CALL,
            ..lead("L1", "Jane Doe", "Acme, Inc.")
        },
        LeadRecord {
            status: "Open".into(),
            source: "event".into(),
            list: "Zürich".into(),
            score: Some(51),
            created_at: ago(2 * 86_400),
            updated_at: "2026-11-02T00:00:00Z".parse().ok(),
            owner: Assignment::Unassigned(Blank::Empty),
            ..lead("L2", "Zoë Smith", "Straßenbau GmbH")
        },
        LeadRecord {
            status: "won".into(),
            score: Some(-3),
            created_at: ago(3 * 86_400 - 1),
            owner: Assignment::Owner(OwnerRef::with_id("u1")),
            lifecycle: Lifecycle::Closed,
            extra: serde_json::json!({"city": "Köln", "n": 12345}).as_object().cloned().unwrap(),
            ..lead("L3", "王小明", "Ольга и Ко")
        },
        LeadRecord { owner: Assignment::Unknown, lifecycle: Lifecycle::Deleted, ..lead("l4", "ΑΘΗΝΑ", "") },
    ])
}

#[test]
fn queries_mean_what_they_say() {
    for (query, found) in [
        ("", "L1 L2 L3 l4"),
        // Words: anywhere in a text, without case and accents; all of them.
        ("smith", "L1 L2"),
        ("SMITH jane", "L1"),
        ("zoe", "L2"),
        ("ZOË", "L2"),
        ("strassen", "L2"),
        ("小", "L3"),
        ("ольга", "L3"),
        ("ОЛЬГА", "L3"),
        ("αθηνα", "l4"),
        ("Αθήνα", "l4"),
        ("0100", "L1"),
        ("l1", "L1"),
        ("web", "L1"),
        ("zurich", "L2"),
        ("koln", "L3"),
        ("12345", ""),
        ("\"jane doe\"", "L1"),
        ("\"doe acme\"", ""),
        ("doeacme", ""),
        ("won", ""),
        ("-smith", "L3 l4"),
        ("smith -jane", "L2"),
        // Fuzzy and patterns.
        ("~zsmt", "L2"),
        ("~jn", "L1"),
        ("-~smt", "L3 l4"),
        ("/^zoë/", "L2"),
        ("/^zoe/", ""),
        ("/^ZOË smith$/", "L2"),
        ("/(?-i)^ZOË/", ""),
        ("/^köln$/", "L3"),
        ("/^event$/", "L2"),
        ("/^L[12]$/", "L1 L2"),
        // Fields.
        ("name:\"zoe smith\"", "L2"),
        ("name:zoe", ""),
        ("name=\"zoe smith\",\"jane doe\"", "L1 L2"),
        ("company:\"Acme, Inc.\"", "L1"),
        ("company:\"\"", "l4"),
        ("email:JANE@smith.example", "L1"),
        ("email:smith.example", ""),
        ("id:l4", "l4"),
        ("id:l1", "L1"),
        ("status:new,open", "L1 L2"),
        ("-status:new,open", "L3 l4"),
        ("source:\"web form\"", "L1"),
        ("campaign:7", "L1"),
        ("list:zurich", "L2"),
        ("profile:sales", "L1 L2 L3 l4"),
        ("profile:other", ""),
        // Owners.
        ("owner:none", "L2"),
        ("owner:unknown", "l4"),
        ("owner:none,unknown", "L2 l4"),
        ("owner:\"jane smith\"", "L1 L3"),
        ("owner:u1", "L1 L3"),
        ("owner:jane@corp.example", "L1 L3"),
        ("owner:jane", ""),
        ("-owner:u1", "L2 l4"),
        ("owner:\"none\"", ""),
        // Numbers and times.
        ("score>50", "L2"),
        ("score>=50", "L1 L2"),
        ("score<50", "L3"),
        ("score<=50", "L1 L3"),
        ("score:50,51", "L1 L2"),
        ("score:none", "l4"),
        ("score>49.5 score<50.5", "L1"),
        ("-score>0", "L3 l4"),
        ("created<2d", "L1"),
        ("created<=2d", "L1 L2"),
        ("created>=2d", "L2 L3"),
        ("created>2d", "L3"),
        ("created:2d", "L2 L3"),
        ("created<61m", "L1"),
        ("created<60m", ""),
        ("created>1h", "L2 L3"),
        ("created<1w", "L1 L2 L3"),
        ("created:none", "l4"),
        ("updated>2026-11-01", "L1 L2"),
        ("updated>=2026-11-02", "L2"),
        ("updated<2026-11-02", "L1"),
        ("updated<=2026-11-01", "L1"),
        ("updated:2026-11-01", "L1"),
        ("updated>2026-11-01T10:00", "L2"),
        ("updated>2026-11-01T12:00:00+02:00", "L2"),
        // Traits.
        ("is:do_not_call", "L1"),
        ("is:open", "L1 L2"),
        ("is:closed", "L3"),
        ("is:deleted", "l4"),
        ("is:closed,deleted", "L3 l4"),
        ("-is:open", "L3 l4"),
        ("is:marked", "L2 L3"),
        ("is:marked,do_not_call", "L1 L2 L3"),
    ] {
        let mut request = request(&[("sales", leads())], query);
        request.include_closed = true;
        let mut marked = Selection::default();
        let key = |id: &str| LeadKey { profile: "sales".into(), id: id.into() };
        marked.mark([key("L2"), key("L3"), key("gone"), LeadKey { profile: "other".into(), id: "L1".into() }]);
        request.marked = Arc::new(marked);
        let result = Searcher::default().search(&request, &go_on()).unwrap();
        let ids: Vec<String> = result
            .rows
            .iter()
            .map(|&row| request.snapshot.locate(row).map(|(part, row)| part.table.id(row).to_string()).unwrap())
            .collect();
        let mut sorted = ids.clone();
        sorted.sort_by_key(|id| id.to_uppercase());
        assert_eq!(sorted.join(" "), found, "{query}");
        let shown = ids.iter().filter(|id| ["L2", "L3"].contains(&id.as_str())).count();
        assert_eq!(result.hidden_marks, 4 - shown, "{query}");
    }
}

#[test]
fn closed_leads_are_hidden_and_counted_unless_asked_for() {
    for (query, shown, hidden) in [
        ("", 2, 2),
        ("小", 0, 1),
        ("status:won", 1, 0),
        ("is:closed", 1, 0),
        ("-is:closed", 2, 1),
        ("-status:new", 1, 2),
    ] {
        let result = Searcher::default().search(&request(&[("sales", leads())], query), &go_on()).unwrap();
        assert_eq!((result.rows.len(), result.hidden_closed), (shown, hidden), "{query}");
    }
}

#[test]
fn highlights_show_what_was_found() {
    for (query, field, text, found) in [
        ("smith", Field::Name, "Smith & Smithers", &["Smith", "Smith"][..]),
        ("mit ith", Field::Name, "Smith", &["mith"]),
        ("zoe", Field::Name, "Dr. Zoë", &["Zoë"]),
        ("ss", Field::Company, "Straße", &["ß"]),
        ("-smith", Field::Name, "Smith", &[]),
        ("smith", Field::Status, "Smith", &[]),
        ("~zs", Field::Name, "Zoë Smith", &["Z", "S"]),
        ("~zs", Field::Phone, "Zoë Smith", &[]),
        ("/s.*h/", Field::Email, "a Smith", &["Smith"]),
        ("status:new", Field::Status, "New", &["New"]),
        ("status:new", Field::Name, "New", &[]),
        ("owner:\"zoe ng\"", Field::Owner, "Zoë Ng", &["Zoë Ng"]),
        ("王", Field::Name, "王小明", &["王"]),
    ] {
        let ranges = parse(query).highlights(field, text);
        assert_eq!(ranges.into_iter().map(|range| &text[range]).collect::<Vec<_>>(), found, "{query} in {text}");
    }
}

#[test]
fn best_matches_come_first_and_equal_ones_in_the_vendors_order() {
    let names = ["Samuel Timothy", "Jane Smith", "Smith", "Blacksmith", "Smithers", "nobody"];
    let lead = |(id, name): (usize, &&str)| LeadRecord {
        id: id.to_string().into(),
        name: (*name).into(),
        ..LeadRecord::default()
    };
    let table = LeadTable::default().with_leads(&names.iter().enumerate().map(lead).collect::<Vec<_>>());
    let result = Searcher::default().search(&request(&[("p", table)], "~smith"), &go_on()).unwrap();
    assert_eq!(result.rows, [2, 4, 1, 3, 0].map(RowId));
}

#[test]
fn a_cancelled_search_has_no_result() {
    let request = request(&[("p", leads())], "~a");
    assert!(Searcher::default().search(&request, &|| true).is_none());
    // Cancelled at any later moment it ends without a result as well, and the next search is right.
    let mut searcher = Searcher::default();
    for patience in 0..6 {
        let asked = AtomicUsize::new(0);
        let result = searcher.search(&request, &|| asked.fetch_add(1, Atomic::Relaxed) >= patience);
        assert!(result.is_none() || asked.load(Atomic::Relaxed) <= patience);
    }
    assert_eq!(searcher.search(&request, &go_on()).unwrap().rows.len(), 2);
}

#[test]
fn an_older_answer_is_not_used_for_newer_texts() {
    let mut searcher = Searcher::default();
    let mut table = LeadTable::default();
    let lead = |name: &str| LeadRecord { id: "1".into(), name: name.into(), ..LeadRecord::default() };
    for name in ["Smith", "Jones", "Smith", "Blacksmith"] {
        table.extend(&[lead(name)]);
        let result = searcher.search(&request(&[("p", table.clone())], "smith"), &go_on()).unwrap();
        assert_eq!(result.rows.len(), usize::from(name != "Jones"), "{name}");
    }
}

/// The plain search: every row by itself, then a stable sort.
fn plainly(request: &SearchRequest) -> SearchResult {
    let mut result = SearchResult { generation: request.generation, ..SearchResult::default() };
    let show_closed = request.include_closed || request.query.asks_for_closed();
    let mut found: Vec<(i64, RowId)> = Vec::new();
    let mut base = 0;
    for part in &request.snapshot.parts {
        let marked: HashSet<u32> = request
            .marked
            .iter()
            .filter(|key| key.profile == part.profile)
            .filter_map(|key| part.table.row_of(key.id.as_str()))
            .collect();
        result.hidden_marks += marked.len();
        for row in 0..part.table.len() as u32 {
            let Some(rank) = holds(request.query.terms(), part, row, &marked, request.now) else { continue };
            if !show_closed && part.table.lifecycle(row) != Lifecycle::Open {
                result.hidden_closed += 1;
                continue;
            }
            result.hidden_marks -= usize::from(marked.contains(&row));
            found.push((rank, RowId(base + row)));
        }
        base += part.table.len() as u32;
    }
    if let Some(sort) = request.sort {
        found.sort_by(|a, b| in_order(request, sort, a.1, b.1));
    } else if request.query.ranks() {
        found.sort_by_key(|&(rank, _)| std::cmp::Reverse(rank));
    }
    result.rows = found.into_iter().map(|(_, row)| row).collect();
    result
}

fn in_order(request: &SearchRequest, sort: Sort, a: RowId, b: RowId) -> Ordering {
    fn values<T: Ord>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
    let (a, b) = (request.snapshot.locate(a).unwrap(), request.snapshot.locate(b).unwrap());
    let text = |(part, row): (&SnapshotPart, u32)| {
        let text = match sort.field {
            Field::Profile => fold(part.profile.as_str()).into_owned(),
            field => fold(&part.table.text(row, field)).into_owned(),
        };
        (!text.is_empty()).then_some(text)
    };
    let down = sort.descending;
    match sort.field {
        Field::Score => values(a.0.table.score(a.1), b.0.table.score(b.1), down),
        Field::Created => values(a.0.table.created_at(a.1), b.0.table.created_at(b.1), down),
        Field::Updated => values(a.0.table.updated_at(a.1), b.0.table.updated_at(b.1), down),
        _ => values(text(a), text(b), down),
    }
}

fn query() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "s",
        "sm",
        "smi",
        "smith",
        "e",
        "ja",
        "zoe",
        "Zoë",
        "王",
        "小",
        "ол",
        "αθ",
        "가",
        "ガ",
        "カ",
        "strasse",
        "ss",
        "x",
        "lead-1",
        "-",
        "brien",
        "note",
        "web",
        "кампания",
        "\u{301}",
        "a b",
        "ß",
    ]);
    let value = prop::sample::select(vec![
        "status:new",
        "status:\"\"",
        "source:web,closed",
        "list:\"zoe's list\"",
        "owner:none",
        "owner:unknown,u2",
        "owner:\"zoe ng\"",
        "owner:jane@corp.example",
        "score>10",
        "score<=0",
        "score:none",
        "created<3d",
        "created>1w",
        "updated>2026-11-10",
        "is:marked",
        "is:closed,deleted",
        "is:open",
        "is:do_not_call",
        "is:invalid,marked",
        "name:\"jane smith\"",
        "name:zoe,x",
        "email:\"\"",
        "company:smith",
        "id:lead-3",
        "phone:x",
        "profile:p0",
        "profile:p1,p7",
        "/^j/",
        "/smith$/",
        "/z.{1,2}e/",
        "/(?-i)S/",
        "/^$/",
    ]);
    let term = prop_oneof![
        4 => word.clone().prop_map(|word| format!("\"{word}\"")),
        2 => word.prop_map(|word| format!("~\"{word}\"")),
        4 => value.prop_map(str::to_owned),
    ];
    let term = (prop::bool::weighted(0.2), term).prop_map(|(not, term)| if not { format!("-{term}") } else { term });
    prop::collection::vec(term, 0..3).prop_map(|terms| terms.join(" "))
}

fn sort() -> impl Strategy<Value = Option<Sort>> {
    let fields: Vec<Field> = FIELDS.iter().copied().chain([Field::Profile]).collect();
    prop::option::of((prop::sample::select(fields), any::<bool>()))
        .prop_map(|sort| sort.map(|(field, descending)| Sort { field, descending }))
}

#[test]
fn a_vendors_filter_is_also_known_by_the_vendors_own_spelling() {
    let filters = vec![("contacted", ""), ("lead_interested", "")];
    let vocabulary = Vocabulary { filters, ..Vocabulary::default() };
    let asked = |text: &str| Query::parse_with(text, &vocabulary).map(|query| query.to_string());
    for text in ["filter:contacted", "filter:FILTER_VAL_CONTACTED"] {
        assert_eq!(asked(text).unwrap(), "filter:contacted");
    }
    assert_eq!(asked("filter:FILTER_LEAD_INTERESTED").unwrap(), "filter:lead_interested");
    assert!(asked("filter:FILTER_VAL_OTHER").unwrap_err().message.contains("Filters: contacted, lead_interested"));
}

/// Leads in whose texts a long word goes on further and further, is begun twice, or ends with the text.
fn long_words() -> LeadTable {
    let word = "internationalisierung";
    let lead = |number: usize| {
        let company = match number % 8 {
            0 => format!("{} gmbh", &word[..1 + number % word.len()]),
            1 => format!("inter interna {word}"),
            2 => format!("Acme {}x {}", &word[..number % word.len()], &word[..number % 13]),
            _ => format!("Žlutý {}", &word[..number % word.len()]),
        };
        LeadRecord { id: format!("{number}").into(), company: company.as_str().into(), ..LeadRecord::default() }
    };
    LeadTable::default().with_leads(&(0..150).map(lead).collect::<Vec<_>>())
}

#[test]
fn a_long_word_is_followed_letter_by_letter() {
    let parts = [("p", long_words())];
    let mut typing = Searcher::default();
    for query in
        ["internationalisierung", "acme internationalisx", "inter žluty internat", "-acme interna -gmbh international"]
    {
        for typed in query.char_indices().map(|(at, letter)| &query[..at + letter.len_utf8()]) {
            if Query::parse(typed, FIELDS).is_err() {
                continue;
            }
            let request = request(&parts, typed);
            let (fast, plain) = (typing.search(&request, &go_on()).unwrap(), plainly(&request));
            assert_eq!(fast.rows, plain.rows, "{typed}");
        }
    }
}

#[test]
fn a_search_is_short_where_earlier_ones_left_few_rows() {
    let snapshot = request(&[("p", long_words())], "").snapshot;
    let mut searcher = Searcher::default();
    let mut is_short = |query: &str, sort: Option<Sort>| {
        let request = SearchRequest { snapshot: snapshot.clone(), sort, ..request(&[], query) };
        let short = searcher.is_short(&request);
        searcher.search(&request, &go_on()).unwrap();
        short
    };
    let by_name = Some(Sort { field: Field::Name, descending: false });
    for (query, sort, short) in [
        ("", None, false),
        ("internationalisier", None, false),
        ("internationalisieru", None, true),
        // It is known, and few; but there is no order yet.
        ("internationalisierung", by_name, false),
        ("internationalisierung", by_name, true),
        ("~internationalisierung", None, false),
        ("acme", None, false),
        // Among those of `acme`, of which there are few.
        ("acme inter", None, true),
        ("acme internat", None, true),
        // That was not looked for among all rows.
        ("internat", None, false),
    ] {
        assert_eq!(is_short(query, sort), short, "{query}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// One searcher through queries that narrow, widen and change, over tables that grow and change below it.
    #[test]
    fn the_fast_way_finds_what_the_plain_way_finds(
        tables in prop::collection::vec(testing::leads(120), 1..3),
        more in testing::leads(20),
        assigned in prop::collection::vec((testing::id(), testing::assignment()), 0..4),
        queries in prop::collection::vec((query(), sort(), any::<bool>()), 1..8),
        marks in prop::collection::vec((0..3_u8, testing::id()), 0..30),
    ) {
        let mut tables: Vec<LeadTable> = tables.iter().map(|leads| LeadTable::default().with_leads(leads)).collect();
        let mut marked = Selection::default();
        marked.mark(marks.into_iter().map(|(part, id)| LeadKey { profile: format!("p{part}").into(), id }));
        let marked = Arc::new(marked);
        let mut searcher = Searcher::default();
        for (step, (query, sort, include_closed)) in queries.iter().enumerate() {
            if step == 3 {
                tables[0] = tables[0].with_leads(&more);
            }
            if step == 5 {
                tables[0] = tables[0].with_assignments(assigned.iter().map(|(id, to)| (id, to)));
            }
            let names = ["p0", "p1", "p2"];
            let parts: Vec<_> = names.into_iter().zip(tables.iter().cloned()).collect();
            // As it is typed: every beginning that can be understood.
            let cuts = query.char_indices().map(|(at, _)| &query[..at]).chain([query.as_str()]);
            for typed in cuts.filter(|typed| Query::parse(typed, FIELDS).is_ok()) {
                let request = SearchRequest {
                    sort: *sort,
                    include_closed: *include_closed,
                    marked: marked.clone(),
                    ..request(&parts, typed)
                };
                let fast = searcher.search(&request, &go_on()).unwrap();
                let plain = plainly(&request);
                prop_assert_eq!(fast.hidden_closed, plain.hidden_closed, "{}", typed);
                let gone = marked.iter().filter(|key| request.snapshot.row_of(&key.profile, key.id.as_str()).is_none());
                prop_assert_eq!(fast.hidden_marks, plain.hidden_marks + gone.count(), "{}", typed);
                prop_assert_eq!(fast.rows, plain.rows, "{} {:?}", typed, sort);
            }
        }
    }
}
