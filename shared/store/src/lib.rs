//! The tables, over the DynamoDB client: one concrete struct, no trait, no second implementation.
//!
//! Every write is conditional and may be repeated; an index only finds, the base item decides. What each method costs
//! is said where it is defined, because calls are counted in tests.

mod accounts;
mod actions;
mod backfill;
mod control;
mod desk;
mod erasure;
mod error;
mod fetches;
mod heard;
mod journal;
mod links;
mod listing;
mod outbox;
mod outcome;
mod quarantine;
mod readers;
mod redrive;
mod rows;
mod write;

use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig};
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::seam::{Seam, Target};

pub use accounts::{Commit, Stored, Tick};
pub use actions::{ActionContext, ActionRow, ActionStatus, Claim};
pub use backfill::{Backfill, BackfillCount};
pub use desk::DeskKey;
pub use erasure::Erased;
pub use error::StoreError;
pub use fetches::{FetchEntry, Leave};
pub use heard::Silence;
pub use journal::{Journaled, delivery_from_stream, stream_image};
pub use links::{Listed, Node, Partition, node_from_stream};
pub use listing::{BookPlace, KnownSubject, NoticeEntry, OutboxEntry};
pub use outbox::{Due, GRACE, OutboxRow, OutboxState, Unpublished, event_from_stream};
pub use outcome::{counted, outcome};
pub use quarantine::QuarantineRow;
pub use readers::{Reader, SlackUser};
pub use redrive::{delivery_record, tick_record, waking_record};
pub use rows::{SHARDS, newest_delivery, subject_of_key};

/// The names of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Deliveries.
    pub journal: String,
    /// Facts, assessments, episodes, outbox, actions, timeline.
    pub accounts: String,
}

impl Tables {
    /// For a function that only keeps deliveries: `BAROMETER_JOURNAL_TABLE`.
    pub fn journal_from_env(environment: &mut Environment) -> Self {
        let journal = environment.required("BAROMETER_JOURNAL_TABLE", "the name of the journal table");
        Self { journal, accounts: String::new() }
    }

    /// For a function that does both.
    pub fn from_env(environment: &mut Environment) -> Self {
        let Self { journal, .. } = Self::journal_from_env(environment);
        Self { journal, ..Self::accounts_from_env(environment) }
    }

    /// For a function behind the journal: `BAROMETER_ACCOUNTS_TABLE`.
    pub fn accounts_from_env(environment: &mut Environment) -> Self {
        let accounts = environment.required("BAROMETER_ACCOUNTS_TABLE", "the name of the accounts table");
        Self { journal: String::new(), accounts }
    }
}

/// The store.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    tables: Tables,
}

impl Store {
    /// A client over the seam; opens no connection yet.
    pub fn connect(seam: &Seam, aws: &AwsSettings, tables: Tables) -> Self {
        let mut conf = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(aws.region.clone()))
            .credentials_provider(aws.credentials.clone())
            // They stand in the environment for as long as the process lives.
            .identity_cache(IdentityCache::no_cache())
            // Nothing streams: the seam sends and gives bodies whole, within the limits below.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(seam.http_client(Target::DynamoDb))
            .timeout_config(AwsSettings::timeouts())
            .retry_config(AwsSettings::retries());
        conf.set_endpoint_url(aws.endpoint.clone());
        Self { client: aws_sdk_dynamodb::Client::from_conf(conf.build()), tables }
    }
}
