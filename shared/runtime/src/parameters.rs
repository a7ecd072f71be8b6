//! Parameters of AWS Systems Manager, as much as secrets need: one operation, signed by AWS's own signer.
//!
//! The SDK of Systems Manager is a hundred and fifty operations of generated code; it would be the longest to compile of
//! everything here and is linked into every function, for this one call.
//!
//! Followed: "GetParametersByPath" (AWS Systems Manager API reference) and "AWS JSON 1.1 protocol" (Smithy 2.0), read
//! 2026-11.

use std::time::Duration;

use bytes::Bytes;
use model::Moment;
use serde::Deserialize;
use serde_json::json;

use crate::aws::AwsSettings;
use crate::seam::{Call, CallError, Seam, Target};
use crate::secrets::{Secret, SecretMap};
use crate::signing::Signer;

const SERVICE: &str = "ssm";
const OPERATION: &str = "GetParametersByPath";
const CONTENT: &str = "application/x-amz-json-1.1";
/// A page is asked for this often in all. It only reads, so it may be.
const TRIES: u32 = 3;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a page was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the request cannot be made: {0}")]
    Unmade(String),
    #[error(transparent)]
    Unanswered(#[from] CallError),
    /// The error's type, such as `AccessDeniedException`; its text could name what nobody should read in a log.
    #[error("{status}: {kind}")]
    Refused { status: u16, kind: String },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Whether another try may end otherwise.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unanswered(error) => match error {
                CallError::Timeout(_) | CallError::Connection(_) | CallError::Unreachable(_) => true,
                CallError::NotCalled(_) => false,
            },
            Self::Refused { status, kind } => *status >= 500 || *status == 429 || kind.contains("Throttling"),
            Self::Unmade(_) | Self::Unreadable(_) => false,
        }
    }
}

/// The parameters below paths.
pub(crate) struct Parameters {
    seam: Seam,
    signer: Signer,
    endpoint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    parameters: Vec<Parameter>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: Option<String>,
}

impl Parameters {
    pub fn new(seam: &Seam, aws: &AwsSettings) -> Self {
        let of_region = || format!("https://{SERVICE}.{}.amazonaws.com", aws.region);
        Self {
            seam: seam.clone(),
            signer: Signer::new(SERVICE, &aws.region, aws.credentials.clone()),
            endpoint: aws.endpoint.clone().unwrap_or_else(of_region),
        }
    }

    /// All parameters below `path`, by their name below it, decrypted. `now` is the time of the signature.
    pub async fn below(&self, path: &str, now: Moment) -> Result<SecretMap, Failure> {
        let mut map = SecretMap::new();
        let mut next = None;
        loop {
            let page = self.page(path, next.as_deref(), now).await?;
            for Parameter { name, value } in page.parameters {
                let name = name.strip_prefix(path).unwrap_or(&name).trim_start_matches('/').to_owned();
                map.insert(name, Secret::new(value));
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(map);
            }
        }
    }

