//! The pump: hands stream records, messages and moments to the functions, by Lambda's rules.
//!
//! Only one pump may run on a data folder; the folder's lock sees to that. Within it each stream mapping, each queue
//! and each schedule works through what it has one batch at a time, so [`Pump::settle`] may be called while
//! [`Pump::run`] is running.

mod answer;
mod queue;
mod schedule;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use model::Moment;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::clock::HostClock;
use crate::engine::{Engine, EngineError};
use crate::state::{State, StateError};
use crate::template::{Function, Stack};
pub(crate) use answer::{failed_of, identifier};
use queue::QueueConsumer;
use schedule::Timer;
use stream::StreamConsumer;

/// What a call of a function gives: its answer, or why it failed.
pub type Called = Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>;

/// A function: an event in, an answer out, both in Lambda's JSON.
pub type Handler = Arc<dyn Fn(Value) -> Called + Send + Sync>;

/// A [`Handler`] from an asynchronous function.
pub fn handler<Answer>(function: impl Fn(Value) -> Answer + Send + Sync + 'static) -> Handler
where
    Answer: Future<Output = Result<Value, String>> + Send + 'static,
{
    Arc::new(move |event| Box::pin(function(event)))
}

/// Why the pump stops or does not start.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// A function of the template that is fed by a stream, a queue or a schedule was not given.
    #[error("the template feeds `{0}`, but this build has no such function")]
    NoHandler(String),
    /// The streams cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Progress cannot be remembered.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to do.
    Idle,
    /// There was something, but no function wanted it.
    Passed,
    /// A function was called and all or part of it is done.
    Delivered,
    /// A function was called and failed; it is tried again.
    Failed,
}

impl Step {
    /// Whether another step may find something to do at once.
    pub fn did_something(self) -> bool {
        self != Self::Idle
    }
}

/// What is left when nothing moves any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Stream records that a function wants and has not been given.
    pub records: usize,
    /// Messages that could be handed out now.
    pub visible: usize,
    /// Messages that come back later, having failed.
    pub hidden: usize,
    /// When the first of those comes back.
    pub next_visible_at: Option<Moment>,
    /// Messages that failed to the end.
    pub dead_letters: usize,
    /// Stream batches that failed to the end.
    pub set_aside: usize,
}

impl Settled {
    /// Nothing can move until the clock does.
    pub fn is_quiet(&self) -> bool {
        self.records == 0 && self.visible == 0
    }
}

/// The pump.
pub struct Pump {
    stack: Arc<Stack>,
    engine: Engine,
    state: State,
    clock: HostClock,
    handlers: BTreeMap<String, Handler>,
    streams: Vec<StreamConsumer>,
    queues: Vec<QueueConsumer>,
    timers: Vec<Timer>,
    /// Stream records passed since the streams were last trimmed.
    untrimmed: AtomicUsize,
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pump")
    }
}

/// How long a loop sleeps when nobody wakes it: the clock may have moved on to a message or a schedule.
const TICK: Duration = Duration::from_millis(500);

/// Waits between two tries of a failing batch while running; [`Pump::settle`] does not wait.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// How often `settle` runs a due schedule whose run led to more work, before it takes that for a loop.
const MOST_ROUNDS: usize = 1_000;

impl Pump {
    /// The pump of this stack; `handlers` by the functions' logical ids.
    ///
    /// # Errors
    /// When a function that is fed by something is not among the handlers, or the state cannot be read.
    pub fn new(
        stack: Arc<Stack>,
        engine: Engine,
        state: State,
        clock: HostClock,
        handlers: BTreeMap<String, Handler>,
    ) -> Result<Self, PumpError> {
        let (mut streams, mut queues, mut timers) = (vec![], vec![], vec![]);
        for function in &stack.functions {
            let fed = function.streams.len() + function.queues.len() + function.schedules.len() > 0;
            if fed && !handlers.contains_key(&function.logical_id) {
                return Err(PumpError::NoHandler(function.logical_id.clone()));
            }
            for mapping in &function.streams {
                let checkpoint = state.checkpoint(&function.logical_id, &mapping.table)?;
                streams.push(StreamConsumer::new(function.clone(), mapping.clone(), checkpoint));
            }
            for mapping in &function.queues {
                if let Some(queue) = stack.queue(&mapping.queue) {
                    queues.push(QueueConsumer::new(function.clone(), mapping.clone(), queue.clone()));
                }
            }
            timers.extend(function.schedules.iter().map(|schedule| Timer::new(function.clone(), schedule.clone())));
        }
        let untrimmed = AtomicUsize::new(0);
        Ok(Self { stack, engine, state, clock, handlers, streams, queues, timers, untrimmed })
    }

    /// Runs everything there is to do, in the order of the template, until nothing moves without the clock moving.
    ///
    /// A schedule that was due runs again when its run led to more work, as it would a minute later: after a long leap
    /// of the clock each account may have several moments to catch up with.
    ///
    /// # Errors
    /// When the tables or the state cannot be used.
    pub async fn settle(&self) -> Result<Settled, PumpError> {
        self.drain().await?;
        let due = self.run_due().await?;
        let mut rounds = 0;
        while self.drain().await? && !due.is_empty() {
            rounds += 1;
            if rounds > MOST_ROUNDS {
                warn!("The schedules still find work after {MOST_ROUNDS} runs at one moment; giving up");
                break;
            }
            for timer in &due {
                self.run_again(timer).await;
            }
        }
        self.trim()?;
        self.in_flight()
    }

