//! The program as other programs drive it: a process on a folder of its own, its answers, webhooks as HubSpot signs
//! them, and a Slack on this machine. Nothing waits for a time to pass: a line of a pipe, an answer or `settle` ends
//! every wait.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// What webhooks of these tests are signed with.
pub const SECRET: &str = "4f7f0f2a6f1c4f52b3d0a9e8c7b6a5948372615f4e3d2c1b0a99887766554433";
/// The webhook of the connection `hubspot`.
const HOOK: &str = "/hooks/crm/hubspot";
/// How long a test waits for what never comes before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder, the log of its hosts beside it.
pub struct Data {
    folder: TempDir,
}

/// What a command did.
pub struct Ran {
    pub line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A host in a process of its own, which is killed when this goes away.
pub struct Host {
    child: Child,
    out: BufReader<ChildStdout>,
    log: PathBuf,
    pub address: SocketAddr,
}

impl Data {
    /// A folder whose host knows the secret of these tests, and no Slack.
    pub fn new() -> Self {
        let data = Self::fresh();
        data.write_secrets("");
        data
    }

    /// A folder that does not exist yet; in memory where the system has such a place.
    pub fn fresh() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { folder: folder.unwrap() }
    }

    /// From the next start on accounts are judged as in the tests of journeys: few measures, one playbook, round numbers.
    pub fn judge_simply(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let to = self.beside("config");
        copy(&root.join("infra/config"), &to);
        for replaced in ["health", "playbooks"] {
            std::fs::remove_dir_all(to.join(replaced)).unwrap();
        }
        copy(&root.join("tests/config"), &to);
    }

    /// From the next start on, no first message waits for others.
    pub fn tell_at_once(&self) {
        let team = self.beside("config").join("team.toml");
        let text = std::fs::read_to_string(&team).unwrap();
        assert!(text.contains("settle = \"2m\""), "{text}");
        std::fs::write(team, text.replace("settle = \"2m\"", "settle = \"0m\"")).unwrap();
    }

    /// A folder whose messages go to `slack` once they go anywhere.
    pub fn with_slack(slack: &Slack) -> Self {
        let data = Self::fresh();
        data.use_slack(slack);
        data
    }

    /// Messages go to `slack` from the next start on.
    pub fn use_slack(&self, slack: &Slack) {
        let address = slack.address;
        self.write_secrets(&format!(
            "[destinations.slack]\ntoken = \"xoxb-test\"\nbase_url = \"http://{address}/api\"\n"
        ));
    }

    fn write_secrets(&self, destinations: &str) {
        let connections = ["hubspot", "hubspot-app", "zendesk", "typeform"];
        let connections = connections.map(|name| format!("[connections.{name}]\nsecret = \"{SECRET}\"\n"));
        std::fs::create_dir_all(self.path()).unwrap();
        std::fs::write(self.path().join("secrets.toml"), connections.concat() + destinations).unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for other files of the test.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barometer"));
        command.arg("--data").arg(self.path());
        let config = self.beside("config");
        if config.is_dir() && line.starts_with("up") {
            command.arg("--config").arg(config);
        }
        command.args(line.split_whitespace());
        for name in ["BAROMETER_DATA", "BAROMETER_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, line: &str) -> Ran {
        self.run_with(&[], line)
    }

    /// Runs a command in another environment.
    pub fn run_with(&self, environment: &[(&str, &str)], line: &str) -> Ran {
        let ended = self.command(line).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { line: line.to_owned(), code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
    }

    /// Runs a command whose words hold blanks.
    pub fn run_words(&self, words: &[&str]) -> Ran {
        let ended = self.command("").args(words).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { line: words.join(" "), code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
    }

    /// The answer of a command that succeeds.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).json()
    }

    /// Waits until nothing is in flight.
    #[track_caller]
    pub fn settle(&self) {
        let settled = self.json("settle --timeout 60s");
        assert_eq!((&settled["quiet"], &settled["dead_letters"]), (&json!(true), &json!(0)), "{settled}");
    }

    /// Starts a host and waits until it accepts.
    #[track_caller]
    pub fn up(&self, options: &str) -> Host {
        Host::start(self.command(&format!("up --listen 127.0.0.1:0 {options}")), self.folder.path().join("log"))
    }
}

impl Ran {
    #[track_caller]
    pub fn succeeded(&self) {
        assert_eq!(self.code, Some(0), "`{}`: {}", self.line, self.err);
    }

    /// The answer, if the command succeeded.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.succeeded();
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("`{}`: {error}: {}", self.line, self.out))
    }

    /// The command failed with this exit code, answered nothing, and says all of this on standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, says: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "`{}`: {}", self.line, self.err);
        // Reports are wrapped to the width of a page.
        let err: String = self.err.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        for part in says {
            assert!(err.contains(part), "`{}` says nothing of {part:?}: {}", self.line, self.err);
        }
    }
}

