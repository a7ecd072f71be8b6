//! Notices: messages about many accounts at once, complete when they are asked for. No playbook asks for them and no
//! episode follows them: each is sent once or not at all.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, Assessment, Band, CauseChain, ConnectionName, DeskLine, EVENT_SCHEMA, Event, EventBody, EventId, Mode,
    Moment, Money, PlaybookName, Recipient, Score, SubjectId,
};

/// A message about many accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Notice {
    /// Derived from its cause: who and which day, which burst, whose book, which silence.
    pub id: ActionId,
    /// Who gets it.
    pub to: Recipient,
    /// The most it may do, as it was when it was put together; a pause holds it all the same.
    pub mode: Mode,
    /// The moment it holds for.
    pub as_of: Moment,
    /// What it says.
    pub body: NoticeBody,
}

impl Notice {
    /// The event that asks for it, the same however often it is made.
    ///
    /// It is about no account of its own; where events name theirs it has its reader, as `reader:{address}`.
    pub fn requested(self) -> Event {
        let reader = SubjectId::from_stored(format!("reader:{}", self.to.address));
        Event {
            id: EventId::derive(&reader, "notice.requested", self.id.as_str(), ""),
            schema: EVENT_SCHEMA,
            account: reader,
            occurred_at: self.as_of,
            as_of: self.as_of,
            cause: CauseChain::default(),
            body: EventBody::NoticeRequested(Box::new(self)),
        }
    }
}

/// The kinds of notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "content")]
pub enum NoticeBody {
    /// What could wait until the morning.
    Digest(Digest),
    /// Many accounts turned at once.
    Surge(SurgeAlert),
    /// What a person looks after on the day everything goes live.
    StartingBook(StartingBook),
    /// A source that is expected to speak does not.
    SourceSilent(SourceSilent),
}

/// A person's digest of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Digest {
    /// The day, in the reader's zone.
    #[schemars(with = "String")]
    pub day: Date,
    /// One per account, what weighs most first.
    pub entries: Vec<DigestEntry>,
    /// How many further accounts there are, of which nothing is said.
    pub more: u32,
}

/// One account in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DigestEntry {
    /// What is said of it.
    pub line: DeskLine,
    /// Days from the digest's day to the line's deadline; negative once past.
    pub days_left: Option<i64>,
    /// How many further messages about the account waited.
    pub others: u32,
}

/// How many of a burst share something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shared<T> {
    /// What they share.
    pub what: T,
    /// How many of the accounts do.
    pub accounts: u32,
}

/// One message for many accounts that turned within minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SurgeAlert {
    /// The playbook that would have told each of them.
    pub playbook: PlaybookName,
    /// How many accounts.
    pub accounts: u32,
    /// There are more than could be counted.
    pub is_more: bool,
    /// Their recurring revenue in each currency, most first.
    pub arr: Vec<Money>,
    /// Within how many minutes they turned, at least 1.
    pub minutes: u32,
    /// The measure that most of them have in common; `None` when no measure fell at half of them.
    pub measure: Option<Shared<String>>,
    /// The connection whose statements turned most of them; `None` when none did for half of them.
    pub connection: Option<Shared<ConnectionName>>,
    /// Those with the most revenue, at most five.
    pub top: Vec<SurgeAccount>,
}

/// One account of a burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SurgeAccount {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
}

/// One account of somebody's book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BookLine {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// The band now.
    pub band: Band,
    /// The score now, where known.
    pub score: Option<Score>,
    /// The day the term ends, where known.
    #[schemars(with = "Option<String>")]
    pub renews_on: Option<Date>,
    /// The last day on which notice can be given, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub notice_by: Option<Date>,
}

impl From<&Assessment> for BookLine {
    fn from(assessment: &Assessment) -> Self {
        let card = &assessment.card;
        Self {
            account: assessment.account.clone(),
            name: card.name.clone(),
            arr: card.arr,
            band: assessment.band,
            score: assessment.score,
            renews_on: card.renews_on,
            notice_by: card.notice_by,
        }
    }
}

/// What needs somebody's eye on the day everything goes live: what is true that day is not news, so it is told once,
/// here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StartingBook {
    /// The day, in the reader's zone.
    #[schemars(with = "String")]
    pub day: Date,
    /// How many accounts they look after.
    pub accounts: u32,
    /// How many of them are red.
    pub red: u32,
    /// Of how many notice is due, or the term ends, within 120 days; those past due included.
    pub renewing: u32,
    /// The red and the renewing ones, what weighs most first.
    pub entries: Vec<BookEntry>,
    /// How many further ones there are, of which nothing is said.
    pub more: u32,
}

/// One account of a starting book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BookEntry {
    /// The account.
    pub line: BookLine,
    /// Days to the last day for notice while that is ahead, else to the end of the term, where known; negative once past.
    pub days_left: Option<i64>,
    /// What `days_left` counts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// A connection that has not spoken for longer than it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourceSilent {
    /// Who is silent.
    pub source: ConnectionName,
    /// The last day on which it was heard, in the reporting zone.
    #[schemars(with = "String")]
    pub last_heard_on: Date,
    /// Within how many days it was expected to speak again.
    pub expected_every: u16,
}

impl NoticeBody {
    /// The name in events, logs and listings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Digest(_) => "digest",
            Self::Surge(_) => "surge",
            Self::StartingBook(_) => "starting_book",
            Self::SourceSilent(_) => "source_silent",
        }
    }
}
