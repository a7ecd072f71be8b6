//! What is asked of any stack, by the paths under which a host is asked: the same functions answer for a deployed one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::Value;
use tracing::error;

use super::{HostError, Operator};
use crate::api::{
    AccountQuery, ApiError, BackfillRequest, EraseRequest, GoliveRequest, ImportRequest, LinkRequest, QuarantineQuery,
    RedriveQuery, RedriveRequest, RescoreQuery, RescoreRequest, SayRequest, route,
};

/// Who is asked.
type Asked = Arc<Operator>;

/// The questions that need the tables and the configuration only.
pub(super) fn questions(operator: Arc<Operator>) -> axum::Router {
    axum::Router::new()
        .route(route::ACCOUNTS, get(|State(it): State<Asked>| async move { answer(it.accounts().await) }))
        .route(
            route::EXPLAIN,
            get(|State(it): State<Asked>, Query(q): Query<AccountQuery>| async move {
                answer(it.explain(&q.account, q.at).await)
            }),
        )
        .route(
            route::TIMELINE,
            get(|State(it): State<Asked>, Query(q): Query<AccountQuery>| async move {
                answer(it.timeline(&q.account).await)
            }),
        )
        .route(route::OUTBOX, get(|State(it): State<Asked>| async move { answer(it.outbox().await) }))
        .route(route::JOURNAL, get(|State(it): State<Asked>| async move { answer(it.journal().await) }))
        .route(
            route::QUARANTINE,
            get(|State(it): State<Asked>, Query(q): Query<QuarantineQuery>| async move {
                answer(if q.all { it.whole_quarantine().await } else { it.quarantine().await })
            }),
        )
        .route(route::UNMATCHED, get(|State(it): State<Asked>| async move { answer(it.unmatched().await) }))
        .route(
            route::GOLIVE,
            post(|State(it): State<Asked>, Json(request): Json<GoliveRequest>| async move {
                answer(it.golive(&request).await)
            }),
        )
        .route(
            route::PAUSE,
            post(|State(it): State<Asked>, Json(_): Json<Value>| async move { answer(it.pause(true).await) }),
        )
        .route(
            route::RESUME,
            post(|State(it): State<Asked>, Json(_): Json<Value>| async move { answer(it.pause(false).await) }),
        )
        .route(
            route::RESCORE_LOOK,
            post(|State(it): State<Asked>, Json(query): Json<RescoreQuery>| async move {
                answer(it.rescore_page(&query).await)
            }),
        )
        .route(
            route::RESCORE,
            post(|State(it): State<Asked>, Json(request): Json<RescoreRequest>| async move {
                answer(it.rescore(&request).await)
            }),
        )
        .route(route::BOOK, get(|State(it): State<Asked>| async move { answer(it.book().await) }))
        .route(route::PRECISION, get(|State(it): State<Asked>| async move { answer(it.precision().await) }))
        .route(route::OWNERS, get(|State(it): State<Asked>| async move { answer(it.owners().await) }))
        .route(
            route::SAY,
            post(|State(it): State<Asked>, Json(request): Json<SayRequest>| async move {
                answer(it.say(&request).await)
            }),
        )
        .route(
            route::LINK,
            post(|State(it): State<Asked>, Json(request): Json<LinkRequest>| async move {
                answer(it.link(&request).await)
            }),
        )
        .route(
            route::REDRIVE_LOOK,
            post(|State(it): State<Asked>, Json(query): Json<RedriveQuery>| async move {
                answer(it.redrive_look(&query).await)
            }),
        )
        .route(
            route::REDRIVE,
            post(|State(it): State<Asked>, Json(request): Json<RedriveRequest>| async move {
                answer(it.redrive(&request).await)
            }),
        )
        .route(
            route::BACKFILL,
            post(|State(it): State<Asked>, Json(request): Json<BackfillRequest>| async move {
                answer(it.backfill(&request).await)
            }),
        )
        .route(
            route::IMPORT,
            post(|State(it): State<Asked>, Json(request): Json<ImportRequest>| async move {
                answer(it.import(&request).await)
            }),
        )
        .route(
            route::ERASE,
            post(|State(it): State<Asked>, Json(request): Json<EraseRequest>| async move {
                answer(it.erase(&request).await)
            }),
        )
        .with_state(operator)
}

/// An answer, or why there is none.
pub(super) fn answer<T: Serialize>(outcome: Result<T, HostError>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(error) => {
            let status = match &error {
                HostError::NotFound { .. } => StatusCode::NOT_FOUND,
                HostError::Clock(_) => StatusCode::BAD_REQUEST,
                HostError::Aws(_) => StatusCode::FAILED_DEPENDENCY,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let message = runtime::logging::chain(&error);
            if status.is_server_error() {
                error!("A question was not answered: {message}");
            }
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            (status, Json(ApiError { message, help })).into_response()
        }
    }
}
