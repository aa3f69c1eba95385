//! From a configuration to a running screen, and from there back to the shell.

use std::any::Any;
use std::future::Future;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::event_loop::{Ended, EventLoop};
use super::files::Files;
use super::log;
use super::source::Process;
use crate::app::{Options, State, ThemeName};
use crate::backend::{self, Engine, system_clock};
use crate::config::{Config, ConfigErrors, Paths, files};
use crate::domain::ProfileName;
use crate::domain::exchange::{Command, Event, Problem};
use crate::domain::view::SavedView;
use crate::input::KeyMap;
use crate::term::{Capabilities, Colours, NoTerminal, Signal, Signals, Terminal, Wishes, panic, tty};

/// Commands and events that wait for each other; many more than are ever on the way.
const MOST_COMMANDS: usize = 256;
const MOST_EVENTS: usize = 256;

/// A quiet end may take this long before the person is told what is waited for.
const QUIET_END: Duration = Duration::from_millis(400);

/// Secrets may take this long to be fetched before the person is told what is waited for.
const QUIET_OPENING: Duration = Duration::from_secs(2);

const HANG_UP: i32 = rustix::process::Signal::HUP.as_raw();

/// What the screen is opened with.
#[derive(Clone, Debug)]
pub struct Launch {
    pub config: Config,
    pub paths: Paths,
    /// The profiles to open; empty for every one, beginning with the default.
    pub profiles: Vec<ProfileName>,
    /// `--plain`.
    pub plain: bool,
}

/// Why there was no screen, or why it ended badly.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error(transparent)]
    Terminal(#[from] NoTerminal),
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("the data folder {folder} cannot be used: {error}")]
    DataFolder { folder: String, error: io::Error },
    /// The engine could not be opened: no journal, no screen.
    #[error("{0}")]
    Engine(Problem),
    #[error("the demo could not be started: {0}")]
    Demo(String),
    #[error("{what}: {error}")]
    System { what: &'static str, error: io::Error },
    #[error(
        "the part that talks to the vendors ended by a mistake in Switchboard; {log} has more. \
             What was on its way is settled at the next start."
    )]
    BackendGone { log: String },
}

impl LaunchError {
    /// The exit code of the command line's contract: wrong use or configuration, or nothing done.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Terminal(NoTerminal::NotATerminal(_)) | Self::Config(_) | Self::DataFolder { .. } => 2,
            _ => 4,
        }
    }
}

/// What becomes of a configuration, or of a demo: an engine, and what has to stay alive with it.
pub(super) struct Opened {
    pub engine: Engine,
    pub keep: Box<dyn Any + Send>,
}

pub(super) type Opening = Pin<Box<dyn Future<Output = Result<Opened, LaunchError>> + Send>>;

/// Everything that is known before the first frame.
pub(super) struct Stage {
    pub options: Options,
    pub keys: KeyMap,
    pub wishes: Wishes,
    pub files: Files,
    pub log: String,
    /// What takes longer than a frame, and happens behind it.
    pub opening: Opening,
    /// The opening may want the terminal for itself, to ask for the key of a password store: the screen comes after it.
    pub asks: bool,
}

/// Opens the screen and stays until the person leaves; the process's exit code.
pub fn run(launch: Launch) -> Result<u8, LaunchError> {
    tty::require()?;
    let Launch { config, paths, profiles, plain } = launch;
    let capabilities = Capabilities::of_this_process(plain);
    let keys = super::key_map(&config)?;
    prepare_data_folder(&paths.data)?;
    let asks = super::open::may_ask(&config, &profiles);
    let stage = Stage {
        options: options(&config, &profiles, capabilities),
        keys,
        wishes: Wishes { capabilities, mouse: config.settings.mouse },
        files: Files::new(&paths.data, &paths.config),
        log: paths.data.join(log::NAME).display().to_string(),
        opening: super::open::engine(config, profiles, paths.data),
        asks,
    };
    show(stage)
}

/// Makes the data folder and starts the log in it.
pub(super) fn prepare_data_folder(data: &Path) -> Result<(), LaunchError> {
    files::private_folder(data)
        .map_err(|error| LaunchError::DataFolder { folder: data.display().to_string(), error })?;
    log::start(data);
    Ok(())
}

/// What the configuration and the terminal say about the screen.
pub(super) fn options(config: &Config, profiles: &[ProfileName], capabilities: Capabilities) -> Options {
    let theme: ThemeName = config.settings.theme.to_string().parse().unwrap_or_default();
    let start_with = match profiles {
        [] => config.default_profile.clone(),
        [only] => Some(only.clone()),
        _ => None,
    };
    let views = config.views.iter().map(|view| SavedView {
        name: view.name.clone(),
        query: view.query.clone(),
        columns: view.columns.clone(),
        sort: view.sort,
        include_closed: view.include_closed,
        profile: match view.profiles.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
    });
    Options {
        theme,
        plain: capabilities.plain,
        no_color: capabilities.colours == Colours::None,
        large_plan: config.settings.large_plan,
        approval_above: config.settings.approval_above,
        recent_changes: config.settings.recent_changes,
        caps: super::setup::caps(config),
        columns: Vec::new(),
        views: views.collect(),
        teams: config.teams.clone(),
        links: Arc::new(config.people.clone()),
        start_with,
        zone: jiff::tz::TimeZone::system(),
    }
}

