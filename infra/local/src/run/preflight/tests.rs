use std::sync::{Arc, Mutex};

use bytes::Bytes;
use runtime::seam::{Call, CallError, Target};
use serde_json::{Value, json};

use super::*;

/// An account in which everything is as it should be; tests break it in one place.
#[derive(Clone)]
struct Account {
    region: &'static str,
    reserved: i64,
    limit: Result<Value, CallError>,
    /// What CloudFormation says of the stack: its status and its answer.
    stack: (u16, &'static str),
    has_bus: bool,
    refused: Option<u16>,
    ses: Value,
    has_ses: bool,
    verified: &'static str,
    secrets: Vec<(&'static str, &'static str)>,
    sender: &'static str,
    name: &'static str,
}

const SECRET: &str = "a-secret-of-thirty-two-characters";

fn well() -> Account {
    let limit = json!({"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 900}});
    Account {
        region: "eu-central-1",
        reserved: -1,
        limit: Ok(limit),
        stack: (400, "<Message>Stack with id ours does not exist</Message>"),
        has_bus: false,
        refused: None,
        ses: json!({"ProductionAccessEnabled": true, "SendingEnabled": true}),
        has_ses: true,
        verified: "ourco.example",
        secrets: vec![
            ("/barometer/crm/hubspot/secret", SECRET),
            ("/barometer/crm/hubspot-app/secret", SECRET),
            ("/barometer/ticketing/zendesk/secret", SECRET),
            ("/barometer/survey/typeform/secret", SECRET),
        ],
        sender: "success@ourco.example",
        name: "barometer",
    }
}

impl Account {
    fn answer(&self, call: &Call) -> Result<(u16, Value), CallError> {
        let path = call.request.uri().path();
        Ok(match (call.target, call.operation.as_str()) {
            (Target::Lambda, "GetAccountSettings") => {
                assert_eq!(path, "/2016-08-19/account-settings/");
                assert!(call.request.headers()["authorization"].to_str().unwrap().contains("/lambda/aws4_request"));
                (self.refused.unwrap_or(200), self.limit.clone()?)
            }
            // Between quotes, which XML does not mind.
            (Target::Stack, "DescribeStacks") => (self.stack.0, json!(self.stack.1)),
            (Target::Stack, "DescribeEventBus") if self.has_bus => (200, json!({ "Name": self.name })),
            (Target::Stack, "DescribeEventBus") => (400, json!({ "__type": "ResourceNotFoundException" })),
            (Target::Ses, _) if !self.has_ses => return Err(CallError::Unreachable("no such host".into())),
            (Target::Ses, "GetAccount") => (200, self.ses.clone()),
            (Target::Ses, "GetEmailIdentity") if path.ends_with(self.verified) => {
                (200, json!({"VerifiedForSendingStatus": true}))
            }
            (Target::Ses, "GetEmailIdentity") => (404, json!({"message": "not found"})),
            (Target::Ssm, _) => {
                let asked: Value = serde_json::from_slice(call.request.body()).unwrap();
                let below = asked["Path"].as_str().unwrap().to_owned() + "/";
                let held = self.secrets.iter().filter(|(name, _)| name.starts_with(&below));
                let held: Vec<Value> = held.map(|(name, value)| json!({"Name": name, "Value": value})).collect();
                (200, json!({ "Parameters": held }))
            }
            other => panic!("nobody expected {other:?}"),
        })
    }

    /// What preflight says of this account, and whom it asked.
    async fn looked_at(self) -> (Vec<CheckRow>, Vec<String>) {
        let config = crate::config_files::load(None).unwrap();
        let aws = AwsSettings { region: self.region.into(), endpoint: None, ..AwsSettings::local() };
        let (sender, name) = (self.sender.into(), self.name.into());
        let args = PreflightArgs { sender, name, reserved_concurrency: self.reserved, stack: "ours".to_owned() };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let seam = Seam::new(move |call: Call| {
            kept.lock().unwrap().push(format!("{} {}", call.target, call.operation));
            let answer = self.answer(&call).map(|(status, body)| {
                let kind = if status == 404 { "NotFoundException" } else { "" };
                let answer = http::Response::builder().status(status).header("x-amzn-errortype", kind);
                answer.body(Bytes::from(body.to_string())).unwrap()
            });
            Box::pin(async move { answer })
        });
        let rows = look(&seam, &aws, &config, &args, "2026-11-22T10:00:00Z".parse().unwrap()).await;
        let asked = asked.lock().unwrap().clone();
        (rows, asked)
    }
}

/// An account with more parameters.
fn with(more: &[(&'static str, &'static str)]) -> Account {
    let secrets = well().secrets.into_iter().chain(more.iter().copied()).collect();
    Account { secrets, ..well() }
}

/// What is refused: each as `about: check: says`.
async fn refused(account: Account) -> Vec<String> {
    let (rows, _) = account.looked_at().await;
    let mend = rows.into_iter().filter(|row| row.state == CheckState::Mend);
    mend.map(|row| {
        assert!(row.mend.is_some_and(|mend| !mend.is_empty()), "{}: nothing mends it", row.says);
        format!("{}: {}: {}", row.about, row.check, row.says)
    })
    .collect()
}

#[track_caller]
fn one(found: &[String], expected: &str) {
    assert!(matches!(found, [only] if only.contains(expected)), "expected `{expected}`, found {found:#?}");
}

#[tokio::test]
async fn an_account_that_is_ready_is_refused_nothing() {
    assert_eq!(refused(well()).await, [""; 0]);
    assert_eq!(refused(Account { reserved: 100, ..well() }).await, [""; 0]);
    // An address may be verified instead of its domain.
    assert_eq!(refused(Account { verified: "success%40ourco.example", ..well() }).await, [""; 0]);
    // The sandbox is where everybody begins.
    let ses = json!({"ProductionAccessEnabled": false, "SendingEnabled": true});
    let (rows, _) = Account { ses, ..well() }.looked_at().await;
    assert!(rows.iter().any(|row| row.says.contains("sandbox") && row.state == CheckState::Ok), "{rows:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_deployment_lacks_is_said_one_by_one() {
    let small = json!({"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 130}});
    one(
        &refused(Account { reserved: 5, limit: Ok(small), ..well() }).await,
        "5 reserved for each of 7 receivers are 35",
    );
    one(
        &refused(Account { sender: "ceo@ourco.example", ..well() }).await,
        "the stack would allow ceo@ourco.example only",
    );
    // The role's permission tells upper from lower case, and AWS would refuse every mail.
    one(
        &refused(Account { sender: "Success@ourco.example", ..well() }).await,
        "the stack would allow Success@ourco.example only",
    );
    one(&refused(Account { has_ses: false, ..well() }).await, "mail: ses: SES in eu-central-1");
    one(
        &refused(Account { verified: "other.example", ..well() }).await,
        "neither ourco.example nor success@ourco.example",
    );
    let paused = json!({"ProductionAccessEnabled": true, "SendingEnabled": false});
    one(&refused(Account { ses: paused, ..well() }).await, "sending is paused");
    let mut secrets = well().secrets;
    secrets[2].1 = "too-short";
    one(&refused(Account { secrets: secrets.clone(), ..well() }).await, "zendesk/secret has 9 bytes");
    secrets[2].1 = &SECRET[..15];
    one(&refused(Account { secrets: secrets.clone(), ..well() }).await, "zendesk/secret has 15 bytes");
    secrets[2].1 = &SECRET[..16];
    assert_eq!(refused(Account { secrets: secrets.clone(), ..well() }).await, [""; 0]);
    secrets.remove(2);
    one(&refused(Account { secrets, ..well() }).await, "there is no parameter /barometer/ticketing/zendesk/secret");
    let guessable = with(&[("/barometer/survey/typeform/previous", "letmein")]);
    one(&refused(guessable).await, "connection typeform: previous: /barometer/survey/typeform/previous has 7 bytes");
    assert_eq!(refused(with(&[("/barometer/survey/typeform/previous", SECRET)])).await, [""; 0]);
    let nowhere = with(&[("/barometer/fetch/zendesk/token", "email/token:1")]);
    one(&refused(nowhere).await, "/barometer/fetch/zendesk/token is there, and no address to use it at");
}

#[tokio::test]
async fn what_the_stack_has_reserved_already_is_its_own() {
    const HOLDS: &str =
        "<member><ParameterKey>ReservedConcurrency</ParameterKey><ParameterValue>70</ParameterValue></member>";
    // 7 x 70 of 1000 are reserved, by whomever.
    let limit = json!({"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 510}});
    let account = |reserved, stack| Account { reserved, stack, limit: Ok(limit.clone()), ..well() };
    assert_eq!(refused(account(70, (200, HOLDS))).await, [""; 0], "the same again");
    assert_eq!(refused(account(128, (200, HOLDS))).await, [""; 0]);
    one(
        &refused(account(129, (200, HOLDS))).await,
        "are 903; of 1000 calls at a time 510 are free and 490 this stack's",
    );
    one(&refused(account(70, well().stack)).await, "are 490; of 1000 calls at a time 510 are free and 0 this stack's");
    let (rows, _) = account(-1, (403, "<Code>AccessDenied</Code>")).looked_at().await;
    let row = rows.iter().find(|row| row.about == "stack").unwrap();
    let says =
        "whether there is a stack `ours` is not known: AWS refuses cloudformation:DescribeStacks in eu-central-1";
    assert_eq!((row.state, row.says.as_str()), (CheckState::NotAsked, says));
}

#[tokio::test]
async fn a_stack_that_takes_no_change_is_found_before_anything_is_built() {
    for (stack, says) in [
        ("<StackStatus>ROLLBACK_COMPLETE</StackStatus>", "ours was never whole, or is half gone (ROLLBACK_COMPLETE)"),
        ("<StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus>", "ours is between two versions"),
        ("<StackStatus>UPDATE_IN_PROGRESS</StackStatus>", "ours is being changed"),
    ] {
        one(&refused(Account { stack: (200, stack), ..well() }).await, says);
    }
    for status in ["CREATE", "UPDATE", "UPDATE_ROLLBACK"] {
        let stack: &str = format!("<StackStatus>{status}_COMPLETE</StackStatus>").leak();
        // The bus is its own.
        assert_eq!(refused(Account { stack: (200, stack), has_bus: true, ..well() }).await, [""; 0]);
    }
    one(
        &refused(Account { has_bus: true, ..well() }).await,
        "there is no `ours`, and a bus `barometer` of another stack",
    );
}

#[tokio::test]
async fn a_new_account_has_few_calls_and_may_deploy_without_a_reservation() {
    let limit = json!({"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}});
    let account = |reserved| Account { reserved, limit: Ok(limit.clone()), ..well() };
    assert_eq!(refused(account(-1)).await, [""; 0]);
    let (rows, _) = account(-1).looked_at().await;
    assert!(rows.iter().any(|row| row.says.contains("which is little")), "{rows:#?}");
    one(&refused(account(1)).await, "1 reserved for each of 7 receivers are 7; of 10 calls at a time 10 are free");
}

#[tokio::test]
async fn a_reservation_that_lets_nothing_in_is_refused() {
    for reserved in [-2, 0] {
        let found = refused(Account { reserved, ..well() }).await;
        one(
            &found,
            &format!("`{reserved}` will not do: the template's ReservedConcurrency is -1, which reserves none"),
        );
    }
    assert_eq!(refused(Account { reserved: 1, ..well() }).await, [""; 0]);
}

#[tokio::test]
async fn a_token_that_an_earlier_version_read_is_to_be_moved() {
    let [old, new] = [("/barometer/slack/token", "xoxb-1"), ("/barometer/destinations/slack/token", "xoxb-1")];
    one(&refused(with(&[old])).await, "/barometer/slack/token is not read any more");
    assert_eq!(refused(with(&[new])).await, [""; 0]);
    // It is deleted once nobody reads it any more: after the deployment.
    assert_eq!(refused(with(&[old, new])).await, [""; 0]);
    one(
        &refused(with(&[("/barometer/hubspot/token", "pat-1")])).await,
        "no parameter /barometer/destinations/hubspot/token",
    );
    // What the receiver of clicks checks them with stays where it is.
    assert_eq!(refused(with(&[("/barometer/slack/slack/secret", SECRET)])).await, [""; 0]);
}

#[tokio::test]
async fn what_may_be_added_later_is_said_and_keeps_nobody_from_deploying() {
    async fn later(account: Account) -> Vec<(String, String)> {
        let (rows, _) = account.looked_at().await;
        let rows = rows.into_iter().filter(|row| row.state == CheckState::NotAsked);
        let parameter = |mend: &str| mend.split(' ').skip_while(|word| *word != "--name").nth(1).map(str::to_owned);
        rows.map(|row| (row.about, row.mend.as_deref().and_then(parameter).unwrap_or_default())).collect()
    }
    let all = [
        ("connection hubspot-app", "/barometer/fetch/hubspot-app/token"),
        ("connection zendesk", "/barometer/fetch/zendesk/token"),
        ("destination slack", "/barometer/destinations/slack/token"),
        ("destination hubspot", "/barometer/destinations/hubspot/token"),
    ]
    .map(|(about, parameter)| (about.to_owned(), parameter.to_owned()));
    assert_eq!(later(well()).await, all);
    let there = [
        ("/barometer/fetch/hubspot-app/token", "pat-1"),
        ("/barometer/destinations/slack/webhook", "https://hooks.slack.example/1"),
        ("/barometer/destinations/hubspot/token", "pat-2"),
    ];
    assert_eq!(later(with(&there)).await, all[1..2]);
    let (rows, _) = with(&there).looked_at().await;
    assert!(there.iter().all(|(_, secret)| !format!("{rows:?}").contains(secret)), "{rows:#?}");
}

#[tokio::test]
async fn what_the_template_would_not_take_is_said_before_anybody_is_asked() {
    for (account, says) in [
        (Account { name: "Acme", ..well() }, "`Acme` will not do: the template's Name is 2 to 31 lower-case letters"),
        (Account { sender: "Ourco <a@ourco.example>", ..well() }, "the template's SenderAddress is one plain address"),
        (Account { region: "cn-north-1", ..well() }, "the addresses of `cn-north-1` do not end in amazonaws.com"),
    ] {
        let (_, asked) = account.clone().looked_at().await;
        assert_eq!(asked, [""; 0], "{says}");
        one(&refused(account).await, says);
    }
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_asked_nothing_more() {
    let (rows, asked) = Account { region: "Frankfurt", ..well() }.looked_at().await;
    assert!(
        rows[0].says.contains("`Frankfurt` is not the name of a region") && asked.is_empty(),
        "{rows:#?} {asked:?}"
    );
    let nowhere = Err(CallError::Unreachable("no such host".into()));
    let (rows, asked) = Account { region: "eu-moon-1", limit: nowhere, ..well() }.looked_at().await;
    assert!(rows[1].says.contains("Lambda in eu-moon-1 does not answer"), "{rows:#?}");
    assert_eq!(asked, ["lambda GetAccountSettings"]);
    one(&refused(Account { refused: Some(403), ..well() }).await, "refuses the key");
}

#[test]
fn names_of_regions() {
    for region in ["eu-central-1", "us-gov-west-1", "ap-southeast-4"] {
        assert!(is_a_region(region), "{region}");
    }
    for other in ["", "eu", "eu-1", "eu-central", "EU-central-1", "eu central 1"] {
        assert!(!is_a_region(other), "{other}");
    }
}
