//! A look at everything that real webhooks and messages need. Nothing is changed, here or at a vendor's.
//!
//! One file per vendor that can be asked. A new destination, or a vendor whose API tells how it is set up, gets a file beside
//! these and a line in [`Host::doctor`].

pub(crate) mod checks;
mod connection;
mod dates;
mod email;
mod hubspot;
mod own;
pub(crate) mod slack;
mod typeform;
mod zendesk;

use actions::vendor::{Api, ApiToken};
use config::Connection;
use config::secrets::SecretsFile;
use runtime::seam::Seam;

use super::{Host, HostError};
use crate::api::{CheckState, DoctorReport, DoctorRequest, route};
use checks::Checks;
use dates::Dates;

/// What the checks work with.
struct Look<'a> {
    host: &'a Host,
    request: &'a DoctorRequest,
    secrets: &'a SecretsFile,
    /// The host's seam, past which the dates of answers are noted.
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
        let dates = Dates::default();
        let read = (self.secrets)();
        let secrets = read.clone().unwrap_or_default();
        let look = Look { host: self, request, secrets: &secrets, seam: dates.noting(&self.seam, &self.clock) };
        let mut rest = Checks::default();
        let heard = self.store.heard().await?;
        for connection in self.config.connections.iter().filter(|connection| connection.enabled) {
            rest.about(format!("connection {}", connection.name));
            look.connection(connection, heard.get(&connection.name), &mut rest).await?;
            match connection.tool.as_str() {
                "hubspot-workflow" | "hubspot-app" => look.portal(connection, &mut rest).await,
                "zendesk" => look.zendesk(connection, &mut rest).await,
                "typeform" => look.typeform(connection, &mut rest).await,
                _ => {}
            }
        }
        rest.about("destination slack");
        look.slack(&mut rest).await;
        rest.about("destination hubspot");
        look.hubspot(&mut rest).await;
        rest.about("destination email");
        look.email(&mut rest).await;
        // What concerns all of them stands first, although the clock is compared last.
        let mut checks = Checks::default();
        checks.about("host");
        look.running(address, read.err().as_deref(), &mut checks);
        checks.push(own::clock(self.clock_now(), &dates.told(), request.offline));
        let checks: Vec<_> = checks.rows.into_iter().chain(rest.rows).collect();
        let to_mend = checks.iter().filter(|row| row.state == CheckState::Mend).count();
        Ok(DoctorReport { as_of: self.clock.now(), checks, to_mend: u32::try_from(to_mend).unwrap_or(u32::MAX) })
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
                "put `token = \"…\"` under [connections.{name}] in the file of secrets; {} says where to make one",
                page(&connection.tool)
            )),
        })?;
        let token = ApiToken::new(token).map_err(|problem| NotAsked {
            why: format!("not asked: {problem}"),
            how: Some(format!("mend `token` under [connections.{name}] in the file of secrets")),
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
    let url = connection.public_url.as_deref()?.trim_end_matches('/');
    Some(format!("{url}{}", route::hook(connection.family, &connection.name)))
}

/// The page that says how to set a tool up.
fn page(tool: &str) -> String {
    format!("shared/connectors/src/{}/README.md", tool.replace('-', "_"))
}
