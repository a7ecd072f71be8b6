//! How often conditions are compiled and asked: compiling belongs to loading, and asking costs more than reading a value.

use std::cell::Cell;

/// What conditions have cost this thread so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Conditions that were parsed and checked, good or bad.
    pub compiled: u64,
    /// Times that one was asked whether it holds, the tries of its check included.
    pub asked: u64,
}

thread_local! {
    static SO_FAR: Cell<Effort> = const { Cell::new(Effort { compiled: 0, asked: 0 }) };
}

impl Effort {
    /// Of this thread, since it began.
    pub fn so_far() -> Self {
        SO_FAR.get()
    }

    /// What `work` costs.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let before = Self::so_far();
        let result = work();
        let now = Self::so_far();
        (Self { compiled: now.compiled - before.compiled, asked: now.asked - before.asked }, result)
    }

    pub(super) fn compile() {
        SO_FAR.set(Self { compiled: SO_FAR.get().compiled + 1, ..SO_FAR.get() });
    }

    pub(super) fn ask() {
        SO_FAR.set(Self { asked: SO_FAR.get().asked + 1, ..SO_FAR.get() });
    }
}
