//! One connection as we see it ourselves: its secret, its address, whether a signed delivery gets through, and whether it
//! speaks.

use config::Connection;
use connectors::SigningSecret;
use model::Heard;

use super::checks::Checks;
use super::{Look, hook, page};
use crate::api::SelfTest;
use crate::host::HostError;

impl Look<'_> {
    pub(super) async fn connection(
        &self,
        connection: &Connection,
        heard: Option<&Heard>,
        checks: &mut Checks,
    ) -> Result<(), HostError> {
        self.secret(connection, checks);
        address(connection, checks);
        self.self_test(connection, checks).await?;
        self.public_test(connection, checks).await?;
        self.heard(connection, heard, checks);
        Ok(())
    }

    fn secret(&self, connection: &Connection, checks: &mut Checks) {
        let name = &connection.name;
        let Some(held) = self.secrets.connections.get(name) else {
            let mend = format!("add [connections.{name}] with secret = \"…\" to the file of secrets, and restart");
            return checks.mend("secret", "there is none: everything sent to it is answered 503", mend);
        };
        let odd = |secret: &str| match SigningSecret::new(secret) {
            Err(problem) => Some(problem.to_string()),
            Ok(_) if secret.contains(char::is_whitespace) => Some("it contains a blank or a line's end".to_owned()),
            Ok(secret) => secret.weakness().map(|weakness| weakness.to_string()),
        };
        let mend =
            format!("paste it again under [connections.{name}]; {} says where it stands", page(&connection.tool));
        if let Some(says) = odd(&held.secret) {
            return checks.mend("secret", says, mend);
        }
        if let Some(says) = held.previous.as_deref().and_then(odd) {
            return checks.mend("secret", format!("the previous one: {says}"), mend);
        }
        let previous = if held.previous.is_some() { "; the previous one is accepted too" } else { "" };
        let bytes = held.secret.len();
        checks.ok("secret", format!("{bytes} bytes; nothing is taken that is not signed with it{previous}"));
    }

    /// What became of the delivery that was posted to the host's own address.
    async fn self_test(&self, connection: &Connection, checks: &mut Checks) -> Result<(), HostError> {
        const CHECK: &str = "self-test";
        let Some(test) = self.self_test_of(connection, false) else {
            checks.unknown(CHECK, "not sent: it takes a secret to sign with", None);
            return Ok(());
        };
        let SelfTest { delivery, status, error, is_read, connection: _, through: _ } = test;
        match (status, error) {
            (Some(200), _) => {}
            (Some(401), _) => {
                let mend = "restart `barometer up` with the file of secrets and the connections.toml of now";
                checks.mend(CHECK, "the host refused our own signature (401)", mend);
                return Ok(());
            }
            (Some(503), _) => {
                let mend = "mend the secret above, and see what `barometer up` logs";
                checks.mend(CHECK, "the host cannot take deliveries now (503)", mend);
                return Ok(());
            }
            (Some(status), _) => {
                let mend = "see what `barometer up` logs about it";
                checks.mend(CHECK, format!("the host answered {status}"), mend);
                return Ok(());
            }
            (None, error) => {
                let reason = error.as_deref().unwrap_or("no answer");
                checks.mend(CHECK, format!("the host does not answer: {reason}"), "restart `barometer up`");
                return Ok(());
            }
        }
        if self.host.store.delivery(delivery).await?.is_none() {
            let mend = "see what `barometer up` logs; another host may answer at this address";
            checks.mend(CHECK, format!("it was answered 200, and `{delivery}` is not in the journal"), mend);
        } else if !is_read {
            let mend = "`barometer settle` says what is in flight, and `barometer up` logs what fails";
            checks.mend(CHECK, "a signed delivery was taken and kept, and not read within ten seconds", mend);
        } else {
            checks.ok(CHECK, format!("a signed delivery was taken, kept (`{delivery}`) and read"));
        }
        Ok(())
    }

    fn self_test_of(&self, connection: &Connection, is_public: bool) -> Option<&SelfTest> {
        let is_it = |test: &&SelfTest| test.connection == connection.name && test.through.is_some() == is_public;
        self.request.self_tests.iter().find(is_it)
    }

    /// What became of the delivery that was posted as a tool posts: by the public address.
    async fn public_test(&self, connection: &Connection, checks: &mut Checks) -> Result<(), HostError> {
        const CHECK: &str = "public address";
        let Some(test) = self.self_test_of(connection, true) else {
            let how = "name it by public_url in connections.toml, or for once by --address https://…, and leave out --offline";
            checks.unknown(CHECK, "nothing was sent through it", Some(how.to_owned()));
            return Ok(());
        };
        let SelfTest { delivery, status, error, through, connection: name, is_read: _ } = test;
        let through = through.as_deref().unwrap_or_default();
        let is_kept = self.host.store.delivery(delivery).await?.is_some();
        match status {
            Some(200) if is_kept => checks.ok(CHECK, format!("a signed delivery came in through {through}")),
            Some(200) => {
                let mend = "point the tunnel or proxy at the address of this host (`barometer status`)";
                checks.mend(CHECK, format!("{through} answered 200, but for another host: nothing came here"), mend);
            }
            Some(401) => {
                let mend = format!(
                    "let the tunnel or proxy pass path and body on as they are, to this host, and see that public_url under \
                     [connection.{name}] is scheme and host as the tool calls them"
                );
                checks.mend(
                    CHECK,
                    format!("what came through {through} was refused (401): it is not what was signed"),
                    mend,
                );
            }
            Some(status) => {
                let mend = "let the tunnel or proxy pass POST on below /hooks/ without a password, a page of its own or a redirect";
                checks.mend(CHECK, format!("{through} answered {status} in place of this host"), mend);
            }
            None => {
                let reason = error.as_deref().unwrap_or("no answer");
                let mend = "start the tunnel or proxy, and see that its name is known and its certificate holds";
                checks.mend(CHECK, format!("{through} does not answer: {reason}"), mend);
            }
        }
        Ok(())
    }

    fn heard(&self, connection: &Connection, heard: Option<&Heard>, checks: &mut Checks) {
        const CHECK: &str = "heard";
        let name = &connection.name;
        let Some(every) = connection.expected_every else {
            let how = format!(
                "add expected_every = 3 (days) under [connection.{name}] in connections.toml to be told when it goes silent"
            );
            return checks.unknown(CHECK, "nobody looks whether it speaks", Some(how));
        };
        let mend = format!("look at its webhook in the tool (it may be paused or deleted); {}", page(&connection.tool));
        let today = self.host.clock.now().date_in(&self.host.config.model.zone);
        match heard.and_then(|heard| Some((heard.last()?, heard.silent_from(every)?))) {
            None => checks.mend(CHECK, format!("it never spoke; it is expected to every {every} days"), mend),
            Some((last, silent)) if silent <= today => {
                let says =
                    format!("silent since {silent}: it spoke last on {last}, and is expected to every {every} days");
                checks.mend(CHECK, says, mend);
            }
            Some((last, _)) => checks.ok(CHECK, format!("it spoke last on {last}")),
        }
    }
}

fn address(connection: &Connection, checks: &mut Checks) {
    const CHECK: &str = "address";
    let name = &connection.name;
    match (hook(connection), connection.public_url.as_deref()) {
        (Some(hook), Some(url)) if url.starts_with("https://") => checks.ok(CHECK, hook),
        (_, Some(url)) => {
            let mend = format!("give public_url under [connection.{name}] the https address of your tunnel or proxy");
            checks.mend(CHECK, format!("public_url is {url}, and no tool sends secrets of customers over http"), mend);
        }
        (_, None) => {
            let mend = format!(
                "add public_url = \"https://…\" (what your tunnel or proxy is called) under [connection.{name}] in \
                 connections.toml"
            );
            checks.mend(CHECK, "nobody says at which address the tool reaches us: there is no public_url", mend);
        }
    }
}
