//! Breaks outbound calls at the seam: every call has a number, and a plan says which one goes wrong, and how.
//!
//! A crash before or after a call is a handler that never continues: the call's future stays pending, and the guard
//! around the handler drops it at that point, as the end of a process would.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runtime::seam::{Call, CallError, Seam, Target};
use tokio::sync::Notify;

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process ends before the call leaves.
    CrashBefore,
    /// The process ends after the other side acted and before its answer is seen.
    CrashAfter,
    /// The other side refuses for now and does nothing.
    Throttle,
    /// The other side acts; the answer is lost on the way.
    LostAnswer,
    /// A transaction is cancelled because another one holds one of its items. Only for `TransactWriteItems`.
    Conflict,
}

/// One call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The function that made it; empty for a call from elsewhere.
    pub function: String,
    /// Who was called.
    pub target: Target,
    /// What was asked.
    pub operation: String,
    /// Nothing was called before it in the same invocation of its function.
    pub is_first: bool,
}

impl Made {
    /// Whether this fault at this call leaves what none at another call does. Nothing that lasts is done between two calls
    /// of an invocation: an end before a later call is the end after the call before it, and an end after a read is the
    /// one before the read.
    pub fn is_told_apart(&self, fault: Fault) -> bool {
        match fault {
            Fault::CrashBefore => self.is_first,
            Fault::CrashAfter => !self.is_read(),
            Fault::Throttle | Fault::LostAnswer | Fault::Conflict => true,
        }
    }

    /// What is asked twice without harm, whatever became of the first answer.
    pub fn is_read(&self) -> bool {
        self.target == Target::DynamoDb && ["GetItem", "BatchGetItem", "Query"].contains(&self.operation.as_str())
    }
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.function, self.target, self.operation)
    }
}

#[derive(Default)]
struct Inner {
    made: Vec<Made>,
    plan: BTreeMap<usize, Fault>,
    struck: usize,
    rewrite: Option<fn(Call) -> Call>,
}

/// The plan and the record of one run.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

tokio::task_local! {
    static INVOCATION: Invocation;
}

#[derive(Clone)]
struct Invocation {
    function: String,
    crash: Arc<Notify>,
    has_called: Arc<AtomicBool>,
}

/// The function whose call is under way, by its name in the template; `None` outside of [`Faults::guarded`].
pub fn function() -> Option<String> {
    INVOCATION.try_with(|invocation| invocation.function.clone()).ok()
}

/// What a guarded handler gives; see [`Faults::guarded`].
pub type Outcome<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

impl Faults {
    /// Calls are numbered from 0; these go wrong.
    pub fn planned(plan: impl IntoIterator<Item = (usize, Fault)>) -> Self {
        let faults = Self::default();
        faults.inner().plan.extend(plan);
        faults
    }

    /// Nothing goes wrong, and every call leaves as `rewrite` makes it: as another build would have made it.
    pub fn rewritten(rewrite: fn(Call) -> Call) -> Self {
        let faults = Self::default();
        faults.inner().rewrite = Some(rewrite);
        faults
    }

    /// Every call so far.
    pub fn made(&self) -> Vec<Made> {
        self.inner().made.clone()
    }

    /// How many of the planned faults took place.
    pub fn struck(&self) -> usize {
        self.inner().struck
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `seam`, counted and broken as planned.
    pub fn around(&self, seam: Seam) -> Seam {
        let faults = self.clone();
        Seam::new(move |call| {
            let (faults, seam) = (faults.clone(), seam.clone());
            Box::pin(async move { faults.carry_out(&seam, call).await })
        })
    }

    async fn carry_out(&self, seam: &Seam, call: Call) -> runtime::seam::Reply {
        let invocation = INVOCATION.try_with(Clone::clone).ok();
        let (fault, rewrite) = {
            let mut inner = self.inner();
            let number = inner.made.len();
            inner.made.push(Made {
                function: invocation.as_ref().map(|i| i.function.clone()).unwrap_or_default(),
                target: call.target,
                operation: call.operation.clone(),
                is_first: invocation.as_ref().is_none_or(|i| !i.has_called.swap(true, Ordering::SeqCst)),
            });
            let fault = inner.plan.remove(&number);
            inner.struck += usize::from(fault.is_some());
            (fault, inner.rewrite)
        };
        let call = match rewrite {
            Some(rewrite) => rewrite(call),
            None => call,
        };
        match fault {
            None => seam.call(call).await,
            Some(Fault::CrashBefore) => crash(invocation).await,
            Some(Fault::CrashAfter) => {
                let _ = seam.call(call).await;
                crash(invocation).await
            }
            Some(Fault::Throttle) => Ok(throttled(call.target)),
            Some(Fault::Conflict) => Ok(conflict(&call)),
            Some(Fault::LostAnswer) => {
                let _ = seam.call(call).await;
                Err(CallError::Timeout("the answer was lost".into()))
            }
        }
    }

    /// A handler's call that a crash at the seam ends at that point.
    pub fn guarded<T: Send + 'static>(&self, function: &str, outcome: Outcome<T>) -> Outcome<T> {
        let invocation =
            Invocation { function: function.to_owned(), crash: Arc::new(Notify::new()), has_called: Arc::default() };
        let crash = invocation.crash.clone();
        Box::pin(INVOCATION.scope(invocation, async move {
            tokio::select! {
                outcome = outcome => outcome,
                () = crash.notified() => Err("crashed".to_owned()),
            }
        }))
    }
}

async fn crash(invocation: Option<Invocation>) -> runtime::seam::Reply {
    if let Some(invocation) = invocation {
        invocation.crash.notify_one();
    }
    std::future::pending().await
}

/// A refusal in the form of the service that is called.
fn throttled(target: Target) -> http::Response<Bytes> {
    let body = match target {
        Target::DynamoDb => {
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#
        }
        Target::EventBridge | Target::Ssm | Target::Lambda | Target::Stack => {
            r#"{"__type":"ThrottlingException","message":"slow down"}"#
        }
        Target::Slack => r#"{"ok":false,"error":"ratelimited"}"#,
        Target::Ses => r#"{"message":"Maximum sending rate exceeded."}"#,
        Target::HubSpot | Target::Vendor => r#"{"status":"error","message":"slow down"}"#,
    };
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    let status = match target {
        Target::Slack | Target::HubSpot | Target::Ses | Target::Vendor => http::StatusCode::TOO_MANY_REQUESTS,
        Target::DynamoDb | Target::EventBridge | Target::Ssm | Target::Lambda | Target::Stack => {
            http::StatusCode::BAD_REQUEST
        }
    };
    *response.status_mut() = status;
    response.headers_mut().insert("retry-after", http::HeaderValue::from_static("1"));
    response
}

/// As DynamoDB cancels a transaction: one reason per item, in order, the literal `None` for those that were fine.
fn conflict(call: &Call) -> http::Response<Bytes> {
    let request: serde_json::Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
    let items = request["TransactItems"].as_array().map_or(1, Vec::len);
    let reason = |at: usize| serde_json::json!({ "Code": if at == 0 { "TransactionConflict" } else { "None" } });
    let body = serde_json::json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled",
        "CancellationReasons": (0..items).map(reason).collect::<Vec<_>>(),
    });
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response
}
