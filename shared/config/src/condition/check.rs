//! Walks the syntax tree of a condition: every name must be declared and every operator must fit its operands.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::{ParseErrors, Parser};

use crate::reading::{nearest, suggestion};
use crate::{SCALARS, Scalar, ScalarKind, Scalars, scalar};

/// What is wrong with a condition, with the bytes of it that are wrong.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }
}

pub(crate) struct Checked {
    pub(crate) expression: IdedExpr,
    pub(crate) names: Vec<&'static str>,
    pub(crate) asked: Vec<&'static str>,
}

/// The variable that tells whether `name` has a value. No identifier that can be written looks like this.
pub(crate) fn known(name: &str) -> String {
    format!("known {name}")
}

/// A value for each of `names`. Numbers are large and differ, so that no difference of two of them is zero.
pub(crate) fn samples(names: &[&'static str]) -> Scalars {
    let sample = |(at, name): (i64, &&'static str)| {
        let value = match scalar(name)?.kind {
            ScalarKind::Int => Scalar::Int(1_000 + at),
            ScalarKind::Text => Scalar::Text("sample".into()),
            ScalarKind::Flag => Scalar::Flag(true),
        };
        Some((*name, value))
    };
    (0..).zip(names).filter_map(sample).collect()
}

/// The longest condition, in bytes: nobody writes a longer one on purpose, and the parser's time grows with it.
const LONGEST: usize = 1_000;
/// The parser recurses with large frames: 20 brackets in each other take more stack than a thread has.
const DEEPEST_BRACKETS: usize = 8;
/// The evaluator does, too: 80 additions in each other take more stack than a thread has.
const DEEPEST_TREE: usize = 24;

pub(crate) fn check(source: &str, parser: Parser) -> Result<Checked, Vec<Fault>> {
    if source.trim().is_empty() {
        return Err(vec![Fault::new(0..source.len(), "a condition cannot be empty")]);
    }
    if source.len() > LONGEST {
        return Err(vec![Fault::new(0..source.len(), format!("a condition has at most {LONGEST} bytes"))]);
    }
    if bracket_depth(source) > DEEPEST_BRACKETS {
        return Err(vec![Fault::new(0..source.len(), TOO_DEEP)]);
    }
    let (mut expression, places) =
        parser.parse_with_source_info(source).map_err(|errors| syntax_faults(source, &errors))?;
    let mut checker = Checker { source, places, names: Vec::new(), asked: Vec::new(), faults: Vec::new(), depth: 0 };
    match checker.kind(&mut expression) {
        Some(ScalarKind::Flag) | None => {}
        Some(other) => checker.fault_all(format!("a condition gives true or false, this gives {other}")),
    }
    let Checker { names, asked, mut faults, .. } = checker;
    if faults.is_empty() {
        return Ok(Checked { expression, names, asked });
    }
    faults.sort_by_key(|fault| fault.span.start);
    Err(faults)
}

const TOO_DEEP: &str = "the condition is nested too deeply";

/// How many brackets are open at once, outside of quotes.
fn bracket_depth(source: &str) -> usize {
    let (mut depth, mut deepest, mut quote) = (0_usize, 0, None);
    for c in source.chars() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            (_, None) => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A syntax error leads to others; the first one says what is wrong.
fn syntax_faults(source: &str, errors: &ParseErrors) -> Vec<Fault> {
    let first = errors.errors.iter().min_by_key(|error| error.pos);
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let before: usize = source.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or(0)).map(str::len).sum();
    let column = usize::try_from(column - 1).unwrap_or(0);
    let at = before + byte_of(&source[before..], column);
    let rest = &source[at..];
    let end = rest.chars().next().map_or(at, |c| at + c.len_utf8());
    let parser_says = first.map_or("", |error| error.msg.as_str());
    // The parser's own words name tokens; people are told what they see.
    let (message, help) = match rest.chars().next() {
        Some('\'' | '"') if parser_says.contains("token recognition") => ("this text has no closing quote", None),
        Some('=') if !rest.starts_with("==") => ("`=` is not an operator", Some("`==` compares")),
        _ if parser_says.contains("missing ')'") => ("a `)` is missing", None),
        _ if parser_says.contains("Recursion") => (TOO_DEEP, None),
        None => ("the condition ends too early", None),
        Some(_) if ["and", "or", "not"].iter().any(|word| rest.starts_with(word)) => {
            ("a condition cannot go on like this", Some("`&&` is and, `||` is or, `!` is not"))
        }
        Some('&' | '|') => ("a condition cannot go on like this", Some("`&&` is and, `||` is or")),
        Some(_) => ("a condition cannot go on like this", None),
    };
    vec![Fault { span: at..end, message: message.to_owned(), help: help.map(str::to_owned) }]
}

/// The byte at which the character number `index` starts.
fn byte_of(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

struct Checker<'a> {
    source: &'a str,
    places: SourceInfo,
    names: Vec<&'static str>,
    asked: Vec<&'static str>,
    faults: Vec<Fault>,
    depth: usize,
}

impl Checker<'_> {
    fn span(&self, id: u64) -> Range<usize> {
        // Offsets are characters, the last one inclusive.
        match self.places.offset_for(id) {
            Some((start, stop)) if start <= stop => {
                let index = |at: u32| byte_of(self.source, at as usize);
                index(start)..index(stop + 1)
            }
            _ => 0..self.source.len(),
        }
    }

    fn fault_all(&mut self, message: String) {
        self.faults.push(Fault::new(0..self.source.len(), message));
    }

    fn fault(&mut self, id: u64, message: String, help: Option<String>) -> Option<ScalarKind> {
        let span = self.span(id);
        self.faults.push(Fault { span, message, help });
        None
    }

    /// The kind of value `expr` gives; `None` when a fault was noted. Rewrites `has(name)` to a variable.
    fn kind(&mut self, expr: &mut IdedExpr) -> Option<ScalarKind> {
        if self.depth == DEEPEST_TREE {
            return self.fault(expr.id, TOO_DEEP.into(), None);
        }
        self.depth += 1;
        let kind = self.kind_of(expr);
        self.depth -= 1;
        kind
    }

    fn kind_of(&mut self, expr: &mut IdedExpr) -> Option<ScalarKind> {
        let id = expr.id;
        match &mut expr.expr {
            Expr::Ident(name) => {
                let name = name.clone();
                self.declared(id, &name).map(|info| info.kind)
            }
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Some(ScalarKind::Flag),
                LiteralValue::Int(_) => Some(ScalarKind::Int),
                LiteralValue::String(_) => Some(ScalarKind::Text),
                LiteralValue::Double(_) | LiteralValue::UInt(_) => {
                    self.fault(id, "only plain whole numbers are supported".into(), None)
                }
                LiteralValue::Null => self.fault(
                    id,
                    "`null` is not a value".into(),
                    Some("`has(name)` asks whether a value is known".into()),
                ),
                LiteralValue::Bytes(_) => self.fault(id, "bytes are not supported".into(), None),
            },
            Expr::Call(call) if call.func_name == operators::HAS && call.target.is_none() => {
                let asked = self.has(id, call)?;
                expr.expr = Expr::Ident(known(asked));
                Some(ScalarKind::Flag)
            }
            Expr::Call(call) => self.call(id, call),
            Expr::Select(select) => {
                let message = format!("`.{}` is not supported: names have no parts", select.field);
                self.fault(id, message, Some("text goes in quotes".into()))
            }
            Expr::List(_) => self.fault(
                id,
                "lists are not supported".into(),
                Some("compare with each value: `tier == 'gold' || tier == 'silver'`".into()),
            ),
            Expr::Map(_) | Expr::Struct(_) => self.fault(id, "maps are not supported".into(), None),
            Expr::Comprehension(_) => self.fault(id, "macros over lists are not supported".into(), None),
            Expr::Unspecified => self.fault(id, "not a condition".into(), None),
        }
    }

    fn declared(&mut self, id: u64, name: &str) -> Option<&'static crate::ScalarInfo> {
        let Some(info) = scalar(name) else {
            let help = suggestion(name, SCALARS.iter().map(|info| info.name));
            self.fault(id, format!("`{name}` is not a known name"), Some(help));
            return None;
        };
        if !self.names.contains(&info.name) {
            self.names.push(info.name);
        }
        Some(info)
    }

    fn has(&mut self, id: u64, call: &CallExpr) -> Option<&'static str> {
        let [IdedExpr { id: inner, expr: Expr::Ident(name) }] = call.args.as_slice() else {
            self.fault(id, "`has` takes one name, as in `has(arr)`".into(), None);
            return None;
        };
        let name = self.declared(*inner, name)?.name;
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        Some(name)
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Option<ScalarKind> {
        use ScalarKind::{Flag, Text};
        let function = call.func_name.clone();
        let target = call.target.as_deref_mut();
        match function.as_str() {
            operators::IN | operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT => self.fault(
                id,
                "lists are not supported".into(),
                Some("compare with each value: `tier == 'gold' || tier == 'silver'`".into()),
            ),
            "startsWith" | "endsWith" | "contains" => {
                let ([argument], Some(target)) = (call.args.as_mut_slice(), target) else {
                    let message = format!("`{function}` is written `domain.{function}('…')`");
                    return self.fault(id, message, None);
                };
                let fits = [self.expects(target, Text, &function), self.expects(argument, Text, &function)];
                (fits == [true, true]).then_some(Flag)
            }
            operators::CONDITIONAL => {
                let [condition, yes, no] = call.args.as_mut_slice() else { return None };
                let fits = self.expects(condition, Flag, "? :");
                let (yes, no) = (self.kind(yes), self.kind(no));
                match (yes?, no?) {
                    (yes, no) if yes == no => fits.then_some(yes),
                    (yes, no) => self.fault(id, format!("one side of `:` is {yes}, the other {no}"), None),
                }
            }
            operators::EQUALS | operators::NOT_EQUALS => {
                let [left, right] = call.args.as_mut_slice() else { return None };
                if let Some((id, word)) = unquoted(left, right).or_else(|| unquoted(right, left)) {
                    let help = format!("text goes in quotes: '{word}'");
                    return self.fault(id, format!("`{word}` is not a known name"), Some(help));
                }
                let (left, right) = (self.kind(left), self.kind(right));
                match (left?, right?) {
                    (left, right) if left == right => Some(Flag),
                    (left, right) => self.fault(id, format!("{left} is compared with {right}"), None),
                }
            }
            operators::DIVIDE | operators::MODULO if !is_nonzero(call.args.get(1)) => {
                self.fault(id, "the divisor must be a number other than 0".into(), None)
            }
            _ => {
                let Some((shown, takes, gives)) = operator(&function) else {
                    let help = suggestion(&function, ["has", "startsWith", "endsWith", "contains"].into_iter());
                    return self.fault(id, format!("`{function}` is not a known function"), Some(help));
                };
                let fits = call.args.iter_mut().map(|argument| self.expects(argument, takes, shown));
                let all_fit = fits.fold(true, |all, fits| all & fits);
                all_fit.then_some(gives)
            }
        }
    }

    /// Notes a fault unless `expr` gives `expected`, which `operator` needs.
    fn expects(&mut self, expr: &mut IdedExpr, expected: ScalarKind, operator: &str) -> bool {
        let id = expr.id;
        match self.kind(expr) {
            Some(kind) if kind == expected => true,
            Some(kind) => {
                self.fault(id, format!("this is {kind}; `{operator}` takes {expected}"), None);
                false
            }
            None => false,
        }
    }
}

