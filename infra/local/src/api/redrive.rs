//! What was given up, and how it is done again.

use model::{DeliveryId, Moment, SubjectId};
use serde::{Deserialize, Serialize};

/// Asks what there is to do again; nothing changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveQuery {
    /// Also what was received from then on.
    #[serde(default)]
    pub since: Option<Moment>,
}

/// What there is to do again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveLook {
    /// Queues of dead letters that have some.
    pub letters: Vec<LetterRow>,
    /// Batches of streams that failed to the end, oldest first.
    pub failures: Vec<FailureRow>,
    /// What was received since the moment that was asked for, in the journal's total order.
    pub deliveries: Vec<DeliveryId>,
    /// Accounts that nobody looked at when their moment came.
    pub overdue: Vec<SubjectId>,
}

/// The dead letters of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterRow {
    /// Where they are.
    pub queue: String,
    /// Where they go back to; `None` where there is no such place: they are runs of a schedule that failed, and the next run
    /// did what they were to do. They are forgotten.
    pub to: Option<String>,
    /// How many there are.
    pub letters: u32,
}

/// A batch that failed to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRow {
    /// Names it in a [`RedriveRequest`].
    pub id: String,
    /// The function that failed.
    pub function: String,
    /// How many records it has; `None` where that is only known once it is read.
    pub records: Option<u32>,
    /// When it was given up.
    pub at: Moment,
    /// The last failure.
    pub reason: String,
}

/// Does some of it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedriveRequest {
    /// Sends dead letters back where they came from, or forgets them where there is no such place.
    Letters {
        /// [`LetterRow::queue`].
        queue: String,
        /// No more than this many. In AWS this many in a second: all of them go.
        most: u32,
        /// Asks how far that is, of letters that go by themselves.
        #[serde(default)]
        goes_on: bool,
    },
    /// Hands a failed batch to its function, and forgets what of it is done.
    Failure {
        /// [`FailureRow::id`].
        id: String,
    },
    /// Hands deliveries to `normalize`, and whatever they speak of to `health`.
    Deliveries(Vec<DeliveryId>),
    /// Hands accounts to `health`.
    Overdue(Vec<SubjectId>),
}

impl RedriveRequest {
    /// The most deliveries or accounts of one request, which is about one call of each function.
    pub const MOST: usize = 25;
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveDone {
    /// How many letters, records, deliveries or accounts are done.
    pub done: u32,
    /// What failed once more.
    pub failed: Vec<FailedAgain>,
    /// Letters go by themselves, and so many have: ask how far that is until nothing is under way.
    #[serde(default)]
    pub under_way: Option<u32>,
}

/// Something that failed once more; it stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAgain {
    /// What: a record, a delivery, an account.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What a redrive did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveReport {
    /// The dead letters there were.
    pub letters: Vec<LetterRow>,
    /// The failed batches there were.
    pub failures: Vec<FailureRow>,
    /// How many deliveries were received since the moment that was asked for; `None` when none was.
    pub deliveries: Option<u32>,
    /// How many accounts nobody had looked at when their moment came.
    pub overdue: u32,
    /// Nothing was changed.
    pub dry_run: bool,
    /// What was done again.
    pub redriven: Redriven,
    /// What failed once more.
    pub failed: Vec<FailedAgain>,
    /// All that follows from it was done when the command ended.
    pub done: bool,
}

/// What was done again, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    /// Dead letters that were sent back.
    pub letters: u32,
    /// Dead letters that go back nowhere, and were forgotten.
    pub forgotten: u32,
    /// Records of failed batches.
    pub records: u32,
    /// Deliveries.
    pub deliveries: u32,
    /// Accounts whose moment had come.
    pub accounts: u32,
}
