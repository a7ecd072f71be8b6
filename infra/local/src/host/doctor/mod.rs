//! A look at everything that real webhooks and messages need. Nothing is changed, here or at a vendor's.
//!
//! One file per vendor that can be asked. A new destination, or a vendor whose API tells how it is set up, gets a file beside
//! these and a line in [`Operator::looked_at`].

pub(crate) mod checks;
mod connection;
mod dates;
mod email;
mod hubspot;
mod own;
pub(crate) mod place;
pub(crate) mod slack;
mod typeform;
mod zendesk;

use actions::vendor::{Api, ApiToken};
use config::Connection;
use config::secrets::SecretsFile;
use runtime::seam::Seam;

use super::{Host, HostError, Operator};
use crate::api::{CheckRow, CheckState, DoctorReport, DoctorRequest};
use checks::Checks;
use dates::{Dated, Dates};
use place::{Given, Place};

/// What the checks work with.
struct Look<'a> {
    operator: &'a Operator,
    place: &'a Place,
    request: &'a DoctorRequest,
    secrets: &'a SecretsFile,
    /// The way to vendors, past which the dates of answers are noted.
    seam: Seam,
}

/// Why a vendor is not asked, and what to do about it.
struct NotAsked {
    why: String,
    how: Option<String>,
}

impl Host {
    /// Looks at the host, its connections and its destinations.
    ///
    /// # Errors
    /// When the tables do not answer. What is wrong outside is no error but a finding.
    pub async fn doctor(
        &self,
        request: &DoctorRequest,
        address: std::net::SocketAddr,
    ) -> Result<DoctorReport, HostError> {
        let read = (self.secrets)();
        let secrets = read.clone().unwrap_or_default();
        let (rest, dates) = self.looked_at(request, &Place::Here, &secrets).await?;
        // What concerns all of them stands first, although the clock is compared last.
        let mut checks = Checks::default();
        checks.about("host");
        own::running(request, address, read.err().as_deref(), &mut checks);
        checks.push(own::clock(self.clock_now(), &dates, request.offline));
        checks.rows.extend(rest);
        Ok(self.report(checks.rows))
    }
}

impl Operator {
    /// Looks at connections and destinations of a stack that runs in this place; also gives what vendors say of the time.
    pub(crate) async fn looked_at(
        &self,
        request: &DoctorRequest,
        place: &Place,
        secrets: &SecretsFile,
    ) -> Result<(Vec<CheckRow>, Vec<Dated>), HostError> {
        let dates = Dates::default();
        let look = Look { operator: self, place, request, secrets, seam: dates.noting(&self.seam, &self.clock) };
        let mut checks = Checks::default();
        let heard = self.store.heard().await?;
        for connection in self.config.connections.iter().filter(|connection| connection.enabled) {
            checks.about(format!("connection {}", connection.name));
            look.connection(connection, heard.get(&connection.name), &mut checks).await?;
            match connection.tool.as_str() {
                "hubspot-workflow" | "hubspot-app" => look.portal(connection, &mut checks).await,
                "zendesk" => look.zendesk(connection, &mut checks).await,
                "typeform" => look.typeform(connection, &mut checks).await,
                _ => {}
            }
        }
        checks.about("destination slack");
        look.slack(&mut checks).await;
        checks.about("destination hubspot");
        look.hubspot(&mut checks).await;
        checks.about("destination email");
        look.email(&mut checks).await;
        Ok((checks.rows, dates.told()))
    }

    /// What was found, as it is told.
    pub(crate) fn report(&self, checks: Vec<CheckRow>) -> DoctorReport {
        let to_mend = checks.iter().filter(|row| row.state == CheckState::Mend).count();
        DoctorReport { as_of: self.clock.now(), checks, to_mend: u32::try_from(to_mend).unwrap_or(u32::MAX) }
    }
}

impl Look<'_> {
    /// The API of a connection's tool, if it may be asked and can be.
    fn api(&self, connection: &Connection) -> Result<Api, NotAsked> {
        self.may_ask()?;
        let name = &connection.name;
        let held = self.secrets.connections.get(name).and_then(|secrets| secrets.token.as_deref());
        let token = held.ok_or_else(|| NotAsked {
            why: "not asked: no token".to_owned(),
            how: Some(format!(
                "{}; {} says where to make one",
                self.place.give(Given::Token(connection)),
                page(&connection.tool)
            )),
        })?;
        let token = ApiToken::new(token).map_err(|problem| NotAsked {
            why: format!("not asked: {problem}"),
            how: Some(self.place.again(Given::Token(connection))),
        })?;
        let url = connection.api_url.as_deref().ok_or_else(|| NotAsked {
            why: "not asked: nobody says at which address".to_owned(),
            how: Some(format!("add `api_url = \"https://…\"` under [connection.{name}] in connections.toml")),
        })?;
        Ok(Api::new(self.seam.clone(), url, token))
    }

    fn may_ask(&self) -> Result<(), NotAsked> {
        let asks = !self.request.offline;
        asks.then_some(()).ok_or_else(|| NotAsked { why: "not asked: --offline".to_owned(), how: None })
    }
}

/// Where a connection's tool sends its webhooks; `None` without a `public_url`.
pub(crate) fn hook(connection: &Connection) -> Option<String> {
    Place::Here.hook(connection)
}

/// The page that says how to set a tool up.
fn page(tool: &str) -> String {
    format!("shared/connectors/src/{}/README.md", tool.replace('-', "_"))
}
