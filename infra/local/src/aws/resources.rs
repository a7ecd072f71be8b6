//! What a deployed stack is made of.
//!
//! Followed: "ListStackResources" and "DescribeStacks" (AWS CloudFormation API reference) and the query protocol's XML, from general knowledge
//! of 2026-11.

use std::collections::BTreeMap;

use model::Family;

use super::call::{Aws, Operation, Unanswered};
use super::xml;
use crate::failure::Failure;

const LIST: Operation = Operation { service: "cloudformation", name: "ListStackResources" };
const DESCRIBE: Operation = Operation { service: "cloudformation", name: "DescribeStacks" };
/// The version of the API that is spoken.
const VERSION: &str = "2010-05-15";

/// How a stack says that it stands.
#[derive(Debug)]
pub(super) struct Description {
    /// Such as `UPDATE_COMPLETE`.
    pub status: String,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Description {
    /// Asks how the stack called `stack` stands.
    pub async fn of(aws: &Aws, stack: &str) -> Result<Self, Failure> {
        let page = aws.query(DESCRIBE, VERSION, &[("StackName", stack)]).await;
        page.map(|page| Self::read(&page)).map_err(|it| unanswered(aws, DESCRIBE, stack, it))
    }

    /// The same; `None` where there is no such stack.
    pub async fn of_any(aws: &Aws, stack: &str) -> Result<Option<Self>, Failure> {
        match aws.query(DESCRIBE, VERSION, &[("StackName", stack)]).await {
            Ok(page) => Ok(Some(Self::read(&page))),
            Err(it) if is_missing(&it) => Ok(None),
            Err(it) => Err(unanswered(aws, DESCRIBE, stack, it)),
        }
    }

    fn read(page: &str) -> Self {
        let texts = |name| xml::elements(page, name).into_iter().map(xml::unescaped).collect::<Vec<_>>();
        // Every output and every parameter has both.
        let pairs = |key, value| texts(key).into_iter().zip(texts(value)).collect();
        Self {
            status: xml::text(page, "StackStatus").unwrap_or_default(),
            outputs: pairs("OutputKey", "OutputValue"),
            parameters: pairs("ParameterKey", "ParameterValue"),
        }
    }

    /// The calls that each receiver has kept for it; none where the stack reserves none.
    pub fn reserved(&self) -> i64 {
        self.parameters.get("ReservedConcurrency").and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(0)
    }

    /// Where webhooks of a family are taken: at the one API, or each family's function at an address of its own.
    pub fn hooks(&self, family: Family) -> Option<&str> {
        let mut name = family.to_string();
        name[..1].make_ascii_uppercase();
        let found = self.outputs.get("Hooks").or_else(|| self.outputs.get(&format!("{name}Hooks")));
        found.map(|url| url.trim_end_matches('/'))
    }
}

/// The resources of a stack.
#[derive(Debug, Clone)]
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
    let asked: Vec<_> = [("StackName", stack)].into_iter().chain(next.map(|next| ("NextToken", next))).collect();
    aws.query(LIST, VERSION, &asked).await.map_err(|it| unanswered(aws, LIST, stack, it))
}

/// Whether there is a bus of that name.
pub(super) async fn has_bus(aws: &Aws, name: &str) -> Result<bool, Failure> {
    const OF: Operation = Operation { service: "events", name: "DescribeEventBus" };
    let asked = serde_json::json!({ "Name": name }).to_string();
    let request = http::Request::post(format!("{}/", aws.base(OF.service)))
        .header(http::header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header("x-amz-target", "AWSEvents.DescribeEventBus")
        .body(bytes::Bytes::from(asked));
    let failed = |it| aws.failure(OF, &format!("the bus {name}"), it);
    let request = request.map_err(|error| failed(Unanswered::Silent(error.to_string())))?;
    match aws.call(OF, &request).await {
        Ok(_) => Ok(true),
        Err(Unanswered::Refused(400, says)) if says.contains("ResourceNotFound") => Ok(false),
        Err(it) => Err(failed(it)),
    }
}

/// How CloudFormation says that there is no such stack.
fn is_missing(unanswered: &Unanswered) -> bool {
    matches!(unanswered, Unanswered::Refused(_, says) if says.contains("does not exist"))
}

/// What a person is told of a stack that is not shown.
fn unanswered(aws: &Aws, of: Operation, stack: &str, unanswered: Unanswered) -> Failure {
    match unanswered {
        missing if is_missing(&missing) => Failure::Refused {
            message: format!("there is no stack `{stack}` in {}", aws.settings.region),
            help: Some(
                "name it with --stack, and its region with AWS_REGION; `aws cloudformation list-stacks` shows all"
                    .to_owned(),
            ),
        },
        unanswered => aws.failure(of, &format!("the stack {stack}"), unanswered),
    }
}