/// The right side, where it is a word compared with a declared text and not a name nor nearly one.
fn unquoted(left: &IdedExpr, right: &IdedExpr) -> Option<(u64, String)> {
    let (Expr::Ident(name), Expr::Ident(word)) = (&left.expr, &right.expr) else { return None };
    let compares_text = scalar(name).is_some_and(|info| info.kind == ScalarKind::Text);
    let is_word = nearest(word, SCALARS.iter().map(|info| info.name)).is_none();
    (compares_text && is_word).then(|| (right.id, word.clone()))
}

fn is_nonzero(expr: Option<&IdedExpr>) -> bool {
    match expr.map(|expr| &expr.expr) {
        Some(Expr::Literal(LiteralValue::Int(number))) => *number.inner() != 0,
        _ => false,
    }
}

/// How an operator is written, what its operands are and what it gives.
fn operator(function: &str) -> Option<(&'static str, ScalarKind, ScalarKind)> {
    use ScalarKind::{Flag, Int};
    Some(match function {
        operators::LOGICAL_AND => ("&&", Flag, Flag),
        operators::LOGICAL_OR => ("||", Flag, Flag),
        operators::LOGICAL_NOT => ("!", Flag, Flag),
        operators::LESS => ("<", Int, Flag),
        operators::LESS_EQUALS => ("<=", Int, Flag),
        operators::GREATER => (">", Int, Flag),
        operators::GREATER_EQUALS => (">=", Int, Flag),
        operators::ADD => ("+", Int, Int),
        operators::SUBSTRACT | operators::NEGATE => ("-", Int, Int),
        operators::MULTIPLY => ("*", Int, Int),
        operators::DIVIDE => ("/", Int, Int),
        operators::MODULO => ("%", Int, Int),
        _ => return None,
    })
}
