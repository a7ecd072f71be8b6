use std::path::PathBuf;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::*;
use crate::api::{ClockMode, ClockNow};

/// A host that answers two questions, so that connecting and starting are seen without a whole product.
fn serve(
    options: UpOptions,
    ready: oneshot::Sender<SocketAddr>,
    stop: oneshot::Receiver<()>,
) -> crate::options::Serving {
    Box::pin(async move {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        let clock = Json(ClockNow { now, mode: ClockMode::Frozen });
        let refusal =
            ApiError { message: "two accounts answer to `n`".into(), help: Some("say nordwind or norfolk".into()) };
        let quiet =
            Settled { quiet: true, waiting_records: 0, waiting_messages: 0, dead_letters: 0, next_visible_at: None };
        let app = axum::Router::new()
            .route(route::CLOCK, get(move || async move { clock }))
            .route(route::EXPLAIN, get(move || async move { (StatusCode::CONFLICT, Json(refusal)) }))
            .route(route::ACCOUNTS, get(|| async { "[{]" }))
            .route(route::SETTLE, post(move || async move { Json(quiet) }));
        let listener = tokio::net::TcpListener::bind(options.listen).await.unwrap();
        let _ = ready.send(listener.local_addr().unwrap());
        let stopped = async {
            let _ = stop.await;
        };
        axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
        std::fs::write(options.data.join("drained"), "").unwrap();
        Ok(())
    })
}

fn broken(_: UpOptions, _: oneshot::Sender<SocketAddr>, _: oneshot::Receiver<()>) -> crate::options::Serving {
    Box::pin(async { Err(miette::miette!("the port is taken")) })
}

fn global(data: &Path) -> GlobalArgs {
    GlobalArgs {
        data: data.to_owned(),
        config: None,
        secrets: None,
        json: false,
        aws: false,
        stack: "barometer".into(),
    }
}

#[tokio::test]
async fn a_command_starts_a_host_when_none_runs_and_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let session = Client::connect_or_start(&global(folder.path()), serve).await.unwrap();
    let clock: ClockNow = session.client.get(route::CLOCK).await.unwrap();
    assert_eq!(clock.mode, ClockMode::Frozen);
    session.close().await.unwrap();
    assert!(folder.path().join("drained").exists());
    Lock::acquire(folder.path()).unwrap();
}

#[tokio::test]
async fn a_second_command_asks_the_host_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = Client::connect_or_start(&global(folder.path()), serve).await.unwrap();
    let second = Client::connect_or_start(&global(folder.path()), broken).await.unwrap();
    assert_eq!(first.client.host().unwrap().1, second.client.host().unwrap().1);
    second.close().await.unwrap();
    assert!(!folder.path().join("drained").exists(), "the host of another command is not stopped");
    first.close().await.unwrap();
}

#[tokio::test]
async fn a_host_that_does_not_start_says_why_and_leaves_the_folder_free() {
    let folder = tempfile::tempdir().unwrap();
    let report = Client::connect_or_start(&global(folder.path()), broken).await.unwrap_err();
    assert!(report.to_string().contains("the port is taken"), "{report:?}");
    Lock::acquire(folder.path()).unwrap();
}

#[tokio::test]
async fn another_configuration_is_not_taken_by_a_host_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let session = Client::connect_or_start(&global(folder.path()), serve).await.unwrap();
    let other = GlobalArgs { config: Some(PathBuf::from("elsewhere")), ..global(folder.path()) };
    let report = Client::connect_or_start(&other, serve).await.unwrap_err();
    assert!(report.to_string().contains("--config only counts when a host starts"), "{report:?}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn what_the_host_refuses_is_passed_on_with_its_advice() {
    let folder = tempfile::tempdir().unwrap();
    let session = Client::connect_or_start(&global(folder.path()), serve).await.unwrap();
    let query = [("account", "n & m".to_owned())];
    let failure = session.client.query::<ClockNow>(route::EXPLAIN, &query).await.unwrap_err();
    let report = format!("{:?}", miette::Report::new(failure));
    assert!(report.contains("two accounts answer to `n`") && report.contains("norfolk"), "{report}");
    let odd = session.client.get::<Vec<u32>>(route::ACCOUNTS).await.unwrap_err();
    assert!(matches!(odd, Failure::OddAnswer { .. }), "{odd:?}");
    let odd = session.client.get::<ClockNow>("/api/nowhere").await.unwrap_err();
    assert!(odd.to_string().contains("404"), "{odd}");
    session.close().await.unwrap();
}

#[test]
fn the_file_of_secrets_is_the_named_one_the_last_one_or_the_one_in_the_folder() {
    let last = HostFile { secrets: Some("/last.toml".into()), ..HostFile::default() };
    let named = GlobalArgs { secrets: Some("/named.toml".into()), ..global(Path::new("d")) };
    assert_eq!(secrets_file(&named, &last), PathBuf::from("/named.toml"));
    assert_eq!(secrets_file(&global(Path::new("d")), &last), PathBuf::from("/last.toml"));
    assert_eq!(secrets_file(&global(Path::new("d")), &HostFile::default()), PathBuf::from("d/secrets.toml"));
}
