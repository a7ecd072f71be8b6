//! Fetches what a webhook only names. Everything worth reading is in `lib.rs`.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fetch_object::FetchObject;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::QueueEvent;
use runtime::seam::Seam;
use runtime::secrets::Secrets;
use store::{Store, Tables};

#[expect(clippy::disallowed_methods, reason = "main is where time comes in")]
const NOW: fn() -> SystemTime = SystemTime::now;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let tables = Tables::from_env(&mut environment);
    let folder = environment.required("BAROMETER_CONFIG", "the folder with connections.toml");
    let path = environment.secrets("fetch");
    environment.finish()?;
    let files = config::Files(runtime::env::read_one(Path::new(&folder), config::CONNECTIONS)?);
    let connections = Arc::new(config::connections(&files, &connectors::tools())?);
    let seam = Seam::network()?;
    let store = Store::connect(&seam, &aws, tables);
    // Apart from what webhooks are checked with, which those who receive them may read.
    let secrets = Secrets::in_ssm(&seam, &aws, &path);
    let clock = Clock::system(NOW);
    let fetch = &FetchObject::new(connections, store, seam, secrets, clock.clone(), clock);
    lambda_runtime::run(service_fn(|event: LambdaEvent<QueueEvent>| async move {
        Ok::<_, Error>(fetch.handle(event.payload).await)
    }))
    .await
}
