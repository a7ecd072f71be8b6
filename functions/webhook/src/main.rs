//! Receives the webhooks of one family of tools. Everything worth reading is in `lib.rs`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use model::Family;
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::HttpEvent;
use runtime::seam::{Seam, Target};
use runtime::secrets::Secrets;
use store::{Store, Tables};
use webhook::Webhook;

#[expect(clippy::disallowed_methods, reason = "main is where time comes in")]
const NOW: fn() -> SystemTime = SystemTime::now;

/// How long the first event may be kept waiting for what it would have to wait for itself.
const READY_WITHIN: Duration = Duration::from_secs(2);

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
    let ready = async {
        // What fails here, the first event tries again and tells of.
        let _ = secrets.get(Clock::system(NOW).now()).await;
        aws.open(&seam, Target::DynamoDb, "dynamodb").await;
    };
    let _ = tokio::time::timeout(READY_WITHIN, ready).await;
    let webhook = Arc::new(Webhook::new(family, connections, Store::connect(&seam, &aws, tables), secrets));
    let handler = service_fn(move |event: LambdaEvent<HttpEvent>| {
        let webhook = webhook.clone();
        async move { Ok::<_, Error>(Box::pin(webhook.handle(event.payload)).await) }
    });
    // As a task of its own: each wake of the one that `main` waits for would ask the system once more what is ready.
    tokio::spawn(lambda_runtime::run(handler)).await?
}
