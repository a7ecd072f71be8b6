//! Forgetting a person: stated once, applied at once, and taken out of every body in the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{DeliveryId, OperatorStatement, SubjectId};
use normalize::ERASED_BODY;
use store::Erased;

use super::forest::Forest;
use super::link::as_subject;
use super::person::{is_person, left_alone, subjects};
use super::redact::{Redacted, is_rewritten, redacted, speaks_of};
use super::{HostError, Operator};
use crate::api::{EraseReport, EraseRequest};

/// How many deliveries of the journal are read at a time,
const PAGE: i32 = 500;
/// and how long at least until the next ones are: an erasure is never in a hurry, and webhooks are.
const PAGE_TAKES: Duration = Duration::from_secs(1);

impl Operator {
    /// Forgets a person, or everybody whom a tool told us to forget.
    ///
    /// # Errors
    /// When nobody is meant by the text, or the tables do not answer. What was not done then is done by asking again.
    pub async fn erase(&self, request: &EraseRequest) -> Result<EraseReport, HostError> {
        let (forest, theirs) = match &request.person {
            Some(text) => {
                let forest = self.forest(as_subject(text)).await?;
                let theirs = subjects(&forest, &person_of(&forest, text)?);
                (forest, theirs)
            }
            None => {
                let forest = self.forest([]).await?;
                let pending = self.pending_erasures(&forest).await?;
                let theirs = pending.iter().flat_map(|person| subjects(&forest, person)).collect();
                (forest, theirs)
            }
        };
        let known = theirs.iter().filter_map(|subject| forest.known(subject));
        let mut report = EraseReport {
            subjects: theirs.iter().cloned().collect(),
            facts: number(known.map(|known| known.facts.len()).sum()),
            bodies: 0,
            parts: 0,
            timeline_rows: 0,
            quarantine_rows: 0,
            sent_rows: 0,
            read: 0,
            dry_run: request.dry_run,
            delivery: None,
            warnings: left_alone(&forest, &theirs)
                .iter()
                .map(|once| format!("{once} was linked to them once and is kept: erase it too if it is theirs"))
                .collect(),
        };
        if theirs.is_empty() {
            return Ok(report);
        }
        let stated = theirs.iter().all(|subject| forest.up(subject).is_some_and(|up| up.erased.is_some()));
        // Whoever erases twice, or goes on after a crash, has stated it already; what a tool stated is stated by us too,
        // because the tool's own words are about to go.
        if !request.dry_run && (!stated || request.person.is_none()) {
            let statement = OperatorStatement::Erase { subjects: report.subjects.clone() };
            report.delivery = Some(self.state_as_operator(&statement).await?);
        }
        if !request.dry_run {
            self.normalize.forget_again(&theirs).await?;
        }
        let cited = self.redact_journal(&theirs, &mut report).await?;
        if !request.dry_run {
            report.timeline_rows = number(self.store().redact_timeline(&cited).await?);
            report.quarantine_rows = number(self.store().redact_quarantine(&cited).await?);
            let addresses = theirs.iter().filter_map(|subject| subject.as_email().map(str::to_lowercase)).collect();
            let erased = Erased { deliveries: cited, addresses, subjects: theirs };
            let rows = self.store().redact_sent(&erased).await?;
            let kept = self.redact_aside(&erased).await?;
            let waiting = self.given_up.redact_waiting(&erased, &self.stack).await?;
            report.sent_rows = number(rows + kept + waiting.changed);
            report.warnings.extend(waiting.warnings);
        }
        Ok(report)
    }

    /// Rewrites the bodies; gives the deliveries that had something to rewrite, now or before: an erasure that was broken off
    /// may not have come to what cites them.
    async fn redact_journal(
        &self,
        theirs: &BTreeSet<SubjectId>,
        report: &mut EraseReport,
    ) -> Result<BTreeSet<DeliveryId>, HostError> {
        let mut cited = BTreeSet::new();
        let mut after = None;
        loop {
            let (deliveries, next) = self.store().journal_page(after.as_ref(), PAGE).await?;
            for delivery in &deliveries {
                report.read = report.read.saturating_add(1);
                let left = match redacted(delivery, theirs, self.config()) {
                    Redacted::Untouched => {
                        cited.extend(is_rewritten(&delivery.body).then(|| delivery.id.clone()));
                        continue;
                    }
                    Redacted::Whole => {
                        report.bodies += 1;
                        ERASED_BODY.to_vec()
                    }
                    Redacted::Part(left) => {
                        report.parts += 1;
                        left
                    }
                };
                if !report.dry_run {
                    self.store().redact(&delivery.id, &left, self.clock().now()).await?;
                }
                cited.insert(delivery.id.clone());
            }
            after = next;
            if after.is_none() {
                return Ok(cited);
            }
            tokio::time::sleep(PAGE_TAKES).await;
        }
    }

    /// People whom a tool told us to forget and whose bodies are still in the journal: the one that told us, at least.
    pub(super) async fn pending_erasures(&self, forest: &Forest) -> Result<BTreeSet<SubjectId>, HostError> {
        let mut pending = BTreeSet::new();
        for (subject, up) in forest.subjects() {
            let Some(erased) = &up.erased else { continue };
            let theirs = BTreeSet::from([subject.clone()]);
            let told = self.store().delivery(&erased.stamp.delivery).await?;
            if told.is_some_and(|delivery| speaks_of(&delivery, &theirs, self.config())) {
                pending.insert(subject.clone());
            }
        }
        Ok(pending)
    }
}

/// The person that a text means.
fn person_of(forest: &Forest, text: &str) -> Result<SubjectId, HostError> {
    let refused = |message: String| {
        let help = "name an email address, or the id of a contact, user or answer, such as hubspot:contact:51; \
                    companies and domains are nobody's to be forgotten";
        Err(HostError::NotFound { message, help: help.to_owned() })
    };
    match as_subject(text) {
        None => refused(format!("`{text}` is no email address and no id")),
        Some(subject) if !is_person(&subject) => refused(format!("{subject} is no person")),
        // An address is erased before anybody speaks of it, too: what comes later is ignored then.
        Some(subject) if subject.as_email().is_some() || forest.has_heard_of(&subject) => Ok(subject),
        Some(subject) => refused(format!("nobody has spoken of {subject}")),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
