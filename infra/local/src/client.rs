//! Asks a host: the one that runs on the data folder, or one that is started for as long as the command takes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::api::{ApiError, SettleRequest, Settled, route};
use crate::cli::GlobalArgs;
use crate::failure::Failure;
use crate::lock::{HostFile, Lock, LockError};
use crate::options::{Serve, UpOptions};
use crate::show;

/// What is asked and answered.
const JSON: &str = "application/json";
/// How long another process may hold the folder without saying where it listens, in milliseconds.
const STARTING_MS: u64 = 15_000;
/// How often it is looked whether it says so, in milliseconds.
const LOOK_EVERY_MS: u64 = 50;
/// How long a host that was started for one command may take to finish what the command set off.
const FINISH_MS: u64 = 20_000;

/// A host, or a deployed stack, that can be asked.
#[derive(Debug, Clone)]
pub struct Client(Way);

/// How questions get there.
#[derive(Debug, Clone)]
enum Way {
    /// To a host, over HTTP.
    Host { http: reqwest::Client, address: SocketAddr },
    /// Nowhere: this process answers for a stack that runs elsewhere. Nobody else on this machine can ask.
    Here(axum::Router),
}

/// A client, the host behind it if it was started for this command, and the secrets it works with.
#[derive(Debug)]
pub struct Session {
    /// Asks the host.
    pub client: Client,
    /// The file of secrets the host works with.
    pub secrets: PathBuf,
    started: Option<Started>,
}

/// A host in this process.
#[derive(Debug)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    lock: Lock,
    stop: oneshot::Sender<()>,
    /// Ends with the host.
    pub serving: JoinHandle<Result<(), miette::Report>>,
}

impl Client {
    /// A client of the host at `address`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(address: SocketAddr) -> Result<Self, Failure> {
        install_tls();
        // The host is on this machine and speaks plain HTTP: no certificates are needed and none are read.
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]).connect_timeout(Duration::from_secs(5));
        Ok(Self(Way::Host { http: builder.build().map_err(Failure::NoClient)?, address }))
    }

    /// A client that is answered by `router`.
    pub(crate) fn here(router: axum::Router) -> Self {
        Self(Way::Here(router))
    }

    /// Connects to the host on the data folder, or starts one with `serve` that ends with [`Session::close`].
    ///
    /// # Errors
    /// When the folder cannot be used, a host does not start, or `--config` is given to a host that runs already.
    pub async fn connect_or_start(global: &GlobalArgs, serve: Serve) -> Result<Session, miette::Report> {
        let mut waited_ms = 0;
        loop {
            let held = match Lock::acquire(&global.data) {
                Ok(lock) => return start_session(global, lock, serve).await,
                Err(LockError::Held { running, .. }) => running,
                Err(error) => return Err(Failure::from(error).into()),
            };
            if let Some(address) = held.address {
                if global.config.is_some() {
                    return Err(Failure::TooLate { option: "--config", address: address.to_string() }.into());
                }
                let secrets = secrets_file(global, &held);
                return Ok(Session { client: Self::new(address)?, secrets, started: None });
            }
            if waited_ms >= STARTING_MS {
                return Err(Failure::Starting { folder: global.data.clone(), pid: held.pid }.into());
            }
            tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
            waited_ms += LOOK_EVERY_MS;
        }
    }

    /// The HTTP client itself, for webhooks, and where the host listens; `None` where no host is asked.
    pub fn host(&self) -> Option<(&reqwest::Client, SocketAddr)> {
        match &self.0 {
            Way::Host { http, address } => Some((http, *address)),
            Way::Here(_) => None,
        }
    }

    /// Asks a question without parameters.
    ///
    /// # Errors
    /// When the host refuses, does not answer, or answers something that is not understood.
    pub async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, Failure> {
        self.answer(Method::GET, route, None).await
    }

    /// Asks a question with parameters.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn query<T: DeserializeOwned>(&self, route: &str, query: &[(&str, String)]) -> Result<T, Failure> {
        let url = reqwest::Url::parse_with_params(&format!("http://localhost{route}"), query);
        let url = url.map_err(|_| Failure::BadUrl { url: route.to_owned() })?;
        self.answer(Method::GET, &format!("{route}?{}", url.query().unwrap_or_default()), None).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| self.odd(&error))?;
        self.answer(Method::POST, route, Some(body)).await
    }

    /// Waits until nothing is in flight, at most `timeout_ms`.
    ///
    /// # Errors
    /// As [`Self::get`]; not when something is left in flight, which the answer says.
    pub async fn settle(&self, timeout_ms: u64) -> Result<Settled, Failure> {
        self.post(route::SETTLE, &SettleRequest { timeout_ms }).await
    }

    fn odd(&self, what: &impl ToString) -> Failure {
        let address = self.host().map_or_else(|| "this".to_owned(), |(_, address)| address.to_string());
        Failure::OddAnswer { address, what: what.to_string() }
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, Failure> {
        let (status, bytes) = match &self.0 {
            Way::Host { http, address } => over_http(http, *address, method, path, body).await?,
            Way::Here(router) => self.here_and_now(router.clone(), method, path, body).await?,
        };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| self.odd(&error));
        }
        match serde_json::from_slice::<ApiError>(&bytes) {
            // It may name what a vendor sent.
            Ok(ApiError { message, help }) => Err(Failure::Refused { message: show::safe(&message), help }),
            Err(_) => Err(self.odd(&format!("status {status}"))),
        }
    }

    async fn here_and_now(
        &self,
        router: axum::Router,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let request = http::Request::builder().method(method).uri(path).header(CONTENT_TYPE, JSON);
        let request = request.body(Body::from(body.unwrap_or_default())).map_err(|error| self.odd(&error))?;
        let answer = router.oneshot(request).await.map_err(|error| self.odd(&error))?;
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.map_err(|error| self.odd(&error))?;
        Ok((status, bytes))
    }
}

