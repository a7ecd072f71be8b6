//! The host over HTTP: webhooks as the gateway would hand them over, and the operator's questions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use runtime::lambda::{HttpDetail, HttpEvent, RequestContext};
use tokio::sync::oneshot;
use tracing::error;

use super::questions::{self, answer};
use super::{Host, HostError};
use crate::api::{ApiError, ClockChange, DoctorRequest, ReplayRequest, SettleRequest, Settled, route};

/// What an HTTP API lets through ("Quotas for configuring and running an HTTP API", docs.aws.amazon.com, read 2026-11).
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

#[derive(Clone)]
struct Served {
    host: Arc<Host>,
    address: SocketAddr,
}

/// Listens, delivers, and drains when told to stop.
pub(super) async fn run(
    host: Arc<Host>,
    listen: SocketAddr,
    ready: oneshot::Sender<SocketAddr>,
    stop: oneshot::Receiver<()>,
) -> Result<(), miette::Report> {
    let unlistened = |source| HostError::Listen { address: listen, source };
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(unlistened)?;
    let address = listener.local_addr().map_err(unlistened)?;
    let (stop_pump, stopped) = oneshot::channel::<()>();
    let pump = tokio::spawn(host.pump().clone().run(async {
        let _ = stopped.await;
    }));
    let _ = ready.send(address);
    let serving = axum::serve(listener, router(Served { host, address })).with_graceful_shutdown(async {
        let _ = stop.await;
    });
    serving.await.map_err(unlistened)?;
    // Nothing new comes in; what is being delivered is finished, the rest is durable and goes on next time.
    let _ = stop_pump.send(());
    match pump.await {
        Ok(ended) => ended.map_err(|error| HostError::from(error).into()),
        Err(error) => Err(miette::miette!("delivering ended with {error}")),
    }
}

fn router(served: Served) -> axum::Router {
    let questions = questions::questions(served.host.operator.clone());
    axum::Router::new()
        .route("/hooks/{*rest}", any(hook))
        .route(route::STATUS, get(|State(s): State<Served>| async move { answer(s.host.status(s.address).await) }))
        .route(
            route::CLOCK,
            get(|State(s): State<Served>| async move { Json(s.host.clock_now()) }).post(
                |State(s): State<Served>, Json(change): Json<ClockChange>| async move {
                    answer(s.host.set_clock(change).await)
                },
            ),
        )
        .route(
            route::SETTLE,
            post(|State(s): State<Served>, Json(request): Json<SettleRequest>| async move {
                answer(settle(&s.host, Duration::from_millis(request.timeout_ms)).await)
            }),
        )
        .route(
            route::DOCTOR,
            post(|State(s): State<Served>, Json(request): Json<DoctorRequest>| async move {
                answer(s.host.doctor(&request, s.address).await)
            }),
        )
        .route(
            route::REPLAY,
            post(|State(s): State<Served>, Json(request): Json<ReplayRequest>| async move {
                answer(s.host.replay(&request).await)
            }),
        )
        .with_state(served)
        .merge(questions)
        .layer(axum::middleware::from_fn(only_this_machine))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
}

/// The operator's questions are for programs on this machine. A page in a browser here could ask under a name that
/// resolves to this machine; it cannot choose the `Host` header, so that is what is looked at. (It cannot send JSON
/// unasked either, and every command wants JSON.) Webhooks may come through a tunnel under any name: they are signed.
async fn only_this_machine(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(n, _)| n);
    let name = name.trim_matches(['[', ']']);
    let is_local = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok();
    if request.uri().path().starts_with("/hooks/") || is_local {
        return next.run(request).await;
    }
    let help = Some("call it by its address, such as http://127.0.0.1:8787".to_owned());
    let message = "this host answers questions under its address only".to_owned();
    (StatusCode::FORBIDDEN, Json(ApiError { message, help })).into_response()
}

/// A request as an HTTP API hands it to the function (payload format 2.0).
async fn hook(State(served): State<Served>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let received_at = match served.host.clock().receipt() {
        Ok(at) => at,
        Err(error) => return answer::<()>(Err(error.into())),
    };
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    let (body, is_base64_encoded) = match String::from_utf8(body.to_vec()) {
        Ok(text) => (text, false),
        Err(bytes) => (base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes.as_bytes()), true),
    };
    let event = HttpEvent {
        raw_path: uri.path().to_owned(),
        raw_query_string: uri.query().unwrap_or_default().to_owned(),
        request_context: RequestContext {
            domain_name: joined.get("host").cloned().unwrap_or_default(),
            time_epoch: received_at.as_millis(),
            http: HttpDetail { method: method.as_str().to_owned() },
        },
        headers: joined,
        body: Some(body),
        is_base64_encoded,
    };
    match served.host.receive(event).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let headers = HeaderMap::from_iter(answer.headers.iter().filter_map(|(name, value)| {
                Some((name.parse::<http::HeaderName>().ok()?, value.parse::<http::HeaderValue>().ok()?))
            }));
            (status, headers, answer.body).into_response()
        }
        Err(reason) => {
            error!("A webhook was not answered: {reason}");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// How often an unfinished rest is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

async fn settle(host: &Host, timeout: Duration) -> Result<Settled, HostError> {
    let resting = async {
        loop {
            let left = host.settle().await?;
            if left.records + left.visible + left.hidden == 0 {
                return Ok::<_, HostError>(left);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let (quiet, left) = match tokio::time::timeout(timeout, resting).await {
        Ok(left) => (true, left?),
        Err(_) => (false, host.pump().in_flight()?),
    };
    Ok(Settled {
        quiet,
        waiting_records: left.records as u64,
        waiting_messages: (left.visible + left.hidden) as u64,
        dead_letters: left.dead_letters as u64,
        next_visible_at: left.next_visible_at,
    })
}
