//! Which person is meant: by id (either of two, where a vendor has two), by e-mail address, by a short name of the configuration, or by a name that fits exactly
//! one person. Anything less certain is refused with the candidates.

use super::exit::Failure;
use crate::config;
use crate::domain::safe_text::visible;
use crate::domain::{Links, Person, ProfileName};

/// At most this many people are listed in a refusal.
const MOST_LISTED: usize = 20;

/// The person of `profile` that `wanted` means.
pub fn resolve<'p>(
    wanted: &str,
    profile: &ProfileName,
    people: &'p [Person],
    links: &Links,
) -> Result<&'p Person, Failure> {
    find(wanted, profile, people, links)?.ok_or_else(|| nobody(wanted.trim(), profile, people))
}

/// As [`resolve`], with `None` where nobody fits at all.
pub fn find<'p>(
    wanted: &str,
    profile: &ProfileName,
    people: &'p [Person],
    links: &Links,
) -> Result<Option<&'p Person>, Failure> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Err(Failure::wrong_use("the owner is empty; to take owners away use --unassign"));
    }
    let linked = by_link(wanted, profile, people, links)?;
    // Someone else's id may read like a short name: then it is not certain who is meant.
    let certain = |found: &'p Person| match linked {
        Some(linked) if linked.id != found.id => only(wanted, profile, vec![found, linked]),
        _ => Ok(found),
    };
    if let Some(person) = people.iter().find(|person| person.id.as_str() == wanted) {
        return certain(person).map(Some);
    }
    // Where a vendor reads one id of a person and writes another, either of them is the person's.
    let other: Vec<&Person> =
        people.iter().filter(|person| person.other_ids.iter().any(|(_, id)| id == wanted)).collect();
    if !other.is_empty() {
        return only(wanted, profile, other).and_then(certain).map(Some);
    }
    let by_email: Vec<&Person> = people
        .iter()
        .filter(|person| !person.email.is_empty() && folded(person.email.as_str()) == folded(wanted))
        .collect();
    if !by_email.is_empty() {
        return only(wanted, profile, by_email).and_then(certain).map(Some);
    }
    if let Some(linked) = linked {
        return Ok(Some(linked));
    }
    // The same name twice is refused even where one of the two is inactive: some vendors store only the name.
    let same = |test: &dyn Fn(&str) -> bool| -> Vec<&'p Person> {
        people.iter().filter(|person| test(person.name.as_str().trim())).collect()
    };
    let exact = same(&|name| name == wanted);
    if !exact.is_empty() {
        return only(wanted, profile, exact).and_then(|person| active(person, profile)).map(Some);
    }
    let alike = same(&|name| folded(name) == folded(wanted));
    if !alike.is_empty() {
        return only(wanted, profile, alike).and_then(|person| active(person, profile)).map(Some);
    }
    // Whoever has a short name is not to be taken for somebody whose name only has that word in it.
    if let Some(link) = links.called(wanted) {
        return Err(Failure::wrong_use(format!(
            "[people.{}] of the configuration has no id for the profile {profile}, and nobody there is called \"{}\"",
            visible(&link.key),
            visible(wanted)
        )));
    }
    // Whole words only: half a name that happens to fit one person today may fit two tomorrow.
    let words = same(&|name| has_words(name, wanted));
    match words.iter().copied().filter(|person| person.is_active()).collect::<Vec<_>>() {
        active if !active.is_empty() => only(wanted, profile, active).map(Some),
        _ => match words.first() {
            Some(person) => active(person, profile).map(Some),
            None => Ok(None),
        },
    }
}

/// The person whom the configuration calls `wanted`. Of several ids in one profile it is the first active one's.
fn by_link<'p>(
    wanted: &str,
    profile: &ProfileName,
    people: &'p [Person],
    links: &Links,
) -> Result<Option<&'p Person>, Failure> {
    let Some(link) = links.called(wanted) else { return Ok(None) };
    let Some(ids) = link.ids.get(profile) else { return Ok(None) };
    let found: Vec<&Person> = people.iter().filter(|person| link.is(profile, person)).collect();
    let best = found.iter().find(|person| person.is_active()).or(found.first());
    if best.is_none() {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        return Err(Failure::wrong_use(format!(
            "[people.{}] of the configuration says {} for profile {profile}, and that profile has no such person",
            visible(&link.key),
            ids.join(", ")
        )));
    }
    Ok(best.copied())
}

fn only<'p>(wanted: &str, profile: &ProfileName, found: Vec<&'p Person>) -> Result<&'p Person, Failure> {
    match found.as_slice() {
        [person] => Ok(person),
        several => Err(Failure::wrong_use(format!(
            "\"{}\" fits {} people of profile {profile}; name one by id or e-mail address:{}",
            visible(wanted),
            several.len(),
            listed(several)
        ))),
    }
}

