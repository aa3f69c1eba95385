//! Which process holds an operation, and whether that process still lives.
//!
//! A process number alone proves nothing: numbers are used again, and a container or another host has its own. So a
//! hold also names the host, its machine id, the boot, the process number space, and when the process started.

use std::sync::OnceLock;

use rustix::process::Pid;

/// A process, so exactly that no other one is taken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub host: String,
    /// Empty where the system has none.
    pub machine: String,
    /// Changes with every start of the system; empty where it is not known.
    pub boot: String,
    /// The space in which `pid` means something (Linux: the pid namespace); empty elsewhere.
    pub space: String,
    pub pid: u32,
    /// In the system's own ticks since its start; `None` where it is not known.
    pub started: Option<i64>,
}

/// What can be said about another process from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Dead,
    /// Another host, or a system that does not tell.
    Unclear,
}

impl Process {
    /// The process this code runs in.
    pub fn this() -> &'static Self {
        static THIS: OnceLock<Process> = OnceLock::new();
        THIS.get_or_init(|| Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            machine: first_line("/etc/machine-id"),
            boot: first_line("/proc/sys/kernel/random/boot_id"),
            space: std::fs::read_link("/proc/self/ns/pid")
                .map(|space| space.to_string_lossy().into_owned())
                .unwrap_or_default(),
            pid: std::process::id(),
            started: match stat(std::process::id()) {
                Stat::Running(started) => Some(started),
                _ => None,
            },
        })
    }

    /// Whether this process lives; `seen` is when it last said so, in microseconds since 1970.
    pub fn life(&self, seen: i64) -> Life {
        let here = Self::this();
        if self.host != here.host || self.machine != here.machine {
            return Life::Unclear;
        }
        if self.boot != here.boot {
            // The same machine before its last start. A clone with the same names could run elsewhere at this moment:
            // it would have been seen after our start.
            let known = !self.machine.is_empty() && !self.boot.is_empty();
            return match booted_at() {
                Some(booted) if known && seen < booted => Life::Dead,
                _ => Life::Unclear,
            };
        }
        if self.space != here.space {
            return Life::Unclear;
        }
        match (stat(self.pid), self.started) {
            (Stat::Running(started), Some(then)) if started == then => Life::Alive,
            (Stat::Running(_), Some(_)) | (Stat::Ended, _) => Life::Dead,
            // Nothing readable: it is gone, or /proc is missing or hides other people's processes.
            _ if is_gone(self.pid) => Life::Dead,
            _ => Life::Unclear,
        }
    }
}

enum Stat {
    /// With its start time.
    Running(i64),
    /// Ended, but not yet collected by its parent.
    Ended,
    NotTold,
}

/// Reads `/proc/PID/stat`.
fn stat(pid: u32) -> Stat {
    match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => parse_stat(&String::from_utf8_lossy(&bytes)).unwrap_or(Stat::NotTold),
        Err(_) => Stat::NotTold,
    }
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The second field is the program's name in brackets and may hold anything, brackets and blanks included.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return Some(Stat::Ended);
    }
    // Field 22; the state is field 3.
    fields.nth(18)?.parse().ok().map(Stat::Running)
}

fn is_gone(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    match pid.map(rustix::process::test_kill_process) {
        Some(Err(error)) => error == rustix::io::Errno::SRCH,
        Some(Ok(())) => false,
        None => true,
    }
}

/// When the system started, in microseconds since 1970.
fn booted_at() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse::<i64>().ok()?.checked_mul(1_000_000)
}

fn first_line(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_more_than_its_number() {
        let me = Process::this();
        let now = i64::MAX;
        assert_ne!(me.life(now), Life::Dead);
        let elsewhere = Process { host: "some-other-host".into(), ..me.clone() };
        assert_eq!(elsewhere.life(0), Life::Unclear);
        if let Some(started) = me.started {
            assert_eq!(me.life(now), Life::Alive);
            let reused = Process { started: Some(started - 1), ..me.clone() };
            assert_eq!(reused.life(now), Life::Dead);
        }
        let container = Process { space: "pid:[1]".into(), ..me.clone() };
        assert_eq!(container.life(now), Life::Unclear);
    }

    #[test]
    fn a_restart_of_the_system_ends_its_processes() {
        let me = Process::this();
        if me.boot.is_empty() || me.machine.is_empty() || booted_at().is_none() {
            return;
        }
        let before = Process { boot: "an earlier one".into(), ..me.clone() };
        assert_eq!(before.life(0), Life::Dead);
        assert_eq!(before.life(i64::MAX), Life::Unclear, "a clone of this machine was seen after our start");
    }

    #[test]
    fn an_ended_child_is_dead_even_before_it_is_collected() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let started = match stat(child.id()) {
            Stat::Running(started) => Some(started),
            _ => None,
        };
        let process = Process { pid: child.id(), started, ..Process::this().clone() };
        assert_ne!(process.life(i64::MAX), Life::Dead);
        child.kill().unwrap();
        while started.is_some() && process.life(i64::MAX) == Life::Alive {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(process.life(i64::MAX), Life::Dead);
    }

    #[test]
    fn names_with_brackets_do_not_confuse_the_reading() {
        let line = "77 (a) b (c)) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        assert!(matches!(parse_stat(line), Some(Stat::Running(12345))));
        assert!(parse_stat("").is_none());
        assert!(parse_stat("1 (x) S").is_none());
    }
}
