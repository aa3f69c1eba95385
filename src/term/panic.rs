//! Panics: the terminal first, then the words. They go to the log, and to the person once there is a normal screen.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use super::tty;

/// What other threads said while the screen was up, to be told afterwards.
static UNTOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Makes panics harmless for the terminal. The hook that was there before still tells the person what happened: at
/// once when the screen is down (or comes down because the drawing thread panicked), else through [`untold`].
pub fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let drawing = tty::is_drawing_thread();
            if drawing != Some(false) {
                // Nothing can be done here about a terminal that does not want to be restored.
                let _ = tty::leave();
            }
            tracing::error!(thread = std::thread::current().name(), "{info}");
            if drawing == Some(false) {
                UNTOLD.lock().unwrap_or_else(PoisonError::into_inner).push(info.to_string());
            } else {
                tell(info);
            }
        }));
    });
}

/// The panics of other threads that nobody was told of yet.
pub fn untold() -> Vec<String> {
    std::mem::take(&mut UNTOLD.lock().unwrap_or_else(PoisonError::into_inner))
}
