//! `barometer doctor`: sends each connection a delivery of our own, and asks the host how all of it stands.

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
    let target = Target::local(client, status.connections, &session.secrets)?;
    let mut self_tests = Vec::new();
    for connection in &accepting {
        self_tests.extend(sent(here, client, &target, connection).await?);
    }
    if !self_tests.is_empty() {
        let settled = client.settle(READ_WITHIN_MS).await?;
        // What waits for a vendor is another matter; what was sent here has been read.
        self_tests.iter_mut().for_each(|test| test.is_read = settled.waiting_records == 0);
    }
    let request = DoctorRequest { offline: args.offline, was_running: session.was_running(), self_tests };
    Ok(client.post(route::DOCTOR, &request).await?)
}

/// Posts a delivery that says nothing in a connection's name.
async fn sent(
    here: &Surroundings,
    client: &Client,
    target: &Target,
    connection: &ConnectionRow,
) -> Result<Option<SelfTest>, Failure> {
    let Some(connector) = connectors::by_name(&connection.tool) else { return Ok(None) };
    let delivery = SampleDelivery {
        name: "self-test".to_owned(),
        connection: connection.name.clone(),
        family: connection.family,
        tool: connector.tool().name,
        phase: None,
        body: connectors::self_test::body(here.now),
    };
    // Signed by the host's clock, as a tool's own clock is taken to agree with it.
    let ClockNow { now, .. } = client.get(route::CLOCK).await?;
    let answer = simulate::post(target, &delivery, now).await?;
    Ok(Some(SelfTest {
        delivery: connectors::self_test::delivery(&connection.name, here.now),
        connection: connection.name.clone(),
        status: answer.status,
        error: answer.error,
        is_read: false,
    }))
}
