use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use model::ActionRequest;
use proptest::prelude::*;
use runtime::seam::{Call, CallError, Reply, Seam, Target};
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::golden::{self, Fixture};

use super::*;
use crate::slack::checks::hostile;

/// The templates as they are shipped.
fn shipped() -> MailTemplates {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config/templates/email");
    let files = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let text = |file: std::fs::DirEntry| {
        let name = format!("email/{}", file.file_name().to_string_lossy());
        (name, std::fs::read_to_string(file.path()).unwrap())
    };
    MailTemplates::new(&files.map(text).collect()).unwrap()
}

/// `request.json` of a golden folder.
#[derive(Deserialize)]
struct Asked {
    to: String,
    is_draft: bool,
    list: Option<(String, Option<String>)>,
    request: ActionRequest,
}

impl Asked {
    fn body(&self, templates: &MailTemplates) -> Value {
        let going = Going {
            from: "Customer Success <success@ourco.example>",
            configuration_set: Some("barometer"),
            to: &self.to,
            is_draft: self.is_draft,
            list: self.list.as_ref().map(|(list, topic)| (list.as_str(), topic.as_deref())),
        };
        let email = self.request.email.clone().unwrap();
        render(templates, &self.request, &email, &going).unwrap().body()
    }
}

#[test]
fn requests_are_exactly_these() {
    let templates = shipped();
    golden::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ses/golden"), |fixture: &Fixture| {
        serde_json::from_slice::<Asked>(&fixture.bytes("request.json")).unwrap().body(&templates)
    });
}

