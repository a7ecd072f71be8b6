//! Functions and what feeds them.

use std::collections::BTreeMap;

use super::node::{Name, Node};
use super::read::Reader;
use super::{Function, QueueMapping, Route, Schedule, StreamMapping, allowed};

pub(super) fn function(reader: &Reader<'_>, name: &str, node: &Node) -> Option<Function> {
    let globals = reader.document.get("Globals").and_then(|globals| {
        reader.only(globals, "Globals", &["Function"], &["HttpApi"]);
        globals.get("Function")
    });
    reader.only(
        node,
        &format!("function `{name}`"),
        &["CodeUri", "Environment", "Events", "Timeout"],
        allowed::FUNCTION,
    );
    if let Some(globals) = globals {
        reader.only(globals, "Globals of functions", &["Environment", "Timeout"], allowed::FUNCTION);
    }
    let mut environment = BTreeMap::new();
    for source in [globals, Some(node)].into_iter().flatten() {
        let Some(section) = source.get("Environment") else { continue };
        reader.only(section, "an environment", &["Variables"], &[]);
        for (variable, value) in section.get("Variables").map(Node::entries).unwrap_or_default() {
            environment.insert(variable.text.clone(), reader.resolved(value)?);
        }
    }
    let code = reader.text_in(node, "CodeUri")?;
    let crate_name = code.trim_end_matches(".zip").rsplit('/').next().unwrap_or_default().to_owned();
    let timeout_s = match node.get("Timeout").or_else(|| globals?.get("Timeout")) {
        None => 3, // as on AWS
        Some(seconds) => reader.number(seconds)?,
    };
    let mut function = Function {
        logical_id: name.to_owned(),
        crate_name,
        environment,
        timeout_s,
        routes: vec![],
        streams: vec![],
        queues: vec![],
        schedules: vec![],
    };
    for (event, node) in node.get("Events").map(Node::entries).unwrap_or_default() {
        feed(reader, &mut function, event, node);
    }
    Some(function)
}

fn feed(reader: &Reader<'_>, function: &mut Function, event: &Name, node: &Node) -> Option<()> {
    reader.only(node, "an event", &["Type", "Properties"], &[]);
    let properties = reader.needed(node, "Properties")?;
    match reader.text_in(node, "Type")?.as_str() {
        "HttpApi" => function.routes.push(route(reader, properties)?),
        "DynamoDB" => function.streams.push(stream(reader, properties)?),
        "SQS" => function.queues.push(queue(reader, properties)?),
        "ScheduleV2" => {
            let name = format!("{}/{}", function.logical_id, event.text);
            function.schedules.push(schedule(reader, name, properties)?);
        }
        other => {
            let message = format!("an event of type `{other}`; understood are HttpApi, DynamoDB, SQS and ScheduleV2");
            return reader.wrong(node.get("Type").unwrap_or(node), message);
        }
    }
    Some(())
}

fn route(reader: &Reader<'_>, node: &Node) -> Option<Route> {
    reader.only(node, "a route", &["Method", "Path"], allowed::ROUTE);
    let method = reader.text_in(node, "Method")?.to_uppercase();
    if method == "ANY" || method == "*" {
        return reader.wrong(node, "a route here names its method");
    }
    let path = reader.text_in(node, "Path")?;
    if !path.starts_with('/') || path.contains("+}") {
        return reader.wrong(node, format!("`{path}` is no path of plain segments and `{{names}}`"));
    }
    Some(Route { method, path })
}

