//! The one seam: every outbound call of every function, to AWS and to vendors alike, passes [`Seam::call`].
//!
//! On AWS it is the network. On a laptop the DynamoDB part goes into the embedded engine without a socket. In tests it
//! is numbered and can crash, throttle, conflict or time out. There is no other way out of the process, so there is
//! nothing else to fake: no storage trait, no mock client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::network;

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The tables.
    DynamoDb,
    /// The bus.
    EventBridge,
    /// The secrets.
    Ssm,
    /// What runs the functions; asked by operators only.
    Lambda,
    /// What a deployed stack is made of and what waits beside it; asked by operators only.
    Stack,
    /// Messages to our team.
    Slack,
    /// Tasks for our team in the CRM.
    HubSpot,
    /// Mail.
    Ses,
    /// The API of a tool that sends us webhooks, to read what their bodies only name.
    Vendor,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "dynamodb",
            Self::EventBridge => "eventbridge",
            Self::Ssm => "ssm",
            Self::Lambda => "lambda",
            Self::Stack => "stack",
            Self::Slack => "slack",
            Self::HubSpot => "hubspot",
            Self::Ses => "ses",
            Self::Vendor => "vendor",
        })
    }
}

/// One outbound call.
#[derive(Debug)]
pub struct Call {
    /// Who is called.
    pub target: Target,
    /// What is asked, such as `PutItem` or `chat.postMessage`.
    pub operation: String,
    /// The request, complete.
    pub request: http::Request<Bytes>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No answer in time; the other side may have acted.
    #[error("no answer in time: {0}")]
    Timeout(String),
    /// The connection failed; the other side may have acted.
    #[error("connection failed: {0}")]
    Connection(String),
    /// No connection could be made (name, address or TLS), so nothing was sent.
    #[error("could not connect: {0}")]
    Unreachable(String),
    /// The call was refused on our side and never left.
    #[error("not called: {0}")]
    NotCalled(String),
}

/// The answer, whole.
pub type Reply = Result<http::Response<Bytes>, CallError>;

/// What a seam's function returns.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The function through which everything that leaves the process passes.
#[derive(Clone)]
pub struct Seam(Arc<dyn Fn(Call) -> ReplyFuture + Send + Sync>);

impl fmt::Debug for Seam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seam")
    }
}

impl Seam {
    /// A seam that is this function.
    pub fn new(function: impl Fn(Call) -> ReplyFuture + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    /// The network: one client for every target, TLS by rustls with ring, no redirects, no proxies.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn network() -> std::io::Result<Self> {
        Self::network_within(Duration::from_secs(10))
    }

    /// As [`Self::network`], for calls that may take so long.
    ///
    /// # Errors
    /// As [`Self::network`].
    pub fn network_within(limit: Duration) -> std::io::Result<Self> {
        let client = network::client(network::KEPT_IDLE)?;
        Ok(Self::new(move |call| {
            let client = client.clone();
            Box::pin(async move {
                let answer = tokio::time::timeout(limit, network::ask(&client, call));
                answer.await.unwrap_or_else(|late| Err(CallError::Timeout(late.to_string())))
            })
        }))
    }

    /// Makes one call.
    ///
    /// # Errors
    /// When there is no answer; an answer with an error status is an answer.
    pub async fn call(&self, call: Call) -> Reply {
        (self.0)(call).await
    }

    /// This seam as the HTTP client of an AWS SDK.
    pub fn http_client(&self, target: Target) -> SharedHttpClient {
        SharedHttpClient::new(SdkClient { seam: self.clone(), target })
    }
}

#[derive(Debug, Clone)]
struct SdkClient {
    seam: Seam,
    target: Target,
}

impl HttpClient for SdkClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("barometer-seam", None))
    }
}

impl HttpConnector for SdkClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let (parts, body) = request.into_parts();
            // Every operation used here has a small body that is in memory already.
            let bytes = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
            let operation = operation_of(&parts.headers);
            let request = http::Request::from_parts(parts, bytes);
            let answer = this.seam.call(Call { target: this.target, operation, request }).await;
            let answer = answer.map_err(|error| match error {
                CallError::Timeout(_) => ConnectorError::timeout(error.into()),
                CallError::Connection(_) | CallError::Unreachable(_) => ConnectorError::io(error.into()),
                CallError::NotCalled(_) => ConnectorError::user(error.into()),
            })?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// `PutItem` from `x-amz-target: DynamoDB_20120810.PutItem`.
fn operation_of(headers: &http::HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}
