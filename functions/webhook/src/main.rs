//! Receives the webhooks of one family of tools. Everything worth reading is in `lib.rs`.

use std::path::Path;
use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use model::Family;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::HttpEvent;
use runtime::seam::Seam;
use runtime::secrets::Secrets;
use store::{Store, Tables};
use webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let tables = Tables::journal_from_env(&mut environment);
    let family = environment.required("FAMILY", "the family of tools, such as crm").parse::<Family>();
    let folder = environment.required("BAROMETER_CONFIG", "the folder with connections.toml");
    let secrets = family.as_ref().map(|family| environment.secrets(family.as_str())).unwrap_or_default();
    environment.finish()?;
    let family = family?;
    let files = config::Files(runtime::env::read_one(Path::new(&folder), config::CONNECTIONS)?);
    let connections = Arc::new(config::connections(&files, &connectors::tools())?);
    let seam = Seam::network()?;
    let secrets = Secrets::in_ssm(&seam, &aws, &secrets);
    let webhook = &Webhook::new(family, connections, Store::connect(&seam, &aws, tables), secrets);
    lambda_runtime::run(service_fn(|event: LambdaEvent<HttpEvent>| async move {
        Ok::<_, Error>(Box::pin(webhook.handle(event.payload)).await)
    }))
    .await
}
