//! One call of an AWS service that is asked without an SDK, signed by AWS's own signer.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use runtime::aws::AwsSettings;
use runtime::logging::chain;
use runtime::seam::{Call, Seam, Target};
use runtime::signing::Signer;

use crate::clock::HostClock;
use crate::failure::Failure;

/// A call is made this often in all. What is called here may be called twice.
const TRIES: u32 = 3;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// An account of AWS in a region, and the time by which requests are signed.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    pub seam: Seam,
    pub settings: AwsSettings,
    pub clock: HostClock,
}

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// As signatures name it, such as `cloudformation`.
    pub service: &'static str,
    /// As permissions name it, such as `ListStackResources`.
    pub name: &'static str,
}

impl Operation {
    /// The service as permissions name it.
    fn permission(self) -> &'static str {
        match self.service {
            "monitoring" => "cloudwatch",
            service => service,
        }
    }
}

/// Why there is no answer that is of use.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The service refused: its status, and what it says.
    Refused(u16, String),
    /// Nobody answered, or the request could not be made.
    Silent(String),
}

impl Unanswered {
    /// The key is unknown, or may not do it. Some services say so with a status of their own, others with 400.
    fn is_of_the_key(&self) -> bool {
        match self {
            Self::Refused(401 | 403, _) => true,
            Self::Refused(400, says) => {
                ["AccessDenied", "ExpiredToken", "UnrecognizedClient"].iter().any(|it| says.contains(it))
            }
            Self::Refused(..) | Self::Silent(_) => false,
        }
    }
}

/// An answer that is of use, or why there is none.
type Answered = Result<http::Response<Bytes>, Unanswered>;

impl Aws {
    /// Where a service is called.
    pub(super) fn base(&self, service: &str) -> String {
        let AwsSettings { region, endpoint, .. } = &self.settings;
        endpoint.clone().unwrap_or_else(|| format!("https://{service}.{region}.amazonaws.com"))
    }

    /// Asks a service that takes forms and answers in XML: the query protocol, in this version of the service's API.
    pub(super) async fn query(
        &self,
        of: Operation,
        version: &str,
        asked: &[(&str, &str)],
    ) -> Result<String, Unanswered> {
        let silent = |error: &dyn ToString| Unanswered::Silent(error.to_string());
        let named = [("Action", of.name), ("Version", version)];
        let pairs = named.into_iter().chain(asked.iter().copied());
        // As forms are written, which is what the query protocol takes.
        let form = reqwest::Url::parse_with_params("http://form/", pairs).map_err(|error| silent(&error))?;
        let request = http::Request::post(format!("{}/", self.base(of.service)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from(form.query().unwrap_or_default().to_owned()))
            .map_err(|error| silent(&error))?;
        let page = self.call(of, &request).await?;
        Ok(String::from_utf8_lossy(page.body()).into_owned())
    }

    /// Makes a call, again where that may help.
    pub(super) async fn call(&self, of: Operation, request: &http::Request<Bytes>) -> Answered {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.call_once(of, request.clone()).await {
                Err(Unanswered::Refused(status, says)) if !(status >= 500 || says.contains("Throttl")) => {
                    return Err(Unanswered::Refused(status, says));
                }
                Err(_) => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        self.call_once(of, request.clone()).await
    }

    async fn call_once(&self, of: Operation, mut request: http::Request<Bytes>) -> Answered {
        let signer = Signer::new(of.service, &self.settings.region, self.settings.credentials.clone());
        signer.sign(&mut request, self.clock.now()).map_err(Unanswered::Silent)?;
        let call = Call { target: Target::Stack, operation: of.name.to_owned(), request };
        let answer = self.seam.call(call).await.map_err(|error| Unanswered::Silent(chain(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        Err(Unanswered::Refused(status.as_u16(), String::from_utf8_lossy(answer.body()).into_owned()))
    }

    /// What a person is told of a call that came to nothing; `on` is what they would have to be allowed it on.
    pub(super) fn failure(&self, of: Operation, on: &str, unanswered: Unanswered) -> Failure {
        let Operation { service, name } = of;
        let permission = of.permission();
        let region = &self.settings.region;
        match unanswered {
            refused if refused.is_of_the_key() => Failure::Refused {
                message: format!("AWS refuses {permission}:{name} in {region}"),
                help: Some(format!("renew the credentials (`aws sso login`), or allow {permission}:{name} on {on}")),
            },
            Unanswered::Refused(status, says) => Failure::Refused {
                message: format!("{permission}:{name} was answered {status}: {}", first_line(&says)),
                help: Some("see whether AWS_REGION and --stack name where it was deployed".to_owned()),
            },
            Unanswered::Silent(why) => Failure::Refused {
                message: format!("{service} in {region} does not answer: {why}"),
                help: Some("see whether there is such a region, and whether this machine reaches it".to_owned()),
            },
        }
    }
}

/// Enough of an answer to know what is the matter.
fn first_line(says: &str) -> String {
    super::xml::text(says, "Message")
        .unwrap_or_else(|| says.lines().next().unwrap_or_default().chars().take(200).collect())
}
