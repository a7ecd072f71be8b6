//! The file of secrets of a data folder: made with random values the first time, readable by its owner only.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use config::secrets::{SecretsFile, parse_secrets};
use config::{Config, Connection, Problems};
use miette::Diagnostic;
use model::ConnectionName;

/// Bytes of a generated secret: as many as the hash that uses it gives.
const SECRET_BYTES: usize = 32;

/// Why there are no secrets.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("cannot use the file of secrets {}", path.display())]
    #[diagnostic(help("name one that can be read with --secrets FILE"))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it says is not understood.
    #[error("the file of secrets {} is not understood\n{problems}", path.display())]
    #[diagnostic(help("it holds [connections.NAME] with secret = \"…\" and [destinations.NAME] with token = \"…\""))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and why; values are not shown.
        problems: Problems,
    },
}

/// Reads the file at `path`.
///
/// # Errors
/// When it does not exist, cannot be read or is not understood.
pub fn load(path: &Path) -> Result<SecretsFile, SecretsError> {
    let text = std::fs::read_to_string(path).map_err(unusable(path))?;
    parse_secrets(&path.display().to_string(), &text)
        .map_err(|problems| SecretsError::Wrong { path: path.to_owned(), problems })
}

/// A connection for which a secret is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The connection.
    pub connection: ConnectionName,
    /// What stays unknown without a token for its tool's API; `None` where nothing does.
    pub without_token: Option<&'static str>,
}

impl Needs {
    /// What the connections of a configuration need.
    pub fn of(config: &Config) -> Vec<Self> {
        let needs = |connection: &Connection| Self {
            connection: connection.name.clone(),
            without_token: connection.api.and_then(|api| api.without_token),
        };
        config.connections.iter().map(needs).collect()
    }
}

/// Reads the file at `path`; where there is none, makes one first, with a random secret for each of `connections`.
///
/// # Errors
/// As [`load`], and when the file cannot be made.
pub fn load_or_create(path: &Path, connections: &[Needs]) -> Result<SecretsFile, SecretsError> {
    if !path.exists() {
        create(path, connections).map_err(unusable(path))?;
    }
    load(path)
}

fn create(path: &Path, connections: &[Needs]) -> std::io::Result<()> {
    let mut text = String::from(
        "# The secrets of this installation. Keep this file out of version control.\n\n\
         # What requests of a connection are signed with: give it to the vendor, or put the vendor's own here.\n\
         # While one is being changed over, `previous = \"…\"` is accepted as well.\n",
    );
    let mut random = std::fs::File::open("/dev/urandom")?;
    for Needs { connection, without_token } in connections {
        let mut secret = [0; SECRET_BYTES];
        random.read_exact(&mut secret)?;
        text.push_str(&format!("[connections.{connection}]\nsecret = \"{}\"\n", hex::encode(secret)));
        if let Some(unknown) = without_token {
            text.push_str(&comment(&format!("What its API is read with. Without it {unknown}.")));
            text.push_str("# token = \"…\"\n");
        }
        text.push('\n');
    }
    text.push_str(
        "# What messages are sent with. Without a token they stand in the outbox and nothing leaves.\n\
         # [destinations.slack]\n\
         # token = \"xoxb-…\"\n\
         # base_url = \"https://slack.com/api\"\n\
         # Without a token an incoming webhook will do: one channel, without threads and buttons.\n\
         # webhook = \"https://hooks.slack.com/services/…\"\n\n\
         # What tasks are made with: a private app's token with the scopes crm.objects.contacts.write and, where\n\
         # team.toml names no owner ids, crm.objects.owners.read.\n\
         # [destinations.hubspot]\n\
         # token = \"pat-…\"\n\n\
         # What mail is sent with through Amazon SES: an access key of a user who may do ses:SendEmail.\n\
         # [destinations.email]\n\
         # region = \"eu-central-1\"\n\
         # access_key_id = \"AKIA…\"\n\
         # secret_access_key = \"…\"\n",
    );
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Lines of a comment, as wide as the others.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 110 => line.push_str(&format!(" {word}")),
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> SecretsError + use<> {
    let path = path.to_owned();
    move |source| SecretsError::Unusable { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections() -> Vec<Needs> {
        let needs = |name: &str, without_token| Needs { connection: name.parse().unwrap(), without_token };
        vec![needs("hubspot", None), needs("hubspot-app", Some("a new company has no name"))]
    }

    #[test]
    fn the_first_start_makes_secrets_that_only_the_owner_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.toml");
        let made = load_or_create(&path, &connections()).unwrap();
        let secrets: Vec<&str> = made.connections.values().map(|c| c.secret.as_str()).collect();
        assert_eq!(secrets.len(), 2);
        assert_ne!(secrets[0], secrets[1]);
        for secret in secrets {
            assert_eq!(hex::decode(secret).unwrap().len(), SECRET_BYTES);
        }
        assert!(made.destinations.is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(load_or_create(&path, &connections()).unwrap(), made, "a second start changes nothing");
    }

    #[test]
    fn the_example_of_a_destination_is_right_once_it_is_uncommented() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.toml");
        create(&path, &connections()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("# [dest", "[dest").replace("# token = \"xoxb", "token = \"xoxb");
        let text = text.replace("# base_url", "base_url");
        std::fs::write(&path, text).unwrap();
        let slack = &load(&path).unwrap().destinations["slack"];
        assert_eq!(slack.base_url.as_deref(), Some("https://slack.com/api"));
    }

    #[test]
    fn a_connection_with_an_api_has_room_for_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.toml");
        create(&path, &connections()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let (hubspot, app) = text.split_once("[connections.hubspot-app]").unwrap();
        assert!(!hubspot.contains("token") && app.contains("Without it a new company has no name.\n# token = "));
        let text = text.replacen("# token = \"…\"", "token = \"pat-1\"", 1);
        std::fs::write(&path, text).unwrap();
        let made = load(&path).unwrap();
        assert_eq!(made.connections[&"hubspot-app".parse().unwrap()].token.as_deref(), Some("pat-1"));
        assert_eq!(made.connections[&"hubspot".parse().unwrap()].token, None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nowhere/secrets.toml")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/secrets.toml"), "{error}");
    }
}
