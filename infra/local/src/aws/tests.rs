use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use runtime::seam::Call;

use super::*;

/// An account that answers `ListStackResources` with these, one after the other; and what it was asked.
fn account(answers: &[(u16, &str)]) -> (Aws, Arc<Mutex<Vec<String>>>) {
    let answers: VecDeque<(u16, String)> = answers.iter().map(|(status, text)| (*status, (*text).to_owned())).collect();
    let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(Vec::new())));
    let kept = asked.clone();
    let seam = Seam::new(move |call: Call| {
        assert!(call.request.headers()["authorization"].to_str().unwrap().contains("/cloudformation/aws4_request"));
        kept.lock().unwrap().push(String::from_utf8(call.request.body().to_vec()).unwrap());
        let (status, body) = answers.lock().unwrap().pop_front().expect("nobody expected another call");
        let answer = http::Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(async move { Ok(answer) })
    });
    let settings = AwsSettings { region: "eu-central-1".into(), endpoint: None, ..AwsSettings::local() };
    (Aws { seam, settings, clock: HostClock::of_this_machine() }, asked)
}

fn member(logical: &str, physical: &str) -> String {
    format!(
        "<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
         <DriftInformation><StackResourceDriftStatus>NOT_CHECKED</StackResourceDriftStatus></DriftInformation></member>"
    )
}

fn listed(members: &str, next: &str) -> String {
    format!(
        "<ListStackResourcesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><ListStackResourcesResult>\
         <StackResourceSummaries>{members}</StackResourceSummaries>{next}</ListStackResourcesResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListStackResourcesResponse>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_listed_to_its_last_page() {
    let first = listed(&member("Journal", "barometer-Journal-1A"), "<NextToken>a+b&amp;c</NextToken>");
    let second = listed(&member("Accounts", "barometer-Accounts-2B"), "");
    // A service that is busy is asked again.
    let (aws, asked) = account(&[(200, &first), (503, "busy"), (200, &second)]);
    let resources = Resources::of(&aws, "barometer").await.unwrap();
    assert_eq!(resources.physical("Journal").unwrap(), "barometer-Journal-1A");
    assert_eq!(resources.physical("Accounts").unwrap(), "barometer-Accounts-2B");
    let missing = resources.physical("Bus").unwrap_err().to_string();
    assert_eq!(missing, "the stack `barometer` has no `Bus`");
    let begins = "Action=ListStackResources&Version=2010-05-15&StackName=barometer";
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0], begins);
    assert_eq!(asked[2], format!("{begins}&NextToken=a%2Bb%26c"));
}

/// What a person is told, and what to do.
async fn refused(status: u16, says: &str) -> (String, String) {
    let (aws, _) = account(&[(status, says)]);
    let error = Resources::of(&aws, "other").await.unwrap_err();
    (error.to_string(), miette::Diagnostic::help(&error).unwrap().to_string())
}

#[tokio::test]
async fn a_stack_that_is_not_there_and_a_key_that_may_not_ask_are_told_apart() {
    let error = |code: &str, message: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
    };
    let (told, help) = refused(400, &error("ValidationError", "Stack with id other does not exist")).await;
    assert_eq!(told, "there is no stack `other` in eu-central-1");
    assert!(help.contains("--stack") && help.contains("AWS_REGION"), "{help}");
    let (told, help) = refused(403, &error("AccessDenied", "User is not authorized")).await;
    assert_eq!(told, "AWS refuses cloudformation:ListStackResources in eu-central-1");
    assert!(help.contains("allow cloudformation:ListStackResources on the stack other"), "{help}");
    let (told, _) = refused(400, &error("ValidationError", "1 &lt; 2")).await;
    assert_eq!(told, "cloudformation:ListStackResources was answered 400: 1 < 2");
}

#[test]
fn as_much_of_xml_as_is_read() {
    let page = "<a><b>1 &amp;lt; 2</b></a><a><b/></a><a>";
    assert_eq!(xml::elements(page, "a"), ["<b>1 &amp;lt; 2</b>", "<b/>"]);
    assert_eq!(xml::text(page, "b").as_deref(), Some("1 &lt; 2"));
    assert_eq!(xml::text(page, "c"), None);
}
