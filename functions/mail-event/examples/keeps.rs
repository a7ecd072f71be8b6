//! The function that only keeps what it gets: one item by the official SDK, one line in the log. `make bench` measures `webhook`
//! beside it, since most of what that takes is the same call.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::lambda::HttpEvent;
use runtime::seam::{Seam, Target};
use serde_json::json;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::logging::init();
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let table = &environment.required("BAROMETER_JOURNAL_TABLE", "the name of a table");
    environment.finish()?;
    let mut conf = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(aws.credentials.clone())
        .http_client(Seam::network()?.http_client(Target::DynamoDb));
    conf.set_endpoint_url(aws.endpoint.clone());
    let client = &Client::from_conf(conf.build());
    lambda_runtime::run(service_fn(|event: LambdaEvent<HttpEvent>| async move {
        let HttpEvent { request_context, body, .. } = event.payload;
        let (name, body) = (request_context.time_epoch.to_string(), body.unwrap_or_default());
        let bytes = body.len();
        client
            .put_item()
            .table_name(table)
            .item("delivery", AttributeValue::S(name))
            .item("body", AttributeValue::S(body))
            .condition_expression("attribute_not_exists(delivery)")
            .send()
            .await?;
        info!(bytes, "Kept");
        Ok::<_, Error>(json!({ "statusCode": 200 }))
    }))
    .await
}
