//! Why the host cannot do what it is asked.

use miette::Diagnostic;

/// An error of the host, with what to do about it.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum HostError {
    /// The template is not understood.
    #[error(transparent)]
    BadTemplate(#[from] crate::template::TemplateError),
    /// The template and this build do not fit together.
    #[error("infra/template.yaml does not fit this build: {0}")]
    Template(String),
    /// The tables cannot be used.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    /// The host's own file cannot be used.
    #[error(transparent)]
    State(#[from] crate::state::StateError),
    /// The clock cannot be set so.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
    /// Deliveries cannot go on.
    #[error(transparent)]
    Pump(#[from] crate::pump::PumpError),
    /// A table does not answer.
    #[error("the tables do not answer")]
    Store(#[from] store::StoreError),
    /// A message template is wrong.
    #[error("a message template cannot be used")]
    Templates(#[from] actions::slack::RenderError),
    /// Nothing can be listened on.
    #[error("cannot listen on {address}")]
    #[diagnostic(help(
        "another program may use the port: choose one with --listen 127.0.0.1:PORT, or port 0 for a free one"
    ))]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A folder for a replay cannot be made.
    #[error("cannot make a folder for the replay")]
    #[diagnostic(help("make room in the folder for temporary files, or name another with TMPDIR"))]
    Scratch {
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// AWS does not do what it is asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Aws(#[from] crate::failure::Failure),
    /// The question cannot be answered.
    #[error("{message}")]
    NotFound {
        /// What is not there.
        message: String,
        /// What is.
        #[help]
        help: String,
    },
}

/// What is asked for cannot be done; `help` says what can.
pub(super) fn refused(message: String, help: &str) -> HostError {
    HostError::NotFound { message, help: help.to_owned() }
}
