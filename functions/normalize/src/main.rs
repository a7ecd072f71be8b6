//! Turns journaled deliveries into facts. Everything worth reading is in `lib.rs`.

use std::path::Path;
use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use normalize::Normalize;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::StreamEvent;
use runtime::seam::Seam;
use store::{Store, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let tables = Tables::accounts_from_env(&mut environment);
    let folder = environment.required("BAROMETER_CONFIG", "the folder with connections.toml");
    environment.finish()?;
    let files = config::Files(runtime::env::read_files(Path::new(&folder))?);
    let config = Arc::new(config::load(&files, &connectors::tools())?);
    let store = Store::connect(&Seam::network()?, &aws, tables);
    let normalize = &Normalize::new(config, store);
    lambda_runtime::run(service_fn(|event: LambdaEvent<StreamEvent>| async move {
        Ok::<_, Error>(normalize.handle(event.payload).await)
    }))
    .await
}
