//! Noting on which days a connection spoke, for those that are expected to: a source that goes silent must not look like
//! customers who stopped working.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use connectors::self_test;
use jiff::civil::Date;
use model::{ConnectionName, Delivery};

use crate::{Normalize, Read, Work, WriteError, tried};

/// The days this process has noted, so that a connection costs two calls a day and not two a delivery.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<BTreeSet<(ConnectionName, Date)>>);

impl Noted {
    fn has(&self, connection: &ConnectionName, day: Date) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(connection.clone(), day))
    }

    fn add(&self, connection: &ConnectionName, days: &BTreeSet<Date>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(days.iter().map(|day| (connection.clone(), *day)));
    }
}

impl Normalize {
    /// Notes the days of a batch before its facts are written: whoever judges them finds their source alive. What could
    /// not be noted comes again with its deliveries.
    pub(crate) async fn note_heard(&self, batch: &[Read], failed: &mut BTreeSet<String>) {
        let mut spoke: BTreeMap<&ConnectionName, (u16, BTreeSet<Date>, Vec<&Read>)> = BTreeMap::new();
        // What was loaded of its past is no sign that it speaks now, nor is what we send to ourselves.
        let is_spoken = |delivery: &Delivery| !delivery.id.is_history() && !self_test::is(&delivery.body);
        for read in batch.iter().filter(|read| is_spoken(&read.delivery)) {
            let name = &read.delivery.connection;
            let Some(every) = self.config.connection(name).and_then(|c| c.expected_every) else { continue };
            let day = read.delivery.received_at.date_in(&self.config.model.zone);
            if !self.noted.has(name, day) {
                let (_, days, reads) = spoke.entry(name).or_insert_with(|| (every, BTreeSet::new(), Vec::new()));
                days.insert(day);
                reads.push(read);
            }
        }
        for (connection, (every, days, reads)) in spoke {
            let work: Work<'_> = Box::pin(async {
                self.store.note_heard(connection, &days, every, &self.config.model.zone).await?;
                self.noted.add(connection, &days);
                Ok::<_, WriteError>(())
            });
            tried(work, format!("That `{connection}` spoke"), reads, failed).await;
        }
    }
}
