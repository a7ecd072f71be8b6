//! What a deployed stack is made of.
//!
//! Followed: "ListStackResources" (AWS CloudFormation API reference) and the query protocol's XML, from general knowledge
//! of 2026-11.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;

use super::call::{Aws, Operation, Unanswered};
use super::xml;
use crate::failure::Failure;

const LIST: Operation = Operation { service: "cloudformation", name: "ListStackResources" };
/// The version of the API that is spoken.
const VERSION: &str = "2010-05-15";

/// The resources of a stack.
#[derive(Debug)]
pub(super) struct Resources {
    stack: String,
    /// What each is called in AWS, by its name in the template.
    by_name: BTreeMap<String, String>,
}

impl Resources {
    /// Asks what the stack called `stack` is made of.
    pub(super) async fn of(aws: &Aws, stack: &str) -> Result<Self, Failure> {
        let mut by_name = BTreeMap::new();
        let mut next = None;
        loop {
            let page = page(aws, stack, next.as_deref()).await?;
            for member in xml::elements(&page, "member") {
                let names = xml::text(member, "LogicalResourceId").zip(xml::text(member, "PhysicalResourceId"));
                by_name.extend(names);
            }
            next = xml::text(&page, "NextToken");
            if next.is_none() {
                return Ok(Self { stack: stack.to_owned(), by_name });
            }
        }
    }

    /// Of a stack that is not asked.
    #[cfg(test)]
    pub(super) fn named<const N: usize>(all: [(&str, &str); N]) -> Self {
        let by_name = all.map(|(name, called)| (name.to_owned(), called.to_owned())).into();
        Self { stack: "barometer".to_owned(), by_name }
    }

    /// The name in the template of what AWS calls `physical`.
    pub(super) fn logical(&self, physical: &str) -> Option<String> {
        let found = self.by_name.iter().find(|(_, called)| *called == physical);
        found.map(|(name, _)| name.clone())
    }

    /// What the resource `name` of the template is called in AWS.
    pub(super) fn physical(&self, name: &str) -> Result<String, Failure> {
        self.by_name.get(name).cloned().ok_or_else(|| Failure::Refused {
            message: format!("the stack `{}` has no `{name}`", self.stack),
            help: Some(
                "it is none of Barometer's, or was deployed by another version: name another with --stack".to_owned(),
            ),
        })
    }
}

async fn page(aws: &Aws, stack: &str, next: Option<&str>) -> Result<String, Failure> {
    let named = [("Action", LIST.name), ("Version", VERSION), ("StackName", stack)];
    let pairs = named.into_iter().chain(next.map(|next| ("NextToken", next)));
    let odd = |what: String| aws.failure(LIST, "the stack", Unanswered::Silent(what));
    // As forms are written, which is what the query protocol takes.
    let form = reqwest::Url::parse_with_params("http://form/", pairs).map_err(|error| odd(error.to_string()))?;
    let request = http::Request::post(format!("{}/", aws.base(LIST.service)))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::from(form.query().unwrap_or_default().to_owned()))
        .map_err(|error| odd(error.to_string()))?;
    match aws.call(LIST, &request).await {
        Ok(page) => Ok(String::from_utf8_lossy(page.body()).into_owned()),
        Err(Unanswered::Refused(_, says)) if says.contains("does not exist") => Err(Failure::Refused {
            message: format!("there is no stack `{stack}` in {}", aws.settings.region),
            help: Some(
                "name it with --stack, and its region with AWS_REGION; `aws cloudformation list-stacks` shows all"
                    .to_owned(),
            ),
        }),
        Err(unanswered) => Err(aws.failure(LIST, &format!("the stack {stack}"), unanswered)),
    }
}
