//! Reads resources into a [`Stack`], gathering everything that is wrong on the way.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::node::{Kind, Node};
use super::{Attribute, Index, Key, Problem, Queue, Rule, Stack, StreamView, Table, allowed, functions};
use crate::pattern::Pattern;

pub(super) fn stack(text: &str) -> Result<Stack, Vec<Problem>> {
    let document = Node::parse(text).map_err(|problem| vec![problem])?;
    let reader = Reader::new(&document);
    let stack = reader.stack();
    let mut problems = reader.problems.into_inner();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.dedup();
    match stack {
        Some(stack) if problems.is_empty() => Ok(stack),
        _ => Err(problems),
    }
}

/// The document with an index of its resources. Methods return `None` after noting why.
pub(super) struct Reader<'n> {
    pub document: &'n Node,
    /// Logical id to type and properties.
    resources: BTreeMap<&'n str, (&'n str, Option<&'n Node>)>,
    problems: RefCell<Vec<Problem>>,
}

impl<'n> Reader<'n> {
    fn new(document: &'n Node) -> Self {
        let resources = document.get("Resources").map(Node::entries).unwrap_or_default();
        let resource = |(name, node): &'n (super::node::Name, Node)| {
            Some((name.text.as_str(), (node.get("Type")?.text()?, node.get("Properties"))))
        };
        Self { document, resources: resources.iter().filter_map(resource).collect(), problems: RefCell::default() }
    }

    pub fn wrong<T>(&self, node: &Node, message: impl Into<String>) -> Option<T> {
        self.problems.borrow_mut().push(node.problem(message));
        None
    }

    fn stack(&self) -> Option<Stack> {
        self.only(
            self.document,
            "the template",
            &["Conditions", "Globals", "Parameters", "Resources", "Transform"],
            allowed::SECTIONS,
        );
        self.check_references();
        let Some(resources) = self.document.get("Resources") else {
            return self.wrong(self.document, "a template needs `Resources`");
        };
        let (mut tables, mut functions, mut queues, mut rules, mut buses) = (vec![], vec![], vec![], vec![], vec![]);
        for (name, node) in resources.entries() {
            let Some(kind) = node.get("Type").and_then(Node::text) else {
                self.wrong::<()>(node, format!("resource `{}` needs a `Type`", name.text));
                continue;
            };
            // What runs here is there in every deployment; only what AWS alone needs may depend on parameters.
            let is_on_aws_only = allowed::RESOURCES.contains(&kind);
            let condition: &[&str] = if is_on_aws_only { &["Condition"] } else { &[] };
            let allowed = [allowed::ATTRIBUTES, condition].concat();
            self.only(node, &format!("resource `{}`", name.text), &["Type", "Properties"], &allowed);
            let properties = node.get("Properties").unwrap_or(node);
            match kind {
                "AWS::DynamoDB::Table" => tables.extend(self.table(&name.text, properties)),
                "AWS::Serverless::Function" => functions.extend(functions::function(self, &name.text, properties)),
                "AWS::SQS::Queue" => queues.extend(self.queue(&name.text, properties)),
                "AWS::Events::EventBus" => buses.extend(self.bus(properties)),
                "AWS::Events::Rule" => rules.extend(self.rule(&name.text, properties).into_iter().flatten()),
                _ if is_on_aws_only => {}
                kind => {
                    let message = format!(
                        "`{}` is of type `{kind}`, which has no meaning on a laptop yet; give it one in `template`, or \
                         list it as allowed when it needs none",
                        name.text
                    );
                    self.wrong::<()>(node.get("Type").unwrap_or(node), message);
                }
            }
        }
        match <[String; 1]>::try_from(buses) {
            Ok([bus]) => Some(Stack { tables, functions, queues, bus, rules }),
            Err(buses) => self.wrong(resources, format!("expected exactly one event bus, found {}", buses.len())),
        }
    }

    // ------------------------------------------------------------------------------------------------- resources

    fn table(&self, name: &str, node: &Node) -> Option<Table> {
        let known = [
            "AttributeDefinitions",
            "GlobalSecondaryIndexes",
            "KeySchema",
            "StreamSpecification",
            "TimeToLiveSpecification",
        ];
        self.only(node, &format!("table `{name}`"), &known, allowed::TABLE);
        let mut attributes = BTreeMap::new();
        for definition in self.list(node.get("AttributeDefinitions")) {
            self.only(definition, "an attribute definition", &["AttributeName", "AttributeType"], &[]);
            attributes.insert(self.text_in(definition, "AttributeName")?, self.text_in(definition, "AttributeType")?);
        }
        let stream = match node.get("StreamSpecification") {
            None => None,
            Some(stream) => {
                self.only(stream, "a stream specification", &["StreamViewType"], &[]);
                let text = self.text_in(stream, "StreamViewType")?;
                let views =
                    [StreamView::KeysOnly, StreamView::NewImage, StreamView::OldImage, StreamView::NewAndOldImages];
                match views.into_iter().find(|view| view.as_str() == text) {
                    Some(view) => Some(view),
                    None => return self.wrong(stream, format!("`{text}` is no view of a stream")),
                }
            }
        };
        let ttl = match node.get("TimeToLiveSpecification") {
            None => None,
            Some(ttl) => {
                self.only(ttl, "a time-to-live specification", &["AttributeName", "Enabled"], &[]);
                let on = ttl.get("Enabled").and_then(Node::json) == Some(true.into());
                on.then(|| self.text_in(ttl, "AttributeName")).flatten()
            }
        };
        let indexes = self.list(node.get("GlobalSecondaryIndexes"));
        let indexes = indexes.iter().filter_map(|index| self.index(index, &attributes)).collect();
        let key = self.key(node, &attributes)?;
        Some(Table { logical_id: name.to_owned(), key, indexes, stream, ttl })
    }

    fn index(&self, node: &Node, attributes: &BTreeMap<String, String>) -> Option<Index> {
        self.only(node, "an index", &["IndexName", "KeySchema", "Projection"], &["OnDemandThroughput"]);
        let projection = self.needed(node, "Projection")?;
        self.only(projection, "a projection", &["ProjectionType"], &[]);
        let kind = self.text_in(projection, "ProjectionType")?;
        if kind != "KEYS_ONLY" && kind != "ALL" {
            return self.wrong(projection, format!("a projection of `{kind}`; understood are KEYS_ONLY and ALL"));
        }
        Some(Index { name: self.text_in(node, "IndexName")?, key: self.key(node, attributes)?, projection: kind })
    }

    fn key(&self, node: &Node, attributes: &BTreeMap<String, String>) -> Option<Key> {
        let schema = self.needed(node, "KeySchema")?;
        let (mut hash, mut range) = (None, None);
        for part in self.list(Some(schema)) {
            self.only(part, "a key", &["AttributeName", "KeyType"], &[]);
            let name = self.text_in(part, "AttributeName")?;
            let Some(kind) = attributes.get(&name).cloned() else {
                return self.wrong(part, format!("key attribute `{name}` is not among the attribute definitions"));
            };
            match self.text_in(part, "KeyType")?.as_str() {
                "HASH" => hash = Some(Attribute { name, kind }),
                "RANGE" => range = Some(Attribute { name, kind }),
                other => return self.wrong(part, format!("a key of type `{other}`; expected HASH or RANGE")),
            }
        }
        match hash {
            Some(hash) => Some(Key { hash, range }),
            None => self.wrong(schema, "a key needs a HASH attribute"),
        }
    }

    fn queue(&self, name: &str, node: &Node) -> Option<Queue> {
        self.only(node, &format!("queue `{name}`"), &["RedrivePolicy", "VisibilityTimeout"], allowed::QUEUE);
        let visibility_s = match node.get("VisibilityTimeout") {
            None => 30, // as on AWS
            Some(seconds) => self.number(seconds)?,
        };
        let (mut max_receive_count, mut dead_letters) = (None, None);
        if let Some(policy) = node.get("RedrivePolicy") {
            self.only(policy, "a redrive policy", &["deadLetterTargetArn", "maxReceiveCount"], &[]);
            dead_letters = Some(self.resource(self.needed(policy, "deadLetterTargetArn")?, "AWS::SQS::Queue")?);
            max_receive_count = Some(self.number(self.needed(policy, "maxReceiveCount")?)?);
        }
        Some(Queue { logical_id: name.to_owned(), visibility_s, max_receive_count, dead_letters })
    }

    fn bus(&self, node: &Node) -> Option<String> {
        self.only(node, "an event bus", &["Name"], allowed::BUS);
        self.resolved(self.needed(node, "Name")?)
    }

    fn rule(&self, name: &str, node: &Node) -> Option<Vec<Rule>> {
        self.only(
            node,
            &format!("rule `{name}`"),
            &["EventBusName", "EventPattern", "State", "Targets"],
            allowed::RULE,
        );
        // Left out, it is the account's default bus.
        let bus = node.get("EventBusName");
        if let Some(bus) = bus {
            self.resource(bus, "AWS::Events::EventBus")?;
        }
        if let Some(state) = node.get("State").filter(|state| state.text() != Some("ENABLED")) {
            return self.wrong(state, "a rule here is ENABLED or is left out");
        }
        let pattern = self.pattern(self.needed(node, "EventPattern")?)?;
        let targets = self.list(Some(self.needed(node, "Targets")?));
        let rule = |target: &Node| {
            self.only(target, "a target", &["Arn", "DeadLetterConfig"], allowed::TARGET);
            let target_queue = self.resource(self.needed(target, "Arn")?, "AWS::SQS::Queue")?;
            let mut dead_letters = None;
            if let Some(letters) = target.get("DeadLetterConfig") {
                self.only(letters, "a target's dead letters", &["Arn"], &[]);
                dead_letters = Some(self.resource(self.needed(letters, "Arn")?, "AWS::SQS::Queue")?);
            }
            Some(Rule {
                name: name.to_owned(),
                is_on_default_bus: bus.is_none(),
                pattern: pattern.clone(),
                target_queue,
                dead_letters,
            })
        };
        Some(targets.iter().filter_map(rule).collect())
    }

    // --------------------------------------------------------------------------------------------------- values

    /// Notes every entry that is neither understood nor allowed.
    pub fn only(&self, node: &Node, what: &str, known: &[&str], allowed: &[&str]) {
        if !matches!(node.kind, Kind::Map(_)) {
            self.wrong::<()>(node, format!("{what}: expected a map, found {}", node.describe()));
        }
        for (name, _) in node.entries() {
            if !known.contains(&name.text.as_str()) && !allowed.contains(&name.text.as_str()) {
                let message = format!(
                    "`{}` of {what} is not understood here, so a laptop would behave unlike AWS; understood: {}",
                    name.text,
                    known.join(", ")
                );
                self.problems.borrow_mut().push(Problem { line: name.line, column: name.column, message });
            }
        }
    }

    pub fn needed<'a>(&self, node: &'a Node, name: &str) -> Option<&'a Node> {
        node.get(name).or_else(|| self.wrong(node, format!("`{name}` is missing")))
    }

    pub fn text_in(&self, node: &Node, name: &str) -> Option<String> {
        let node = self.needed(node, name)?;
        match node.text() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong(node, format!("`{name}`: expected text, found {}", node.describe())),
        }
    }

    /// A whole number that is not negative.
    pub fn number<T: TryFrom<u64>>(&self, node: &Node) -> Option<T> {
        let number = node.json().and_then(|value| value.as_u64()).and_then(|number| T::try_from(number).ok());
        number.or_else(|| self.wrong(node, format!("expected a whole number, found {}", node.describe())))
    }

    pub fn flag(&self, node: &Node) -> Option<bool> {
        let flag = node.json().and_then(|value| value.as_bool());
        flag.or_else(|| self.wrong(node, format!("expected true or false, found {}", node.describe())))
    }

    /// The items of a list; none when absent.
    pub fn list<'a>(&self, node: Option<&'a Node>) -> &'a [Node] {
        match node {
            None => &[],
            Some(Node { kind: Kind::List(items), .. }) => items,
            Some(node) => {
                self.wrong::<()>(node, format!("expected a list, found {}", node.describe()));
                &[]
            }
        }
    }

    /// A pattern written as YAML or, in a stream's filter, as JSON text.
    pub fn pattern(&self, node: &Node) -> Option<Pattern> {
        let value = match node.text().map(serde_json::from_str) {
            Some(Ok(value)) => value,
            Some(Err(error)) => return self.wrong(node, format!("the pattern is not JSON: {error}")),
            None => match node.json() {
                Some(value) => value,
                None => return self.wrong(node, "a pattern here cannot hold references"),
            },
        };
        Pattern::parse(&value).map_err(|error| self.wrong::<()>(node, format!("pattern {error}"))).ok()
    }

    /// The logical id that `!Ref X` or `!GetAtt X.Attribute` names, when it is of this type.
    pub fn resource(&self, node: &Node, kind: &str) -> Option<String> {
        let Kind::Tagged(tag, inner) = &node.kind else {
            return self.wrong(node, format!("expected !Ref or !GetAtt of {kind}, found {}", node.describe()));
        };
        let target = inner.text().unwrap_or_default();
        let name = if tag == "GetAtt" { target.split('.').next().unwrap_or_default() } else { target };
        match self.resources.get(name) {
            Some((found, _)) if *found == kind => Some(name.to_owned()),
            Some((found, _)) => self.wrong(node, format!("`{name}` is {found}; expected {kind}")),
            None => self.wrong(node, format!("there is no resource `{name}`")),
        }
    }

    /// Text in which references became local names: a bus its name, a parameter its default, any other its logical id.
    pub fn resolved(&self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Leaf(serde_json::Value::String(text)) => Some(text.clone()),
            Kind::Leaf(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => Some(value.to_string()),
            Kind::Tagged(tag, inner) => {
                let text = inner.text().unwrap_or_default();
                match tag.as_str() {
                    "Ref" => self.local_name(node, text),
                    "GetAtt" => self.local_name(node, text.split('.').next().unwrap_or_default()),
                    "Sub" => self.substituted(node, text),
                    other => self.wrong(node, format!("`!{other}` is not understood; use !Ref, !GetAtt or !Sub")),
                }
            }
            Kind::Leaf(_) | Kind::List(_) | Kind::Map(_) => {
                self.wrong(node, format!("expected text, found {}", node.describe()))
            }
        }
    }

    fn substituted(&self, node: &Node, text: &str) -> Option<String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return self.wrong(node, "`${` without `}`");
            };
            whole.push_str(before);
            whole.push_str(&self.local_name(node, name.split('.').next().unwrap_or_default())?);
            rest = after;
        }
        Some(whole + rest)
    }

    fn local_name(&self, node: &Node, name: &str) -> Option<String> {
        if let Some((kind, properties)) = self.resources.get(name) {
            let bus = (*kind == "AWS::Events::EventBus").then(|| properties.and_then(|p| p.get("Name"))).flatten();
            return bus.map_or_else(|| Some(name.to_owned()), |name| self.resolved(name));
        }
        if let Some(parameter) = self.parameter(name) {
            return match parameter.get("Default") {
                Some(default) => self.resolved(default),
                None => {
                    self.wrong(node, format!("parameter `{name}` has no `Default`, so it has no value on a laptop"))
                }
            };
        }
        match name {
            "AWS::Region" | "AWS::Partition" | "AWS::URLSuffix" | "AWS::StackName" => Some("local".into()),
            "AWS::AccountId" => Some("000000000000".into()),
            _ => self.wrong(node, format!("there is no resource or parameter `{name}`")),
        }
    }

    fn parameter(&self, name: &str) -> Option<&Node> {
        self.document.get("Parameters")?.get(name)
    }

    /// Every reference anywhere, also in what has no meaning here, must name something.
    fn check_references(&self) {
        self.document.walk(&mut |node| {
            let Kind::Tagged(tag, inner) = &node.kind else { return };
            let text = inner.text();
            match (tag.as_str(), text, &inner.kind) {
                ("Ref" | "GetAtt", Some(text), _) => self.names(node, text),
                ("Sub", Some(text), _) => {
                    for part in text.split("${").skip(1) {
                        self.names(node, part.split('}').next().unwrap_or_default());
                    }
                }
                ("Ref" | "GetAtt" | "Sub", None, _) => {
                    self.wrong::<()>(node, format!("`!{tag}` with {}", inner.describe()));
                }
                // What depends on parameters stands only where it has no meaning here: read, it is refused.
                ("If", _, Kind::List(parts)) => self.condition(node, parts.first()),
                ("Equals" | "Not", _, Kind::List(_)) => {}
                _ => {
                    self.wrong::<()>(node, format!("`!{tag}` is not understood"));
                }
            }
        });
        for (_, resource) in self.document.get("Resources").map(Node::entries).unwrap_or_default() {
            if let Some(condition) = resource.get("Condition") {
                self.condition(condition, Some(condition));
            }
        }
    }

    fn names(&self, node: &Node, reference: &str) {
        let name = reference.split('.').next().unwrap_or_default();
        let has_no_local_name = self.parameter(name).is_some() || name == "AWS::NoValue";
        if !has_no_local_name {
            self.local_name(node, name);
        }
    }

    fn condition(&self, node: &Node, named: Option<&Node>) {
        let name = named.and_then(Node::text).unwrap_or_default();
        if self.document.get("Conditions").and_then(|conditions| conditions.get(name)).is_none() {
            self.wrong::<()>(node, format!("there is no condition `{name}`"));
        }
    }
}
