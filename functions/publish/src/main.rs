//! Puts the outbox onto the bus. Everything worth reading is in `lib.rs`.

use actions::bus::Bus;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use publish::Publish;
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
    let bus = environment.required("BAROMETER_BUS", "the name of the event bus");
    environment.finish()?;
    let seam = Seam::network()?;
    let publish = &Publish::new(Store::connect(&seam, &aws, tables), Bus::connect(&seam, &aws, bus));
    lambda_runtime::run(service_fn(|event: LambdaEvent<StreamEvent>| async move {
        Ok::<_, Error>(publish.handle(event.payload).await)
    }))
    .await
}
