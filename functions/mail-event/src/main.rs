//! Keeps what SES tells of mail. Everything worth reading is in `lib.rs`.

use std::time::SystemTime;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use mail_event::MailEvents;
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::QueueEvent;
use runtime::seam::Seam;
use store::{Store, Tables};

#[expect(clippy::disallowed_methods, reason = "main is where time comes in")]
const NOW: fn() -> SystemTime = SystemTime::now;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let tables = Tables::journal_from_env(&mut environment);
    environment.finish()?;
    let events = &MailEvents::new(Store::connect(&Seam::network()?, &aws, tables), Clock::system(NOW));
    lambda_runtime::run(service_fn(|event: LambdaEvent<QueueEvent>| async move {
        Ok::<_, Error>(events.handle(event.payload).await)
    }))
    .await
}