    async fn page(&self, path: &str, next: Option<&str>, now: Moment) -> Result<Page, Failure> {
        let mut asked = json!({ "Path": path, "Recursive": true, "WithDecryption": true });
        if let Some(next) = next {
            asked["NextToken"] = next.into();
        }
        let body = Bytes::from(asked.to_string());
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.ask(body.clone(), now).await {
                Err(failure) if failure.may_pass() => tokio::time::sleep(pause).await,
                other => return other,
            }
            pause *= 2;
        }
        self.ask(body, now).await
    }

    async fn ask(&self, body: Bytes, now: Moment) -> Result<Page, Failure> {
        let request = self.signed(body, now)?;
        let call = Call { target: Target::Ssm, operation: OPERATION.to_owned(), request };
        let patience = AwsSettings::timeouts().operation_attempt_timeout().unwrap_or(PAUSE);
        let answer = tokio::time::timeout(patience, self.seam.call(call)).await;
        let answer = answer.map_err(|_| CallError::Timeout(format!("{} ms", patience.as_millis())))??;
        if !answer.status().is_success() {
            let refusal: Option<Refusal> = serde_json::from_slice(answer.body()).ok();
            let kind = refusal.and_then(|refusal| refusal.kind).unwrap_or_else(|| "no reason given".to_owned());
            return Err(Failure::Refused { status: answer.status().as_u16(), kind });
        }
        // The error of a parser may quote what it read; the place is enough.
        serde_json::from_slice(answer.body())
            .map_err(|error| Failure::Unreadable(format!("line {}, column {}", error.line(), error.column())))
    }

    fn signed(&self, body: Bytes, now: Moment) -> Result<http::Request<Bytes>, Failure> {
        let target = format!("AmazonSSM.{OPERATION}");
        let headers = [("content-type", CONTENT), ("x-amz-target", target.as_str())];
        let url = format!("{}/", self.endpoint);
        let mut request = http::Request::post(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body).map_err(|error| Failure::Unmade(error.to_string()))?;
        self.signer.sign(&mut request, now).map_err(Failure::Unmade)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_credential_types::Credentials;

    use super::*;

    type Asked = Arc<Mutex<Vec<http::Request<Bytes>>>>;

    /// Answers each call with the next of `answers`; keeps the requests.
    fn answering(answers: &[(u16, &str)]) -> (Parameters, Asked) {
        let asked = Asked::default();
        let (kept, mut left) = (asked.clone(), answers.to_vec());
        left.reverse();
        let left: Vec<(u16, String)> = left.into_iter().map(|(status, body)| (status, body.to_owned())).collect();
        let left = Arc::new(Mutex::new(left));
        let seam = Seam::new(move |call: Call| {
            assert_eq!((call.target, call.operation.as_str()), (Target::Ssm, OPERATION));
            kept.lock().unwrap().push(call.request);
            let (status, body) = left.lock().unwrap().pop().expect("one call too many");
            Box::pin(async move { Ok(http::Response::builder().status(status).body(Bytes::from(body)).unwrap()) })
        });
        let aws = AwsSettings {
            region: "eu-central-1".into(),
            credentials: Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI", Some("session".into()), None, "test"),
            endpoint: None,
        };
        (Parameters::new(&seam, &aws), asked)
    }

    fn now() -> Moment {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn every_page_below_a_path_is_read_and_each_request_is_signed_for_its_service() {
        let (parameters, asked) = answering(&[
            (
                200,
                r#"{"Parameters":[{"Name":"/barometer/crm/hubspot/secret","Type":"SecureString","Value":"s1"}],"NextToken":"more"}"#,
            ),
            (200, r#"{"Parameters":[{"Name":"/barometer/crm/token","Value":"s2"}]}"#),
        ]);
        let map = parameters.below("/barometer/crm", now()).await.unwrap();
        let shown: Vec<_> = map.iter().map(|(name, secret)| (name.as_str(), secret.reveal())).collect();
        assert_eq!(shown, [("hubspot/secret", "s1"), ("token", "s2")]);
        let asked = asked.lock().unwrap();
        let [first, second] = &asked[..] else { panic!("{asked:?}") };
        let body: serde_json::Value = serde_json::from_slice(first.body()).unwrap();
        assert_eq!(body, json!({ "Path": "/barometer/crm", "Recursive": true, "WithDecryption": true }));
        assert!(String::from_utf8_lossy(second.body()).contains(r#""NextToken":"more""#));
        assert_eq!(first.uri(), "https://ssm.eu-central-1.amazonaws.com/");
        let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-amz-target"), header("content-type")),
            ("AmazonSSM.GetParametersByPath".into(), CONTENT.into())
        );
        assert_eq!(
            (header("x-amz-date"), header("x-amz-security-token")),
            ("20261122T100000Z".into(), "session".into())
        );
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/ssm/aws4_request, SignedHeaders=";
        assert!(header("authorization").starts_with(scope), "{}", header("authorization"));
        assert_ne!(first.headers()["authorization"], second.headers()["authorization"], "the body is signed");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_three_times_and_a_refusal_once() {
        let throttled = (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
        let empty = (200, r#"{"Parameters":[]}"#);
        let (parameters, asked) = answering(&[throttled, (503, "busy"), empty]);
        assert_eq!(parameters.below("/barometer/crm", now()).await.unwrap().len(), 0);
        assert_eq!(asked.lock().unwrap().len(), 3);
        let (parameters, _) = answering(&[(500, "a"), (500, "b"), (500, "c")]);
        let failure = parameters.below("/barometer/crm", now()).await.unwrap_err();
        assert_eq!(failure.to_string(), "500: no reason given");
        let denied =
            (400, r#"{"__type":"AccessDeniedException","Message":"arn:aws:sts::123456789012:role/secret-name"}"#);
        let (parameters, asked) = answering(&[denied]);
        let failure = parameters.below("/barometer/crm", now()).await.unwrap_err();
        assert_eq!((failure.to_string().as_str(), asked.lock().unwrap().len()), ("400: AccessDeniedException", 1));
        let (parameters, _) = answering(&[(200, r#"{"Parameters":[{"Name":"/barometer/crm/token"}]}"#)]);
        let failure = parameters.below("/barometer/crm", now()).await.unwrap_err();
        assert!(failure.to_string().starts_with("the answer cannot be read: line 1"), "{failure}");
    }
}
