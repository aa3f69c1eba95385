//! Ctrl-C, SIGTERM and SIGHUP: the first one stops handing out work, the second one leaves.

use tokio::sync::mpsc;

use super::exit::{Exit, Failure};
use super::output::say;
use crate::backend::StopToken;

/// Listens for signals from now on; must be called within a runtime.
pub fn listen() -> StopToken {
    let stop = StopToken::new();
    let (sender, mut signals) = mpsc::channel::<()>(2);
    forward(sender);
    let token = stop.clone();
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if token.is_stopped() {
                // The journal knows what was on the way; the next start settles it.
                say("left at once; `switchboard resume` finds out what became of what was on the way");
                std::process::exit(Exit::Stopped as i32);
            }
            token.stop();
        }
    });
    stop
}

#[cfg(unix)]
fn forward(sender: mpsc::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let sender = sender.clone();
        match signal(kind) {
            Ok(mut signal) => {
                tokio::spawn(async move {
                    while signal.recv().await.is_some() {
                        if sender.send(()).await.is_err() {
                            return;
                        }
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "a signal cannot be listened for"),
        }
    }
}

#[cfg(not(unix))]
fn forward(sender: mpsc::Sender<()>) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
}

/// Awaits something that may be dropped at any time: reads, never writes.
pub async fn unless_stopped<T>(stop: &StopToken, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.stopped() => Err(Failure::stopped()),
        done = work => Ok(done),
    }
}