fn active<'p>(person: &'p Person, profile: &ProfileName) -> Result<&'p Person, Failure> {
    if person.is_active() {
        return Ok(person);
    }
    Err(Failure::wrong_use(format!(
        "{} is not active in profile {profile}; if leads shall go there all the same, name the id {}",
        person.label(),
        person.id
    )))
}

fn nobody(wanted: &str, profile: &ProfileName, people: &[Person]) -> Failure {
    let active: Vec<&Person> = people.iter().filter(|person| person.is_active()).collect();
    let names: Vec<&str> = active.iter().map(|person| person.name.as_str()).collect();
    let near = config::nearest(wanted, names.iter().copied());
    let lowered = folded(wanted);
    let candidates: Vec<&Person> = active
        .iter()
        .copied()
        .filter(|person| {
            near == Some(person.name.as_str())
                || folded(person.name.as_str()).contains(&lowered)
                || folded(person.email.as_str()).contains(&lowered)
        })
        .collect();
    let wanted = visible(wanted);
    if candidates.is_empty() {
        let all = if active.is_empty() { String::new() } else { format!(". There are:{}", listed(&active)) };
        return Failure::wrong_use(format!(
            "no person of profile {profile} fits \"{wanted}\"; `switchboard owners --profile {profile}` lists them{all}"
        ));
    }
    Failure::wrong_use(format!("no person of profile {profile} fits \"{wanted}\"; near are:{}", listed(&candidates)))
}

/// One candidate a line: id, name, e-mail address, group.
fn listed(people: &[&Person]) -> String {
    let mut text = String::new();
    for person in people.iter().take(MOST_LISTED) {
        text.push_str(&format!("\n  {}  {}", person.id, person.label()));
        for part in [&person.email, &person.group] {
            if !part.is_empty() {
                text.push_str(&format!("  {part}"));
            }
        }
        if !person.is_active() {
            text.push_str("  (not active)");
        }
    }
    if people.len() > MOST_LISTED {
        text.push_str(&format!("\n  … and {} more", people.len() - MOST_LISTED));
    }
    text
}

