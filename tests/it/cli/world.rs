//! A home with a configuration and a data folder, simulators, and the binary to run in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use switchboard::sim::{self, Act, Holder, SimOptions, Simulator};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct World {
    home: TempDir,
    /// The simulators live on it.
    runtime: Runtime,
    sims: Vec<(String, Simulator)>,
}

/// How a run of the binary ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl World {
    /// A home without anything in it.
    pub fn empty() -> Self {
        let runtime = Runtime::new().unwrap();
        Self { home: tempfile::tempdir().unwrap(), runtime, sims: Vec::new() }
    }

    /// One profile `sales` on a kenbun simulator with so many leads.
    pub fn with_leads(leads: usize) -> Self {
        let mut world = Self::empty();
        // Nobody waits for a polite pace here.
        world.add("sales", SimOptions { leads, owners: 8, ..SimOptions::default() }, "requests_per_minute = 0");
        world
    }

    /// Another profile on a simulator of its own; `settings` are more lines of its table.
    pub fn add(&mut self, profile: &str, options: SimOptions, settings: &str) {
        self.add_of("kenbun", profile, options, settings);
    }

    /// The same with any vendor's simulator.
    pub fn add_of(&mut self, vendor: &str, profile: &str, options: SimOptions, settings: &str) {
        let sim = self.runtime.block_on(sim::start(vendor, options)).unwrap();
        let table = self::settings(&sim.profile);
        self.configure(&format!("[profiles.{profile}]\n{settings}\n{table}"));
        self.sims.push((profile.to_owned(), sim));
    }

    /// Adds lines to the configuration.
    pub fn configure(&self, lines: &str) {
        let file = self.home.path().join("config.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, format!("{text}\n{lines}\n")).unwrap();
    }

    /// Another profile on the simulator of `sales`.
    pub fn add_view_of_sales(&self, profile: &str, settings: &str) {
        let table = self::settings(&self.sim().profile);
        self.configure(&format!("[profiles.{profile}]\n{settings}\n{table}"));
    }

    pub fn sim(&self) -> &Simulator {
        self.sim_of("sales")
    }

    pub fn sim_of(&self, profile: &str) -> &Simulator {
        &self.sims.iter().find(|(name, _)| name == profile).unwrap().1
    }

    /// Ends a profile's simulator: nobody answers there any more.
    pub fn stop_sim(&mut self, profile: &str) {
        let _inside = self.runtime.enter();
        self.sims.retain(|(name, _)| name != profile);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Gives the home away, for a terminal; the simulators stay.
    pub fn into_parts(self) -> (TempDir, Runtime, Vec<(String, Simulator)>) {
        (self.home, self.runtime, self.sims)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("USER", "tester")
            .env("TZ", "UTC")
            .env("SWITCHBOARD_CONFIG", self.path("config.toml"))
            .env("SWITCHBOARD_DATA_DIR", self.path("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs it as somebody else.
    pub fn run_as(&self, user: &str, arguments: &[&str]) -> Ran {
        self.command(arguments).env("USER", user).output().unwrap().into()
    }

    /// Runs it with `input` on standard input.
    pub fn run_with(&self, input: &str, arguments: &[&str]) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Ids of the first leads of the vendor's list.
    pub fn ids(&self, count: usize) -> Vec<String> {
        let ids: Vec<String> = self.sim().holders().iter().map(|(target, _)| target.to_string()).collect();
        ids[..count].to_vec()
    }

    /// A file with ids, one a line.
    pub fn ids_file(&self, ids: &[String]) -> String {
        let file = self.path("ids.txt");
        std::fs::write(&file, ids.join("\n")).unwrap();
        file.display().to_string()
    }

    /// People who can be told apart by their names, most leads first: id and name.
    pub fn people(&self) -> Vec<(String, String)> {
        let mut people = self.run(&["-p", "sales", "owners"]).ok().lines();
        people.retain(|owner| owner["active"] == true && owner.get("leads_exact").is_none());
        people.sort_by_key(|owner| std::cmp::Reverse(owner["leads"].as_u64()));
        people.iter().map(|owner| (text(&owner["id"]), text(&owner["name"]))).collect()
    }

    /// Requests that changed assignments, or would have.
    pub fn writes(&self) -> usize {
        self.sim().log().all().iter().filter(|entry| entry.act == Act::Write).count()
    }

    /// Waits until `happened`; the moment is not told by time.
    #[track_caller]
    pub fn wait_until(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !happened(self) {
            assert!(std::time::Instant::now() < deadline, "{what} did not happen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    pub fn holder(&self, id: &str) -> Option<String> {
        self.sim().holder(id).and_then(|holder| holder.id().map(str::to_owned))
    }

    /// Somebody else gives these leads to that person.
    pub fn meddle(&self, ids: &[String], to: &(String, String)) {
        let what = switchboard::sim::Meddling::To(Holder::owner(&to.0, &to.1));
        assert_eq!(self.sim().meddle(ids, &what).len(), ids.len());
    }
}

/// A profile's settings as a simulator tells them, one a line.
pub fn settings(profile: &serde_json::Map<String, Value>) -> String {
    let line = |(key, value): (&String, &Value)| format!("{key} = {}\n", toml::Value::try_from(value).unwrap());
    profile.iter().map(line).collect()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends(0)
    }

    /// The JSON objects that were printed.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["type"] == "item").collect()
    }

    /// The summary, which is the last line; its counts fit the items.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let summary = self.lines().pop().unwrap();
        assert_eq!(summary["type"], "summary", "{summary}");
        for state in ["done", "failed", "skipped", "not_sent", "unknown"] {
            let counted = self.items().iter().filter(|item| item["state"] == state).count();
            assert_eq!(summary[state], counted, "{state}: {summary}");
        }
        summary
    }

    /// The operation's id.
    #[track_caller]
    pub fn operation(&self) -> String {
        text(&self.summary()["operation"])
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{words} is not in standard error:\n{}", self.err);
        self
    }
}

#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}
