//! Why a command did not do what it was asked, and what to do about it.

use std::path::PathBuf;

use miette::Diagnostic;

use crate::lock::LockError;

/// Why a command failed. Printed with its help on standard error; the exit code is 1.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Failure {
    /// The host refused.
    #[error("{message}")]
    Refused {
        /// What the host says.
        message: String,
        /// What the host advises.
        #[help]
        help: Option<String>,
    },
    /// The host does not answer.
    #[error("the host at {address} does not answer")]
    #[diagnostic(help("see whether it is stopping; if the process hangs, end it and run the command again"))]
    NoAnswer {
        /// Where it was asked.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The host answers something else than it should.
    #[error("the host at {address} gave an answer that is not understood: {what}")]
    #[diagnostic(help("another version of barometer may run there; stop it and run the command again"))]
    OddAnswer {
        /// Where it was asked.
        address: String,
        /// What is odd about it.
        what: String,
    },
    /// The data folder is not ours to use.
    #[error(transparent)]
    #[diagnostic(help("use the host that runs there, or stop it, or name another folder with --data"))]
    Held(LockError),
    /// The data folder cannot be used.
    #[error(transparent)]
    #[diagnostic(help("name a folder you may write to with --data DIR or BAROMETER_DATA"))]
    Folder(LockError),
    /// Another process holds the folder and does not come up.
    #[error("another process holds the folder {} and does not say where it listens", folder.display())]
    #[diagnostic(help("it may be starting for long or hang; look at its log, or end it{}", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()))]
    Starting {
        /// The data folder.
        folder: PathBuf,
        /// The other process.
        pid: Option<u32>,
    },
    /// An option that only counts when a host starts, and one runs already.
    #[error("{option} only counts when a host starts, and one runs already at {address}")]
    #[diagnostic(help("leave it out, or stop that host first"))]
    TooLate {
        /// The option.
        option: &'static str,
        /// Where the host listens.
        address: String,
    },
    /// Not everything came to rest in time.
    #[error("still in flight after {after}: {what}")]
    #[diagnostic(help("`barometer up` logs what fails; BAROMETER_LOG=debug says more. Wait longer with --timeout"))]
    NotQuiet {
        /// How long was waited.
        after: String,
        /// What is left.
        what: String,
    },
    /// No such sample.
    #[error("there is no sample `{name}`")]
    NoSample {
        /// What was asked for.
        name: String,
        /// What exists.
        #[help]
        help: Option<String>,
    },
    /// A sample delivery was not accepted.
    #[error("{refused} of {sent} deliveries were not accepted")]
    #[diagnostic(help(
        "401: the secret in the file of secrets is not the one that is used there, or the address is not the one its signatures cover; 503: it has no secret; no answer: nothing listens there"
    ))]
    NotAccepted {
        /// How many were not.
        refused: usize,
        /// How many were sent.
        sent: usize,
    },
    /// The address to send to is no URL.
    #[error("`{url}` is not an address to send to")]
    #[diagnostic(help("give a whole one, such as https://hooks.example.com or http://127.0.0.1:8787"))]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// There is no secret to sign with.
    #[error("no secret for the connection `{connection}` in {}", file.display())]
    #[diagnostic(help(
        "add [connections.{connection}] with secret = \"…\" there, or name another file with --secrets"
    ))]
    NoSecret {
        /// The connection.
        connection: String,
        /// The file of secrets.
        file: PathBuf,
    },
    /// The person who was asked did not agree.
    #[error("nothing was changed")]
    #[diagnostic(help("--dry-run shows what would be sent without asking, --yes does not ask"))]
    Declined,
    /// Something is not as real webhooks and messages need it.
    #[error("{} to be mended", crate::show::count((*findings).into(), "thing is", "things are"))]
    #[diagnostic(help("each line marked MEND names the click or command; then run `barometer doctor` again"))]
    ToMend {
        /// How many.
        findings: u32,
    },
    /// A deployment would not work.
    #[error("{} to be mended before anything is deployed", crate::show::count((*findings).into(), "thing is", "things are"))]
    #[diagnostic(help("each line marked MEND names the click or command; nothing was made so far"))]
    NotReady {
        /// How many.
        findings: u32,
    },
    /// A command that only a host on this machine can be asked.
    #[error("this is not asked of a stack on AWS")]
    #[diagnostic(help("leave --aws out; `barometer --help` says which commands take it"))]
    NotOnAws,
    /// Something failed once more.
    #[error("{} failed again and left where it was", crate::show::count((*failed).into(), "thing", "things"))]
    #[diagnostic(help("the log says why; mend that, then run `barometer redrive` again"))]
    FailedAgain {
        /// How many.
        failed: u32,
    },
    /// A file cannot be loaded at all.
    #[error("{} cannot be loaded: {problem}", file.display())]
    #[diagnostic(help("expected a CSV file whose first row are the headings; `barometer import --help` shows which"))]
    BadFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Some rows of a file were not loaded.
    #[error("{left} of {rows} rows cannot be loaded; the others can")]
    #[diagnostic(help("mend these rows and load the file again: what is loaded already is not loaded twice"))]
    RowsLeft {
        /// How many.
        left: u32,
        /// Of how many.
        rows: u32,
    },
    /// Nothing can be written to standard output, or a file or the system fails.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client")]
    #[diagnostic(help("install the system's certificates (on Debian: apt install ca-certificates)"))]
    NoClient(#[source] reqwest::Error),
    /// Nobody to trust.
    #[error("cannot read the system's certificates")]
    #[diagnostic(help("install them (on Debian: apt install ca-certificates)"))]
    NoCertificates(#[source] std::io::Error),
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } => Self::Held(error),
            LockError::Unusable { .. } => Self::Folder(error),
        }
    }
}

impl Failure {
    /// Wraps an error of the system with what was tried.
    pub fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
