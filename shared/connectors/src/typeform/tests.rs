//! What answers, times and hidden fields become, and what is not guessed.

mod scores;

use std::collections::BTreeMap;

use model::{
    ConnectionName, Delivery, DeliveryId, Fact, Field, LinkSays, Mapping, Normalized, QuarantineKind, Source,
    SubjectId, Value,
};

use super::{TOOL, Typeform};
use crate::{Connector as _, DeliveryKey, Receiver as _, Refusal, Secrets, SigningSecret, Unverified};

const RECEIVED: &str = "2026-11-20T08:30:00.000Z";
/// An event's id as Typeform makes it.
const EVENT: &str = "01KACQ6W7R9V0TYF3M5B8N2XHE";

fn mapping() -> Mapping {
    toml::from_str(include_str!("fixtures/mapping.toml")).unwrap()
}

fn unmapped() -> Mapping {
    Mapping { objects: BTreeMap::new(), ..mapping() }
}

fn normalize_with(body: &[u8], mapping: &Mapping) -> Normalized {
    let connection: ConnectionName = "typeform".parse().unwrap();
    let delivery = Delivery {
        id: DeliveryId::new(&connection, "test"),
        connection,
        family: TOOL.family,
        received_at: RECEIVED.parse().unwrap(),
        body_sha256: String::new(),
        headers: BTreeMap::new(),
        body: body.to_vec(),
        same_key_as: None,
    };
    Typeform.normalize(&delivery, mapping)
}

