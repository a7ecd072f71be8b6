//! The secrets of each function, in the form in which it reads them on AWS.

use config::secrets::{AwsKey, SecretsFile};
use runtime::secrets::{Secret, SecretMap, Secrets, SecretsUnavailable};

use super::ReadSecrets;

/// What a function may read, each time anew.
pub(super) fn secrets(read: &ReadSecrets, choose: fn(SecretsFile) -> SecretMap) -> Secrets {
    let read = read.clone();
    Secrets::from_host(move || match read() {
        Ok(file) => Ok(choose(file)),
        Err(reason) => Err(SecretsUnavailable { from: "the file of secrets".into(), reason }),
    })
}

/// As SSM names them below `/barometer/{family}`.
pub(super) fn connection_secrets(file: SecretsFile) -> SecretMap {
    let mut map = SecretMap::new();
    for (name, secrets) in file.connections {
        map.insert(format!("{name}/secret"), Secret::new(secrets.secret));
        map.extend(secrets.previous.map(|previous| (format!("{name}/previous"), Secret::new(previous))));
    }
    map
}

/// As SSM names them below `/barometer/{destination}`.
pub(super) fn destination_secrets(mut file: SecretsFile, destination: &str) -> SecretMap {
    let secrets = file.destinations.remove(destination).unwrap_or_default();
    let named = [("token", secrets.token), ("webhook", secrets.webhook), ("base_url", secrets.base_url)];
    let aws = secrets.aws.map(|key| {
        let AwsKey { region, access_key_id, secret_access_key, session_token } = key;
        [
            ("region", Some(region)),
            ("access_key_id", Some(access_key_id)),
            ("secret_access_key", Some(secret_access_key)),
            ("session_token", session_token),
        ]
    });
    named
        .into_iter()
        .chain(aws.into_iter().flatten())
        .filter_map(|(name, value)| Some((name.to_owned(), Secret::new(value?))))
        .collect()
}
