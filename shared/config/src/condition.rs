//! Conditions: CEL expressions over the declared names, checked when they are loaded.
//!
//! The language is the part of CEL that a person reads at a glance: comparisons, `&&`, `||`, `!`, `? :`, whole-number
//! arithmetic, `startsWith`, `endsWith`, `contains`, and `has(name)` for "this is known". Lists, maps and macros over
//! them are refused, and so is comparing a number with a text, so that a compiled condition can only say yes, no or
//! "not known".

mod check;
mod effort;
mod thresholds;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, IdedExpr, Value};

pub(crate) use check::Fault;
pub use effort::Effort;

use crate::{Problem, Problems, Scalar, Scalars};

/// The standard functions without macros: `has` stays the call it was written as, because CEL's own takes only fields
/// of messages, and the names here are plain.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
    expression: Arc<IdedExpr>,
    names: Vec<&'static str>,
    /// The names asked for with `has`.
    asked: Vec<&'static str>,
    thresholds: Option<Vec<i64>>,
}

/// What a condition says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Holds,
    /// No.
    Fails,
    /// These names have no value and what is known does not decide; counts as no. Empty where a calculation went
    /// beyond 64 bits.
    Unknown(Vec<&'static str>),
}

impl Condition {
    /// Compiles and checks a condition that stands in no file.
    ///
    /// # Errors
    /// When it is not a condition; the problems name the file `condition`.
    pub fn compile(source: &str) -> Result<Self, Problems> {
        Self::checked(source).map_err(|faults| {
            let problem = |fault: Fault| Problem::at("condition", source, fault.span, fault.message).help(fault.help);
            Problems(faults.into_iter().map(problem).collect())
        })
    }

    /// Compiles and checks; faults carry byte ranges of `source`.
    pub(crate) fn checked(source: &str) -> Result<Self, Vec<Fault>> {
        Effort::compile();
        let checked = check::check(source, ENV.parser())?;
        let condition = Self {
            source: source.into(),
            thresholds: thresholds::of(&checked.expression),
            expression: Arc::new(checked.expression),
            names: checked.names,
            asked: checked.asked,
        };
        condition.tried().map_err(|message| vec![Fault::new(0..source.len(), message)])
    }

    /// Nothing that can be computed from facts may be a surprise: with every name known it must decide, and with none
    /// it must decide or say what it misses.
    fn tried(self) -> Result<Self, String> {
        let all: Scalars = check::samples(&self.names);
        match self.evaluate(&all) {
            Ok(Value::Bool(_)) => {}
            Ok(other) => return Err(format!("gives {:?}; expected true or false", other.type_of())),
            Err(error) => return Err(format!("cannot be evaluated: {error}")),
        }
        match self.evaluate(&Scalars::new()) {
            Ok(Value::Bool(_)) => {}
            Err(_) if !self.names.is_empty() => {}
            Ok(other) => return Err(format!("gives {:?} when nothing is known", other.type_of())),
            Err(error) => return Err(format!("cannot be evaluated when nothing is known: {error}")),
        }
        Ok(self)
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it reads, each once, in the order they are first written.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The numbers that its names are compared with, ascending: between two of them another number makes no difference.
    /// `None` where it calculates, or compares one name with another, so that every number can make one.
    pub fn thresholds(&self) -> Option<&[i64]> {
        self.thresholds.as_deref()
    }

    /// Whether it holds for these values. A comparison with a name that has no value is neither true nor false; `&&`
    /// and `||` still decide where the other side does, in either order.
    pub fn holds(&self, scalars: &Scalars) -> Verdict {
        match self.evaluate(scalars) {
            Ok(Value::Bool(true)) => Verdict::Holds,
            Ok(Value::Bool(false)) => Verdict::Fails,
            Ok(_) | Err(_) => {
                let missing = |name: &&&'static str| !scalars.contains_key(**name);
                Verdict::Unknown(self.names.iter().filter(missing).copied().collect())
            }
        }
    }

    fn evaluate(&self, scalars: &Scalars) -> cel::ResolveResult {
        Effort::ask();
        let mut context = Context::with_env(Arc::clone(&ENV));
        for name in &self.names {
            if let Some(value) = scalars.get(name) {
                context.add_variable_from_value(*name, value_of(value));
            }
        }
        for name in &self.asked {
            context.add_variable_from_value(check::known(name), Value::Bool(scalars.contains_key(name)));
        }
        Value::resolve(&self.expression, &context)
    }
}

fn value_of(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Int(number) => Value::Int(*number),
        Scalar::Text(text) => Value::String(Arc::new(text.clone())),
        Scalar::Flag(flag) => Value::Bool(*flag),
    }
}

/// Written the same way.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.source)
    }
}

/// As it was written.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests;
