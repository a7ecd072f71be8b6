//! Slack and HubSpot on this machine: as strict as the real ones about what they take, with every call written down.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use runtime::seam::{Call, Reply, Target};
use serde_json::Value;

#[path = "../../../../../tests/src/hubspot.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
pub mod hubspot;
#[path = "../../../../../tests/src/slack.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
pub mod slack;

/// A call that was made, and what came of it.
#[derive(Debug, Clone)]
pub struct Made {
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The body, if it is JSON.
    pub body: Value,
    status: u16,
    answer: Value,
}

/// A vendor that listens.
pub struct Vendor {
    pub address: SocketAddr,
    made: Arc<Mutex<Vec<Made>>>,
    thread: JoinHandle<()>,
}

impl Vendor {
    /// HubSpot with the tasks and companies of `hubspot`.
    pub fn hubspot(hubspot: hubspot::HubSpot) -> Self {
        Self::new(Target::HubSpot, "https://api.hubapi.com", move |call| hubspot.answer(call))
    }

    /// Slack with the people and messages of `slack`.
    pub fn slack(slack: slack::Slack) -> Self {
        Self::new(Target::Slack, "https://slack.com", move |call| slack.answer(call))
    }

    fn new(target: Target, url: &'static str, answer: impl Fn(&Call) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let made = Arc::<Mutex<Vec<Made>>>::default();
        let kept = made.clone();
        // Ends with the test program, or where a call is none that the vendor knows.
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = request(&stream, url);
                let operation = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                let call = Call { target, operation, request };
                let answer = answer(&call).unwrap();
                let uri = call.request.uri();
                kept.lock().unwrap().push(Made {
                    method: call.request.method().to_string(),
                    path: uri.path_and_query().unwrap().to_string(),
                    body: serde_json::from_slice(call.request.body()).unwrap_or_default(),
                    status: answer.status().as_u16(),
                    answer: serde_json::from_slice(answer.body()).unwrap_or_default(),
                });
                let (status, length) = (answer.status(), answer.body().len());
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
                let whole = [format!("{head}connection: close\r\n\r\n").as_bytes(), answer.body()].concat();
                stream.write_all(&whole).unwrap();
            }
        });
        Self { address, made, thread }
    }

    /// The calls since the last look, all of which were taken.
    #[track_caller]
    pub fn calls(&self) -> Vec<Made> {
        assert!(!self.thread.is_finished(), "a call was none that the vendor knows");
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        for call in &made {
            assert!((200..300).contains(&call.status) && call.answer["ok"] != false, "it was refused: {call:#?}");
        }
        made
    }
}

fn request(stream: &TcpStream, url: &str) -> http::Request<Bytes> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let [method, path, _] = <[&str; 3]>::try_from(line.split_whitespace().collect::<Vec<_>>()).unwrap();
    let mut request = http::Request::builder().method(method).uri(format!("{url}{path}"));
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
        request = request.header(name, value);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.body(Bytes::from(body)).unwrap()
}
