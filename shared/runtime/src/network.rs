//! What stands behind the seam on AWS: one HTTP client over TLS.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::ServiceBuilder;

use crate::logging::chain;
use crate::seam::{Call, CallError, Reply};

/// The limit on connecting, TLS included; what has not connected by then was not sent.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
/// Shorter than the idle limit of every endpoint called, so a thawed function rarely meets a dead socket.
pub(crate) const KEPT_IDLE: Duration = Duration::from_secs(15);

/// The client that `lambda_runtime` asks for its events with, so that it is linked once, with TLS and a limit on connecting.
///
/// A connection that was idle for longer than `kept_idle` is not used again. No timer looks for those: a frozen function has
/// none that runs, and each wait for an answer would set it anew.
pub(crate) fn client(
    kept_idle: Duration,
) -> std::io::Result<Client<impl Connect + Clone + Send + Sync + 'static, Full<Bytes>>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let connect = ServiceBuilder::new().map_future(Box::pin).timeout(CONNECTED_WITHIN).service(tls);
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(kept_idle).build(connect))
}

/// Makes one call.
pub(crate) async fn ask<C>(client: &Client<C, Full<Bytes>>, call: Call) -> Reply
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let answer = client.request(call.request.map(Full::new)).await.map_err(|error| {
        let text = chain(&error);
        if error.is_connect() { CallError::Unreachable(text) } else { CallError::Connection(text) }
    })?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| CallError::Connection(chain(&error)))?;
    Ok(http::Response::from_parts(parts, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::seam::{Seam, Target};

    /// A server that says this to whoever comes, and hangs up; what it was asked is printed where a test fails.
    fn says(text: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut asked = [0; 1024];
                let length = stream.read(&mut asked).unwrap();
                println!("{}", String::from_utf8_lossy(&asked[..length]));
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        address
    }

    async fn ask(address: SocketAddr) -> Reply {
        let request = http::Request::post(format!("http://{address}/a?secret=b")).body(Bytes::from("body")).unwrap();
        Seam::network().unwrap().call(Call { target: Target::Vendor, operation: "a".to_owned(), request }).await
    }

    /// How many connections two calls make, one after the other.
    async fn connections(kept_idle: Duration) -> usize {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counts = count.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counts.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    while stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    }
                });
            }
        });
        let client = client(kept_idle).unwrap();
        for _ in 0..2 {
            let request = http::Request::get(format!("http://{address}/")).body(Bytes::new()).unwrap();
            super::ask(&client, Call { target: Target::Vendor, operation: "a".to_owned(), request }).await.unwrap();
            // Lets the connection say that it is idle.
            tokio::task::yield_now().await;
        }
        count.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn a_connection_is_used_again_unless_it_was_idle_for_too_long() {
        assert_eq!(connections(KEPT_IDLE).await, 1);
        assert_eq!(connections(Duration::ZERO).await, 2);
    }

    #[tokio::test]
    async fn an_answer_comes_whole_and_what_was_never_sent_is_told_from_what_may_have_been() {
        let answer = ask(says("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nslow")).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
        assert_eq!(answer.body(), "slow");
        let cut = ask(says("HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nslow")).await.unwrap_err();
        let hung_up = ask(says("")).await.unwrap_err();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = ask(closed).await.unwrap_err();
        assert!(matches!((&cut, &hung_up), (CallError::Connection(_), CallError::Connection(_))), "{cut} {hung_up}");
        assert!(matches!(&refused, CallError::Unreachable(_)), "{refused}");
        assert!(![cut, hung_up, refused].iter().any(|error| error.to_string().contains("secret")));
    }
}
