//! `barometer doctor`: sends each connection a delivery of our own, and asks the host how all of it stands.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::Moment;

use super::Surroundings;
use super::simulate::{self, Target};
use crate::api::{ClockNow, ConnectionRow, DoctorReport, DoctorRequest, SelfTest, Status, route};
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
    here.answer(&report, |report| show::doctor(report, here.style))?;
    match report.to_mend {
        0 => Ok(()),
        findings => Err(Failure::ToMend { findings }.into()),
    }
}

async fn look(here: &Surroundings, session: &Session, args: DoctorArgs) -> Result<DoctorReport, miette::Report> {
    let client = &session.client;
    let status: Status = client.get(route::STATUS).await?;
    let accepting: Vec<ConnectionRow> = status.connections.iter().filter(|row| row.accepts).cloned().collect();
    let target = Target::local(client, status.connections.clone(), &session.secrets)?;
    let mut self_tests = Vec::new();
    for connection in &accepting {
        self_tests.extend(sent(here, client, &target, (connection, None)).await?);
    }
    let mut silent: BTreeMap<&str, String> = BTreeMap::new();
    for connection in accepting.iter().filter(|_| !args.offline) {
        let Some(url) = args.address.as_deref().or(connection.public_url.as_deref()) else { continue };
        // Who does not answer once is not waited for again.
        if let Some(error) = silent.get(url) {
            self_tests.push(unanswered(here, connection, url, error.clone()));
            continue;
        }
        let target = Target::public(url, status.connections.clone(), &session.secrets)?;
        let test = sent(here, client, &target, (connection, Some(url))).await?;
        let error = test.as_ref().filter(|test| test.status.is_none()).and_then(|test| test.error.clone());
        silent.extend(error.map(|error| (url, error)));
        self_tests.extend(test);
    }
    if !self_tests.is_empty() {
        let settled = client.settle(READ_WITHIN_MS).await?;
        // What waits for a vendor is another matter; what was sent here has been read.
        self_tests.iter_mut().for_each(|test| test.is_read = settled.waiting_records == 0);
    }
    let request = DoctorRequest { offline: args.offline, was_running: session.was_running(), self_tests };
    Ok(client.post(route::DOCTOR, &request).await?)
}

/// When the delivery is said to be made: through the public address it is another one.
fn made_at(here: &Surroundings, through: Option<&str>) -> Moment {
    if through.is_some() { here.now.plus(SignedDuration::from_millis(1)) } else { here.now }
}

fn unanswered(here: &Surroundings, connection: &ConnectionRow, through: &str, error: String) -> SelfTest {
    SelfTest {
        delivery: connectors::self_test::delivery(&connection.name, made_at(here, Some(through))),
        connection: connection.name.clone(),
        through: Some(through.to_owned()),
        status: None,
        error: Some(error),
        is_read: false,
    }
}

/// Posts a delivery that says nothing in a connection's name.
async fn sent(
    here: &Surroundings,
    client: &Client,
    target: &Target,
    (connection, through): (&ConnectionRow, Option<&str>),
) -> Result<Option<SelfTest>, Failure> {
    let Some(connector) = connectors::by_name(&connection.tool) else { return Ok(None) };
    let delivery = SampleDelivery {
        name: "self-test".to_owned(),
        connection: connection.name.clone(),
        family: connection.family,
        tool: connector.tool().name,
        phase: None,
        body: connectors::self_test::body(made_at(here, through)),
    };
    // Signed by the host's clock, as a tool's own clock is taken to agree with it.
    let ClockNow { now, .. } = client.get(route::CLOCK).await?;
    let answer = simulate::post(target, &delivery, now).await?;
    Ok(Some(SelfTest {
        delivery: connectors::self_test::delivery(&connection.name, made_at(here, through)),
        connection: connection.name.clone(),
        through: through.map(str::to_owned),
        status: answer.status,
        error: answer.error,
        is_read: false,
    }))
}
