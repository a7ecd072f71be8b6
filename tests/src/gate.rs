//! Schedules by hand: a second way to the same tables that stops at a chosen call until it is let through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::aws::AwsSettings;
use runtime::seam::{Call, Seam};
use store::{Store, Tables};
use tokio::sync::Notify;

use crate::World;

/// Where one worker stands still while others go on.
#[derive(Clone, Default)]
pub struct Gate {
    shut: Arc<AtomicBool>,
    reached: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gate {
    /// A store whose first call that `stops` (by operation and body) waits before it leaves; later ones pass.
    pub fn before(world: &World, stops: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> (Store, Gate) {
        let gate = Gate { shut: Arc::new(AtomicBool::new(true)), ..Gate::default() };
        let (at, engine, stops) = (gate.clone(), world.host.engine().clone(), Arc::new(stops));
        let seam = Seam::new(move |call: Call| {
            let (at, engine, stops) = (at.clone(), engine.clone(), stops.clone());
            Box::pin(async move {
                let body = String::from_utf8_lossy(call.request.body()).into_owned();
                if stops(&call.operation, &body) && at.shut.swap(false, Ordering::SeqCst) {
                    at.reached.notify_one();
                    at.open.notified().await;
                }
                Ok(engine.call(&call.operation, call.request.body()))
            })
        });
        (another_way(&seam), gate)
    }

    /// Until somebody stands at the gate.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets whoever stands there go on.
    pub fn open(&self) {
        self.open.notify_one();
    }
}

/// The tables of a world through a seam of one's own.
pub fn another_way(seam: &Seam) -> Store {
    let tables = Tables { journal: "Journal".to_owned(), accounts: "Accounts".to_owned() };
    Store::connect(seam, &AwsSettings::local(), tables)
}
