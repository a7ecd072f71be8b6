//! AWS's permissions, in every journey: a function that asks for what its role may not do fails there, as it would on AWS.
//!
//! What roles may do is read from `infra/gates/permissions.txt`, which the gates hold against the template. What is asked for
//! on which resource follows "Actions, resources, and condition keys for Amazon DynamoDB" (AWS service authorization
//! reference, from general knowledge of 2026-11): a transaction asks for the action of each of its items, a query of an index
//! for the index alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use runtime::seam::{Call, Seam, Target};
use serde_json::Value;
use testkit::faults;

/// `seam`, for functions that may do what they ask for and no others.
///
/// # Panics
/// When a function may not.
pub fn around(seam: Seam) -> Seam {
    Seam::new(move |call| {
        let function = faults::function().unwrap_or_default();
        for asked in asked(&call) {
            assert!(is_allowed(&function, &asked), "{function} has no permission for {asked}");
            USED.with_borrow_mut(|used| used.insert(line(&function, &asked)));
        }
        let seam = seam.clone();
        Box::pin(async move { seam.call(call).await })
    })
}

thread_local! {
    /// What functions asked for on this thread, which is one test's: a line for each, as in the list.
    static USED: RefCell<BTreeSet<String>> = RefCell::default();
}

/// What a function may do to a table, the bus or mail, and none asked for on this thread.
pub fn unused() -> Vec<String> {
    let is_ours = |line: &&String| {
        let mut words = line.split(' ');
        let (who, action) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let service = action.split(':').next().unwrap_or_default();
        // The service that feeds a function from a stream acts in its name.
        let is_asked_for = ["dynamodb", "events", "ses"].contains(&service) && !line.ends_with(".StreamArn");
        is_asked_for && (who == "WebhookCrm" || !who.starts_with("Webhook"))
    };
    USED.with_borrow(|used| allowed().iter().filter(is_ours).filter(|line| !used.contains(*line)).cloned().collect())
}

/// As the list says it. All receivers may do the same, each for its own family.
fn line(function: &str, asked: &str) -> String {
    let who = if function == "Webhook" { "WebhookCrm" } else { function };
    format!("{who} {asked}")
}

/// Whether a line of the list says so.
fn is_allowed(function: &str, asked: &str) -> bool {
    allowed().contains(&line(function, asked))
}

fn allowed() -> &'static BTreeSet<String> {
    static ALLOWED: OnceLock<BTreeSet<String>> = OnceLock::new();
    ALLOWED.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/gates/permissions.txt");
        let text = std::fs::read_to_string(path).expect("the list of permissions is there");
        // What a permission is limited to beyond its resource is not asked for here.
        text.lines().map(|line| line.split(" if ").next().unwrap_or_default().to_owned()).collect()
    })
}

/// Actions and resources, as the list names them.
fn asked(call: &Call) -> Vec<String> {
    let operation = call.operation.as_str();
    match call.target {
        Target::DynamoDb => {
            let body: Value = serde_json::from_slice(call.request.body()).expect("the SDK sends JSON");
            match operation {
                "TransactWriteItems" => {
                    elements(&body["TransactItems"]).flat_map(members).map(in_transaction).collect()
                }
                "BatchGetItem" => members(&body["RequestItems"]).map(|(table, _)| on_table(operation, table)).collect(),
                _ => vec![on(operation, &body)],
            }
        }
        Target::EventBridge => vec![format!("events:{operation} Bus.Arn")],
        Target::Ses => vec![format!("ses:{operation} {IDENTITY}")],
        // What these are asked for is not for roles to allow; secrets and functions are not called over the seam here.
        Target::Slack | Target::HubSpot | Target::Vendor | Target::Ssm | Target::Lambda | Target::Stack => vec![],
    }
}

const IDENTITY: &str = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*";

/// `Put`, `Update`, `Delete` or `ConditionCheck` within a transaction.
fn in_transaction((kind, item): (&String, &Value)) -> String {
    let action = if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
    on(&action, item)
}

fn on(action: &str, body: &Value) -> String {
    let table = body["TableName"].as_str().expect("every operation names its table");
    match body["IndexName"].as_str() {
        Some(index) => format!("dynamodb:{action} ${{{table}.Arn}}/index/{index}"),
        None => on_table(action, table),
    }
}

fn on_table(action: &str, table: &str) -> String {
    format!("dynamodb:{action} {table}.Arn")
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