fn has_words(name: &str, wanted: &str) -> bool {
    let name = folded(name);
    let wanted = folded(wanted);
    let words: Vec<&str> = words(&name).collect();
    let mut asked = self::words(&wanted).peekable();
    asked.peek().is_some() && asked.all(|word| words.contains(&word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Without case and accents.
fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.trim()
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// An owner of `distribute --to` with the share of the leads that goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub owner: String,
    pub weight: u32,
}

/// Reads `A`, `B:2`. Without `weighted` a colon is part of the owner.
pub fn shares(owners: &[String], weighted: bool) -> Result<Vec<Share>, Failure> {
    let share = |text: &String| {
        if let (true, Some((owner, weight))) = (weighted, text.rsplit_once(':')) {
            let weight = weight.trim().parse().ok().filter(|weight| (1..=1_000_000).contains(weight));
            let weight = weight.ok_or_else(|| {
                Failure::wrong_use(format!("the weight in \"{}\" must be a whole number from 1 on", visible(text)))
            })?;
            return Ok(Share { owner: owner.trim().to_owned(), weight });
        }
        Ok(Share { owner: text.trim().to_owned(), weight: 1 })
    };
    owners.iter().map(share).collect()
}

/// Whether `name:3` was written, which is an owner with a weight where weights count.
pub fn has_weight(owner: &str) -> bool {
    owner.rsplit_once(':').is_some_and(|(_, weight)| weight.trim().parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Link, PersonId, PersonStatus, Verbatim};

    fn person(id: &str, name: &str, email: &str) -> Person {
        Person { id: PersonId::new(id), name: Verbatim::new(name), email: email.into(), ..Person::default() }
    }

    fn team() -> Vec<Person> {
        let mut gone = person("u6", "Max Gone", "max@x.example");
        gone.status = PersonStatus::Inactive;
        let mut twin = person("u8", "Ann Twin", "ann.old@x.example");
        twin.status = PersonStatus::Inactive;
        vec![
            person("u1", "Jane Smith", "jane.smith@x.example"),
            person("u2", "Jane Doe", "jane.doe@x.example"),
            person("u3", "Zoë Müller", "zoe@x.example"),
            person("u4", "Same Name", "same.1@x.example"),
            person("u5", "Same Name", "same.2@x.example"),
            gone,
            person("u7", "Ann Twin", "ann@x.example"),
            twin,
            person("Jane Doe", "Tricky", ""),
            person("u9", "Jane Smith-Jones", "jsj@x.example"),
            Person {
                other_ids: vec![("filter".into(), "2300".into()), ("write".into(), "asha.k".into())],
                ..person("2300", "Asha", "")
            },
            Person { other_ids: vec![("write".into(), "2300".into())], ..person("2301", "Ravi", "") },
            Person { other_ids: vec![("write".into(), "same".into())], ..person("2302", "Mia", "") },
            Person { other_ids: vec![("write".into(), "same".into())], ..person("2303", "Noa", "") },
        ]
    }

    #[test]
    fn one_person_is_found_or_the_candidates_are_told() {
        let link = |key: &str, name: Option<&str>, id: &str| Link {
            key: key.to_owned(),
            name: name.map(str::to_owned),
            ids: [(ProfileName::new("sales"), vec![PersonId::new(id)])].into(),
        };
        let links = Links::new(vec![
            link("zm", Some("The Boss"), "u3"),
            link("u2", None, "u5"),
            link("max", None, "max@x.example"),
            link("lost", None, "u77"),
        ]);
        let people = team();
        for (wanted, found) in [
            ("u1", Ok("u1")),
            (" u1 ", Ok("u1")),
            ("jane.doe@X.example", Ok("u2")),
            // A user name that is written is as good as the id that is read, which wins over somebody's user name.
            ("asha.k", Ok("2300")),
            ("2300", Ok("2300")),
            ("same", Err("\"same\" fits 2 people of profile sales; name one by id")),
            // An id wins over a name.
            ("Jane Doe", Ok("Jane Doe")),
            ("jane doe", Ok("u2")),
            ("Jane Smith", Ok("u1")),
            ("doe", Ok("u2")),
            ("zoe muller", Ok("u3")),
            ("Müller", Ok("u3")),
            ("ZM", Ok("u3")),
            ("the boss", Ok("u3")),
            ("jones", Ok("u9")),
            (
                "Jane",
                Err(
                    "\"Jane\" fits 3 people of profile sales; name one by id or e-mail address:\n  u1  Jane Smith  jane.smith@x.example\n",
                ),
            ),
            ("Same Name", Err("\"Same Name\" fits 2 people")),
            ("same name", Err("\"same name\" fits 2 people")),
            // Two of one name are refused although one of them is inactive.
            ("Ann Twin", Err("\"Ann Twin\" fits 2 people")),
            ("ann", Ok("u7")),
            ("Max Gone", Err("Max Gone is not active in profile sales")),
            ("gone", Err("Max Gone is not active")),
            ("u6", Ok("u6")),
            // A short name that is somebody else's id, and one whose id is not there.
            ("u2", Err("\"u2\" fits 2 people of profile sales")),
            ("MAX", Ok("u6")),
            ("lost", Err("[people.lost] of the configuration says u77 for profile sales")),
            ("Mull", Err("no person of profile sales fits \"Mull\"; near are:\n  u3  Zoë Müller")),
            ("Jnae Smith", Err("no person of profile sales fits \"Jnae Smith\"; near are:\n  u1  Jane Smith")),
            ("nobody at all", Err("no person of profile sales fits \"nobody at all\"; `switchboard owners")),
            ("", Err("the owner is empty")),
            ("…", Err("no person of profile sales fits")),
        ] {
            match (resolve(wanted, &ProfileName::new("sales"), &people, &links), found) {
                (Ok(person), Ok(id)) => assert_eq!(person.id.as_str(), id, "{wanted}"),
                (Err(failure), Err(message)) => {
                    assert!(failure.message.starts_with(message), "{wanted}: {}", failure.message);
                    assert_eq!(failure.exit, crate::cli::exit::Exit::WrongUse);
                }
                (result, expected) => panic!("{wanted}: {result:?}, expected {expected:?}"),
            }
        }
        // The link says nothing about another profile.
        let elsewhere = resolve("zm", &ProfileName::new("shop"), &people, &links).unwrap_err();
        assert!(elsewhere.message.starts_with("[people.zm] of the configuration has no id for the profile shop"));
        // Nor is anybody taken whose name has the short name in it.
        let doe = Links::new(vec![link("doe", None, "u3")]);
        assert!(resolve("doe", &ProfileName::new("shop"), &people, &doe).is_err());
    }

    #[test]
    fn weights_are_read_only_where_they_count() {
        let read = |text: &str, weighted| {
            let owners: Vec<String> = text.split(',').map(str::to_owned).collect();
            shares(&owners, weighted)
                .map(|shares| {
                    shares.iter().map(|share| format!("{}*{}", share.owner, share.weight)).collect::<Vec<_>>()
                })
                .map_err(|failure| failure.message)
        };
        assert_eq!(read("a,b:2, c d :3", true).unwrap(), ["a*1", "b*2", "c d*3"]);
        assert_eq!(read("a,b:2", false).unwrap(), ["a*1", "b:2*1"]);
        assert!(has_weight("a:2") && !has_weight("a") && !has_weight("a:b"));
        for wrong in ["a:0", "a:x", "a:", "a:-1", "a:1.5"] {
            assert!(read(wrong, true).unwrap_err().contains("weight"), "{wrong}");
        }
    }
}