/// An event with these members of its response, besides token and form.
fn event(kind: &str, parts: &str) -> String {
    format!(r#"{{"event_id":"{EVENT}","event_type":"{kind}","form_response":{{"form_id":"f","token":"t"{parts}}}}}"#)
}

fn response(parts: &str) -> Normalized {
    normalize_with(event("form_response", parts).as_bytes(), &mapping())
}

fn value(out: &Normalized, field: Field) -> Option<&Value> {
    let statements = out.signals.iter().flat_map(|signal| &signal.statements);
    statements.filter(|s| s.field == field).map(|s| &s.value).next()
}

/// An answer as Typeform writes it, with `"<kind>":<token>` as its value.
fn answer(kind: &str, token: &str, question: &str, reference: &str) -> String {
    format!(
        r#"{{"type":"{kind}","{kind}":{token},"field":{{"id":"id-{reference}","type":"{question}","ref":"{reference}"}}}}"#
    )
}

#[test]
fn a_response_is_as_old_as_its_submission() {
    let at = |submitted: &str| {
        let mut out = response(&format!(r#","submitted_at":{submitted}"#));
        match out.quarantined.pop() {
            Some(item) => Err(item.path),
            None => Ok(out.signals[0].statements[0].occurred_at.to_string()),
        }
    };
    for form in [
        "\"2026-11-20T08:00:00Z\"",
        "\"2026-11-20T08:00:00.000Z\"",
        "\"2026-11-20T08:00:00.000000Z\"",
        "\"2026-11-20T09:00:00+01:00\"",
        "\"2026-11-20T09:00:00+0100\"",
    ] {
        assert_eq!(at(form).as_deref(), Ok("2026-11-20T08:00:00.000Z"), "{form}");
    }
    for not_told in ["null", "\"\"", "\"0001-01-01T00:00:00Z\""] {
        assert_eq!(at(not_told).as_deref(), Ok(RECEIVED), "{not_told}");
    }
    for odd in ["\"2026-11-20T08:00:00\"", "\"2026-11-20\"", "1795161600", "\"now\"", "{}", "true"] {
        assert_eq!(at(odd), Err("form_response.submitted_at".to_owned()), "{odd}");
    }
}

/// The fact after these bodies, received one after the other.
fn folded(bodies: &[&str]) -> Fact {
    let subject = SubjectId::vendor("typeform", "response", "t");
    let mut fact = Fact::empty(subject, model::FactKey::Response);
    let connection: ConnectionName = "typeform".parse().unwrap();
    for (n, body) in bodies.iter().enumerate() {
        let delivery = DeliveryId::new(&connection, &n.to_string());
        let received_at = RECEIVED.parse().unwrap();
        let source = Source { connection: &connection, delivery: &delivery, received_at, index: 0 };
        for signal in &normalize_with(body.as_bytes(), &mapping()).signals {
            fact.apply(source, &signal.statements);
        }
    }
    fact
}

#[test]
fn a_complete_response_beats_partial_ones_whatever_arrives_first() {
    let body = |id: &str, kind: &str, submitted: &str, nps: u32| {
        let answer = answer("number", &nps.to_string(), "nps", "recommend");
        event(kind, &format!(r#","landed_at":"2026-11-20T08:00:00Z"{submitted},"answers":[{answer}]"#))
            .replace(EVENT, id)
    };
    let later = r#","submitted_at":"2026-11-20T08:09:00Z""#;
    let same_instant = r#","submitted_at":"2026-11-20T08:00:00Z""#;
    // A time of submission in a partial response is not one.
    let first = body("01KACQ6W7R9V0TYF3M5B8N2XHE", "form_response_partial", later, 9);
    let second = body("01KACQB40ZP6V1S8D3N7Y5E2RK", "form_response_partial", "", 2);
    for complete in [later, same_instant].map(|at| body("01KACQ0000P6V1S8D3N7Y5E2RK", "form_response", at, 1)) {
        for order in [[&first, &second, &complete], [&complete, &second, &first], [&second, &complete, &first]] {
            let fact = folded(&order.map(String::as_str));
            let (_, _, register) = fact.all_registers().find(|(_, field, _)| *field == Field::Nps).unwrap();
            assert_eq!(register.value, Value::Int(1));
        }
    }
    // Of two partial ones the one that was sent later, by the time in the event's id.
    for order in [[&first, &second], [&second, &first]] {
        let fact = folded(&order.map(String::as_str));
        let (_, _, register) = fact.all_registers().find(|(_, field, _)| *field == Field::Nps).unwrap();
        assert_eq!(register.value, Value::Int(2));
        assert!(fact.all_registers().all(|(_, field, _)| field != Field::RespondedAt));
    }
}

#[test]
fn a_partial_response_that_cannot_be_put_in_order_is_set_aside() {
    for parts in ["", r#","landed_at":null"#, r#","landed_at":"0001-01-01T00:00:00Z""#, r#","landed_at":7"#] {
        let out = normalize_with(event("form_response_partial", parts).as_bytes(), &mapping());
        assert!(out.signals.is_empty() && out.links.is_empty(), "{parts}");
        assert_eq!(out.quarantined[0].path, "form_response.landed_at", "{parts}");
    }
}

#[test]
fn a_test_request_is_nobodys_answer() {
    let parts = format!(r#","answers":[{}]"#, answer("number", "9", "nps", "recommend"));
    let body = event("form_response", &parts).replace(r#""token":"t""#, &format!(r#""token":"{EVENT}""#));
    let out = normalize_with(body.as_bytes(), &mapping());
    assert!(out.signals.is_empty() && out.links.is_empty() && out.quarantined.is_empty());
    assert_eq!(out.warnings[0].path, "event_id");
}

/// Whom the response belongs to by a hidden field with this token: the target, or the place of what was odd.
fn belongs(name: &str, token: &str) -> Result<Option<Option<String>>, String> {
    let mut out = response(&format!(r#","hidden":{{"{name}":{token}}}"#));
    if let Some(item) = out.quarantined.pop() {
        return Err(item.path);
    }
    Ok(out.links.pop().map(|link| match link.says {
        LinkSays::Own { field, target, .. } if field == name => target.map(|target| target.to_string()),
        other => panic!("{other:?}"),
    }))
}

#[test]
fn a_hidden_field_says_whose_response_it_is() {
    let to = |text: &str| Ok(Some(Some(text.to_owned())));
    assert_eq!(belongs("account_id", "\"77\""), to("hubspot:company:77"));
    assert_eq!(belongs("account_id", "9007199254740993"), to("hubspot:company:9007199254740993"));
    assert_eq!(belongs("account_id", "\"zendesk:org:5\""), to("zendesk:org:5"));
    assert_eq!(belongs("account_id", "\"www.Acme.example\""), to("domain:acme.example"));
    assert_eq!(belongs("email", "\"Ann@Gmail.com\""), to("email:ann@gmail.com"));
    for empty in ["\"\"", "\"  \"", "null"] {
        assert_eq!(belongs("account_id", empty), Ok(Some(None)), "{empty}");
        assert_eq!(belongs("email", empty), Ok(Some(None)), "{empty}");
    }
    for placeholder in ["\"xxxxx\"", "\"hidden_value\""] {
        assert_eq!(belongs("account_id", placeholder), Ok(None), "{placeholder}");
    }
    assert_eq!(belongs("other", "\"7\""), Ok(None));
    assert_eq!(belongs("email", "\"Ann Example\""), Err("form_response.hidden.email".to_owned()));
    assert_eq!(belongs("account_id", "\"a#b\""), Err("form_response.hidden.account_id".to_owned()));
    assert_eq!(belongs("account_id", "[\"7\"]"), Err("form_response.hidden.account_id".to_owned()));
    assert!(response(r#","hidden":null"#).quarantined.is_empty());
    assert_eq!(response(r#","hidden":[]"#).quarantined[0].path, "form_response.hidden");
}

#[test]
fn an_id_of_nobody_knows_which_tool_is_kept_for_a_better_mapping() {
    let mapping = Mapping { account_ids: String::new(), ..mapping() };
    let body = event("form_response", r#","hidden":{"account_id":"77"}"#);
    let out = normalize_with(body.as_bytes(), &mapping);
    assert_eq!(value(&out, Field::AccountId), Some(&Value::Text("77".into())));
    assert_eq!((out.links.len(), out.quarantined[0].kind), (0, QuarantineKind::Mapping));
}

#[test]
fn a_question_can_say_whose_response_it_is_when_it_is_mapped() {
    let mut mapping = mapping();
    mapping.objects.get_mut("response").unwrap().insert(Field::Email, "your_email".into());
    let parts = format!(r#","answers":[{}]"#, answer("email", "\"ann@acme.example\"", "email", "your_email"));
    let out = normalize_with(event("form_response", &parts).as_bytes(), &mapping);
    assert_eq!(out.links[0].path, "form_response.answers[0].email");
    // Not otherwise: it may ask for a friend's.
    let out = normalize_with(event("form_response", &parts).as_bytes(), &unmapped());
    assert!(out.links.is_empty());
}

#[test]
fn a_long_comment_is_cut_rather_than_lost() {
    for letter in ["a", "\u{20ac}", "\u{1f600}"] {
        let long = format!("\"{}\"", letter.repeat(5_000));
        let out = response(&format!(r#","answers":[{}]"#, answer("text", &long, "long_text", "why")));
        let Some(Value::Text(text)) = value(&out, Field::Comment) else { panic!("{out:?}") };
        assert!((4_090..=4_096).contains(&text.len()));
        assert_eq!(out.warnings[0].path, "form_response.answers[0].text");
        assert!(out.quarantined.is_empty());
    }
}

#[test]
fn a_body_that_is_no_response_is_set_aside_whole() {
    let set_aside = |body: &str, path: &str| {
        let out = normalize_with(body.as_bytes(), &mapping());
        assert!(out.signals.is_empty() && out.links.is_empty(), "{body}");
        assert_eq!(out.quarantined.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), [path], "{body}");
    };
    for body in ["", "[]", "null", "{} {}", "{\"event_type\":", "\u{feff}{}"] {
        set_aside(body, "$");
    }
    set_aside("{}", "event_type");
    set_aside(r#"{"event_type":"Ann Example"}"#, "event_type");
    set_aside(r#"{"event_type":"form_response"}"#, "form_response");
    set_aside(r#"{"event_type":"form_response","form_response":[]}"#, "form_response");
    for token in ["null", "\"\"", "{}", "\"a b\"", "\"a#b\"", &format!("\"{}\"", "a".repeat(101))] {
        set_aside(
            &format!(r#"{{"event_type":"form_response","form_response":{{"token":{token}}}}}"#),
            "form_response.token",
        );
    }
}

#[test]
fn the_event_names_the_delivery_where_its_id_is_plain() {
    let key = |id: &str| {
        let body = format!(r#"{{"event_id":{id}}}"#);
        let headers = BTreeMap::new();
        let received_at = RECEIVED.parse().unwrap();
        let request = Unverified {
            method: "POST",
            url: "https://h.example/",
            headers: &headers,
            body: body.as_bytes(),
            received_at,
        };
        Typeform.delivery_key(&crate::Verified::after_check(&request))
    };
    assert_eq!(key("\"LtWXD3crgy\""), DeliveryKey::Vendor("LtWXD3crgy".into()));
    for id in ["null", "\"\"", "{}", "\"a#b\"", "\"a/b\"", "\"a\",\"event_id\":\"b\""] {
        assert!(matches!(key(id), DeliveryKey::Body(_)), "{id}");
    }
}

/// `printf '%s' "$BODY" | openssl dgst -sha256 -hmac 'correct horse battery staple' -binary | base64`, OpenSSL 3.0.
const BY_OPENSSL: (&str, &str, &str) = (
    "correct horse battery staple",
    r#"{"event_id":"01KACQ6W7R9V0TYF3M5B8N2XHE","event_type":"form_response","form_response":{"token":"r8v2m1q0"}}"#,
    "Kyb1gUUGaaV+m1rU81ainSxfXP3JV5UvmK145AM9yPM=",
);

#[test]
fn a_signature_made_by_another_tool_is_accepted_under_its_own_name_only() {
    let (secret, body, signature) = BY_OPENSSL;
    let secrets = Secrets { current: Some(SigningSecret::new(secret).unwrap()), previous: None };
    let verify = |header: String| {
        let headers = BTreeMap::from([("typeform-signature".to_owned(), header)]);
        let received_at = RECEIVED.parse().unwrap();
        let request = Unverified {
            method: "POST",
            url: "https://h.example/",
            headers: &headers,
            body: body.as_bytes(),
            received_at,
        };
        Typeform.verify(&request, &secrets).map(|_| ())
    };
    assert_eq!(verify(format!("sha256={signature}")), Ok(()));
    for other in ["", "sha1=", "sha512=", "SHA256=", "sha256:", "sha256= "] {
        assert_eq!(verify(format!("{other}{signature}")), Err(Refusal::BadSignature), "{other}");
    }
    assert_eq!(verify(format!("sha256={}", signature.trim_end_matches('='))), Err(Refusal::BadSignature));
}
