//! A vendor on this machine: answers as it is told to, and fails the test that asks what nobody expects.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// One question.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method, path and query: `GET /me`.
    pub line: String,
    /// The `Authorization` header.
    pub token: String,
    /// The operation in `X-Amz-Target`, such as `PutItem`; empty where none is named.
    pub operation: String,
    /// All headers, their names in small letters.
    #[allow(dead_code, reason = "not every test program looks at them")]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as it is, a form as text, `null` where there is none.
    pub body: Value,
}

/// An answer.
pub struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Told {
    pub fn ok(body: Value) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: Value) -> Self {
        Self { status, headers: vec![], body: body.to_string() }
    }

    /// An answer that is no JSON.
    #[allow(dead_code, reason = "not every test program asks for one")]
    pub fn text(body: String) -> Self {
        Self { status: 200, headers: vec![], body }
    }

    /// With this header too.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The vendor; it ends with the test program.
pub struct Stub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// What `answer` panics about is answered 418, which no command takes for anything but a failure.
    pub fn new(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = stub.asked.clone();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, answer) = (asked.clone(), answer.clone());
                // One that panics leaves the others be.
                std::thread::spawn(move || serve(stream.unwrap(), &asked, &*answer));
            }
        });
        stub
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Told) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let (token, operation) = (header("authorization"), header("x-amz-target"));
    let operation = operation.rsplit('.').next().unwrap().to_owned();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = String::from_utf8(body).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| if text.is_empty() { Value::Null } else { json!(text) });
    let line = line.split(" HTTP").next().unwrap().to_owned();
    let question = Asked { line, token, operation, headers, body };
    asked.lock().unwrap().push(question.clone());
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer(&question)));
    let Told { status, headers, body } = told.unwrap_or_else(|_| Told::status(418, Value::Null));
    let mut head =
        format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // The caller may be gone.
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
}
