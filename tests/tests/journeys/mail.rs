//! Mail through SES: a draft for the owner unless the configuration lets it out, nothing to who wants none, and one mail for
//! one reason.

use std::sync::Arc;

use barometer::api::{GoliveRequest, OutboxRow};
use config::Config;
use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::{Company, Setup, World, at, dump, kill};

/// A Monday at ten in the morning, where the team is.
fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

fn days(n: i64) -> Moment {
    second(n * 24 * 3_600)
}

const SPONSOR: &str = "mara.lindqvist@company-7.example";
const OWNER: &str = "ines.almeida@ourco.example";

/// The playbook of the tests with a mail to the sponsor beside its message; `mode` is the most that it may reach by mail.
fn config(mode: &str, to_customers: &str) -> Arc<Config> {
    let mut files = tests::config_files();
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    let examples = "# What `barometer check` tries";
    let step = "[[step]]\nname = \"write\"\nemail_nudge = { to = \"sponsor\", template = \"kickoff\" }\n\n";
    *playbook = playbook.replacen(examples, &format!("{step}{examples}"), 1);
    let modes = format!(
        "[most.risk-mitigation]\nslack = \"live\"\nemail = \"{mode}\"\n[redirect]\nemail = \"test@ourco.example\"\n"
    );
    files.0.insert("modes.toml".to_owned(), modes);
    let mail = files.0.get_mut("email.toml").unwrap();
    let said = format!("to_customers = \"{to_customers}\"\ncontact_list = \"customers\"\ntopic = \"success\"");
    *mail = mail.replacen("to_customers = \"draft\"", &said, 1);
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

/// A person at company `of`, as HubSpot's workflow sends them.
fn contact(id: u64, of: u64, properties: &[(&str, &str)], at: Moment) -> Value {
    let property = |value: &str| json!({ "value": value, "versions": [{ "value": "x", "timestamp": at.as_millis() }] });
    let properties: serde_json::Map<_, _> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), property(value))).collect();
    json!({ "vid": id, "canonical-vid": id, "portal-id": 4_242, "is-contact": true, "properties": properties,
        "associated-company": { "company-id": of } })
}

fn sponsor(at: Moment) -> Value {
    contact(501, 7, &[("email", SPONSOR), ("firstname", "Mara"), ("hs_buying_role", "EXECUTIVE_SPONSOR")], at)
}

