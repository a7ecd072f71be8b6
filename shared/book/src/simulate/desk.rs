//! Where a message ends that was asked for: with its reader at once, in a thread, or in the daily digest.

use model::{ActionRequest, Urgency};

/// How a message reaches its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// By itself, interrupting them.
    Immediate,
    /// In the thread of an earlier one; it interrupts nobody.
    Reply,
    /// In a daily digest.
    Digest,
}

/// Places a message by what it asks for.
pub(super) fn place(request: &ActionRequest) -> Placement {
    match (&request.reply_to, request.urgency) {
        (Some(_), _) => Placement::Reply,
        (None, Urgency::Now) => Placement::Immediate,
        (None, Urgency::Digest) => Placement::Digest,
    }
}
