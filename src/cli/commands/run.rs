//! `run`: from a recipe to a plan. Nothing is sent before that plan is confirmed.

use crate::cli::args::RunArgs;
use crate::cli::commands::assign;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Out;
use crate::cli::session::Session;
use crate::config::files;
use crate::domain::recipe::Recipe;

/// What is larger is no recipe: a million ids fit into it.
const LARGEST: u64 = 1 << 26;

pub async fn run(session: &Session, args: &RunArgs, out: &mut Out) -> Result<Exit, Failure> {
    let file = &args.recipe;
    let recipe = files::read_at_most(file, LARGEST)
        .map_err(|error| format!("this recipe cannot be read: {error}"))
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "this is not a recipe: it is no text".to_owned()))
        .and_then(|text| Recipe::parse(&text))
        .map_err(|why| Failure::wrong_use(format!("{}: {why}; nothing was sent", file.display())))?;
    let mut write = args.write.clone();
    write.include_closed |= recipe.leads.include_closed;
    write.note = write.note.or_else(|| recipe.assign.note.clone());
    assign::recipe(session, &recipe, &write, out).await
}
