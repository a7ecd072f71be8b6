//! One connection as we see it ourselves: its secret, its address, whether a signed delivery gets through, and whether it
//! speaks.

use config::Connection;
use connectors::SigningSecret;
use model::Heard;

use super::checks::Checks;
use super::place::{Given, Place, Stuck};
use super::{Look, page};
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
        self.address(connection, checks);
        self.self_test(connection, checks).await?;
        self.public_test(connection, checks).await?;
        self.heard(connection, heard, checks);
        Ok(())
    }

    fn secret(&self, connection: &Connection, checks: &mut Checks) {
        // In AWS a connection may have a token and no secret.
        let held = self.secrets.connections.get(&connection.name).filter(|held| !held.secret.is_empty());
        let Some(held) = held else {
            let mend = self.place.give(Given::Secret(connection));
            return checks.mend("secret", "there is none: everything sent to it is answered 503", mend);
        };
        let odd = |secret: &str| match SigningSecret::new(secret) {
            Err(problem) => Some(problem.to_string()),
            Ok(_) if secret.contains(char::is_whitespace) => Some("it contains a blank or a line's end".to_owned()),
            Ok(secret) => secret.weakness().map(|weakness| weakness.to_string()),
        };
        let mend =
            format!("{}; {} says where it stands", self.place.again(Given::Secret(connection)), page(&connection.tool));
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

    /// What became of the delivery that was posted to the host's or the stack's own address.
    async fn self_test(&self, connection: &Connection, checks: &mut Checks) -> Result<(), HostError> {
        const CHECK: &str = "self-test";
        let Some(test) = self.self_test_of(connection, false) else {
            checks.unknown(CHECK, "not sent: it takes a secret to sign with, and an address", None);
            return Ok(());
        };
        let SelfTest { delivery, status, error, is_read, unseen, connection: _, through: _ } = test;
        let noun = self.place.noun();
        let refused = match (status, error) {
            (Some(200), _) => None,
            (Some(401), _) => Some((Stuck::Refused, format!("the {noun} refused our own signature (401)"))),
            (Some(503), _) => Some((Stuck::NotTaken, format!("the {noun} cannot take deliveries now (503)"))),
            (Some(status), _) => Some((Stuck::Odd, format!("the {noun} answered {status}"))),
            (None, error) => {
                let reason = error.as_deref().unwrap_or("no answer");
                Some((Stuck::Unanswered, format!("the {noun} does not answer: {reason}")))
            }
        };
        if let Some((stuck, says)) = refused {
            checks.mend(CHECK, says, self.place.unstick(stuck, connection));
        } else if self.operator.store.delivery(delivery).await?.is_none() {
            let says = format!("it was answered 200, and `{delivery}` is not in the journal");
            checks.mend(CHECK, says, self.place.unstick(Stuck::Lost, connection));
        } else if let Some(why) = unseen {
            let says = format!("a signed delivery was taken and kept (`{delivery}`); whether it was read is not known");
            checks.unknown(CHECK, says, Some(why.clone()));
        } else if !is_read {
            let says = format!("a signed delivery was taken and kept, and not read within {}", self.place.patience());
            checks.mend(CHECK, says, self.place.unstick(Stuck::Unread, connection));
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
            if matches!(self.place, Place::Aws(_)) {
                // The stack's own address is public.
                return Ok(());
            }
            let how = "name it by public_url in connections.toml, or for once by --address https://…, and leave out --offline";
            checks.unknown(CHECK, "nothing was sent through it", Some(how.to_owned()));
            return Ok(());
        };
        let SelfTest { delivery, status, error, through, connection: name, is_read: _, unseen: _ } = test;
        let through = through.as_deref().unwrap_or_default();
        let noun = self.place.noun();
        let is_kept = self.operator.store.delivery(delivery).await?.is_some();
        match status {
            Some(200) if is_kept => checks.ok(CHECK, format!("a signed delivery came in through {through}")),
            Some(200) => {
                let mend = format!("point the tunnel or proxy at {}", self.place.address(connection.family));
                checks.mend(CHECK, format!("{through} answered 200, but for another {noun}: nothing came here"), mend);
            }
            Some(401) => {
                let mend = format!(
                    "let the tunnel or proxy pass path and body on as they are, to this {noun}, and see that public_url under \
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
                checks.mend(CHECK, format!("{through} answered {status} in place of this {noun}"), mend);
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
        let today = self.operator.clock.now().date_in(&self.operator.config.model.zone);
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

    fn address(&self, connection: &Connection, checks: &mut Checks) {
        const CHECK: &str = "address";
        let name = &connection.name;
        match (self.place.hook(connection), connection.public_url.as_deref()) {
            (Some(_), Some(url)) if !url.starts_with("https://") => {
                let mend =
                    format!("give public_url under [connection.{name}] the https address of your tunnel or proxy");
                let says = format!("public_url is {url}, and no tool sends secrets of customers over http");
                checks.mend(CHECK, says, mend);
            }
            (Some(hook), _) => checks.ok(CHECK, hook),
            (None, _) => {
                let (says, mend) = self.place.no_address(connection);
                checks.mend(CHECK, says, mend);
            }
        }
    }
}
