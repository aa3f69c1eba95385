//! `lead new`: create a lead, where the vendor has a call for it.

use crate::backend::Created;
use crate::cli::args::{Format, LeadCommand, NewLeadArgs};
use crate::cli::confirm::{self, Answer};
use crate::cli::exit::{Exit, Failure};
use crate::cli::loading::sentence;
use crate::cli::output::{Out, json, say};
use crate::cli::session::{Session, refuse_read_only, refuse_unusable};
use crate::cli::{signals, writing};
use crate::config::nearest;
use crate::domain::campaign::NewLead;
use crate::domain::safe_text::visible;

pub async fn run(session: &Session, command: &LeadCommand, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        LeadCommand::New(args) => new(session, args, out).await,
    }
}

async fn new(session: &Session, args: &NewLeadArgs, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = session.profiles()?;
    let [profile] = profiles.as_slice() else {
        return Err(Failure::wrong_use("a lead is created in one profile; name it with --profile"));
    };
    refuse_read_only([*profile])?;
    let stop = signals::listen();
    let engine = session.engine(&profiles)?;
    refuse_unusable(&engine)?;
    let title = profile.vendor.title();
    let fields =
        engine.capabilities(&profile.name).and_then(|capabilities| capabilities.new_lead).ok_or_else(|| {
            Failure::wrong_use(format!(
                "{title} has no call that creates leads (profile {}); nothing was sent",
                profile.name
            ))
        })?;
    let lead = lead(args, title, fields)?;
    say(&format!("A new lead of {} ({title}):", profile.name));
    let own = [("first name", &lead.first_name), ("last name", &lead.last_name), ("e-mail", &lead.email)];
    let other = lead.other.iter().map(|(name, value)| (name.as_str(), value));
    own.into_iter().chain(other).for_each(|(name, value)| say(&format!("  {}: {}", visible(name), visible(value))));
    say("  ! It cannot be taken back from here.");
    if !args.yes {
        match confirm::ask("Create this lead", 1, usize::MAX, false, &stop).await? {
            Answer::Yes => {}
            Answer::No => return Err(Failure::refused("not confirmed; nothing was sent")),
            Answer::NobodyThere => {
                let why = "there is no terminal to ask on, so nothing was sent; --yes sends without asking";
                return Err(Failure::refused(why));
            }
        }
    }
    match engine.create_lead(&profile.name, lead).await {
        Ok(Created::Made(made)) => {
            match session.format {
                Format::Table => say(&format!("created: {}", made.id)),
                _ => out.json(&json::Lead::new(&profile.name, &made))?,
            }
            out.flush()?;
            Ok(Exit::Done)
        }
        Ok(Created::Refused(error)) => Err(Failure::nothing(sentence(&profile.name, &error))),
        Ok(Created::Unknown(problem)) => Err(Failure::new(Exit::Unknown, format!("{}: {problem}", profile.name))),
        Err(error) => Err(writing::failure_of(error)),
    }
}

/// The lead that was described, with fields that the vendor has.
fn lead(args: &NewLeadArgs, vendor: &str, known: &[(&str, &str)]) -> Result<NewLead, Failure> {
    let mut other: Vec<(String, String)> = Vec::new();
    let short = [("phone", &args.phone), ("title", &args.title), ("leadSource", &args.source)];
    other.extend(short.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
    for field in &args.fields {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Failure::wrong_use(format!("--field takes NAME=VALUE, not \"{}\"", visible(field))));
        };
        other.push((name.trim().to_owned(), value.to_owned()));
    }
    for (at, (name, _)) in other.iter().enumerate() {
        if !known.iter().any(|(known, _)| known == name) {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let hint = nearest(name, names.iter().copied()).map(|near| format!(", did you mean {near}?"));
            return Err(Failure::wrong_use(format!(
                "{vendor} has no field \"{}\" for new leads{} There are {}",
                visible(name),
                hint.unwrap_or_else(|| ".".to_owned()),
                names.join(", ")
            )));
        }
        if other[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(Failure::wrong_use(format!("the field {name} is given twice")));
        }
    }
    let needed = [("--first-name", &args.first_name), ("--last-name", &args.last_name), ("--email", &args.email)];
    if let Some((option, _)) = needed.into_iter().find(|(_, value)| value.trim().is_empty()) {
        return Err(Failure::wrong_use(format!("{option} must not be empty")));
    }
    let [first_name, last_name, email] =
        [&args.first_name, &args.last_name, &args.email].map(|value| value.trim().to_owned());
    Ok(NewLead { first_name, last_name, email, other })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[(&str, &str)] = &[("phone", ""), ("title", ""), ("leadSource", ""), ("mailingCity", "")];

    fn args(fields: &[&str]) -> NewLeadArgs {
        NewLeadArgs {
            first_name: " Jane ".to_owned(),
            last_name: "Smith".to_owned(),
            email: "jane@x.example".to_owned(),
            phone: Some("1".to_owned()),
            title: None,
            source: Some("partner".to_owned()),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            yes: false,
        }
    }

    #[test]
    fn a_lead_has_only_fields_that_the_vendor_has() {
        let made = lead(&args(&["mailingCity=Berlin = Mitte"]), "StateSet", KNOWN).unwrap();
        assert_eq!((made.first_name.as_str(), made.last_name.as_str()), ("Jane", "Smith"));
        let other: Vec<_> = made.other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(other, [("phone", "1"), ("leadSource", "partner"), ("mailingCity", "Berlin = Mitte")]);
        for (fields, complaint) in [
            (["mailingcity=x"], "StateSet has no field \"mailingcity\" for new leads, did you mean mailingCity?"),
            (["x=y"], "StateSet has no field \"x\" for new leads. There are phone, title"),
            (["phone"], "--field takes NAME=VALUE"),
            (["phone=2"], "the field phone is given twice"),
        ] {
            let failure = lead(&args(&fields), "StateSet", KNOWN).unwrap_err();
            assert!(failure.message.starts_with(complaint), "{failure}");
        }
        let nameless = NewLeadArgs { last_name: " ".to_owned(), ..args(&[]) };
        assert!(lead(&nameless, "StateSet", KNOWN).is_err());
    }
}
