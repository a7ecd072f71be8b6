//! What a webhook of each tool costs in store calls, and that a long past does not make it dearer (P7). Counted at the
//! seam; `cargo test -p tests --test journeys a_webhook_costs -- --nocapture` prints the table.

use model::{Family, Moment};
use serde_json::Value;
use tests::history::{acme, answer, batch, days_ago, delivery, second, ticket};
use tests::{Company, World};

/// How much of the past is written at once: more than a stream hands over, so that telling it takes less time.
const BATCH: i64 = 500;

/// Reads and writes that a webhook causes until everything is at rest.
async fn cost(world: &World, connection: &str, body: &Value, at: Moment) -> (usize, usize) {
    let before = world.faults.made().len();
    world.deliver_from(connection, body, at).await;
    let made = world.faults.made();
    let tables = made[before..].iter().filter(|call| call.function != "Clock" && call.to_string().contains("dynamodb"));
    let (reads, writes): (Vec<_>, Vec<_>) =
        tables.partition(|call| ["GetItem", "BatchGetItem", "Query"].contains(&call.operation.as_str()));
    (reads.len(), writes.len())
}

#[tokio::test(start_paused = true)]
async fn a_webhook_costs_a_few_calls_whatever_tool_it_comes_from() {
    let world = acme().await;
    world.deliver_from("zendesk", &ticket(41, 31, "OPEN", 1, second(2)), second(2)).await;
    let mut silent = Company::healthy(1, second(0));
    silent.contacted(second(0), second(3));
    // The account is three partitions (its own, its domain's, its organisation's) and a read for all tickets and answers
    // together. Of a ticket: 1 read to know it, 2 to walk up over its organisation (where the ticket belongs is in the
    // record), 1 for what was held, and those 4; where it belongs for the first time, 1 more for what was held of the
    // organisation. Of writes: journal, fact, assessment; the hint of a new link, or of an end.
    let cases: [(&str, &str, Value, usize, usize); 7] = [
        ("a company's fact", "hubspot", silent.body(), 8, 3),
        ("the same again", "hubspot", silent.body(), 0, 1),
        ("a known ticket", "zendesk", ticket(41, 31, "PENDING", 2, second(4)), 8, 3),
        ("a known ticket, solved", "zendesk", ticket(41, 31, "SOLVED", 3, second(5)), 8, 4),
        ("a new ticket", "zendesk", ticket(42, 31, "OPEN", 4, second(6)), 9, 4),
        ("a ticket of nobody", "zendesk", ticket(43, 99, "OPEN", 5, second(7)), 4, 3),
        ("a new answer", "typeform", answer("t1", 9, 6, second(8)), 7, 4),
    ];
    println!("{:<24} reads  writes", "webhook");
    let mut over = vec![];
    for (n, (what, connection, body, most_reads, most_writes)) in (10..).zip(cases) {
        let (reads, writes) = cost(&world, connection, &body, second(n)).await;
        println!("{what:<24} {reads:>5} {writes:>7}");
        if reads > most_reads || writes > most_writes {
            over.push(format!("{what}: {reads} reads of {most_reads}, {writes} writes of {most_writes}"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_costs_the_same_after_a_thousand_and_after_ten_thousand() {
    let world = acme().await;
    world.deliver_from("zendesk", &ticket(500, 31, "OPEN", 1, second(2)), second(2)).await;
    let normalize = normalize::Normalize::new(tests::config(), world.host.store().clone());
    let mut costs = vec![];
    let mut n = 0;
    for count in [1_000, 10_000] {
        while n < count {
            let answer = normalize.handle(serde_json::from_value(batch(n, n + BATCH)).unwrap()).await;
            assert!(answer.batch_item_failures.is_empty());
            n += BATCH;
        }
        world.pass_until(second(200 + n)).await;
        let when = second(300 + n);
        costs.push(cost(&world, "zendesk", &ticket(500, 31, "PENDING", 1_000_000 + n, when), when).await);
    }
    assert_eq!(costs[0], costs[1], "(reads, writes)");
}

#[tokio::test(start_paused = true)]
async fn tickets_that_were_solved_long_ago_are_not_read() {
    let mut costs = vec![];
    for solved in [days_ago(30), days_ago(450)] {
        let world = acme().await;
        for id in 0..120 {
            let body = ticket(1_000 + id, 31, "SOLVED", id, solved);
            let deliver = delivery("zendesk", Family::Ticketing, &body, id);
            world.host.store().journal(&deliver).await.unwrap();
        }
        world.rest().await;
        let when = second(1_000);
        costs.push(cost(&world, "zendesk", &ticket(41, 31, "OPEN", 9_999, when), when).await.0);
    }
    assert_eq!(costs[0] - costs[1], 1, "a second hundred is one call more: {costs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_is_opened_again_after_a_long_time_is_read_again() {
    let world = acme().await;
    let account = model::SubjectId::vendor("hubspot", "company", "1");
    // What an assessment holds for is the newest of what was read for it.
    let as_of = async || world.host.store().assessed(&account).await.unwrap().assessment.unwrap().as_of;
    world.deliver_from("zendesk", &ticket(41, 31, "SOLVED", 1, days_ago(450)), second(2)).await;
    assert!(as_of().await < second(2), "it is over and not read");
    world.deliver_from("zendesk", &ticket(41, 31, "OPEN", 2, second(3)), second(3)).await;
    assert!(as_of().await >= second(3), "it is open and read");
}
