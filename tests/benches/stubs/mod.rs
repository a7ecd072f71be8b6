//! A Runtime API that hands out one event at a time, and an AWS over TLS that says yes to everything.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use testkit::http::{ok, read};

/// What a function asks for its events.
pub struct RuntimeApi {
    address: SocketAddr,
    polls: Receiver<()>,
    events: Sender<String>,
    answers: Receiver<String>,
}

impl RuntimeApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (poll, polls) = channel();
        let (events, event) = channel::<String>();
        let (told, answers) = channel();
        std::thread::spawn(move || {
            // One connection at a time, kept open: as the real one is used.
            for stream in listener.incoming().flatten() {
                stream.set_nodelay(true).unwrap();
                let mut writer = stream.try_clone().unwrap();
                let mut reader = BufReader::new(stream);
                while let Some(request) = read(&mut reader) {
                    let reply = if request.line.contains("/invocation/next") {
                        let _ = poll.send(());
                        let Ok(event) = event.recv() else { return };
                        let headers = "lambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
                                       lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:0:function:bench\r\n";
                        ok(headers, &event)
                    } else {
                        let _ = told.send(request.body);
                        ok("", "{}")
                    };
                    let _ = writer.write_all(reply.as_bytes());
                }
            }
        });
        Self { address, polls, events, answers }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Until the function has nothing to do and asks for an event.
    pub fn wait_for_poll(&self) {
        self.polls.recv_timeout(std::time::Duration::from_secs(60)).expect("the function asks for an event");
    }

    /// Hands out an event; gives what the function makes of it.
    pub fn answer(&self, event: &str) -> String {
        self.events.send(event.to_owned()).unwrap();
        self.answers.recv_timeout(std::time::Duration::from_secs(60)).expect("the function answers")
    }
}

/// DynamoDB, SSM and EventBridge on one address, with a certificate of its own.
pub struct Aws {
    address: SocketAddr,
    folder: tempfile::TempDir,
    calls: AtomicUsize,
}

impl Aws {
    pub fn start() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path());
        let certificate = CertificateDer::from_pem_file(folder.path().join("leaf.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.path().join("leaf.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let aws = Arc::new(Self { address: listener.local_addr().unwrap(), folder, calls: AtomicUsize::new(0) });
        let serving = aws.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, aws) = (config.clone(), serving.clone());
                std::thread::spawn(move || aws.serve(stream, config));
            }
        });
        aws
    }

    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        stream.set_nodelay(true).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
        while let Some(request) = read(&mut stream) {
            // What only opens a connection has no target and counts as nothing: it is no call of any API.
            let target = request.headers.get("x-amz-target").map(String::as_str).unwrap_or_default();
            if target.starts_with("DynamoDB") {
                self.calls.fetch_add(1, Ordering::SeqCst);
            }
            let body = match target.rsplit('.').next().unwrap_or_default() {
                "GetParametersByPath" => {
                    json!({ "Parameters": [{ "Name": "/barometer/crm/hubspot/secret", "Value": tests::SECRET }] })
                }
                "Query" => json!({ "Items": [], "Count": 0, "ScannedCount": 0 }),
                _ => json!({}),
            };
            let reply = ok("content-type: application/x-amz-json-1.1\r\n", &body.to_string());
            let written = stream.get_mut().write_all(reply.as_bytes()).and_then(|()| stream.get_mut().flush());
            if written.is_err() {
                return;
            }
        }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Whom the functions have to trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Calls to the tables so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A root and a certificate for `localhost` below it, for two days.
fn certify(folder: &Path) {
    let openssl = |arguments: &str| {
        let done =
            Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl is there");
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=bench-root -keyout root.key -out root.pem"));
    std::fs::write(folder.join("leaf.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl(&format!("req {key} -subj /CN=localhost -keyout leaf.key -out leaf.csr"));
    openssl(
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem",
    );
}
