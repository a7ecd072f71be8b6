//! A deployed stack, asked from here. What it is made of, CloudFormation says; the tables are read and written by the same
//! store that its functions use, and the questions are answered by the same code that a host answers them with.

mod call;
mod erasing;
mod leftovers;
mod look;
mod resources;
#[cfg(test)]
mod tests;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::secrets::{ConnectionSecrets, DestinationSecrets, SecretsFile};
use model::ConnectionName;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::seam::Seam;
use runtime::secrets::{SecretMap, Secrets};
use store::{Store, Tables};

use crate::client::Client;
use crate::clock::HostClock;
use crate::failure::Failure;
use crate::host::given_up::GivenUp;
use crate::host::{HostError, Means, Operator, SecretsAreIn, remote};
use crate::template::Stack;
use call::Aws;
pub use leftovers::Leftovers;
pub(crate) use look::{Deployed, deployed};
use resources::{Description, Resources};

/// No call takes longer: a function of the stack ends within 40 s.
const LONGEST: Duration = Duration::from_secs(60);

/// What a command needs of a stack besides its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Tables,
    /// Whether there is what messages are sent with.
    Secrets,
    /// What the API of this connection is read with.
    Token(ConnectionName),
}

/// A client of the stack called `name`, which runs with this configuration. Region and key are those of the environment.
pub(crate) async fn connect(name: &str, config: Config, needs: Needs) -> Result<Client, miette::Report> {
    let aws = reached()?;
    Ok(Client::here(remote::router(Arc::new(operator(&aws, name, config, needs).await?))))
}

/// The account and region that the environment names.
fn reached() -> Result<Aws, Failure> {
    let mut environment = Environment::default();
    let settings = AwsSettings::from_env(&mut environment);
    environment.finish().map_err(|missing| Failure::Refused {
        message: missing.to_string(),
        help: Some("`aws configure export-credentials --format env` prints what to export; AWS_REGION too".to_owned()),
    })?;
    // A function that is handed something may take its whole time.
    let seam = Seam::network_within(LONGEST).map_err(Failure::NoCertificates)?;
    Ok(Aws { seam, settings, clock: HostClock::of_this_machine() })
}

/// A stack as it was deployed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Such as `UPDATE_COMPLETE`.
    pub status: String,
    /// How many calls it keeps for each receiver; 0 where it keeps none.
    pub reserved: i64,
}

/// How the stack called `name` stands; `None` where there is none.
pub(crate) async fn standing(seam: &Seam, settings: &AwsSettings, name: &str) -> Result<Option<Standing>, Failure> {
    let described = Description::of_any(&asking(seam, settings), name).await?;
    Ok(described.map(|stack| Standing { reserved: stack.reserved(), status: stack.status }))
}

/// Whether there is a bus of that name.
pub(crate) async fn has_bus(seam: &Seam, settings: &AwsSettings, name: &str) -> Result<bool, Failure> {
    resources::has_bus(&asking(seam, settings), name).await
}

fn asking(seam: &Seam, settings: &AwsSettings) -> Aws {
    Aws { seam: seam.clone(), settings: settings.clone(), clock: HostClock::of_this_machine() }
}

async fn operator(aws: &Aws, name: &str, config: Config, needs: Needs) -> Result<Operator, miette::Report> {
    let resources = Resources::of(aws, name).await?;
    // The bus and the paths of secrets bear the same name, the template's.
    let name = resources.physical("Bus")?;
    let secrets = match &needs {
        Needs::Tables => SecretsFile::default(),
        Needs::Secrets => secrets(aws, &name).await?,
        Needs::Token(connection) => token(aws, &name, connection).await?,
    };
    operated(aws, resources, config, secrets)
}

/// An operator of the stack that is made of these.
fn operated(aws: &Aws, resources: Resources, config: Config, secrets: SecretsFile) -> Result<Operator, miette::Report> {
    let tables = Tables { journal: resources.physical("Journal")?, accounts: resources.physical("Accounts")? };
    let name = resources.physical("Bus")?;
    Ok(Operator::new(Means {
        config: Arc::new(config),
        stack: Arc::new(Stack::built_in().map_err(HostError::from)?),
        clock: aws.clock.clone(),
        store: Store::connect(&aws.seam, &aws.settings, tables),
        secrets: Arc::new(move || Ok(secrets.clone())),
        secrets_are_in: SecretsAreIn::Parameters { name },
        seam: Seam::network().map_err(Failure::NoCertificates)?,
        given_up: GivenUp::Aws(Leftovers::new(aws.clone(), resources)),
    }))
}

/// What the stack's functions call others with.
async fn secrets(aws: &Aws, name: &str) -> Result<SecretsFile, Failure> {
    let mut file = SecretsFile::default();
    for destination in ["slack", "hubspot"] {
        let held = below(aws, &format!("/{name}/destinations/{destination}")).await?;
        file.destinations.insert(destination.to_owned(), of_destination(&held));
    }
    // Mail is signed with the role of the function that sends it.
    let role = DestinationSecrets { token: Some("role".to_owned()), ..DestinationSecrets::default() };
    file.destinations.insert("email".to_owned(), role);
    Ok(file)
}

/// What `fetch-object` reads the API of a connection with.
async fn token(aws: &Aws, name: &str, connection: &ConnectionName) -> Result<SecretsFile, Failure> {
    let held = below(aws, &format!("/{name}/fetch/{connection}")).await?;
    let token = held.get("token").map(|secret| secret.reveal().to_owned());
    let mut file = SecretsFile::default();
    // What it signs with is not asked for: nothing is received here.
    let secrets = ConnectionSecrets { secret: String::new(), previous: None, token };
    file.connections.insert(connection.clone(), secrets);
    Ok(file)
}

async fn below(aws: &Aws, path: &str) -> Result<Arc<SecretMap>, Failure> {
    let held = Secrets::in_ssm(&aws.seam, &aws.settings, path).get(aws.clock.now()).await;
    held.map_err(|error| Failure::Refused {
        message: error.to_string(),
        help: Some(format!("allow ssm:GetParametersByPath on parameter{path}")),
    })
}

fn of_destination(held: &SecretMap) -> DestinationSecrets {
    let text = |name: &str| held.get(name).map(|secret| secret.reveal().to_owned());
    DestinationSecrets { token: text("token"), webhook: text("webhook"), base_url: text("base_url"), aws: None }
}
