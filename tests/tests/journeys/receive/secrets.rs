//! No secret, no acceptance; and a secret can be changed without losing a delivery.

use std::sync::{Arc, Mutex};

use config::secrets::{ConnectionSecrets, SecretsFile};
use jiff::SignedDuration;
use runtime::lambda::HttpEvent;
use tests::{SECRET, Setup, World};

use super::{OTHER, PATH, check, company, journal, now, request, request_to, send, two_connections};

const NEW: &str = "fedcba9876543210fedcba9876543210";

/// Secrets that a test changes while the product runs.
#[derive(Clone)]
struct Vault(Arc<Mutex<(Result<SecretsFile, String>, usize)>>);

impl Vault {
    /// Connection, secret, previous secret.
    fn new(secrets: &[(&str, &str, Option<&str>)]) -> Self {
        Self(Arc::new(Mutex::new((Ok(file(secrets)), 0))))
    }

    fn store(&self, secrets: &[(&str, &str, Option<&str>)]) {
        self.0.lock().unwrap().0 = Ok(file(secrets));
    }

    fn breaks(&self) {
        self.0.lock().unwrap().0 = Err("no answer".into());
    }

    /// How often the secrets were asked for.
    fn reads(&self) -> usize {
        self.0.lock().unwrap().1
    }

    async fn world(&self) -> World {
        let vault = self.clone();
        let read = move || {
            let mut vault = vault.0.lock().unwrap();
            vault.1 += 1;
            vault.0.clone()
        };
        let world =
            World::new(Setup { config: two_connections(), secrets: Some(Arc::new(read)), ..Setup::new() }).await;
        // The start looks for tokens; what counts here is who asks because of a request.
        self.0.lock().unwrap().1 = 0;
        world
    }
}

fn file(secrets: &[(&str, &str, Option<&str>)]) -> SecretsFile {
    let connections = secrets.iter().map(|(connection, secret, previous)| {
        let previous = previous.map(str::to_owned);
        (connection.parse().unwrap(), ConnectionSecrets { secret: (*secret).to_owned(), previous, token: None })
    });
    SecretsFile { connections: connections.collect(), ..SecretsFile::default() }
}

/// A request signed with `secret`, received `seconds` into the test.
fn received(seconds: i64, path: &str, secret: &str) -> HttpEvent {
    let mut event = request_to(path, &company(7), secret);
    event.request_context.time_epoch = now().plus(SignedDuration::from_secs(seconds)).as_millis();
    event
}

#[tokio::test(start_paused = true)]
async fn without_a_usable_secret_a_connection_answers_503_and_others_go_on() {
    let emea = ("hubspot-emea", NEW, None);
    for (what, stored) in [
        ("missing", vec![emea]),
        ("empty", vec![("hubspot", "", None), emea]),
        ("blank", vec![("hubspot", " ", None), emea]),
        ("white space", vec![("hubspot", "\t\r\n", None), emea]),
        ("only a previous one", vec![("hubspot", "", Some(SECRET)), emea]),
    ] {
        let vault = Vault::new(&stored);
        let world = vault.world().await;
        for secret in [SECRET, "", " ", "\t\r\n"] {
            let answer = send(&world, request_to(PATH, &company(7), secret)).await;
            assert_eq!((answer.status_code, answer.headers["retry-after"].as_str()), (503, "30"), "{what}: {secret:?}");
        }
        assert!(journal(&world).await.is_empty(), "{what}");
        check(&world, received(0, OTHER, NEW), 200, what).await;
        assert_eq!(vault.reads(), 1, "{what}: who sends much does not make us ask much");

        vault.store(&[("hubspot", SECRET, None), emea]);
        check(&world, received(59, PATH, SECRET), 503, &format!("{what}, stored, and not asked for again yet")).await;
        check(&world, received(60, PATH, SECRET), 200, &format!("{what}, stored")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_takes_only_what_is_signed_for_its_own_address() {
    let world = Vault::new(&[("hubspot", SECRET, None), ("hubspot-emea", SECRET, None)]).world().await;
    let elsewhere = HttpEvent { raw_path: OTHER.to_owned(), ..request(&company(7)) };
    check(&world, elsewhere, 401, "the same secret, signed for the other address").await;
    for path in [PATH, OTHER] {
        check(&world, received(0, path, SECRET), 200, path).await;
    }
    assert_eq!(journal(&world).await.len(), 2, "the same bytes from two connections are two deliveries");
}

#[tokio::test(start_paused = true)]
async fn while_secrets_cannot_be_read_the_sender_is_asked_to_come_again() {
    let vault = Vault::new(&[]);
    vault.breaks();
    let world = vault.world().await;
    check(&world, received(0, PATH, SECRET), 503, "never read").await;
    check(&world, received(0, PATH, "guessed"), 503, "never read, forged").await;
    vault.store(&[("hubspot", SECRET, None)]);
    check(&world, received(1, PATH, SECRET), 200, "read").await;
    vault.breaks();
    check(&world, received(2, PATH, "guessed"), 401, "what is held is fresh").await;
    check(&world, received(70, PATH, "guessed"), 503, "a new secret may be there").await;
    check(&world, received(71, PATH, "guessed"), 503, "and may still be").await;
    check(&world, received(72, PATH, SECRET), 200, "what is held still holds").await;
    check(&world, received(900, PATH, SECRET), 200, "as long as nothing newer can be read").await;
    assert_eq!(journal(&world).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn during_a_rotation_both_secrets_are_accepted_and_afterwards_one() {
    let vault = Vault::new(&[("hubspot", SECRET, None)]);
    let world = &vault.world().await;
    check(world, received(0, PATH, SECRET), 200, "before").await;
    check(world, received(1, PATH, NEW), 401, "not stored yet").await;
    assert_eq!(vault.reads(), 1, "a mismatch within the minute asks nobody");

    vault.store(&[("hubspot", NEW, Some(SECRET))]);
    check(world, received(59, PATH, NEW), 401, "asked less than a minute ago").await;
    check(world, received(60, PATH, NEW), 200, "the mismatch makes us look once more").await;
    assert_eq!(vault.reads(), 2);
    for seconds in [61, 62, 150] {
        check(world, received(seconds, PATH, SECRET), 200, "the vendor is still being changed over").await;
        check(world, received(seconds, PATH, NEW), 200, "and is changed over").await;
    }
    assert_eq!(vault.reads(), 2, "what matches asks nobody");
    for seconds in 151..200 {
        check(world, received(seconds, PATH, "guessed"), 401, "forged").await;
    }
    assert_eq!(vault.reads(), 3, "nor does who guesses, more than once a minute");

    // Withdrawn: it goes on matching what is held, so nothing but time makes us look.
    vault.store(&[("hubspot", NEW, None)]);
    check(world, received(151 + 299, PATH, SECRET), 200, "held for five minutes at most").await;
    check(world, received(151 + 300, PATH, SECRET), 401, "the rotation is over").await;
    check(world, received(151 + 301, PATH, NEW), 200, "the new one holds").await;
    assert_eq!(vault.reads(), 4);
}
