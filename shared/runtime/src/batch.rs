//! Batches: each item on its own, so that one that fails, or panics, fails alone.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::{Instrument as _, error, info};

use crate::lambda::{BatchAnswer, QueueEvent, QueueMessage};
use crate::logging::{chain, of_message};

#[cfg(panic = "abort")]
compile_error!(
    "built so that a panic ends the process, one odd record would hold up all others: set panic = \"unwind\""
);

/// Polls a future and turns a panic inside it into an error.
struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = &mut self.0;
        match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(panic_text(payload.as_ref()))),
        }
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a message"))
}

/// Runs `future`; a panic inside it becomes an error with the panic's message.
///
/// # Errors
/// When the future panicked.
pub async fn alone<F: Future>(future: F) -> Result<F::Output, String> {
    Caught(Box::pin(future)).await
}

/// Why a message of a queue is left there for a later try.
pub trait NotDone: std::error::Error + 'static {
    /// Nothing is wrong: it is not its turn yet.
    fn waits(&self) -> bool;
}

/// Handles each message of a batch alone, one after another; those that are not done stay in the queue. `what` begins the
/// log's sentence about such a one, such as `A fetch`. Every line meanwhile says which event it is about, and where that
/// comes from.
pub async fn messages<E, F>(what: &str, event: QueueEvent, one: impl Fn(QueueMessage) -> F) -> BatchAnswer
where
    E: NotDone,
    F: Future<Output = Result<(), E>> + Send,
{
    let mut left = Vec::new();
    for message in event.records {
        let id = message.message_id.clone();
        let about = of_message(&message.body);
        // The compiler refuses futures nested as deep as these and the client's together.
        let work: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(one(message));
        let done = alone(work.instrument(about.clone())).await;
        let _about = about.entered();
        match done {
            Ok(Ok(())) => continue,
            Ok(Err(error)) if error.waits() => info!("{what} waits: {error}"),
            Ok(Err(error)) => error!("{what} is not done: {}", chain(&error)),
            Err(panic) => error!("{what} is not done: {panic}"),
        }
        left.push(id);
    }
    BatchAnswer::failures(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("not now")]
    struct NotNow;

    impl NotDone for NotNow {
        fn waits(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn each_message_that_is_not_done_stays_and_the_others_do_not() {
        let message = |id: &str| QueueMessage { message_id: id.to_owned(), body: id.to_owned() };
        let event = QueueEvent { records: ["done", "waits", "panics", "done too"].map(message).into() };
        let answer = messages("A test", event, |message| async move {
            match message.body.as_str() {
                "waits" => Err(NotNow),
                "panics" => panic!("on purpose"),
                _ => Ok(()),
            }
        });
        assert_eq!(answer.await, BatchAnswer::failures(["waits".to_owned(), "panics".to_owned()]));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_that_item_only() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let failed = alone(async { panic!("item {}", 7) }).await;
        std::panic::set_hook(hook);
        assert_eq!(failed, Err::<(), _>("panicked: item 7".into()));
        assert_eq!(alone(async { 1 }).await, Ok(1));
    }
}
