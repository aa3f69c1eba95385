//! Secrets: where they come from, and a type that tells nothing.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::{ConfigError, files};

/// A secret's value. `Debug` prints nothing of it; there is no `Display`.
pub type Secret = SecretString;

/// How long a command may take; a password store may have to ask for its key first.
const COMMAND_TIME: Duration = Duration::from_secs(60);

/// More than any token has: a command that prints more is not printing a secret.
const MOST_BYTES: u64 = 64 * 1024;

/// Where a secret comes from. Never the configuration's own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    /// Run by the shell; the first line of its output.
    Command(String),
    /// A file that only its owner may read.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches the secret. May take as long as a command takes.
    pub fn fetch(&self) -> Result<Secret, ConfigError> {
        let text = match self {
            Self::Env(name) => from_environment(name)?,
            Self::Command(command) => from_command(command, COMMAND_TIME)?,
            Self::File(file) => from_file(file)?,
        };
        // Only the first line counts, as password stores keep other things below it.
        let secret = text.lines().next().unwrap_or_default().trim();
        if secret.is_empty() {
            return Err(ConfigError::new(format!("{self} gives an empty secret")));
        }
        if secret.chars().any(char::is_control) {
            return Err(ConfigError::new(format!("{self} gives a secret with control characters in it")));
        }
        Ok(Secret::from(secret.to_owned()))
    }
}

/// `the environment variable X`, `the command "…"`, `the file …`: for the middle of a sentence.
impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::Command(command) => write!(f, "the command {command:?}"),
            Self::File(file) => write!(f, "the file {}", file.display()),
        }
    }
}

fn from_environment(name: &str) -> Result<String, ConfigError> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => {
            Err(ConfigError::new(format!("the environment variable {name} is not set")))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(ConfigError::new(format!("the environment variable {name} is not valid text")))
        }
    }
}

fn from_file(file: &Path) -> Result<String, ConfigError> {
    let problem = |why: String| ConfigError::new(format!("the file {} {why}", file.display()));
    match files::open_to_others(file) {
        Ok(false) => {}
        Ok(true) => {
            return Err(problem(format!(
                "can be read by others; a secret's file must be its owner's alone: chmod 600 {}",
                file.display()
            )));
        }
        Err(error) => return Err(problem(format!("cannot be read: {error}"))),
    }
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|content| content.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    Ok(text)
}

fn from_command(command: &str, time: Duration) -> Result<String, ConfigError> {
    let problem = |why: String| ConfigError::new(format!("the command {command:?} {why}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        // Standard input may hold the ids of the leads.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains about may be on the screen's terminal, and is not ours to log.
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| problem(format!("could not be started: {error}")))?;
    let Some(output) = child.stdout.take() else {
        return Err(problem("has no output".to_owned()));
    };
    // Read in a thread of its own, so that a command which hangs can be given up.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(MOST_BYTES).read_to_string(&mut text).map(|_| text);
        // Nobody listens any more when the time was up.
        let _ = sender.send(read);
    });
    let deadline = Instant::now() + time;
    let read = match receiver.recv_timeout(time) {
        Ok(read) => read,
        Err(_) => {
            give_up(&mut child);
            return Err(problem(format!("did not answer within {} seconds", time.as_secs())));
        }
    };
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                give_up(&mut child);
                return Err(problem(format!("did not end within {} seconds", time.as_secs())));
            }
            Err(error) => return Err(problem(format!("was lost: {error}"))),
        }
    };
    if !status.success() {
        return Err(problem(format!("failed ({status}); run it by hand to see why")));
    }
    read.map_err(|error| problem(format!("gave an answer that cannot be read: {error}")))
}

fn give_up(child: &mut Child) {
    // It may have ended by itself in between; either way there is nothing more to do about it.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn command(text: &str) -> Result<String, String> {
        SecretSource::Command(text.to_owned())
            .fetch()
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_gives_the_first_line_of_its_output() {
        assert_eq!(command("printf 'tok en\\nlogin: me\\n'"), Ok("tok en".to_owned()));
        assert_eq!(command("cat"), Err("the command \"cat\" gives an empty secret".to_owned()));
        assert!(command("echo secret; exit 3").unwrap_err().contains("failed"));
        assert!(command("printf '\\033[31m'").unwrap_err().contains("control characters"));
    }

    #[test]
    fn a_command_that_hangs_is_given_up() {
        let error = from_command("exec sleep 600", Duration::from_millis(50)).unwrap_err();
        assert!(error.message.contains("did not answer"), "{error}");
    }

    #[test]
    fn a_file_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        files::write_new(&file, b"abc\n").unwrap();
        let source = SecretSource::File(file.clone());
        assert_eq!(source.fetch().unwrap().expose_secret(), "abc");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(source.fetch().unwrap_err().message.contains("chmod 600"));
        std::fs::remove_file(&file).unwrap();
        assert!(source.fetch().unwrap_err().message.contains("cannot be read"));
    }

    #[test]
    fn a_missing_variable_is_named_and_nothing_shows_a_secret() {
        let source = SecretSource::Env("SWITCHBOARD_TEST_NOT_SET".to_owned());
        assert_eq!(source.fetch().unwrap_err().message, "the environment variable SWITCHBOARD_TEST_NOT_SET is not set");
        let secret = SecretSource::Command("echo hush".to_owned()).fetch().unwrap();
        assert!(!format!("{secret:?}").contains("hush"));
    }
}
