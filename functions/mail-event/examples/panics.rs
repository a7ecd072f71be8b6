//! A function of a queue that panics over each message that says so. `make test-stack` builds it as the functions are built and
//! starts it as they are started, to see that such a message fails alone.

use std::convert::Infallible;
use std::fmt;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime::batch::{NotDone, messages};
use runtime::lambda::{QueueEvent, QueueMessage};

/// Nothing else fails here.
#[derive(Debug)]
struct Never(Infallible);

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl std::error::Error for Never {}

impl NotDone for Never {
    fn waits(&self) -> bool {
        match self.0 {}
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    lambda_runtime::run(service_fn(|event: LambdaEvent<QueueEvent>| async move {
        let one = |message: QueueMessage| async move {
            if message.body == "panic" {
                panic!("over a message that says so");
            }
            Ok::<_, Never>(())
        };
        Ok::<_, Error>(messages("A message", event.payload, one).await)
    }))
    .await
}
