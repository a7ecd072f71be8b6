//! The past of a connection, read page by page from its vendor's API into the journal.
//!
//! A record is journaled like the answer about that record alone, under an id that follows from its version. Where the next
//! page begins is kept after the records of a page are: whoever is killed in between reads that page once more, and it is the
//! same deliveries.

use actions::vendor::{Api, ApiToken, GetError, Told};
use config::{Config, Connection};
use connectors::{Connector, FETCHED, FETCHED_STATUS, FetchCall, Listed, ListedRecord};
use jiff::SignedDuration;
use model::{Delivery, DeliveryId, stable_hash};
use sha2::{Digest as _, Sha256};
use store::{Backfill, BackfillCount, Journaled, Leave};

use super::error::refused;
use super::{HostError, Operator};
use crate::api::{BackfillPage, BackfillRequest};

/// How long a vendor that does not answer is left alone, in milliseconds.
const REST_MS: u64 = 2_000;
/// A longer `Retry-After` is taken for a slip, in seconds.
const LONGEST_REST: u64 = 3_600;
/// How far back tickets are read where nobody says since when: nothing counts them longer.
const PAST: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Operator {
    /// Reads the next page into the journal.
    ///
    /// # Errors
    /// When nothing of that name can be listed, the vendor refuses, or the tables do not answer. Asked again, it goes on.
    pub async fn backfill(&self, request: &BackfillRequest) -> Result<BackfillPage, HostError> {
        let (connection, connector) = listing(self.config(), &request.of)?;
        let (mut held, resumed) = self.place(connection, connector, request).await?;
        let mut page = BackfillPage {
            connection: connection.name.clone(),
            changed_since: held.changed_since,
            resumed,
            read: held.read.clone(),
            done: held.kind.is_none(),
            wait_ms: None,
            because: None,
            warnings: vec![],
        };
        let Some(kind) = held.kind.clone() else { return Ok(page) };
        if held.changed_since.is_some() && connector.asks_after().contains(&kind.as_str()) {
            let asked = self.ask_after((connection, connector), &kind, &mut held).await?;
            (page.read, page.done) = (held.read.clone(), held.kind.is_none());
            (page.wait_ms, page.because) = asked.map(|rest| (rest.ms, rest.because)).unzip();
            return Ok(page);
        }
        let since = held.changed_since.unwrap_or_else(|| self.clock().now().plus(-PAST));
        let call = connector.list(&kind, held.after.as_deref(), since, &connection.mapping);
        let Some(call) = call else {
            return Err(refused(format!("`{}` lists no {kind}", connection.tool), "--restart begins anew"));
        };
        let listed = match self.read((connection, connector), &kind, &call).await? {
            Ok(listed) => listed,
            Err(Rest { ms, because }) => {
                (page.wait_ms, page.because) = (Some(ms), Some(because));
                return Ok(page);
            }
        };
        let count = held.read.entry(kind.clone()).or_default();
        for record in &listed.records {
            page.warnings.extend(self.keep(connection, record, held.changed_since, count).await?);
        }
        held.kind = if listed.next.is_some() { Some(kind) } else { following(connector, &held, &kind) };
        held.after = listed.next;
        self.store().set_backfill(&connection.name, &held).await?;
        (page.done, page.read) = (held.kind.is_none(), held.read);
        Ok(page)
    }

    /// What a call tells of a list, or that it is to be made later.
    pub(super) async fn read(
        &self,
        (connection, connector): (&Connection, &dyn Connector),
        kind: &str,
        call: &FetchCall,
    ) -> Result<Result<Listed, Rest>, HostError> {
        let api = self.api(connection)?;
        let most = connection.api.map_or(1, |api| api.per_ten_seconds);
        if let Leave::NotBefore(at) = self.store().may_call(&connection.name, most, self.clock().now()).await? {
            let wait = at.since(self.clock().now()).as_millis();
            let ms = u64::try_from(wait).unwrap_or(REST_MS).max(1);
            return Ok(Err(Rest { ms, because: "no more calls are made in these ten seconds".to_owned() }));
        }
        let body = match api.read(&call.path, call.body.as_deref()).await {
            Ok(Told::Object(body)) => body,
            Ok(Told::Gone { status, .. }) => {
                let message = format!("`{}` has no list of {kind} ({status})", connection.name);
                return Err(refused(message, "check `api_url` in connections.toml"));
            }
            Err(GetError::SlowDown { after_s }) => {
                let ms = after_s.unwrap_or(10).clamp(1, LONGEST_REST) * 1_000;
                return Ok(Err(Rest { ms, because: "the vendor asks for fewer calls".to_owned() }));
            }
            Err(GetError::Retry { reason }) => return Ok(Err(Rest { ms: REST_MS, because: reason })),
            Err(refusal @ (GetError::Unauthorized | GetError::Refused { .. })) => {
                let message = format!("{kind} of `{}` cannot be read: {refusal}", connection.name);
                return Err(refused(message, "mend that and run the command again: it goes on where it was"));
            }
        };
        let listed = connector.listed(kind, &body).map_err(|reason| {
            let message = format!("a page of {kind} of `{}` is not understood: {reason}", connection.name);
            refused(message, "run the command again; if it stays so, the API may have changed")
        })?;
        Ok(Ok(listed))
    }

    /// Where to go on, and whether an earlier command had begun.
    async fn place(
        &self,
        connection: &Connection,
        connector: &dyn Connector,
        request: &BackfillRequest,
    ) -> Result<(Backfill, bool), HostError> {
        let held = self.store().backfill(&connection.name).await?;
        let anew = || Backfill {
            changed_since: request.changed_since,
            kind: connector.lists().first().map(|kind| (*kind).to_owned()),
            ..Backfill::default()
        };
        match held {
            Some(held) if !request.restart && (held.kind.is_some() || !request.begin) => {
                if request.changed_since.is_some() && request.changed_since != held.changed_since {
                    let since = held
                        .changed_since
                        .map_or_else(|| "all records".to_owned(), |at| format!("what changed since {at}"));
                    let message = format!("a backfill of `{}` is under way, of {since}", connection.name);
                    return Err(refused(
                        message,
                        "leave --changed-since out to go on with it, or begin anew with --restart",
                    ));
                }
                Ok((held, request.begin))
            }
            Some(_) | None => Ok((anew(), false)),
        }
    }

    fn api(&self, connection: &Connection) -> Result<Api, HostError> {
        let name = &connection.name;
        let secrets = (self.secrets)().map_err(|reason| refused(reason, "mend the file of secrets"))?;
        let token = secrets.connections.get(name).and_then(|secrets| secrets.token.clone());
        let token = token.ok_or_else(|| {
            let help = format!("put it into {}; it must be allowed to read", self.secrets_are_in.token_of(name));
            refused(format!("there is no token for `{name}`"), &help)
        })?;
        let bearer = ApiToken::new(&token).map_err(|problem| {
            let help = format!("mend {}", self.secrets_are_in.token_of(name));
            refused(format!("the token of `{name}` cannot be used: {problem}"), &help)
        })?;
        let url = connection.api_url.as_ref().ok_or_else(|| {
            refused(format!("`[connection.{name}]` names no `api_url`"), "add it to connections.toml")
        })?;
        Ok(Api::new(self.seam.clone(), url, bearer))
    }

    /// Journals a record; gives a sentence where it cannot be kept.
    async fn keep(
        &self,
        connection: &Connection,
        record: &ListedRecord,
        since: Option<model::Moment>,
        count: &mut BackfillCount,
    ) -> Result<Option<String>, HostError> {
        if since.zip(record.changed_at).is_some_and(|(since, changed)| changed < since) {
            count.older += 1;
            return Ok(None);
        }
        let version = record.changed_at.map_or_else(|| stable_hash(&[&record.body]), |at| at.to_string());
        match self.journal_answer(connection, (&record.object, "200"), &version, &record.body).await? {
            Journaled::New | Journaled::KeptBeside(_) => count.new += 1,
            Journaled::Repeated => count.known += 1,
            Journaled::TooLarge => {
                return Ok(Some(format!("{} is too large to be kept; map fewer properties", record.object)));
            }
        }
        Ok(None)
    }

    /// Journals what the vendor answered about one record, under an id that follows from its `version`.
    pub(super) async fn journal_answer(
        &self,
        connection: &Connection,
        (object, status): (&str, &str),
        version: &str,
        body: &str,
    ) -> Result<Journaled, HostError> {
        let body = body.as_bytes().to_vec();
        let headers = [(FETCHED, object), (FETCHED_STATUS, status)];
        let delivery = Delivery {
            id: DeliveryId::of_history(&connection.name, &format!("{object}~{version}")),
            connection: connection.name.clone(),
            family: connection.family,
            received_at: self.clock().receipt()?,
            body_sha256: hex::encode(Sha256::digest(&body)),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body,
            same_key_as: None,
        };
        Ok(self.store().journal(&delivery).await?)
    }
}

