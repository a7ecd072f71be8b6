//! What `email.toml` comes to, and the steps that write mail.

use crate::common::{In, TOOLS, shipped, with};
use config::{MailLimits, MailTo, StepAction, ToCustomers, load};

#[test]
fn mail_to_customers_is_a_draft_unless_the_file_says_otherwise() {
    let mail = load(&shipped(), TOOLS).unwrap().mail.unwrap();
    assert_eq!((mail.to_customers, mail.contact_list), (ToCustomers::Draft, None));
    let limits = |per_day, per_week| MailLimits { per_day, per_week };
    assert_eq!((mail.customer, mail.colleague), (limits(1, 2), limits(5, 20)));
    let mut files = shipped();
    files.0.insert("email.toml".into(), "from = \"success@ourco.example\"\n".into());
    let least = load(&files, TOOLS).unwrap().mail.unwrap();
    assert_eq!(
        (least.to_customers, least.customer, least.colleague),
        (mail.to_customers, mail.customer, mail.colleague)
    );
    files.0.remove("email.toml");
    assert_eq!(load(&files, TOOLS).unwrap().mail, None);
}

#[test]
fn customers_can_always_unsubscribe() {
    let file = In("email.toml");
    let help = "add `contact_list = \"…\"`, a contact list of SES: it keeps who left, and adds the link";
    let send = ["to_customers = \"draft\"", "to_customers = \"send\""];
    file.check(send, "\"send\"", "customers could not unsubscribe", help);
    let with_list = "to_customers = \"send\"\ncontact_list = \"customers\"";
    let mail = load(&with("email.toml", send[0], with_list), TOOLS).unwrap().mail.unwrap();
    assert_eq!((mail.to_customers, mail.contact_list.unwrap().topic), (ToCustomers::Send, None));
    let topic = ["to_customers = \"draft\"", "topic = \"success\""];
    file.check(topic, "\"success\"", "a topic of no list", "add `contact_list = \"…\"`, the list that has the topic");
}

#[test]
fn senders_names_and_numbers() {
    let file = In("email.toml");
    let from = "\"Customer Success <success@ourco.example>\"";
    let help = "such as `Customer Success <success@ourco.example>`";
    for bad in ["Customer Success", "success@ourco", "a@b.example, c@d.example", "x <>"] {
        let quoted = format!("\"{bad}\"");
        file.check([from, &quoted], &quoted, &format!("`{bad}` has no email address"), help);
    }
    let quoted = "\"Kundenerfölg <success@ourco.example>\"";
    let message = "`Kundenerfölg <success@ourco.example>` has letters beyond ASCII";
    file.check([from, quoted], quoted, message, "write the name without accents: SES takes it as it stands here");
    let help = "letters, digits, `-` and `_`, at most 64, as it is called in the SES console";
    let set = ["configuration_set = \"barometer\"", "configuration_set = \"my set\""];
    file.check(set, "\"my set\"", "`my set` is no name of SES", help);
    let none = ["customer_per_day = 1 ", "customer_per_day = 0 "];
    file.check(none, "0", "0 is not between 1 and 1000 mails", "");
    file.check(["\"draft\"", "\"drafts\""], "\"drafts\"", "`drafts` is not possible here", "did you mean `draft`?");
    let file = In("modes.toml");
    let place = ["\"barometer-test@ourco.example\"", "\"#test\""];
    let help = "one address of ours, such as `barometer-test@ourco.example`";
    file.check(place, "\"#test\"", "`#test` is not an email address", help);
}

#[test]
fn a_step_writes_to_a_role_or_the_owner_by_a_template_that_is_there() {
    let config = load(&shipped(), TOOLS).unwrap();
    let playbook = config.playbook(&"onboarding-kickoff".parse().unwrap()).unwrap();
    let step = playbook.steps.iter().find(|step| step.name == "invitation").unwrap();
    let expected = StepAction::EmailNudge { to: MailTo::Sponsor, template: "kickoff".into(), text: None };
    assert_eq!((&step.action, step.action.proposes()), (&expected, None));
    let file = In("playbooks/onboarding-kickoff.toml");
    let what = "`kickof` is not a template in templates/email, with a file .txt.j2 and one .html.j2";
    file.check(["template = \"kickoff\"", "template = \"kickof\""], "\"kickof\"", what, "did you mean `kickoff`?");
    let to = ["to = \"sponsor\"", "to = \"sponsors\""];
    file.check(to, "\"sponsors\"", "`sponsors` is not possible here", "did you mean `sponsor`?");
    let urgent = ["due = \"5bd\"        # as the kickoff is", "urgency = \"now\""];
    let message = "step `invitation` writes a mail, which interrupts nobody";
    file.check(
        urgent,
        "\"invitation\"",
        message,
        "leave `urgency` out; email.toml says how much mail one address gets",
    );
    let mut files = shipped();
    files.0.remove("templates/email/kickoff.html.j2");
    let problems = load(&files, TOOLS).unwrap_err().to_string();
    assert!(problems.contains("`kickoff` is not a template in templates/email"), "{problems}");
}
