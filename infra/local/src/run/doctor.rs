//! `barometer doctor`: sends each connection a delivery of our own, and asks the host how all of it stands. With `--aws` the
//! deliveries go to a deployed stack.

use std::collections::BTreeMap;

use ::config::Config;
use jiff::SignedDuration;
use model::Moment;

use super::Surroundings;
use super::simulate::{self, Target};
use crate::api::{ClockNow, ConnectionRow, DoctorReport, DoctorRequest, SelfTest, Status, route};
use crate::aws::{self, Deployed};
use crate::cli::DoctorArgs;
use crate::client::{Client, Session};
use crate::failure::Failure;
use crate::samples::SampleDelivery;
use crate::show;

/// How long the host may take to read what was sent, in milliseconds.
const READ_WITHIN_MS: u64 = 10_000;

/// Carries the command out.
pub(super) async fn doctor(here: &Surroundings, args: DoctorArgs) -> Result<(), miette::Report> {
    let session = Client::connect_or_start(&here.global, here.serve).await?;
    let looked = look(here, &session, args).await;
    // Also after a failure: a host that was started for this command must end in good order.
    let closed = session.close().await;
    let report = looked?;
    closed?;
    tell(here, &report)
}

/// The same for a deployed stack that runs with this configuration.
pub(super) async fn of_a_stack(here: &Surroundings, config: Config, args: DoctorArgs) -> Result<(), miette::Report> {
    let stack = aws::deployed(&here.global.stack, config).await?;
    let mut own = Vec::new();
    for (row, url) in stack.connections() {
        let target = Target::deployed(&url, vec![row.clone()], stack.secrets())?;
        own.push(Own { connection: row, target, url: Some(url) });
    }
    let rows: Vec<_> = own.iter().map(|own| own.connection.clone()).collect();
    let public = |url: &str| Target::deployed(url, rows.clone(), stack.secrets());
    let posts = Posts { here, signed_at: SignedAt::Machine(&stack), own };
    let mut self_tests = posts.all(&args, public).await?;
    stack.note_read(&mut self_tests, here.now).await.map_err(miette::Report::from)?;
    let request = DoctorRequest { offline: args.offline, was_running: true, self_tests };
    tell(here, &stack.look(&request).await.map_err(miette::Report::from)?)
}

fn tell(here: &Surroundings, report: &DoctorReport) -> Result<(), miette::Report> {
    here.answer(report, |report| show::doctor(report, here.style))?;
    match report.to_mend {
        0 => Ok(()),
        findings => Err(Failure::ToMend { findings }.into()),
    }
}

async fn look(here: &Surroundings, session: &Session, args: DoctorArgs) -> Result<DoctorReport, miette::Report> {
    let client = &session.client;
    let status: Status = client.get(route::STATUS).await?;
    let mut own = Vec::new();
    for connection in status.connections.iter().filter(|row| row.accepts).cloned() {
        let target = Target::local(client, status.connections.clone(), &session.secrets)?;
        own.push(Own { connection, target, url: None });
    }
    let public = |url: &str| Target::public(url, status.connections.clone(), &session.secrets);
    let posts = Posts { here, signed_at: SignedAt::Host(client), own };
    let mut self_tests = posts.all(&args, public).await?;
    if !self_tests.is_empty() {
        let settled = client.settle(READ_WITHIN_MS).await?;
        // What waits for a vendor is another matter; what was sent here has been read.
        self_tests.iter_mut().for_each(|test| test.is_read = settled.waiting_records == 0);
    }
    let request = DoctorRequest { offline: args.offline, was_running: session.was_running(), self_tests };
    Ok(client.post(route::DOCTOR, &request).await?)
}

/// Deliveries of our own that are posted.
struct Posts<'a> {
    here: &'a Surroundings,
    signed_at: SignedAt<'a>,
    own: Vec<Own>,
}

/// By whose clock they are signed.
enum SignedAt<'a> {
    /// The host's, as a tool's own clock is taken to agree with it.
    Host(&'a Client),
    /// This machine's.
    Machine(&'a Deployed),
}

/// A connection that takes deliveries, and where.
struct Own {
    connection: ConnectionRow,
    target: Target,
    /// The address, where it is public.
    url: Option<String>,
}

impl Posts<'_> {
    /// Posts to each connection's own address, and, unless nobody outside is asked, through the public one.
    async fn all(
        &self,
        args: &DoctorArgs,
        public: impl Fn(&str) -> Result<Target, miette::Report>,
    ) -> Result<Vec<SelfTest>, miette::Report> {
        let mut self_tests = Vec::new();
        for own in &self.own {
            self_tests.extend(self.sent(&own.target, &own.connection, None).await?);
        }
        let mut silent: BTreeMap<&str, String> = BTreeMap::new();
        for Own { connection, url: own, .. } in self.own.iter().filter(|_| !args.offline) {
            let Some(url) = args.address.as_deref().or(connection.public_url.as_deref()) else { continue };
            // What was posted there already is not posted there again.
            if own.as_deref().is_some_and(|own| own.trim_end_matches('/') == url.trim_end_matches('/')) {
                continue;
            }
            // Who does not answer once is not waited for again.
            if let Some(error) = silent.get(url) {
                self_tests.push(self.unanswered(connection, url, error.clone()));
                continue;
            }
            let test = self.sent(&public(url)?, connection, Some(url)).await?;
            let error = test.as_ref().filter(|test| test.status.is_none()).and_then(|test| test.error.clone());
            silent.extend(error.map(|error| (url, error)));
            self_tests.extend(test);
        }
        Ok(self_tests)
    }

    /// When the delivery is said to be made: through the public address it is another one.
    fn made_at(&self, through: Option<&str>) -> Moment {
        let now = self.here.now;
        if through.is_some() { now.plus(SignedDuration::from_millis(1)) } else { now }
    }

    fn unanswered(&self, connection: &ConnectionRow, through: &str, error: String) -> SelfTest {
        let delivery = connectors::self_test::delivery(&connection.name, self.made_at(Some(through)));
        SelfTest {
            delivery,
            connection: connection.name.clone(),
            through: Some(through.to_owned()),
            status: None,
            error: Some(error),
            is_read: false,
            unseen: None,
        }
    }

    /// Posts a delivery that says nothing in a connection's name.
    async fn sent(
        &self,
        target: &Target,
        connection: &ConnectionRow,
        through: Option<&str>,
    ) -> Result<Option<SelfTest>, Failure> {
        let Some(connector) = connectors::by_name(&connection.tool) else { return Ok(None) };
        let delivery = SampleDelivery {
            name: "self-test".to_owned(),
            connection: connection.name.clone(),
            family: connection.family,
            tool: connector.tool().name,
            phase: None,
            body: connectors::self_test::body(self.made_at(through)),
        };
        let answer = simulate::post(target, &delivery, self.signed_at.now().await?).await?;
        Ok(Some(SelfTest {
            delivery: connectors::self_test::delivery(&connection.name, self.made_at(through)),
            connection: connection.name.clone(),
            through: through.map(str::to_owned),
            status: answer.status,
            error: answer.error,
            is_read: false,
            unseen: None,
        }))
    }
}

impl SignedAt<'_> {
    async fn now(&self) -> Result<Moment, Failure> {
        match self {
            Self::Host(client) => {
                let ClockNow { now, .. } = client.get(route::CLOCK).await?;
                Ok(now)
            }
            Self::Machine(stack) => Ok(stack.now()),
        }
    }
}