fn stream(reader: &Reader<'_>, node: &Node) -> Option<StreamMapping> {
    let known = [
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumRetryAttempts",
        "StartingPosition",
        "Stream",
    ];
    reader.only(node, "a stream event", &known, allowed::STREAM);
    let source = reader.needed(node, "Stream")?;
    let table = reader.resource(source, "AWS::DynamoDB::Table")?;
    let has_stream = reader.document.get("Resources")?.get(&table)?.get("Properties")?.get("StreamSpecification");
    if has_stream.is_none() {
        return reader.wrong(source, format!("table `{table}` has no stream"));
    }
    if reader.text_in(node, "StartingPosition")? != "TRIM_HORIZON" {
        let message = "a stream is read from TRIM_HORIZON; LATEST can miss what is written while the mapping is made";
        return reader.wrong(reader.needed(node, "StartingPosition")?, message);
    }
    let mut filters = vec![];
    if let Some(criteria) = node.get("FilterCriteria") {
        reader.only(criteria, "filter criteria", &["Filters"], &[]);
        for filter in reader.list(criteria.get("Filters")) {
            reader.only(filter, "a filter", &["Pattern"], &[]);
            filters.push(reader.pattern(reader.needed(filter, "Pattern")?)?);
        }
    }
    let Some(retries) = node.get("MaximumRetryAttempts") else {
        let message = "`MaximumRetryAttempts` is missing: without it one record is tried for ever and blocks its shard";
        return reader.wrong(node, message);
    };
    let on_failure = match node.get("DestinationConfig") {
        None => None,
        Some(config) => {
            reader.only(config, "a destination", &["OnFailure"], &[]);
            let failure = reader.needed(config, "OnFailure")?;
            reader.only(failure, "an on-failure destination", &["Destination", "Type"], &[]);
            Some(reader.resource(reader.needed(failure, "Destination")?, "AWS::S3::Bucket")?)
        }
    };
    Some(StreamMapping {
        table,
        filters,
        batch_size: batch_size(reader, node, 100)?,
        max_retries: reader.number(retries)?,
        bisect: node.get("BisectBatchOnFunctionError").map_or(Some(false), |flag| reader.flag(flag))?,
        partial_failures: partial_failures(reader, node)?,
        on_failure,
    })
}

fn queue(reader: &Reader<'_>, node: &Node) -> Option<QueueMapping> {
    reader.only(node, "a queue event", &["BatchSize", "FunctionResponseTypes", "Queue"], allowed::QUEUE_MAPPING);
    Some(QueueMapping {
        queue: reader.resource(reader.needed(node, "Queue")?, "AWS::SQS::Queue")?,
        batch_size: batch_size(reader, node, 10)?,
        partial_failures: partial_failures(reader, node)?,
    })
}

fn batch_size(reader: &Reader<'_>, node: &Node, default: usize) -> Option<usize> {
    let Some(size) = node.get("BatchSize") else { return Some(default) };
    match reader.number(size)? {
        0 => reader.wrong(size, "a batch holds at least one"),
        size => Some(size),
    }
}

fn partial_failures(reader: &Reader<'_>, node: &Node) -> Option<bool> {
    let types = reader.list(node.get("FunctionResponseTypes"));
    match types.iter().find(|kind| kind.text() != Some("ReportBatchItemFailures")) {
        Some(other) => reader.wrong(other, format!("{} is no kind of answer", other.describe())),
        None => Some(!types.is_empty()),
    }
}

fn schedule(reader: &Reader<'_>, name: String, node: &Node) -> Option<Schedule> {
    reader.only(node, "a schedule", &["Input", "ScheduleExpression"], allowed::SCHEDULE);
    let expression = reader.text_in(node, "ScheduleExpression")?;
    let Some(every_s) = seconds_of(&expression) else {
        let message = format!("`{expression}` is not understood; expected such as rate(1 minute) or rate(6 hours)");
        return reader.wrong(node.get("ScheduleExpression").unwrap_or(node), message);
    };
    let text = reader.text_in(node, "Input")?;
    let at = node.get("Input").unwrap_or(node);
    let input = match serde_json::from_str(&text) {
        Ok(input) => input,
        Err(error) => return reader.wrong(at, format!("`Input` is not JSON: {error}")),
    };
    if text.replace(super::SCHEDULED_TIME, "").contains("<aws.") {
        return reader
            .wrong(at, format!("of the scheduler's placeholders only `{}` is understood", super::SCHEDULED_TIME));
    }
    Some(Schedule { name, every_s, input })
}

/// `rate(1 minute)` and the like; the unit is singular for one and plural otherwise, as AWS demands.
fn seconds_of(expression: &str) -> Option<u64> {
    let (number, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    (unit.ends_with('s') == (number != 1)).then_some(number.checked_mul(seconds)?)
}
