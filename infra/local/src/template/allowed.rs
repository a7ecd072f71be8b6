//! What in the template is known to have no meaning on a laptop. Everything else is read or refused.

/// Resources that exist on AWS only.
pub(super) const RESOURCES: &[&str] = &[
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    // The other way in, and who may use it: the host listens on its own address.
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    // The host answers every route itself, and keeps what a bucket would get in its own state.
    "AWS::S3::Bucket",
    "AWS::Serverless::HttpApi",
];

/// Top-level sections without meaning here.
pub(super) const SECTIONS: &[&str] = &["AWSTemplateFormatVersion", "Description", "Metadata", "Outputs"];

/// Attributes of a resource beside its type and properties.
pub(super) const ATTRIBUTES: &[&str] = &["DeletionPolicy", "DependsOn", "Metadata", "UpdateReplacePolicy"];

/// Sizes, permissions and observability of a function.
pub(super) const FUNCTION: &[&str] = &[
    "Architectures",
    "Description",
    "EphemeralStorage",
    // Retries of asynchronous calls: the next run of a schedule comes soon enough here.
    "EventInvokeConfig",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "PermissionsBoundary",
    "Policies",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Tags",
    "Tracing",
];

/// Billing, backup and encryption of a table.
pub(super) const TABLE: &[&str] = &[
    "BillingMode",
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "Tags",
];

/// Encryption of a queue. Messages are kept until they are handled; AWS forgets them after `MessageRetentionPeriod`.
pub(super) const QUEUE: &[&str] = &[
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "Tags",
];

/// Descriptions and logging of the bus.
pub(super) const BUS: &[&str] = &["DeadLetterConfig", "Description", "LogConfig", "Policy", "Tags"];

/// Of a rule: its description.
pub(super) const RULE: &[&str] = &["Description"];

/// Of a rule's target: how often it is tried. Here a queue that refuses once goes on refusing.
pub(super) const TARGET: &[&str] = &["Id", "RetryPolicy"];

/// Of a route: which API and who may call it.
pub(super) const ROUTE: &[&str] = &["ApiId", "Auth", "PayloadFormatVersion", "RouteSettings"];

/// Of a stream: how long a batch is gathered. Here what is there is delivered at once.
pub(super) const STREAM: &[&str] = &["MaximumBatchingWindowInSeconds"];

/// Of a queue's mapping: gathering, and how many run at once. Here one batch runs at a time.
pub(super) const QUEUE_MAPPING: &[&str] = &["MaximumBatchingWindowInSeconds", "ScalingConfig"];

/// Of a schedule: how a failed call is tried again (here the next run follows soon), and permissions.
pub(super) const SCHEDULE: &[&str] =
    &["DeadLetterConfig", "Description", "FlexibleTimeWindow", "PermissionsBoundary", "RetryPolicy", "RoleArn"];