/// A company and its people are seen, and everything is let out.
async fn live(setup: Setup, people: &[Value]) -> (World, Company) {
    let world = World::new(setup).await;
    let company = Company::healthy(7, second(0));
    world.deliver(&company.body(), second(0)).await;
    for person in people {
        world.deliver(person, second(0)).await;
    }
    world.until(second(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    (world, company)
}

fn red(company: &mut Company, at: Moment) -> Value {
    company.feels("red", at).contacted(days(-120), at).body()
}

fn setup(config: Arc<Config>) -> Setup {
    Setup { config, ..Setup::new() }
}

/// The account turns red, with its sponsor known.
async fn after(setup: Setup) -> World {
    let (world, mut company) = live(setup, &[sponsor(second(0))]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world
}

async fn row(world: &World) -> OutboxRow {
    let mut rows = world.host.outbox().await.unwrap();
    rows.retain(|row| row.kind == "email_nudge");
    let [row] = <[OutboxRow; 1]>::try_from(rows).unwrap();
    row
}

/// How the mail ended, and why.
async fn check(world: &World, status: &str, reason: &str, mails: usize) {
    let row = row(world).await;
    let why = row.reason.clone().unwrap_or_default();
    assert!(row.status == status && why.contains(reason), "expected {status}: {reason}, found {}: {why}", row.status);
    assert_eq!(world.ses.mails().len(), mails, "{:#?}", world.ses.mails());
}

fn to(mail: &Value) -> &str {
    mail["Destination"]["ToAddresses"][0].as_str().unwrap()
}

fn said<'a>(mail: &'a Value, part: &str) -> &'a str {
    mail["Content"]["Simple"]["Body"][part]["Data"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn mail_with_a_key_for_ses_can_go_live_and_without_one_says_that_it_is_missing() {
    let limited = async |token| {
        let world = World::new(Setup { token, ..setup(config("live", "draft")) }).await;
        let report = world.host.golive(&GoliveRequest { dry_run: true, ..Default::default() }).await.unwrap();
        report.modes.into_iter().find(|row| row.destination == "email").unwrap().limited_by
    };
    assert_eq!(limited(true).await, None);
    assert_eq!(limited(false).await.as_deref(), Some("no key for email in the file of secrets"));
}

#[tokio::test(start_paused = true)]
async fn a_mail_to_a_customer_is_a_draft_for_the_owner_until_the_configuration_lets_it_out() {
    let world = after(setup(config("live", "draft"))).await;
    check(&world, "sent", "a draft, to ines.almeida@ourco.example", 1).await;
    let mail = &world.ses.mails()[0];
    assert_eq!(to(mail), OWNER);
    assert_eq!(mail["Content"]["Simple"]["Subject"]["Data"], "Draft: Kickoff for Company 7: goals, people, dates");
    let head = "A draft for Mara <mara.lindqvist@company-7.example>, the sponsor. Nothing was sent to them";
    assert!(said(mail, "Text").starts_with(head), "{mail:#}");
    assert!(said(mail, "Html").contains("&lt;mara.lindqvist@company-7.example&gt;"), "{mail:#}");
    assert!(mail.get("ListManagementOptions").is_none());
    let row = row(&world).await;
    assert_eq!((row.vendor_ref.as_deref(), row.id.as_str()), (Some("0107-mail-000001"), tag(mail)));
    assert_eq!(row.request.as_ref(), Some(mail), "the outbox shows it as it was sent");
    let timeline = world.host.timeline("hubspot:company:7").await.unwrap();
    assert!(timeline.iter().any(|row| row.text.starts_with("email_nudge `write` of risk-mitigation is sent")));
}

fn tag(mail: &Value) -> &str {
    assert_eq!(mail["EmailTags"][0]["Name"], "barometer_action");
    mail["EmailTags"][0]["Value"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn with_the_switch_it_goes_to_the_customer_who_can_leave_the_list() {
    let world = after(setup(config("live", "send"))).await;
    check(&world, "sent", "", 1).await;
    let mail = &world.ses.mails()[0];
    assert_eq!((to(mail), &mail["ReplyToAddresses"]), (SPONSOR, &json!([OWNER])));
    assert_eq!(mail["Content"]["Simple"]["Subject"]["Data"], "Kickoff for Company 7: goals, people, dates");
    let list = json!({ "ContactListName": "customers", "TopicName": "success" });
    assert_eq!((&mail["ListManagementOptions"], &mail["ConfigurationSetName"]), (&list, &json!("barometer")));
    assert!(said(mail, "Text").starts_with("Hello Mara,") && said(mail, "Text").contains("amazonSESUnsubscribeUrl"));
    assert!(!said(mail, "Text").contains("red"), "nothing is said of scores: {mail:#}");
}

#[tokio::test(start_paused = true)]
async fn a_playbook_that_only_observes_or_is_redirected_writes_to_nobody_outside() {
    let world = after(setup(config("observe", "send"))).await;
    check(&world, "observed", "observe mode", 0).await;
    assert_eq!(to(row(&world).await.request.as_ref().unwrap()), SPONSOR, "as it would be sent");
    assert_eq!(world.ses.asked(), 0);
    let world = after(setup(config("redirect", "send"))).await;
    check(&world, "sent", "", 1).await;
    let mail = &world.ses.mails()[0];
    assert_eq!(to(mail), "test@ourco.example");
    assert!(said(mail, "Text").starts_with("A draft for Mara <"), "{mail:#}");
    assert!(mail.get("ListManagementOptions").is_none());
}

#[tokio::test(start_paused = true)]
async fn without_a_key_or_while_paused_nothing_is_sent() {
    let world = after(Setup { token: false, ..setup(config("live", "send")) }).await;
    check(&world, "observed", "no key for SES", 0).await;
    let (world, mut company) = live(setup(config("live", "send")), &[sponsor(second(0))]).await;
    world.host.pause(true).await.unwrap();
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    check(&world, "held", "sending is paused", 0).await;
    world.host.pause(false).await.unwrap();
    world.pass_until(days(2)).await;
    assert_eq!(world.ses.asked(), 0, "it is not made up for");
}

#[tokio::test(start_paused = true)]
async fn nobody_but_the_contact_with_the_role_is_written_to() {
    let other = contact(502, 7, &[("email", "jo@company-7.example"), ("hs_buying_role", "END_USER")], second(0));
    let ours = [("email", "kim@ourco.example"), ("hs_buying_role", "CHAMPION")];
    for people in [vec![], vec![other, contact(503, 7, &ours, second(0))]] {
        let (world, mut company) = live(setup(config("live", "draft")), &people).await;
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        check(&world, "suppressed", "no contact of the account is its sponsor: give the contact that role", 0).await;
        assert_eq!(row(&world).await.to, "nobody (no contact is the sponsor)");
        let timeline = world.host.timeline("hubspot:company:7").await.unwrap();
        assert!(timeline.iter().any(|row| row.text.contains("is suppressed: no contact of the account")));
    }
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_mail_gets_none_and_of_two_sponsors_the_other_does() {
    let opted_out = |id, email| {
        let said = [("email", email), ("hs_buying_role", "CHAMPION"), ("hs_email_optout", "true")];
        contact(id, 7, &said, second(0))
    };
    let people = [opted_out(501, SPONSOR)];
    for to_customers in ["send", "draft"] {
        let (world, mut company) = live(setup(config("live", to_customers)), &people).await;
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        check(&world, "suppressed", "the CRM says that they want no mail", 0).await;
    }
    let another = contact(502, 7, &[("email", "zoe@company-7.example"), ("hs_buying_role", "CHAMPION")], second(0));
    let people = [opted_out(501, SPONSOR), another];
    let (world, mut company) = live(setup(config("live", "send")), &people).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    check(&world, "sent", "", 1).await;
    assert_eq!(to(&world.ses.mails()[0]), "zoe@company-7.example");
}

#[tokio::test(start_paused = true)]
async fn an_address_gets_so_many_a_day_over_all_accounts_and_none_at_night() {
    let (world, mut company) = live(setup(config("live", "send")), &[sponsor(second(0))]).await;
    let mut other = Company::healthy(8, second(1));
    world.deliver(&other.body(), second(1)).await;
    let same = [("email", SPONSOR), ("hs_buying_role", "CHAMPION")];
    world.deliver(&contact(601, 8, &same, second(1)), second(1)).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.deliver(&red(&mut other, second(3)), second(3)).await;
    assert_eq!(world.ses.mails().len(), 1);
    let rows = world.host.outbox().await.unwrap();
    let waits = rows.iter().find(|row| row.kind == "email_nudge" && row.status == "waiting").unwrap();
    assert_eq!(waits.reason.as_deref(), Some("its reader gets no more mail before"));
    world.pass_until(at("2026-11-24T06:59:00Z")).await;
    assert_eq!(world.ses.mails().len(), 1, "it is a minute to eight where the team is");
    world.pass_until(at("2026-11-24T07:01:00Z")).await;
    let mails = world.ses.mails();
    assert!(mails.len() == 2 && mails.iter().all(|mail| to(mail) == SPONSOR), "{mails:#?}");
}

/// SES takes a mail at the third try.
pub async fn held_up() -> World {
    let (world, mut company) = live(setup(config("live", "send")), &[sponsor(second(0))]).await;
    world.ses.next_is(429, "TooManyRequestsException", "Maximum sending rate exceeded.");
    world.ses.next_is(503, "ServiceUnavailable", "");
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.pass_until(second(600)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_ses_does_not_take_now_is_sent_later_and_a_refusal_can_be_read() {
    let world = held_up().await;
    check(&world, "sent", "", 1).await;
    assert_eq!(world.ses.asked(), 3);

    let (world, mut company) = live(setup(config("live", "send")), &[sponsor(second(0))]).await;
    let sandbox = "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: x";
    world.ses.next_is(400, "MessageRejected", sandbox);
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    check(&world, "failed", "an address is not verified in eu-central-1: SES console", 0).await;
    assert_eq!(world.ses.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_whose_answer_is_lost_is_sent_once_more_at_most() {
    for (lost, status) in [(1, "sent"), (2, "uncertain")] {
        let (world, mut company) = live(setup(config("live", "send")), &[sponsor(second(0))]).await;
        (0..lost).for_each(|_| world.ses.next_is_lost());
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        world.pass_until(days(1)).await;
        check(&world, status, "", 2).await;
        assert_eq!(world.ses.mails()[0], world.ses.mails()[1]);
    }
}

/// An event of SES about the sponsor, as the default bus hands it over.
fn told_by_ses(id: &str, kind: &str, what: &Value) -> Value {
    let mut detail = json!({ "eventType": kind, "mail": { "messageId": "0107", "destination": [SPONSOR] } });
    detail[kind.to_lowercase()] = what.clone();
    json!({ "version": "0", "id": id, "detail-type": "of SES", "source": "aws.ses", "account": "111122223333",
        "time": "2026-11-23T09:00:01Z", "region": "eu-central-1", "resources": [], "detail": detail })
}

fn bounce(kind: &str) -> Value {
    let recipients = json!([{ "emailAddress": "Mara.Lindqvist@company-7.example" }]);
    json!({ "bounceType": kind, "bouncedRecipients": recipients, "timestamp": "2026-11-23T09:00:01.000Z" })
}

/// How a mail ends that is asked for after SES told this, and why.
async fn after_ses_told(event: &Value, to_customers: &str) -> World {
    let (world, mut company) = live(setup(config("live", to_customers)), &[sponsor(second(0))]).await;
    for _ in 0..2 {
        assert_eq!(world.host.hear(event).unwrap(), 1);
    }
    world.rest().await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn whose_mail_came_back_who_complained_or_unsubscribed_gets_no_more() {
    let complained =
        json!({ "complainedRecipients": [{ "emailAddress": SPONSOR }], "timestamp": "2026-11-23T09:00:01Z" });
    let left = |is_out: bool| {
        let preferences = json!({ "unsubscribeAll": is_out, "topicSubscriptionStatus": [] });
        json!({ "contactList": "customers", "timestamp": "2026-11-23T09:00:01Z", "newTopicPreferences": preferences })
    };
    let told = [
        ("Bounce", bounce("Permanent"), "comes back for good"),
        ("Complaint", complained, "called our mail spam"),
        ("Subscription", left(true), "they unsubscribed"),
    ];
    for (kind, what, reason) in told {
        for to_customers in ["send", "draft"] {
            let world = after_ses_told(&told_by_ses("e-1", kind, &what), to_customers).await;
            check(&world, "suppressed", reason, 0).await;
        }
    }
    for (kind, what) in [("Bounce", bounce("Transient")), ("Subscription", left(false))] {
        let world = after_ses_told(&told_by_ses("e-1", kind, &what), "send").await;
        check(&world, "sent", "", 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_ses_is_kept_once_and_forgotten_with_the_person() {
    let event = told_by_ses("e-1", "Bounce", &bounce("Permanent"));
    let world = after_ses_told(&event, "send").await;
    let store = world.host.store();
    let id = "ses:e-1".parse::<String>().map(model::DeliveryId::from_stored).unwrap();
    let of_ses = |all: Vec<model::Delivery>| all.into_iter().filter(|one| one.connection.as_str() == "ses").count();
    assert_eq!(of_ses(store.whole_journal().await.unwrap()), 1);
    assert_eq!(store.delivery(&id).await.unwrap().unwrap().body, event.to_string().into_bytes());
    let request = barometer::api::EraseRequest { person: Some(SPONSOR.to_owned()), dry_run: false };
    world.host.erase(&request).await.unwrap();
    world.rest().await;
    let body = store.delivery(&id).await.unwrap().unwrap().body;
    assert!(!String::from_utf8(body).unwrap().to_lowercase().contains(SPONSOR));
    let address = model::SubjectId::email(SPONSOR).unwrap();
    assert!(store.node(&address).await.unwrap().value.fact.is_none_or(|fact| fact.registers.is_empty()));
}

/// What a run leaves behind.
fn left(world: &World) -> (Vec<String>, Vec<Value>) {
    (dump::tables(world), world.ses.mails())
}

pub async fn journey(faults: Faults) -> World {
    let world = after(Setup { faults, ..setup(config("live", "send")) }).await;
    world.pass_until(second(900)).await;
    world
}

/// Breaks every call that the function makes in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&[Made], usize) -> bool) {
    let clean = journey(Faults::default()).await;
    let made = clean.faults.made();
    let clean = left(&clean);
    assert_eq!(clean.1.len(), 1);
    let mut ours = kill::calls_of(&made, "EmailNudge", 0..made.len());
    ours.retain(|number| !leave_out(&made, *number));
    kill::at_each((&made, ours), fault, journey, |world, what| {
        let broken = left(world);
        kill::same_rows(&clean.0, &broken.0, what);
        assert_eq!(clean.1, broken.1, "{what}");
    })
    .await;
}

fn is_send(call: &Made) -> bool {
    call.target == Target::Ses
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_sends_one_mail() {
    every_call_with(Fault::CrashBefore, |_, _| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_but_the_send_sends_one_mail() {
    every_call_with(Fault::CrashAfter, |made, at| is_send(&made[at])).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_write_but_the_send_sends_one_mail() {
    every_call_with(Fault::LostAnswer, |made, at| is_send(&made[at]) || made[at].is_read()).await;
}

/// Mail that came back, was complained of and was unsubscribed from, and a mail that is asked for afterwards.
pub async fn told(faults: Faults) -> World {
    let setup = Setup { faults, ..setup(config("live", "send")) };
    let (world, mut company) = live(setup, &[sponsor(second(0))]).await;
    let complained =
        json!({ "complainedRecipients": [{ "emailAddress": SPONSOR }], "timestamp": "2026-11-23T09:00:01Z" });
    let preferences = json!({ "unsubscribeAll": true, "topicSubscriptionStatus": [] });
    let left =
        json!({ "contactList": "customers", "timestamp": "2026-11-23T09:00:01Z", "newTopicPreferences": preferences });
    let told = [("Bounce", bounce("Permanent")), ("Complaint", complained), ("Subscription", left)];
    for (n, (kind, what)) in told.iter().enumerate() {
        assert_eq!(world.host.hear(&told_by_ses(&format!("e-{n}"), kind, what)).unwrap(), 1);
        world.rest().await;
    }
    world.pass_until(second(600)).await;
    world.deliver(&red(&mut company, second(900)), second(900)).await;
    world.pass_until(second(1_800)).await;
    world
}

/// What SES told, as far as it does not depend on when it was heard in the end: what is known of the address, and what became
/// of the mail.
async fn known(world: &World) -> (usize, Vec<String>, Vec<String>, usize) {
    let store = world.host.store();
    let journal = store.whole_journal().await.unwrap();
    let of_ses = journal.iter().filter(|delivery| delivery.connection.as_str() == "ses").count();
    let address = model::SubjectId::email(SPONSOR).unwrap();
    let fact = store.node(&address).await.unwrap().value.fact;
    let said = fact.iter().flat_map(|fact| fact.registers.values().flatten());
    let said = said.map(|(field, register)| format!("{} {}", field.as_str(), register.value)).collect();
    let rows = world.host.outbox().await.unwrap();
    let ended = rows.iter().map(|row| format!("{} {} {:?}", row.kind, row.status, row.reason)).collect();
    (of_ses, said, ended, world.ses.mails().len())
}

/// Breaks every call that is made for what SES tells in turn, each in a journey of its own.
async fn every_call_for_events_with(fault: Fault) {
    let clean = told(Faults::default()).await;
    let made = clean.faults.made();
    let expected = known(&clean).await;
    assert_eq!((expected.0, expected.1.len(), expected.3), (3, 3, 0), "{expected:?}");
    let ours = kill::calls_of(&made, "MailEvent", 0..made.len());
    assert_eq!(ours.len(), 3, "one write for each");
    for number in ours {
        let what = format!("{fault:?} at call {number} ({})", made[number]);
        let world = told(Faults::planned([(number, fault)])).await;
        assert_eq!(world.faults.struck(), 1, "{what} took place");
        assert_eq!(known(&world).await, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_what_ses_tells_is_kept_loses_nothing() {
    every_call_for_events_with(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_what_ses_tells_was_kept_keeps_it_once() {
    every_call_for_events_with(Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn what_ses_tells_is_kept_once_though_the_answer_is_lost_or_the_store_refuses() {
    every_call_for_events_with(Fault::LostAnswer).await;
    every_call_for_events_with(Fault::Throttle).await;
}
