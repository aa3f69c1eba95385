//! Benchmark: the filter line over 100,000 and 1,000,000 leads, typed letter by letter.
//!
//! `cargo bench --bench filter` (with `-- --quick` for a look at whether it runs). Each query is typed from its first
//! letter to its last into one searcher, as a person does; each letter's time is from the key to the found rows.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Times, memory, ms, timed};
use switchboard::domain::Field;
use switchboard::domain::leads::{LeadTable, Snapshot, SnapshotPart};
use switchboard::domain::query::{Query, SearchRequest, Searcher, Sort};

const WORDS: &[&str] =
    &["smith", "jane smith", "garcia", "acme logistics", "zoe", "ольга", "王小明", "example", "xylophone", "@globex"];
const FUZZY: &[&str] = &["~smith", "~jnsmth", "~garcia", "~acmelog", "~zoe", "~ольга", "~olivia", "~xylophone"];

/// A query's aims for a million leads, in milliseconds: median and worst key.
const AIMS: [(&str, &[&str], f64, f64); 2] = [("words", WORDS, 16.0, 50.0), ("~word", FUZZY, 60.0, 220.0)];

fn main() {
    let quick = common::quick();
    let sizes: &[usize] = if quick { &[20_000] } else { &[100_000, 1_000_000] };
    let rounds = if quick { 1 } else { 5 };
    let owners = common::owners(&common::people(300), true);
    for &size in sizes {
        let (loading, table) = timed(|| common::table(size, &owners));
        println!("\n{size} leads, loaded in {} ms, {} MiB in columns", ms(loading), table.heap_bytes() >> 20);
        println!("{:<22} {:>9} {:>9} {:>12} {:>12}", "", "median ms", "worst ms", "aim", "found");
        let scale = size as f64 / 1_000_000.0;
        for (name, queries, median, worst) in AIMS {
            let mut all = Times::default();
            let mut by_query = BTreeMap::new();
            for _ in 0..rounds {
                for (index, text) in queries.iter().enumerate() {
                    let (times, found) = typed(&table, text);
                    all.0.extend(&times.0);
                    by_query.entry(index).or_insert((Times::default(), found)).0.0.extend(times.0);
                }
            }
            for (index, (times, found)) in by_query {
                println!(
                    "{:<22} {:>9} {:>9} {:>12} {found:>12}",
                    queries[index],
                    ms(times.median()),
                    ms(times.worst()),
                    ""
                );
            }
            let aim = format!("{:.1} / {:.1}", median * scale, worst * scale);
            println!("{name:<22} {:>9} {:>9} {aim:>12}", ms(all.median()), ms(all.worst()));
        }
        others(&table, rounds);
        let (held, highest) = memory();
        println!("memory of the whole process: {held:.0} MiB, at its highest {highest:.0} MiB");
    }
}

/// Types a query and takes it back again: the time of every key, and what the whole query finds.
fn typed(table: &LeadTable, text: &str) -> (Times, usize) {
    let mut searcher = Searcher::default();
    let mut times = Times::default();
    let mut found = 0;
    for end in text.char_indices().map(|(at, c)| at + c.len_utf8()) {
        if let Some((time, rows)) = search(&mut searcher, table, &text[..end], None) {
            times.0.push(time);
            found = rows;
        }
    }
    (times, found)
}

fn search(searcher: &mut Searcher, table: &LeadTable, text: &str, sort: Option<Sort>) -> Option<(Duration, usize)> {
    let (time, found) = timed(|| {
        let request = SearchRequest {
            snapshot: Snapshot {
                parts: vec![SnapshotPart {
                    profile: "sales".into(),
                    table: table.clone(),
                    fields: common::FIELDS,
                    ..SnapshotPart::default()
                }],
            },
            query: Query::parse(text, common::FIELDS).ok()?,
            sort,
            now: common::now(),
            ..SearchRequest::default()
        };
        searcher.search(&request, &|| false).map(|result| result.rows.len())
    });
    Some((time, found?))
}

/// Other questions, each asked of a fresh searcher.
fn others(table: &LeadTable, rounds: usize) {
    let by = |field, descending| Some(Sort { field, descending });
    for (text, sort) in [
        ("", None),
        ("status:new owner:none", None),
        ("score>90 created<30d", None),
        ("-smith", None),
        ("/^j.*smith$/", None),
        ("", by(Field::Name, false)),
        ("", by(Field::Score, true)),
        ("smith", by(Field::Created, true)),
    ] {
        let mut times = Times::default();
        let mut again = Times::default();
        let mut found = 0;
        for _ in 0..rounds {
            let mut searcher = Searcher::default();
            for times in [&mut times, &mut again] {
                if let Some((time, rows)) = search(&mut searcher, table, text, sort) {
                    times.0.push(time);
                    found = rows;
                }
            }
        }
        let sorted = sort.map_or(String::new(), |sort| format!(" by {}", sort.field));
        let again = format!("again {}", ms(again.median()));
        println!(
            "{:<22} {:>9} {:>9} {again:>12} {found:>12}",
            format!("{text}{sorted}"),
            ms(times.median()),
            ms(times.worst())
        );
    }
}
