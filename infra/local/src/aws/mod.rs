//! A deployed stack, asked from here. What it is made of, CloudFormation says; the tables are read and written by the same
//! store that its functions use, and the questions are answered by the same code that a host answers them with.

mod call;
mod leftovers;
mod resources;
#[cfg(test)]
mod tests;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::secrets::{DestinationSecrets, SecretsFile};
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::seam::Seam;
use runtime::secrets::{SecretMap, Secrets};
use store::{Store, Tables};

use crate::client::Client;
use crate::clock::HostClock;
use crate::failure::Failure;
use crate::host::given_up::GivenUp;
use crate::host::{HostError, Means, Operator, remote};
use crate::template::Stack;
use call::Aws;
pub use leftovers::Leftovers;
use resources::Resources;

/// No call takes longer: a function of the stack ends within 40 s.
const LONGEST: Duration = Duration::from_secs(60);
/// Where secrets are, in words.
const PARAMETERS: &str = "the stack's parameters";

/// What a command needs of a stack besides its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Tables,
    /// Whether there is what messages are sent with.
    Secrets,
}

/// A client of the stack called `name`, which runs with this configuration. Region and key are those of the environment.
pub(crate) async fn connect(name: &str, config: Config, needs: Needs) -> Result<Client, miette::Report> {
    let mut environment = Environment::default();
    let settings = AwsSettings::from_env(&mut environment);
    environment.finish().map_err(|missing| Failure::Refused {
        message: missing.to_string(),
        help: Some("`aws configure export-credentials --format env` prints what to export; AWS_REGION too".to_owned()),
    })?;
    // A function that is handed something may take its whole time.
    let seam = Seam::network_within(LONGEST).map_err(Failure::NoClient)?;
    let aws = Aws { seam, settings, clock: HostClock::of_this_machine() };
    Ok(Client::here(remote::router(Arc::new(operator(&aws, name, config, needs).await?))))
}

async fn operator(aws: &Aws, name: &str, config: Config, needs: Needs) -> Result<Operator, miette::Report> {
    let resources = Resources::of(aws, name).await?;
    let tables = Tables { journal: resources.physical("Journal")?, accounts: resources.physical("Accounts")? };
    let secrets = match needs {
        Needs::Tables => SecretsFile::default(),
        Needs::Secrets => secrets(aws, &resources.physical("Bus")?).await?,
    };
    Ok(Operator::new(Means {
        config: Arc::new(config),
        stack: Arc::new(Stack::built_in().map_err(HostError::from)?),
        clock: aws.clock.clone(),
        store: Store::connect(&aws.seam, &aws.settings, tables),
        secrets: Arc::new(move || Ok(secrets.clone())),
        secrets_are_in: PARAMETERS,
        given_up: GivenUp::Aws(Leftovers::new(aws.clone(), resources)),
    }))
}

/// What the stack's functions call others with. The bus and the path of the secrets bear the same name, the template's.
async fn secrets(aws: &Aws, name: &str) -> Result<SecretsFile, Failure> {
    let mut file = SecretsFile::default();
    for destination in ["slack", "hubspot"] {
        let path = format!("/{name}/destinations/{destination}");
        let held = Secrets::in_ssm(&aws.seam, &aws.settings, &path).get(aws.clock.now()).await;
        let held = held.map_err(|error| Failure::Refused {
            message: error.to_string(),
            help: Some(format!("allow ssm:GetParametersByPath on parameter{path}")),
        })?;
        file.destinations.insert(destination.to_owned(), of_destination(&held));
    }
    // Mail is signed with the role of the function that sends it.
    let role = DestinationSecrets { token: Some("role".to_owned()), ..DestinationSecrets::default() };
    file.destinations.insert("email".to_owned(), role);
    Ok(file)
}

fn of_destination(held: &SecretMap) -> DestinationSecrets {
    let text = |name: &str| held.get(name).map(|secret| secret.reveal().to_owned());
    DestinationSecrets { token: text("token"), webhook: text("webhook"), base_url: text("base_url"), aws: None }
}
