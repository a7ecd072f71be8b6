//! Records that are known and were deleted where no list tells of it: the vendor is asked which of them are still there.

use std::collections::BTreeSet;

use config::Connection;
use connectors::{ASKED_AFTER, Connector};
use model::{Fact, SubjectId};
use store::{Backfill, Journaled, KnownSubject};

use super::backfill::{Rest, following};
use super::error::refused;
use super::{HostError, Operator};

/// So many that are gone all at once, and no other one there, is another account of the vendor rather than a clean-up.
const TOO_MANY: usize = 10;

impl Operator {
    /// Asks after the records that are known, as many at a time as the vendor likes; the rest where it is asked too often.
    ///
    /// Only who was asked after, and is not in an answer that came, is gone.
    pub(super) async fn ask_after(
        &self,
        (connection, connector): (&Connection, &dyn Connector),
        kind: &str,
        held: &mut Backfill,
    ) -> Result<Option<Rest>, HostError> {
        let since = held.changed_since.map(|at| at.to_string()).unwrap_or_default();
        let mut left: Vec<String> = self.known_to(connection, connector, kind).await?.into_iter().collect();
        left.retain(|object| held.after.as_ref().is_none_or(|after| object > after));
        for some in left.chunks(ASKED_AFTER) {
            let Some(call) = connector.still_there(kind, some) else { continue };
            let listed = match self.read((connection, connector), kind, &call).await? {
                Ok(listed) => listed,
                Err(rest) => return Ok(Some(rest)),
            };
            let there: BTreeSet<&str> = listed.records.iter().map(|record| record.object.as_str()).collect();
            let gone: Vec<&String> = some.iter().filter(|object| !there.contains(object.as_str())).collect();
            if gone.len() >= TOO_MANY && gone.len() == some.len() {
                let message =
                    format!("`{}` knows none of {} records that it told of before", connection.name, some.len());
                let help = "see whether `api_url` and the token are still those of the same account; if all of them were \
                            deleted, leave --changed-since out: what is not asked after stays as it is";
                return Err(refused(message, help));
            }
            let count = held.read.entry(kind.to_owned()).or_default();
            count.known += u64::try_from(some.len() - gone.len()).unwrap_or(u64::MAX);
            for object in gone {
                let version = format!("missing~{since}");
                match self.journal_answer(connection, (object, "404"), &version, "{}").await? {
                    Journaled::New | Journaled::KeptBeside(_) => count.new += 1,
                    Journaled::Repeated | Journaled::TooLarge => count.known += 1,
                }
            }
            held.after = some.last().cloned();
            self.store().set_backfill(&connection.name, held).await?;
        }
        (held.kind, held.after) = (following(connector, held, kind), None);
        self.store().set_backfill(&connection.name, held).await?;
        Ok(None)
    }

    /// The records of which this connection spoke, those aside that are known to be gone.
    async fn known_to(
        &self,
        connection: &Connection,
        connector: &dyn Connector,
        kind: &str,
    ) -> Result<BTreeSet<String>, HostError> {
        let object = |subject: &SubjectId| connector.asked_after(kind, subject);
        let spoke_of = |known: &KnownSubject| {
            let mut said = known.facts.iter().flat_map(Fact::all_registers);
            said.any(|(_, _, register)| register.stamp.delivery.connection() == connection.name.as_str())
        };
        let known = self.store().known().await?;
        let known = known.into_iter().filter(|known| !known.up.is_gone() && spoke_of(known));
        Ok(known.filter_map(|known| object(&known.subject)).collect())
    }
}