    /// Gives whether a function was called.
    async fn drain(&self) -> Result<bool, PumpError> {
        let mut called = false;
        loop {
            let mut moved = false;
            for consumer in &self.streams {
                loop {
                    let step = self.stream_step(consumer).await?;
                    moved |= step.did_something();
                    called |= matches!(step, Step::Delivered | Step::Failed);
                    if step == Step::Idle {
                        break;
                    }
                }
            }
            for consumer in &self.queues {
                while self.queue_step(consumer).await?.did_something() {
                    (moved, called) = (true, true);
                }
            }
            if !moved {
                return Ok(called);
            }
        }
    }

    /// Counts what is left without moving anything.
    ///
    /// # Errors
    /// When the tables or the state cannot be read.
    pub fn in_flight(&self) -> Result<Settled, PumpError> {
        let mut left = Settled { set_aside: self.state.set_aside_count()?, ..Settled::default() };
        for consumer in &self.streams {
            left.records += self.undelivered(consumer)?;
        }
        let now = self.clock.now();
        for queue in &self.stack.queues {
            let depth = self.state.depth(&queue.logical_id, now)?;
            if self.queues.iter().any(|consumer| consumer.feeds_from(&queue.logical_id)) {
                left.visible += depth.visible;
                left.hidden += depth.hidden;
                left.next_visible_at = [left.next_visible_at, depth.next_visible_at].into_iter().flatten().min();
            } else {
                left.dead_letters += depth.visible + depth.hidden;
            }
        }
        Ok(left)
    }

    /// Delivers as things happen, until `shutdown` is ready; then finishes the batches that are being delivered. What
    /// is left then is delivered after the next start.
    ///
    /// # Errors
    /// When the tables or the state cannot be used; everything else is stopped then as well.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) -> Result<(), PumpError> {
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        for index in 0..self.streams.len() {
            let (pump, news) = (Arc::clone(&self), self.engine.watch());
            let step = move || {
                let pump = Arc::clone(&pump);
                async move { pump.stream_step(&pump.streams[index]).await }
            };
            loops.spawn(repeat(step, news, stopped.clone()));
        }
        for index in 0..self.queues.len() {
            let (pump, news) = (Arc::clone(&self), self.state.watch());
            let step = move || {
                let pump = Arc::clone(&pump);
                async move { pump.queue_step(&pump.queues[index]).await }
            };
            loops.spawn(repeat(step, news, stopped.clone()));
        }
        let (pump, news) = (Arc::clone(&self), self.state.watch());
        let step = move || {
            let pump = Arc::clone(&pump);
            async move { pump.schedule_step().await }
        };
        loops.spawn(repeat(step, news, stopped));
        let mut shutdown = std::pin::pin!(shutdown);
        let mut outcome = Ok(());
        loop {
            tokio::select! {
                () = &mut shutdown, if !*stop.borrow() => { stop.send_replace(true); }
                ended = loops.join_next() => match ended {
                    None => break,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(failure))) => {
                        error!("Delivery stops: {failure}");
                        outcome = outcome.and(Err(failure));
                        stop.send_replace(true);
                    }
                    // Functions run in tasks of their own, so this is a bug of the pump itself.
                    Some(Err(panic)) => {
                        stop.send_replace(true);
                        error!("A delivery loop ended by itself: {panic}");
                    }
                },
            }
        }
        self.trim()?;
        outcome
    }

    /// Hands records to a function once more, beside what its stream gives it; gives the identifiers of those that failed.
    ///
    /// # Errors
    /// Why none of them is done.
    pub async fn hand(&self, function: &str, records: Vec<Value>) -> Result<BTreeSet<String>, String> {
        let known = self.stack.functions.iter().find(|known| known.logical_id == function);
        let function = known.ok_or_else(|| format!("there is no function `{function}`"))?;
        let identifiers: Vec<_> = records.iter().map(identifier).collect();
        failed_of(self.call(function, json!({ "Records": records })).await, &identifiers)
    }

    /// Calls a function. A panic, and an answer that takes longer than the function's timeout, are failures like any.
    async fn call(&self, function: &Function, event: Value) -> Result<Value, String> {
        let Some(handler) = self.handlers.get(&function.logical_id).cloned() else {
            return Err(format!("there is no function `{}`", function.logical_id));
        };
        // A task of its own catches panics; the set aborts it when the caller goes away.
        let mut task = JoinSet::new();
        task.spawn(async move { handler(event).await });
        let answer = tokio::time::timeout(Duration::from_secs(function.timeout_s), task.join_next()).await;
        let answer = match answer {
            Err(_) => Err(format!("no answer after {} s", function.timeout_s)),
            Ok(None) => Err("the call was lost".to_owned()),
            Ok(Some(Err(panic))) => Err(format!("panicked: {}", panic_text(panic))),
            Ok(Some(Ok(answer))) => answer,
        };
        if let Err(reason) = &answer {
            let name = &function.logical_id;
            warn!(function.name = %name, "Function `{name}` failed: {reason}");
        }
        answer
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
        }
        Err(cancelled) => cancelled.to_string(),
    }
}

/// Steps until there is nothing to do, then waits for news; ends between two steps once `stopped` says so.
async fn repeat<Stepping>(
    step: impl Fn() -> Stepping,
    mut news: watch::Receiver<u64>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), PumpError>
where
    Stepping: Future<Output = Result<Step, PumpError>>,
{
    while !*stopped.borrow() {
        news.mark_unchanged();
        let pause = match step().await? {
            Step::Passed | Step::Delivered => continue,
            Step::Failed => RETRY_AFTER,
            Step::Idle => TICK,
        };
        let is_news = async {
            // A failing batch waits also when there is more to read.
            match (pause == TICK, news.changed().await) {
                (true, Ok(())) => {}
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = is_news => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
        }
    }
    Ok(())
}
