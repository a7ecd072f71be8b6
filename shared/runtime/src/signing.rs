//! Signatures of AWS (Signature Version 4) for the services that are called without an SDK, by AWS's own signer.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use model::Moment;

/// Signs requests to one service. Prints without the key.
#[derive(Debug, Clone)]
pub struct Signer {
    service: &'static str,
    region: String,
    credentials: Credentials,
}

impl Signer {
    /// For `service` as signatures name it, such as `ssm`, in a region such as `eu-central-1`.
    pub fn new(service: &'static str, region: &str, credentials: Credentials) -> Self {
        Self { service, region: region.to_owned(), credentials }
    }

    /// As [`Self::new`], with a key that stands somewhere else than in the environment.
    pub fn with_key(service: &'static str, region: &str, key: (&str, &str), session_token: Option<&str>) -> Self {
        let (id, secret) = key;
        let session_token = session_token.map(str::to_owned);
        Self::new(service, region, Credentials::new(id, secret, session_token, None, "secrets"))
    }

    /// The region that it signs for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Adds the headers of the signature, which covers the request as it is. `now` is its time: AWS takes none that is more
    /// than five minutes off.
    ///
    /// # Errors
    /// When the request cannot be signed, such as one with an address that is none.
    pub fn sign(&self, request: &mut http::Request<Bytes>, now: Moment) -> Result<(), String> {
        let unmade = |error: &dyn std::fmt::Display| error.to_string();
        let since_1970 = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or_default());
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::UNIX_EPOCH + since_1970)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unmade(&error))?
            .into();
        let url = request.uri().to_string();
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable =
            SignableRequest::new(request.method().as_str(), &url, headers, SignableBody::Bytes(request.body()))
                .map_err(|error| unmade(&error))?;
        let (signature, _) = sign(signable, &params).map_err(|error| unmade(&error))?.into_parts();
        signature.apply_to_request_http1x(request);
        Ok(())
    }
}