/// The connection whose vendor's API lists records, and how.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn listing<'a>(config: &'a Config, of: &str) -> Result<(&'a Connection, &'static dyn Connector), HostError> {
    let all = config.connections.iter().filter(|connection| connection.enabled);
    let able = all.filter_map(|connection| {
        connectors::by_name(&connection.tool).filter(|tool| !tool.lists().is_empty()).map(|tool| (connection, tool))
    });
    let able: Vec<_> = able.collect();
    let is_it = |(connection, _): &&(&Connection, &dyn Connector)| {
        connection.name.as_str() == of || connection.tool.split('-').next() == Some(of)
    };
    let names: Vec<_> = able.iter().map(|(connection, _)| connection.name.to_string()).collect();
    let found = able.iter().find(is_it).map(|(connection, tool)| (*connection, *tool));
    found.ok_or_else(|| {
        let help = format!("there is {}; HubSpot's records are listed by `hubspot-app`", names.join(", "));
        refused(format!("nothing of `{of}` can be listed"), &help)
    })
}

/// The vendor is asked again after so many milliseconds of real time.
pub(super) struct Rest {
    pub ms: u64,
    pub because: String,
}

/// The kind that is read after `kind`, if any is. Who asks what changed may have missed that something was deleted.
pub(super) fn following(connector: &dyn Connector, held: &Backfill, kind: &str) -> Option<String> {
    let deleted = held.changed_since.map(|_| connector.lists_deleted().iter().chain(connector.asks_after()));
    let kinds = connector.lists().iter().chain(deleted.into_iter().flatten());
    kinds.skip_while(|of| **of != kind).nth(1).map(|kind| (*kind).to_owned())
}
