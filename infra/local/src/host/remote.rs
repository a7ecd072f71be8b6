//! What is asked of a deployed stack: the questions of [`super::questions`], and those that a host answers with more than
//! the tables, as far as these go.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};

use super::Operator;
use super::questions::{answer, questions};
use crate::api::{ReplayRequest, Settled, route};

/// Answers for the stack that `operator` works on.
pub(crate) fn router(operator: Arc<Operator>) -> axum::Router {
    let more = axum::Router::new()
        .route(route::CLOCK, get(|State(it): State<Arc<Operator>>| async move { Json(it.clock_now()) }))
        // What is under way there cannot be seen from here.
        .route(route::SETTLE, post(async || Json(Settled::unknown())))
        .route(
            route::REPLAY,
            post(|State(it): State<Arc<Operator>>, Json(request): Json<ReplayRequest>| async move {
                answer(it.replay(&request).await)
            }),
        );
    // What is too large is told by who asks: nobody else reaches this.
    more.with_state(operator.clone()).merge(questions(operator)).layer(DefaultBodyLimit::disable())
}
