//! Signatures that others made: what HubSpot's own library signs, and a collection of vectors.
//!
//! The collection is not part of this repository. With `SAMPLES` set to a folder that holds it (`vectors/signatures.json`)
//! it is checked too, and a folder without it is a failure.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::Recorded;
use connectors::{ALL, Connector, Refusal, by_name};
use model::Moment;
use serde::Deserialize;

/// HubSpot/hubspot-api-nodejs (Apache-2.0), test/unit/signature.spec.ts, the rows of version 2; read 2026-11.
const HUBSPOT_V2: [(&str, &str, &str); 3] = [
    (
        "POST",
        r#"{"example_field":"example_value"}"#,
        "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
    ),
    ("POST", "{'example_field':'example_value'}", "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383"),
    ("GET", "", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
];
const HUBSPOT_SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const HUBSPOT_URL: &str = "https://www.example.com/webhook_uri";
/// Same source: a true signature of version 1 over the second body above, which this tool does not take.
const HUBSPOT_V1: &str = "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750";

fn hubspot() -> &'static dyn Connector {
    by_name("hubspot-workflow").unwrap()
}

fn received_at() -> Moment {
    "2026-11-20T08:30:00Z".parse().unwrap()
}

fn signed(method: &str, body: &str, signature: &str, version: &str) -> Recorded {
    let headers = [("x-hubspot-signature", signature), ("x-hubspot-signature-version", version)];
    Recorded {
        method: method.into(),
        url: HUBSPOT_URL.into(),
        received_at: received_at(),
        secret: HUBSPOT_SECRET.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        fetched: None,
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn signatures_of_the_vendors_library_are_accepted() {
    for (method, body, signature) in HUBSPOT_V2 {
        assert!(signed(method, body, signature, "v2").verify(hubspot()).is_ok(), "{method} {body}");
    }
}

#[test]
fn no_other_version_is_accepted_under_any_name() {
    let (method, body, v2) = HUBSPOT_V2[1];
    for version in ["v1", "v3", "V2", "v2,v1", ""] {
        assert_eq!(signed(method, body, v2, version).verify(hubspot()), Err(Refusal::UnknownVersion), "{version}");
    }
    assert_eq!(signed(method, body, HUBSPOT_V1, "v1").verify(hubspot()), Err(Refusal::UnknownVersion));
    assert_eq!(signed(method, body, HUBSPOT_V1, "v2").verify(hubspot()), Err(Refusal::BadSignature));
    let mut unnamed = signed(method, body, v2, "v2");
    unnamed.headers.remove("x-hubspot-signature-version");
    assert_eq!(unnamed.verify(hubspot()), Err(Refusal::UnknownVersion));
}

/// A file of the samples; `None` where no samples were asked for.
fn sample(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("SAMPLES")?;
    assert!(!folder.is_empty(), "SAMPLES is set and empty; name the folder of the samples, or unset it");
    let path = PathBuf::from(folder).join(path);
    Some(std::fs::read(&path).unwrap_or_else(|e| panic!("SAMPLES is set, but {}: {e}", path.display())))
}

#[derive(Debug, Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    vendor: String,
    name: String,
    /// Text, or an object for a scheme with more than one.
    secret: serde_json::Value,
    headers: BTreeMap<String, String>,
    body: String,
    expected: String,
    /// When it was received: text or seconds; `None` where no time is signed.
    verify_at: Option<serde_json::Value>,
    method: Option<String>,
    url: Option<String>,
}

fn at(value: &serde_json::Value) -> Option<Moment> {
    value.as_i64().and_then(|seconds| Moment::from_millis(seconds * 1_000)).or_else(|| value.as_str()?.parse().ok())
}

impl Vector {
    fn request(&self) -> Recorded {
        Recorded {
            method: self.method.clone().unwrap_or_else(|| "POST".into()),
            url: self.url.clone().unwrap_or_else(|| HUBSPOT_URL.into()),
            received_at: self.verify_at.as_ref().and_then(at).unwrap_or_else(received_at),
            secret: self.secret.as_str().map_or_else(|| self.secret.to_string(), str::to_owned),
            headers: self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
            fetched: None,
            body: self.body.clone().into_bytes(),
        }
    }

    /// The connector this vector is for: the vendor's, of HubSpot's two the one whose scheme the headers name.
    fn connector(&self) -> Option<&'static dyn Connector> {
        let version = self.request().headers.get("x-hubspot-signature-version").cloned();
        match (self.vendor.as_str(), version.as_deref()) {
            ("hubspot", Some("v2")) => Some(hubspot()),
            ("hubspot", _) => by_name("hubspot-app"),
            (vendor, _) => by_name(vendor),
        }
    }
}

/// A vector made for a tool is judged as it says; one made for another tool opens none of ours.
#[test]
fn vectors_of_the_samples_are_judged_as_they_say() {
    let Some(file) = sample("vectors/signatures.json") else { return };
    let Vectors { vectors } = serde_json::from_slice(&file).unwrap();
    let ours = vectors.iter().filter(|vector| vector.connector().is_some() && vector.expected == "valid");
    assert!(ours.count() > 0, "SAMPLES has no vectors of our vendors");
    for vector in vectors {
        let request = vector.request();
        let ours = vector.connector();
        for connector in ALL.iter().copied().filter(|_| !request.secret.trim().is_empty()) {
            let is_for_it = ours.is_some_and(|ours| ours.tool() == connector.tool());
            let good = is_for_it && vector.expected == "valid";
            assert_eq!(request.verify(connector).is_ok(), good, "{} {}", vector.vendor, vector.name);
        }
    }
}