/// Shows the screen on this thread, with a runtime for everything else.
pub(super) fn show(stage: Stage) -> Result<u8, LaunchError> {
    panic::install_hook();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| LaunchError::System { what: "no threads could be started", error })?;
    let outcome = runtime.block_on(screen(stage));
    // Whatever still computes is of no use to anybody; what was sent has been awaited.
    runtime.shutdown_background();
    for panic in panic::untold() {
        tell(&panic);
    }
    outcome.map_err(|cut| match cut {
        Cut::Error(error) => error,
        Cut::Panic(panic) => resume_unwind(panic),
    })
}

/// Why the screen did not come to a normal end.
enum Cut {
    Error(LaunchError),
    /// What the loop panicked with. It goes on from where everything has been put in order.
    Panic(Box<dyn Any + Send>),
}

impl From<LaunchError> for Cut {
    fn from(error: LaunchError) -> Self {
        Self::Error(error)
    }
}

/// To the person, if there still is one: a terminal that is gone is no reason to fail.
fn tell(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

async fn screen(stage: Stage) -> Result<u8, Cut> {
    let Stage { options, keys, wishes, files, log, opening, asks } = stage;
    let opening: Opening = if asks {
        let opened = patiently(opening).await?;
        Box::pin(std::future::ready(Ok(opened)))
    } else {
        opening
    };
    // Signals first: one that came between would leave the terminal as nobody wants it.
    let source = Process::new().map_err(|error| LaunchError::System { what: "the terminal cannot be read", error })?;
    let surface = Terminal::enter(wishes).map_err(LaunchError::from)?;
    let (commands, orders) = mpsc::channel(MOST_COMMANDS);
    let (reports, events) = mpsc::channel(MOST_EVENTS);
    let backend = tokio::spawn(async move {
        let opened = opening.await?;
        let task = backend::spawn(opened.engine, orders, reports);
        Ok((task, opened.keep))
    });
    let clock = system_clock();
    let state = State::new(options, keys.labels(), crate::term::Surface::size(&surface), clock());
    let mut screen = EventLoop { state, keys, surface, source, commands, events, clock, files };
    let ended = AssertUnwindSafe(screen.run()).catch_unwind().await;
    let EventLoop { surface, source, commands, events, .. } = screen;
    // The terminal first: whatever is waited for, or goes wrong, from here on is told on a normal screen, and whatever
    // is typed is for the shell.
    let signals = source.into_signals();
    let left = surface.leave();
    let closed = close(backend, commands, events, signals).await;
    let ended = ended.map_err(Cut::Panic)?;
    closed?;
    match ended {
        Ended::Quit => {
            left.map_err(|error| LaunchError::System { what: "the terminal could not be restored", error })?;
            Ok(0)
        }
        Ended::Signal(number) => Ok(u8::try_from(128 + number).unwrap_or(1)),
        // As if the hang-up had been told by a signal.
        Ended::Gone => Ok(u8::try_from(128 + HANG_UP).unwrap_or(1)),
        Ended::BackendGone => Err(LaunchError::BackendGone { log }.into()),
    }
}

/// Waits for what may ask the person something; says so when it takes long without asking.
async fn patiently(mut opening: Opening) -> Result<Opened, LaunchError> {
    if let Ok(opened) = tokio::time::timeout(QUIET_OPENING, &mut opening).await {
        return opened;
    }
    tell("Waiting for the commands that fetch the secrets.");
    opening.await
}

type Backend = JoinHandle<Result<(JoinHandle<()>, Box<dyn Any + Send>), LaunchError>>;

/// Ends the backend: nothing new is sent, and what is on its way is awaited.
async fn close(
    backend: Backend,
    commands: mpsc::Sender<Command>,
    mut events: mpsc::Receiver<Event>,
    mut signals: Signals,
) -> Result<(), LaunchError> {
    if !backend.is_finished() {
        // Still being opened: nothing was sent yet, and a secret's command may wait for a person.
        backend.abort();
    }
    let (task, _keep) = match backend.await {
        Ok(opened) => opened?,
        Err(_) => return Ok(()),
    };
    // Closed when the task has ended already.
    let _ = commands.send(Command::Shutdown).await;
    drop(commands);
    let over = async {
        // Nobody looks at them any more, but they must not fill the channel.
        while events.recv().await.is_some() {}
        let _ = task.await;
    };
    tokio::pin!(over);
    if tokio::time::timeout(QUIET_END, &mut over).await.is_ok() {
        return Ok(());
    }
    tell("Waiting for the answers to what was sent. Ctrl-C does not wait: the next start settles it by reading.");
    loop {
        tokio::select! {
            () = &mut over => return Ok(()),
            signal = signals.next() => match signal {
                // A hang-up may come after the end of the input that brought us here. Nobody can press Ctrl-C then, and
                // the answers are awaited.
                Signal::Terminate(number) if number == HANG_UP => {}
                Signal::Interrupt | Signal::Terminate(_) => return Ok(()),
                _ => {}
            },
        }
    }
}
