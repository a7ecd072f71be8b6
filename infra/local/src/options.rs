//! What a host is started with, and the shape of the function that runs one.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;

use model::Moment;
use tokio::sync::oneshot;

/// What a host is started with. The lock on the data folder is held by the caller, for as long as the host runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpOptions {
    /// The folder that holds everything the installation knows; it exists.
    pub data: PathBuf,
    /// The configuration folder; `None` means the one built in.
    pub config: Option<PathBuf>,
    /// The file of secrets, which the host makes with random values if it does not exist.
    pub secrets: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The clock stands at this moment; `None` leaves it as it was when the folder was last used.
    pub clock: Option<Moment>,
}

/// A running host: it ends in good order some time after it was asked to stop, or with a report of what went wrong.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), miette::Report>> + Send>>;

/// Runs a host. It sends its address once it accepts, and drains and ends once the receiver gets word (or its sender
/// is gone).
pub type Serve = fn(UpOptions, oneshot::Sender<SocketAddr>, oneshot::Receiver<()>) -> Serving;
