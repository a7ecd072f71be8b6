//! Scores: how they are written, on which scale, and which question they answer.

use model::{Field, QuarantineKind, Value};
use proptest::prelude::*;

use super::super::values::Scale;
use super::{answer, event, mapping, normalize_with, response, unmapped, value};

/// What an answer with this token to the NPS question becomes: the value, or the reason of the quarantine.
fn nps_of(kind: &str, token: &str) -> Result<Value, String> {
    let mut out = response(&format!(r#","answers":[{}]"#, answer(kind, token, "opinion_scale", "recommend")));
    match out.quarantined.pop() {
        Some(item) => {
            assert!(item.path.starts_with("form_response.answers[0]."), "{}", item.path);
            Err(item.reason)
        }
        None => Ok(value(&out, Field::Nps).unwrap().clone()),
    }
}

#[test]
fn scores_are_whole_numbers_in_any_dress() {
    for (kind, token) in [
        ("number", "9"),
        ("number", "9.0"),
        ("number", "9.000000000000000000000000000000000000000000000000000000000000"),
        ("number", "\"9\""),
        ("number", "\" 9.0 \""),
        ("text", "\"9\""),
        ("choice", r#"{"id":"c","label":"9","ref":"r"}"#),
        ("choice", r#"{"other":"9"}"#),
    ] {
        assert_eq!(nps_of(kind, token), Ok(Value::Int(9)), "{kind} {token}");
    }
    for token in ["0", "10", "-0"] {
        assert!(nps_of("number", token).is_ok(), "{token}");
    }
    for token in ["null", "\"\""] {
        assert_eq!(nps_of("number", token), Ok(Value::Cleared), "{token}");
    }
    for token in [
        "11",
        "-1",
        "9.5",
        "9e0",
        "1e400",
        "\"9.\"",
        "\"+9\"",
        "\"nine\"",
        "true",
        "[9]",
        "{}",
        "\"\\ud800\"",
        "18446744073709551617",
        "\"9 of 10\"",
    ] {
        assert!(nps_of("number", token).is_err(), "{token}");
    }
    let reason = nps_of("text", "\"Ann Example\"").unwrap_err();
    assert_eq!(reason, "nps: expected a whole number from 0 to 10, found text");
}

#[test]
fn one_odd_answer_does_not_lose_the_others() {
    let good = answer("number", "6", "opinion_scale", "effort");
    for odd in [
        r#"{"type":"number","field":{"id":"x","ref":"recommend","type":"nps"}}"#.to_owned(),
        r#"{"number":9,"field":{"id":"x","ref":"recommend","type":"nps"}}"#.to_owned(),
        r#"{"type":"number","number":9}"#.to_owned(),
        r#"{"type":"number","number":9,"number":3,"field":{"id":"x","ref":"recommend"}}"#.to_owned(),
        "3".to_owned(),
        answer("choices", r#"{"labels":["9"]}"#, "multiple_choice", "recommend"),
    ] {
        let out = response(&format!(r#","answers":[{odd},{good}]"#));
        assert_eq!(out.quarantined.len(), 1, "{odd}: {out:?}");
        assert!(out.quarantined[0].path.starts_with("form_response.answers[0]"), "{odd}: {out:?}");
        assert_eq!(value(&out, Field::Ces), Some(&Value::Int(6)), "{odd}");
    }
}

#[test]
fn a_question_answered_twice_has_no_answer() {
    let twice = [answer("number", "9", "nps", "recommend"), answer("number", "1", "nps", "recommend")].join(",");
    let out = response(&format!(r#","answers":[{twice}]"#));
    assert_eq!(value(&out, Field::Nps), None);
    assert_eq!(out.quarantined[0].path, "form_response.answers[1]");
}

#[test]
fn a_question_is_found_by_reference_or_id_also_inside_a_group() {
    let by = |name: &str, parts: &str| {
        let mut mapping = mapping();
        mapping.objects.get_mut("response").unwrap().insert(Field::Nps, name.to_owned());
        value(&normalize_with(event("form_response", parts).as_bytes(), &mapping), Field::Nps).cloned()
    };
    let answers = r#","answers":[{"type":"number","number":8,"field":{"id":"q1","type":"nps"}}]"#;
    assert_eq!(by("q1", answers), Some(Value::Int(8)));
    assert_eq!(by("recommend", answers), None);
    let field = r#"{"id":"q1","ref":"recommend","type":"nps","properties":{}}"#;
    let flat = format!(r#","definition":{{"fields":[{field}]}}{answers}"#);
    assert_eq!(by("recommend", &flat), Some(Value::Int(8)));
    let group = format!(
        r#","definition":{{"fields":[{{"id":"g","ref":"g","type":"group","properties":{{"fields":[{field}]}}}}]}}{answers}"#
    );
    assert_eq!(by("recommend", &group), Some(Value::Int(8)));
}

/// The satisfaction stated by an answer of 4 to a question of this type and properties.
fn csat(question: &str, properties: &str, mapped_scale: Option<&str>) -> Result<(Value, Value), QuarantineKind> {
    let mut mapping = mapping();
    let fields = mapping.objects.get_mut("response").unwrap();
    fields.remove(&Field::CsatScale);
    fields.extend(mapped_scale.map(|scale| (Field::CsatScale, scale.to_owned())));
    let body = event(
        "form_response",
        &format!(
            r#","definition":{{"fields":[{{"id":"id-satisfaction","ref":"satisfaction","type":"{question}","properties":{properties}}}]}},"answers":[{}]"#,
            answer("number", "4", question, "satisfaction")
        ),
    );
    let mut out = normalize_with(body.as_bytes(), &mapping);
    match out.quarantined.pop() {
        Some(item) => Err(item.kind),
        None => Ok((value(&out, Field::Csat).unwrap().clone(), value(&out, Field::CsatScale).unwrap().clone())),
    }
}

#[test]
fn satisfaction_is_kept_with_its_scale() {
    let on = |scale: &str| Ok((Value::Int(4), Value::Text(scale.to_owned())));
    assert_eq!(csat("rating", r#"{"steps":5,"shape":"star"}"#, None), on("1..5"));
    assert_eq!(csat("opinion_scale", r#"{"steps":5}"#, None), on("0..4"));
    assert_eq!(csat("opinion_scale", r#"{"steps":7,"start_at_one":true}"#, None), on("1..7"));
    assert_eq!(csat("opinion_scale", r#"{"steps":"7","start_at_one":false}"#, None), on("0..6"));
    assert_eq!(csat("rating", r#"{"steps":10}"#, Some("1..5")), on("1..10"));
    assert_eq!(csat("rating", "{}", Some("1..5")), on("1..5"));
    assert_eq!(csat("rating", "null", Some("0-10")), on("0..10"));
    assert_eq!(csat("rating", r#"{"steps":3}"#, Some("1..5")), Err(QuarantineKind::UnfitValue));
    for written in [None, Some("five stars"), Some("5..1"), Some("1.."), Some("-5..5"), Some("1..1000000")] {
        assert_eq!(csat("rating", "{}", written), Err(QuarantineKind::Mapping), "{written:?}");
    }
    for steps in ["1", "-3", "1e9", "{}", "9223372036854775807"] {
        assert_eq!(csat("rating", &format!(r#"{{"steps":{steps}}}"#), Some("1..5")), on("1..5"), "{steps}");
    }
    assert_eq!(Scale::written("1..5"), Some(Scale { low: 1, high: 5 }));
}

#[test]
fn likelihood_to_recommend_is_asked_on_its_own_scale_or_not_at_all() {
    let asked = |properties: &str| {
        let fields = format!(r#"[{{"id":"x","ref":"recommend","type":"opinion_scale","properties":{properties}}}]"#);
        let answers = r#"[{"type":"number","number":5,"field":{"id":"x","type":"opinion_scale","ref":"recommend"}}]"#;
        response(&format!(r#","definition":{{"fields":{fields}}},"answers":{answers}"#))
    };
    assert_eq!(value(&asked("{}"), Field::Nps), Some(&Value::Int(5)));
    assert_eq!(value(&asked(r#"{"steps":11}"#), Field::Nps), Some(&Value::Int(5)));
    let out = asked(r#"{"steps":5,"start_at_one":true}"#);
    assert_eq!(value(&out, Field::Nps), None);
    assert_eq!(out.quarantined[0].reason, "nps: the question is asked on 1..5, not on 0..10");
}

#[test]
fn without_a_mapping_only_what_is_sure_is_used() {
    let answered = |fields: &str, answers: &str| {
        let parts = format!(
            r#","hidden":{{"account_id":"7","email":"ann@acme.example"}},"definition":{{"fields":[{fields}]}},"answers":[{answers}]"#
        );
        normalize_with(event("form_response", &parts).as_bytes(), &unmapped())
    };
    let scale =
        |properties: &str| format!(r#"{{"id":"id-s","ref":"s","type":"opinion_scale","properties":{properties}}}"#);
    let five = answer("number", "5", "opinion_scale", "s");
    let nps = answer("number", "9", "nps", "n");

    // The question that can be nothing else wins over one that stands before it.
    let out = answered(&scale(r#"{"steps":11}"#), &format!("{five},{nps}"));
    assert_eq!(value(&out, Field::Nps), Some(&Value::Int(9)));
    assert_eq!(out.links.len(), 2);

    let out = answered(&scale(r#"{"steps":11}"#), &five);
    assert_eq!(value(&out, Field::Nps), Some(&Value::Int(5)));
    let out = answered(&scale(r#"{"steps":5,"start_at_one":true}"#), &five);
    assert_eq!((value(&out, Field::Nps), value(&out, Field::Csat)), (None, Some(&Value::Int(5))));
    assert_eq!(value(&out, Field::CsatScale), Some(&Value::Text("1..5".into())));

    let out = answered(&scale("{}"), &five);
    assert_eq!((value(&out, Field::Nps), value(&out, Field::Csat)), (None, None));
    assert_eq!(out.warnings[0].path, "form_response.answers[0].number");
    assert!(out.quarantined.is_empty());
    assert_eq!(value(&answered("", ""), Field::Survey), Some(&Value::Text("f".into())));
}

proptest! {
    #[test]
    fn any_token_as_an_answer_becomes_a_score_or_a_reason(
        token in prop_oneof![
            "-?(0|[1-9][0-9]{0,70})(\\.[0-9]{1,70})?([eE][+-]?[0-9]{1,12})?",
            "\"[ -!#-\\[\\]-~äß€😀]{0,40}\"",
            Just("null".to_owned()), Just("{\"label\":[1]}".to_owned()), Just("[[]]".to_owned()),
        ],
        kind in prop::sample::select(vec!["number", "text", "choice", "boolean"]),
    ) {
        match nps_of(kind, &token) {
            Ok(Value::Int(score)) => prop_assert!((0..=10).contains(&score)),
            Ok(other) => prop_assert_eq!(other, Value::Cleared),
            // The kind of thing, never the thing.
            Err(reason) => {
                let content = token.trim_matches('"');
                prop_assert!(content.len() < 6 || !reason.contains(content), "{}", reason);
            }
        }
    }
}
