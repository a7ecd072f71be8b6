//! What answers say of an account, and from how many on.

use model::{FactKey, Field, SubjectId, Value};

use super::{Scene, Unknown, days, word};

fn nps(score: i64) -> [(Field, Value); 1] {
    [(Field::Nps, Value::Int(score))]
}

/// Answers by different people on one day.
fn answered(scene: &mut Scene, day: i64, scores: &[i64]) {
    for (n, score) in scores.iter().enumerate() {
        let person = format!("email:p{n}@acme.example");
        scene.answer(&format!("{day}-{n}"), day, Some(&person), &nps(*score));
    }
}

#[track_caller]
fn check_nps(scores: &[i64], expected: i64) {
    let mut scene = Scene::new();
    answered(&mut scene, -3, scores);
    scene.check("nps_latest", expected);
}

#[test]
fn promoters_less_detractors_with_passives_in_the_middle() {
    let all = [[10; 70].as_slice(), &[7; 20], &[0; 10]].concat();
    check_nps(&all, 60);
    check_nps(&[9, 9, 9], 100);
    check_nps(&[6, 6, 6], -100);
    check_nps(&[8, 8, 7], 0);
    check_nps(&[9, 8, 8], 33);
    check_nps(&[9, 9, 8], 67);
    check_nps(&[6, 6, 8], -67);
}

#[test]
fn two_respondents_are_not_the_account_unless_one_of_them_decides() {
    for (role, expected) in [
        (None, None),
        (Some("END_USER"), None),
        (Some("INFLUENCER"), None),
        (Some("EXECUTIVE_SPONSOR"), Some(0)),
        (Some("LEGAL;DECISION_MAKER"), Some(0)),
        (Some("decision-maker"), Some(0)),
        (Some("Admin"), Some(0)),
    ] {
        let mut scene = Scene::new();
        answered(&mut scene, -3, &[2, 10]);
        if let Some(role) = role {
            let contact = SubjectId::vendor("hubspot", "contact", "7");
            let told = [(Field::Email, word("p0@acme.example")), (Field::Role, word(role))];
            scene.tell("hubspot", &contact, &FactKey::Contact, days(-9), told);
        }
        match expected {
            Some(expected) => scene.check("nps_latest", expected),
            None => scene.check("nps_latest", Unknown),
        }
        scene.check("nps_respondents", 2);
        scene.check("detractors_180d", 1);
    }
}

#[test]
fn of_each_person_the_latest_answer_counts_for_half_a_year() {
    let mut scene = Scene::new();
    answered(&mut scene, -100, &[1, 1, 1]);
    answered(&mut scene, -10, &[9, 10]);
    scene.check("nps_latest", 33);
    scene.check("nps_respondents", 3);
    scene.check("detractors_180d", 1);
    scene.check("days_since_detractor", 100);
    scene.check("nps_last_answer", 10);
    scene.check_at("nps_latest", days(79), 33);
    scene.check_at("nps_latest", days(80), Unknown);
    scene.check_at("nps_respondents", days(80), 2);
    scene.check_at("detractors_180d", days(80), 0);
    scene.check_at("nps_respondents", days(400), 0);
    scene.check_at("nps_last_answer", days(400), 10);
}

#[test]
fn a_person_is_one_under_every_name() {
    let mut scene = Scene::new();
    let contact = SubjectId::vendor("zendesk", "user", "5");
    scene.tell("zendesk", &contact, &FactKey::Contact, days(-9), [(Field::Email, word("ann@acme.example"))]);
    scene.answer("1", -5, Some("zendesk:user:5"), &nps(1));
    scene.answer("2", -4, Some("email:ann@acme.example"), &nps(10));
    scene.check("nps_respondents", 1);
    scene.check("detractors_180d", 0);
    scene.answer("3", -3, None, &nps(3));
    scene.answer("4", -3, None, &nps(3));
    scene.check("nps_respondents", 3);
    scene.check("nps_latest", -33);
}

#[test]
fn without_answers_nothing_is_known() {
    let mut scene = Scene::new();
    for name in ["nps_latest", "nps_last_answer", "nps_respondents", "detractors_180d", "csat_percent"] {
        scene.check(name, Unknown);
    }
    answered(&mut scene, -3, &[9]);
    scene.check("days_since_detractor", Unknown);
    scene.check("detractors_180d", 0);
    assert_eq!(scene.evidence("nps_last_answer", days(0)), Some(("nps".into(), "9".into())));
}

#[track_caller]
fn check_csat(answers: &[(i64, &str)], expected: i64) {
    let mut scene = Scene::new();
    for (n, (score, scale)) in answers.iter().enumerate() {
        let told = [(Field::Csat, Value::Int(*score)), (Field::CsatScale, word(scale))];
        scene.answer(&n.to_string(), -3, None, &told);
    }
    scene.check("csat_percent", expected);
}

#[test]
fn satisfied_is_four_fifths_of_the_scale() {
    check_csat(&[(5, "1..5"), (4, "1..5"), (3, "1..5")], 67);
    check_csat(&[(8, "0..10"), (7, "0..10"), (7, "1..10")], 33);
    check_csat(&[(6, "1..7"), (5, "1..7"), (1, "0..1"), (0, "0..1")], 50);
    check_csat(&[(3, "1..5"), (3, "1..5"), (3, "1..5")], 0);
}

#[test]
fn every_answer_counts_for_satisfaction_and_only_three_people_speak_for_the_account() {
    let mut scene = Scene::new();
    let told = |score| [(Field::Csat, Value::Int(score)), (Field::CsatScale, word("1..5"))];
    for (id, person, score) in [("1", "a", 1), ("2", "a", 5), ("3", "b", 5)] {
        scene.answer(id, -3, Some(&format!("email:{person}@acme.example")), &told(score));
    }
    scene.check("csat_percent", Unknown);
    scene.answer("4", -3, Some("email:c@acme.example"), &told(5));
    scene.check("csat_percent", 75);
    scene.check_at("csat_percent", days(177), Unknown);
}
