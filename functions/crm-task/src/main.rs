//! Makes tasks in the CRM. Everything worth reading is in `lib.rs`.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crm_task::CrmTasks;
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
    let tables = Tables::accounts_from_env(&mut environment);
    let folder = environment.required("BAROMETER_CONFIG", "the folder with connections.toml");
    let path = environment.secrets("destinations/hubspot");
    environment.finish()?;
    let files = config::Files(runtime::env::read_files(Path::new(&folder))?);
    let config = Arc::new(config::load(&files, &connectors::tools())?);
    let seam = Seam::network()?;
    let store = Store::connect(&seam, &aws, tables);
    let secrets = Secrets::in_ssm(&seam, &aws, &path);
    let tasks = &CrmTasks::new(config, store, seam, secrets, Clock::system(NOW));
    lambda_runtime::run(service_fn(|event: LambdaEvent<QueueEvent>| async move {
        Ok::<_, Error>(tasks.handle(event.payload).await)
    }))
    .await
}
