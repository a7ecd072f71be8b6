//! Who of theirs is heard, and who backs us.

use model::{FactKey, Field, SubjectId};

use super::{Scene, Unknown, days, word};

fn contact(scene: &mut Scene, id: &str, email: &str, role: &str) {
    let subject = SubjectId::vendor("hubspot", "contact", id);
    let told = [(Field::Email, word(email)), (Field::Role, word(role))];
    scene.tell("hubspot", &subject, &FactKey::Contact, days(-300), told);
}

#[test]
fn people_in_tickets_and_answers_count_once_each_for_ninety_days() {
    let mut scene = Scene::new();
    scene.check("stakeholders_90d", Unknown);
    let user = SubjectId::vendor("zendesk", "user", "5");
    scene.tell("zendesk", &user, &FactKey::Contact, days(-200), [(Field::Email, word("ann@acme.example"))]);
    scene.ticket("1", days(-2), &[(Field::Person, word("zendesk:user:5"))]);
    scene.ticket("2", days(-89), &[(Field::Person, word("zendesk:user:6"))]);
    scene.answer("1", -3, Some("email:ann@acme.example"), &[]);
    scene.answer("2", -4, Some("email:ben@acme.example"), &[]);
    scene.answer("3", -5, None, &[]);
    scene.check("stakeholders_90d", 3);
    scene.check_at("stakeholders_90d", days(1), 2);
    scene.check_at("stakeholders_90d", days(90), 0);
    assert_eq!(scene.evidence("stakeholders_90d", days(0)).unwrap().0, "opened_at");
}

#[test]
fn our_own_people_are_none_of_theirs() {
    let mut scene = Scene::new();
    let agent = SubjectId::vendor("zendesk", "user", "9");
    scene.tell("zendesk", &agent, &FactKey::Contact, days(-200), [(Field::Role, word("agent"))]);
    scene.ticket("1", days(-2), &[(Field::Person, word("zendesk:user:9"))]);
    scene.answer("1", -3, Some("email:tom@ourco.example"), &[]);
    scene.check("stakeholders_90d", Unknown);
    scene.answer("2", -4, Some("email:ben@acme.example"), &[]);
    scene.check("stakeholders_90d", 1);
}

#[test]
fn a_sponsor_is_known_once_any_role_is() {
    let mut scene = Scene::new();
    scene.check("has_sponsor", Unknown);
    contact(&mut scene, "1", "ann@acme.example", "END_USER");
    scene.check("has_sponsor", false);
    contact(&mut scene, "2", "eve@acme.example", "CHAMPION;BUDGET_HOLDER");
    scene.check("has_sponsor", true);
    assert_eq!(scene.evidence("has_sponsor", days(0)), Some(("role".into(), "CHAMPION;BUDGET_HOLDER".into())));
}

#[test]
fn a_sponsor_who_left_is_none() {
    let mut scene = Scene::new();
    contact(&mut scene, "2", "eve@acme.example", "sponsor");
    scene.facts[0].gone = true;
    scene.check("has_sponsor", false);
}

#[test]
fn the_help_desks_roles_are_none_of_the_customers() {
    let mut scene = Scene::new();
    let user = SubjectId::vendor("zendesk", "user", "9");
    scene.tell("zendesk", &user, &FactKey::Contact, days(-200), [(Field::Role, word("end-user"))]);
    scene.check("has_sponsor", Unknown);
}

#[test]
fn a_sponsor_is_heard_in_tickets_and_answers() {
    let mut scene = Scene::new();
    contact(&mut scene, "2", "eve@acme.example", "sponsor");
    scene.answer("1", -3, Some("email:ann@acme.example"), &[]);
    scene.check("days_since_sponsor_heard", Unknown);
    scene.answer("2", -40, Some("email:eve@acme.example"), &[]);
    scene.check("days_since_sponsor_heard", 40);
    scene.ticket("1", days(-12), &[(Field::Person, word("hubspot:contact:2"))]);
    scene.check("days_since_sponsor_heard", 12);
}
