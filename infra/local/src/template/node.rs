//! A YAML document with its places and CloudFormation's tags.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::Value;

use super::Problem;

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub line: usize,
    pub column: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text, number, boolean or null.
    Leaf(Value),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Name, Node)>),
    /// `!Ref`, `!GetAtt`, `!Sub` without the exclamation mark, and what they apply to.
    Tagged(String, Box<Node>),
}

/// A key of a map and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub text: String,
    pub line: usize,
    pub column: usize,
}

impl Node {
    /// The document's one value.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut documents = MarkedYaml::load_from_str(text).map_err(|error| Problem {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: format!("not YAML: {}", error.info()),
        })?;
        match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => convert(&document),
            _ => Err(Problem { line: 1, column: 1, message: "expected one YAML document".into() }),
        }
    }

    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { line: self.line, column: self.column, message: message.into() }
    }

    /// The entries of a map; empty for what is no map.
    pub fn entries(&self) -> &[(Name, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Leaf(_) | Kind::List(_) | Kind::Tagged(..) => &[],
        }
    }

    /// The value under `name` in a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Plain text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Leaf(Value::String(text)) => Some(text),
            Kind::Leaf(_) | Kind::List(_) | Kind::Map(_) | Kind::Tagged(..) => None,
        }
    }

    /// What this is, for a message.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Leaf(value) => format!("`{value}`"),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
            Kind::Tagged(tag, _) => format!("`!{tag}`"),
        }
    }

    /// The same as JSON; `None` when a tag is inside.
    pub fn json(&self) -> Option<Value> {
        match &self.kind {
            Kind::Leaf(value) => Some(value.clone()),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(entries) => entries.iter().map(|(key, node)| Some((key.text.clone(), node.json()?))).collect(),
            Kind::Tagged(..) => None,
        }
    }

    /// This node and everything below it, parents first.
    pub fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        match &self.kind {
            Kind::Leaf(_) => {}
            Kind::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Kind::Map(entries) => entries.iter().for_each(|(_, node)| node.walk(visit)),
            Kind::Tagged(_, inner) => inner.walk(visit),
        }
    }
}

fn convert(yaml: &MarkedYaml<'_>) -> Result<Node, Problem> {
    let (line, column) = (yaml.span.start.line(), yaml.span.start.col() + 1);
    let refuse = |message: &str| Problem { line, column, message: message.into() };
    let kind = match &yaml.data {
        YamlData::Value(scalar) => Kind::Leaf(leaf(scalar)),
        YamlData::Sequence(items) => Kind::List(items.iter().map(convert).collect::<Result<_, _>>()?),
        YamlData::Mapping(entries) => {
            let entry = |(key, value): (&MarkedYaml<'_>, &MarkedYaml<'_>)| {
                let name = key.data.as_str().ok_or_else(|| refuse("every key must be text"))?.to_owned();
                let at = key.span.start;
                Ok((Name { text: name, line: at.line(), column: at.col() + 1 }, convert(value)?))
            };
            Kind::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        YamlData::Tagged(tag, inner) => {
            let inner = convert(inner)?;
            return Ok(Node { line, column, kind: Kind::Tagged(tag.suffix.clone(), Box::new(inner)) });
        }
        YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
            return Err(refuse("this value cannot be read"));
        }
    };
    Ok(Node { line, column, kind })
}

fn leaf(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::FloatingPoint(number) => Value::from(number.into_inner()),
        Scalar::String(text) => Value::String(text.to_string()),
    }
}