async fn over_http(
    http: &reqwest::Client,
    address: SocketAddr,
    method: Method,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<(StatusCode, Bytes), Failure> {
    let silent = |source| Failure::NoAnswer { address: address.to_string(), source };
    let request = http.request(method, format!("http://{address}{path}"));
    let request = match body {
        Some(body) => request.header(CONTENT_TYPE, JSON).body(body),
        None => request,
    };
    let answer = request.send().await.map_err(silent)?;
    let status = answer.status();
    Ok((status, answer.bytes().await.map_err(silent)?))
}

impl Session {
    /// The host ran already, and was not started for this command.
    pub fn was_running(&self) -> bool {
        self.started.is_none()
    }

    /// Lets a host that was started for this command finish what the command set off, and stops it.
    ///
    /// # Errors
    /// When that host failed.
    pub async fn close(self) -> Result<(), miette::Report> {
        let Some(started) = self.started else { return Ok(()) };
        let settled = self.client.settle(FINISH_MS).await;
        started.stop().await?;
        settled?;
        Ok(())
    }
}

impl Started {
    /// Starts a host in this process and waits until it accepts.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(mut lock: Lock, options: UpOptions, serve: Serve) -> Result<Self, miette::Report> {
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(options, ready, stopped));
        let Ok(address) = address.await else {
            // The host dropped its end: it failed, and its report says why.
            return Err(joined(serving.await).err().unwrap_or_else(|| miette::miette!("the host ended at once")));
        };
        lock.announce(address).map_err(Failure::system("cannot write the host's address into the data folder"))?;
        Ok(Self { address, lock, stop, serving })
    }

    /// Keeps what this host runs with, for hosts that later commands start.
    ///
    /// # Errors
    /// When the data folder cannot be written.
    pub fn remember(&mut self, config: Option<PathBuf>, secrets: Option<PathBuf>) -> Result<(), Failure> {
        self.lock.remember(config, secrets).map_err(Failure::system("cannot write into the data folder"))
    }

    /// Asks the host to stop and waits until it has.
    ///
    /// # Errors
    /// When it failed.
    pub async fn stop(self) -> Result<(), miette::Report> {
        // The receiver is gone only when the host ended by itself, which its report tells.
        let _ = self.stop.send(());
        let ended = joined(self.serving.await);
        drop(self.lock);
        ended
    }
}

/// What a host in this process ended with.
pub fn joined(ended: Result<Result<(), miette::Report>, tokio::task::JoinError>) -> Result<(), miette::Report> {
    ended.unwrap_or_else(|error| Err(miette::miette!(help = "this is a defect: please report it", "the host {error}")))
}

/// The file of secrets a command works with: the one it names, the one the last `up` used, the one in the data folder.
pub fn secrets_file(global: &GlobalArgs, last: &HostFile) -> PathBuf {
    global.secrets.as_ref().or(last.secrets.as_ref()).cloned().unwrap_or_else(|| global.secrets_file())
}

/// Makes TLS work for clients made from here on.
pub fn install_tls() {
    // Fails only when a provider is already installed, which is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn start_session(global: &GlobalArgs, lock: Lock, serve: Serve) -> Result<Session, miette::Report> {
    let secrets = secrets_file(global, lock.content());
    let options = UpOptions {
        data: global.data.clone(),
        config: global.config.clone().or_else(|| lock.content().config.clone()),
        secrets: secrets.clone(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        clock: None,
    };
    let started = Started::start(lock, options, serve).await?;
    Ok(Session { client: Client::new(started.address)?, secrets, started: Some(started) })
}

/// `path` from the root, so that it means the same in every folder.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