impl Host {
    /// Starts `barometer up` as `command` says, with its log appended to `log`, and waits until it accepts.
    #[track_caller]
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let appended = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(appended).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("ready http://") else {
            child.kill().unwrap();
            panic!("`{command:?}` says {line:?}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        Self { address: address.parse().unwrap(), child, out, log }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// Sends a signal and gives the exit code and what was printed since it was ready.
    pub fn end(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let mut printed = String::new();
        self.out.read_to_string(&mut printed).unwrap();
        (self.child.wait().unwrap().code(), printed)
    }

    /// Kills it at once: `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Posts a signed webhook of the connection `hubspot`; gives the status of the answer.
    pub fn post(&self, body: &str) -> u16 {
        status(&mut self.send(body, SECRET))
    }

    /// As [`Self::post`], signed with another secret.
    pub fn post_signed_with(&self, secret: &str, body: &str) -> u16 {
        status(&mut self.send(body, secret))
    }

    /// Posts without a signature.
    pub fn post_unsigned(&self, body: &str) -> u16 {
        status(&mut self.request(HOOK, body, &[]))
    }

    /// Posts a body that is signed already; gives the status of the answer.
    pub fn post_to(&self, hook: &str, body: &str, headers: &[(&str, String)]) -> u16 {
        status(&mut self.request(hook, body, headers))
    }

    /// Sends a signed webhook and does not wait for the answer.
    pub fn post_unheard(&self, body: &str) -> TcpStream {
        self.send(body, SECRET)
    }

    fn send(&self, body: &str, secret: &str) -> TcpStream {
        let covered = format!("https://{}{HOOK}", self.address);
        self.request(HOOK, body, &barometer::samples::signed(body.as_bytes(), &covered, secret))
    }

    fn request(&self, hook: &str, body: &str, headers: &[(&str, String)]) -> TcpStream {
        let (address, length) = (self.address, body.len());
        let mut head = format!("POST {hook} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).unwrap();
        stream
    }
}

fn status(stream: &mut TcpStream) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer}"))
}

impl Drop for Host {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// How a Slack of these tests behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes each message and says so.
    Answers,
    /// Accepts the connection and does nothing more.
    Accepts,
    /// Takes each message and never says so.
    Reads,
    /// Takes each message and says half of its answer.
    AnswersHalf,
}

/// A Slack on this machine.
pub struct Slack {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Value>>>,
    heard: Receiver<()>,
}

impl Slack {
    pub fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (hear, heard) = channel();
        let slack = Self { address: listener.local_addr().unwrap(), messages: Arc::default(), heard };
        let messages = slack.messages.clone();
        // Ends with the test program.
        std::thread::spawn(move || serve(&listener, manner, &messages, &hear));
        slack
    }

    /// The messages it took, in order.
    pub fn messages(&self) -> Vec<Value> {
        self.messages.lock().unwrap().clone()
    }

    /// Waits until it has done with the next connection all that it ever does.
    #[track_caller]
    pub fn wait(&self) {
        self.heard.recv_timeout(PATIENCE).expect("a call to Slack");
    }
}

fn serve(listener: &TcpListener, manner: Manner, messages: &Mutex<Vec<Value>>, hear: &Sender<()>) {
    let mut open = Vec::new();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        if manner != Manner::Accepts {
            let answer = match message(&mut stream) {
                Some(message) => {
                    let mut messages = messages.lock().unwrap();
                    messages.push(message);
                    json!({ "ok": true, "channel": "C0TEST", "ts": format!("1930000000.{:06}", messages.len()) })
                }
                // Nobody is known here by their address.
                None => json!({ "ok": false, "error": "users_not_found" }),
            };
            let answer = answer.to_string();
            let length = answer.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
            let answer = format!("{head}connection: close\r\n\r\n{answer}");
            let said = match manner {
                Manner::Answers => answer.len(),
                Manner::AnswersHalf => answer.len() - 20,
                Manner::Accepts | Manner::Reads => 0,
            };
            // The caller may have been killed.
            let _ = stream.write_all(&answer.as_bytes()[..said]);
        }
        if manner != Manner::Answers {
            open.push(stream);
        }
        // Nobody listens any more once the test is over.
        let _ = hear.send(());
    }
}

/// The message of a request; `None` for the question whom an address names.
fn message(stream: &mut TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut is_message) = (0, true);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            is_message = line == "POST /api/chat.postMessage HTTP/1.1\r\n";
            assert!(is_message || line == "POST /api/users.lookupByEmail HTTP/1.1\r\n", "{line}");
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    is_message.then(|| serde_json::from_slice(&body).unwrap())
}

/// A company as HubSpot's workflow sends it: its properties, each with the moment it was set, in milliseconds.
pub fn company(id: u64, properties: &[(&str, String, i64)]) -> String {
    let mut all = serde_json::Map::new();
    // What is stated later in the list replaces what was stated before.
    for (name, value, at) in properties {
        all.insert((*name).to_owned(), json!({ "value": value, "timestamp": at, "source": "CRM_UI", "versions": [] }));
    }
    json!({
        "portalId": 4_242, "objectType": "COMPANY", "objectTypeId": "0-2", "objectId": id,
        "properties": all, "version": 7, "isDeleted": false,
    })
    .to_string()
}

/// Copies a folder into another one, over what is there.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