fn asked(name: &str) -> Asked {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/ses/golden/{name}/request.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_template_writes_text_and_html_and_offers_the_way_out() {
    let (templates, mut asked) = (shipped(), asked("to_the_customer"));
    assert!(templates.names().count() > 0);
    for name in templates.names() {
        asked.request.email.as_mut().unwrap().template = name.to_owned();
        let simple = asked.body(&templates)["Content"]["Simple"].clone();
        for part in ["Text", "Html"] {
            let text = simple["Body"][part]["Data"].as_str().unwrap();
            assert_eq!(text.matches("{{amazonSESUnsubscribeUrl}}").count(), 1, "{name}, {part}: {text}");
            assert!(text.contains("Nordlicht"), "{name}, {part}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_value_adds_a_header_a_tag_or_a_line(text in hostile(), is_draft: bool) {
        let (templates, plain) = (shipped(), asked("to_the_customer"));
        let tags = |body: &Value| {
            let html = body["Content"]["Simple"]["Body"]["Html"]["Data"].as_str().unwrap_or_default();
            html.matches('<').count()
        };
        let given = |text: &str| {
            let mut asked = asked("to_the_customer");
            asked.is_draft = is_draft;
            asked.request.alert.name = text.to_owned();
            asked.request.alert.text = Some(text.to_owned());
            asked.request.alert.due = Some(text.to_owned());
            asked.request.email.as_mut().unwrap().name = Some(text.to_owned());
            asked.body(&templates)
        };
        let body = given(&text);
        let subject = body["Content"]["Simple"]["Subject"]["Data"].as_str().unwrap();
        prop_assert!(!subject.is_empty() && !subject.contains(char::is_control), "{subject:?}");
        prop_assert!(subject.chars().count() <= 200);
        let visible = crate::slack::text::clean(&text).is_empty();
        let like = given(if visible { "" } else { "x" });
        prop_assert_eq!(tags(&body), tags(&like));
        prop_assert_eq!(&body["Destination"], &plain.body(&templates)["Destination"]);
    }
}

#[test]
fn a_template_that_cannot_be_used_is_named() {
    let with = |text: &str, html: Option<&str>| {
        let mut texts = BTreeMap::from([("email/kickoff.txt.j2".to_owned(), text.to_owned())]);
        texts.extend(html.map(|html| ("email/kickoff.html.j2".to_owned(), html.to_owned())));
        let asked = asked("to_the_customer");
        let going = Going { from: "x", configuration_set: None, to: "y", is_draft: false, list: None };
        let email = asked.request.email.clone().unwrap();
        let rendered = MailTemplates::new(&texts).and_then(|it| render(&it, &asked.request, &email, &going));
        rendered.unwrap_err().to_string()
    };
    assert_eq!(with("{% if %}", Some("x")), "template email/kickoff.txt.j2 cannot be used");
    assert_eq!(with("A\nb {{ nmae }}", Some("x")), "template email/kickoff.txt.j2 cannot be used");
    assert_eq!(with("A\nb", Some("{{ unsubscribe }}")), "template email/kickoff.html.j2 cannot be used");
    assert_eq!(with("only a subject", Some("x")), "template email/kickoff.txt.j2 writes nothing");
    assert_eq!(with("A\nb", None), "there is no template email/kickoff.html.j2");
}

/// SES that gives this answer, and what it was asked.
fn ses(reply: Reply) -> (Ses, Arc<Mutex<Vec<Call>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, reply) = (asked.clone(), Mutex::new(Some(reply)));
    let seam = Seam::new(move |call| {
        kept.lock().unwrap().push(call);
        let reply = reply.lock().unwrap().take().expect("no more calls than answers");
        Box::pin(async move { reply })
    });
    (Ses::new(seam, None, "eu-central-1", ("AKIDEXAMPLE", "wJalrXUtnFEMI"), Some("session")), asked)
}

fn answer(status: u16, kind: &str, body: &str) -> Reply {
    let answer = http::Response::builder().status(status).header("x-amzn-ErrorType", kind);
    Ok(answer.body(Bytes::from(body.to_owned())).unwrap())
}

async fn sent(reply: Reply) -> Result<String, MailError> {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    ses(reply).0.send(&json!({ "Content": {} }), now).await
}

#[tokio::test]
async fn the_call_is_signed_for_ses_in_its_region() {
    let (ses, asked) = ses(answer(200, "", r#"{"MessageId":"0107018c"}"#));
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    assert_eq!(ses.send(&json!({ "Content": {} }), now).await, Ok("0107018c".to_owned()));
    let asked = asked.lock().unwrap();
    let [call] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(
        (call.target, call.operation.as_str(), call.request.method().as_str()),
        (Target::Ses, "SendEmail", "POST")
    );
    assert_eq!(call.request.uri(), "https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails");
    let header = |name: &str| call.request.headers()[name].to_str().unwrap().to_owned();
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/ses/aws4_request, SignedHeaders=";
    assert!(header("authorization").starts_with(scope), "{}", header("authorization"));
    assert!(header("authorization").contains("content-type;host;x-amz-date"), "{}", header("authorization"));
    assert_eq!((header("x-amz-date"), header("x-amz-security-token")), ("20261122T100000Z".into(), "session".into()));
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(call.request.body(), &Bytes::from_static(br#"{"Content":{}}"#));
    assert!(!format!("{ses:?}").contains("wJalr"));
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again_and_what_may_have_been_accepted_is_not() {
    let retry = |after_s: Option<u64>, reply| async move {
        match sent(reply).await {
            Err(MailError::Retry { after_s: found, .. }) => assert_eq!(found, after_s),
            other => panic!("{other:?}"),
        }
    };
    let too_many = "TooManyRequestsException";
    retry(None, answer(429, too_many, r#"{"message":"Maximum sending rate exceeded."}"#)).await;
    retry(Some(3_600), answer(429, too_many, r#"{"message":"Daily message quota exceeded."}"#)).await;
    retry(Some(3_600), answer(400, "LimitExceededException:http://internal", "{}")).await;
    retry(None, answer(400, "ThrottlingException", "{}")).await;
    retry(None, answer(429, "", "slow down")).await;
    retry(None, answer(503, "ServiceUnavailable", "")).await;
    retry(None, Err(CallError::Unreachable("dns".into()))).await;
    for unsure in [answer(500, "InternalFailure", ""), answer(504, "", ""), answer(200, "", "<html>")] {
        assert!(matches!(sent(unsure).await, Err(MailError::Unsure { .. })));
    }
    for error in [CallError::Timeout("10 s".into()), CallError::Connection("reset".into())] {
        assert!(matches!(sent(Err(error)).await, Err(MailError::Unsure { .. })));
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_click_or_run() {
    let check = |status: u16, kind: &'static str, message: &'static str, says: &'static str| async move {
        let reply = answer(status, kind, &json!({ "message": message }).to_string());
        match sent(reply).await {
            Err(MailError::Refused { reason } | MailError::Unauthorized { reason }) => {
                assert!(reason.contains(says), "{kind}: {reason}");
                assert!(!reason.contains("ann@acme.example"), "{reason}");
            }
            other => panic!("{kind}: {other:?}"),
        }
    };
    let sandbox = "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: \
                   ann@acme.example";
    check(400, "MessageRejected", sandbox, "Account dashboard, Request production access").await;
    check(400, "MessageRejected", "Illegal content", "(SES: Illegal content)").await;
    check(400, "MailFromDomainNotVerifiedException", "", "publish the MX record").await;
    check(400, "SendingPausedException", "", "put-account-sending-attributes --sending-enabled --region eu-central-1")
        .await;
    check(400, "AccountSuspendedException", "", "Support Center").await;
    check(404, "NotFoundException", "Configuration set <x> does not exist", "create-contact-list").await;
    check(400, "BadRequestException", "Illegal address", "check `from`").await;
    check(418, "TeapotException", "", "look the error up under SendEmail").await;
    check(403, "AccessDeniedException", "", "ses:SendEmail").await;
    check(403, "SignatureDoesNotMatch", "", "this machine's clock").await;
    check(403, "SomethingNewException", "", "IAM console").await;
    let refused = sent(answer(403, "", "<html>")).await;
    assert!(matches!(&refused, Err(MailError::Refused { reason }) if reason.contains("proxies")), "{refused:?}");
    let key = sent(answer(403, "UnrecognizedClientException", "{}")).await;
    assert!(matches!(key, Err(MailError::Unauthorized { .. })), "{key:?}");
}
