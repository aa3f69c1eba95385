//! The same work without a screen.

pub mod args;
pub mod commands;
pub mod confirm;
pub mod exit;
pub mod ids;
pub mod loading;
pub mod mapfile;
pub mod moment;
pub mod output;
pub mod overview;
pub mod people;
pub mod planfile;
pub mod progress;
pub mod session;
pub mod signals;
pub mod waiting;
pub mod writing;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command, Global};
use self::exit::{Exit, Failure};
use self::output::{Out, say};
use self::session::Session;

/// The whole program: reads the command line, does what it says, and answers with the contract's exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Also `--help` and `--version`. Whoever closed the output does not want to read it.
            let _ = error.print();
            return if error.use_stderr() { Exit::WrongUse.into() } else { Exit::Done.into() };
        }
    };
    let outcome = match cli.command {
        // The screen may also end by a signal, which has a code of its own.
        None => commands::screen::open(&cli.global),
        Some(Command::Demo(args)) => commands::screen::demo(&args, &cli.global),
        Some(command) => run(command, &cli.global).map(ExitCode::from),
    };
    outcome.unwrap_or_else(|failure| {
        say(&format!("switchboard: {}", failure.message));
        failure.exit.into()
    })
}

fn run(command: Command, global: &Global) -> Result<Exit, Failure> {
    let mut out = Out::stdout();
    match command {
        // Without network and journal.
        Command::Completions { shell } => commands::shell::completions(shell, &mut out),
        Command::Man => commands::shell::man(&mut out),
        Command::Config { command } => commands::config::run(command, global, &mut out),
        command => runtime()?.block_on(work(command, global, &mut out)),
    }
}

async fn work(command: Command, global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    if let Command::Sim(args) = &command {
        return commands::sim::run(args, out).await;
    }
    crate::vendor::http::install_tls();
    let paths = session::paths(global)?;
    session::prepare(&paths.data)?;
    if let Command::Doctor = &command {
        return commands::doctor::run(global, out).await;
    }
    if let Command::Approve(args) = &command {
        // Whoever approves needs no profile of their own.
        return commands::apply::approve(args, output::format(global.format), out);
    }
    let session = Session::load(global)?;
    match &command {
        Command::Leads(args) => commands::leads::run(&session, args, &signals::listen(), out).await,
        Command::Owners => commands::owners::run(&session, &signals::listen(), out).await,
        Command::Lead { command } => commands::lead::run(&session, command, out).await,
        Command::Assign(args) => commands::assign::assign(&session, args, out).await,
        Command::Distribute(args) => commands::assign::distribute(&session, args, out).await,
        Command::Campaigns(args) => commands::campaigns::run(&session, args, &signals::listen(), out).await,
        Command::Map(args) => commands::map::run(&session, args, out).await,
        Command::Apply(args) => commands::apply::run(&session, args, out).await,
        Command::Run(args) => commands::run::run(&session, args, out).await,
        Command::Prune(args) => commands::prune::run(&session, args, out).await,
        Command::Log(args) => commands::log::run(&session, args, out),
        Command::Undo(args) => commands::undo::undo(&session, args, out).await,
        Command::Redo(args) => commands::undo::redo(&session, args, out).await,
        Command::Resume(args) => commands::resume::run(&session, args, out).await,
        // Done above.
        Command::Demo(_)
        | Command::Sim(_)
        | Command::Approve(_)
        | Command::Doctor
        | Command::Config { .. }
        | Command::Completions { .. }
        | Command::Man => Ok(Exit::Done),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::nothing(format!("no threads could be started: {error}")))
}
