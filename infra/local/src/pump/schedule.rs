//! Schedules: a function is called when the clock has passed the next run.

use jiff::SignedDuration;
use model::Moment;
use serde_json::Value;

use super::{Pump, PumpError, Step};
use crate::clock::in_seconds;
use crate::template::{Function, SCHEDULED_TIME, Schedule};

/// One schedule.
#[derive(Debug)]
pub(super) struct Timer {
    function: Function,
    schedule: Schedule,
    busy: tokio::sync::Mutex<()>,
}

impl Timer {
    pub fn new(function: Function, schedule: Schedule) -> Self {
        Self { function, schedule, busy: tokio::sync::Mutex::default() }
    }
}

impl Pump {
    /// Runs the schedules that are due. Runs that were missed, while the host was down or because the clock leapt, are
    /// made up for by one; a failed run is followed by the next one.
    pub(super) async fn schedule_step(&self) -> Result<Step, PumpError> {
        let ran = self.run_due().await?;
        // Not `Delivered`: a schedule that ran is not due again at once.
        Ok(if ran.is_empty() { Step::Idle } else { Step::Passed })
    }

    /// Gives the schedules that ran.
    pub(super) async fn run_due(&self) -> Result<Vec<&Timer>, PumpError> {
        let mut ran = vec![];
        for timer in &self.timers {
            let _busy = timer.busy.lock().await;
            let now = self.clock.now();
            if self.state.next_run(&timer.schedule.name)?.is_some_and(|next| now < next) {
                continue;
            }
            self.run_timer(timer, now).await;
            let every = SignedDuration::from_secs(i64::try_from(timer.schedule.every_s).unwrap_or(i64::MAX));
            self.state.set_next_run(&timer.schedule.name, now.plus(every))?;
            ran.push(timer);
        }
        Ok(ran)
    }

    /// Runs a schedule although it is not due.
    pub(super) async fn run_again(&self, timer: &Timer) {
        let _busy = timer.busy.lock().await;
        self.run_timer(timer, self.clock.now()).await;
    }

    async fn run_timer(&self, timer: &Timer, at: Moment) {
        // A failure is in the log already, and the next run follows.
        let _ = self.call(&timer.function, with_time(&timer.schedule.input, at)).await;
    }
}

/// The input with the moment of the run in place of the scheduler's text for it.
fn with_time(input: &Value, at: Moment) -> Value {
    match input {
        Value::String(text) => Value::String(text.replace(SCHEDULED_TIME, &in_seconds(at))),
        Value::Array(items) => items.iter().map(|item| with_time(item, at)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), with_time(value, at))).collect(),
        leaf => leaf.clone(),
    }
}
