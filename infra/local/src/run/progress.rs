//! How far a long command is.

use std::io::IsTerminal as _;

/// One line that is written over, for who watches; nothing where standard error is a file.
pub(super) struct Progress {
    is_watched: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_watched: std::io::stderr().is_terminal() }
    }

    pub(super) fn tell(&self, what: &str) {
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
