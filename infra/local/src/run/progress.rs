//! How far a long command is.

use std::io::IsTerminal as _;
#[cfg(test)]
use std::sync::{Arc, Mutex};

/// One line that is written over, for who watches; nothing where standard error is a file.
pub(super) struct Progress {
    is_watched: bool,
    /// What was told, for tests.
    #[cfg(test)]
    pub told: Arc<Mutex<Vec<String>>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            is_watched: std::io::stderr().is_terminal(),
            #[cfg(test)]
            told: Arc::default(),
        }
    }

    pub(super) fn tell(&self, what: &str) {
        #[cfg(test)]
        self.told.lock().expect("nobody panics with it").push(what.to_owned());
        if self.is_watched {
            eprint!("\r\u{1b}[K{what} …");
        }
    }

    pub(super) fn end(&self) {
        if self.is_watched {
            eprint!("\r\u{1b}[K");
        }
    }
}
