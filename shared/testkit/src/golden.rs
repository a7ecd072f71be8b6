//! The golden runner: a folder is a test.
//!
//! ```text
//! fixtures/company_healthy/
//!   request.toml, body.json    what goes in; named and read by the suite
//!   expected.json              what came out; `BLESS=1 cargo test` rewrites it, read that diff
//!   claims.toml                written by hand and never blessed: what must be true of it
//! ```
//!
//! `claims.toml` holds at least three `path = value` lines about the output. A segment of a path is a key, an index, or
//! `"key=text"` for the one element of a list with that text; `length` is the length of a list:
//!
//! ```toml
//! signals.length = 4
//! signals."kind=sentiment_set".statements.0.value.text = "red"
//! ```
//!
//! One line `refused = "…"` is enough for an input that is refused; `ignored = "…"` gives the reason, for a reader, why
//! an input has nothing to claim.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;
use serde::de::DeserializeOwned;
use serde_json::Value;

const EXPECTED: &str = "expected.json";
const CLAIMS: &str = "claims.toml";
const LEAST_CLAIMS: usize = 3;

/// One folder of input and expected output.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The name of the folder.
    pub name: String,
    /// Where it lies.
    pub dir: PathBuf,
}

impl Fixture {
    /// The bytes of one of its files.
    ///
    /// # Panics
    /// When the file cannot be read.
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        let path = self.dir.join(file);
        fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
    }

    /// One of its TOML files as a `T`.
    ///
    /// # Panics
    /// When the file cannot be read or is no `T`; the message has the line.
    pub fn toml<T: DeserializeOwned>(&self, file: &str) -> T {
        let path = self.dir.join(file);
        let bytes = self.bytes(file);
        toml::from_str(&String::from_utf8_lossy(&bytes)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// What its `claims.toml` says under `refused`.
    pub fn refused(&self) -> Option<String> {
        let claims = fs::read_to_string(self.dir.join(CLAIMS)).ok()?;
        Some(toml::from_str::<toml::Table>(&claims).ok()?.get("refused")?.as_str()?.to_owned())
    }
}

/// The fixtures of a folder, by name.
///
/// # Panics
/// When there are none, or when an `expected.json` lies, or could lie, where no fixture produces it.
pub fn fixtures(dir: &Path) -> Vec<Fixture> {
    let mut found: Vec<Fixture> = children(dir)
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|dir| Fixture { name: dir.file_name().unwrap_or_default().to_string_lossy().into_owned(), dir })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "no fixtures in {}", dir.display());
    assert!(!dir.join(EXPECTED).exists(), "nothing produces {}", dir.join(EXPECTED).display());
    let deeper: Vec<PathBuf> =
        found.iter().flat_map(|fixture| children(&fixture.dir)).filter(|path| path.is_dir()).collect();
    assert!(deeper.is_empty(), "a fixture is one folder, without folders in it: {deeper:?}");
    found
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("cannot list {}: {e}", dir.display()));
    entries.map(|entry| entry.unwrap_or_else(|e| panic!("cannot list {}: {e}", dir.display())).path()).collect()
}

/// Runs `produce` on every fixture of `dir` and compares; for use in a `#[test]`.
///
/// # Panics
/// When any fixture differs from what is expected or claimed, with a message for each.
pub fn run(dir: &Path, produce: impl Fn(&Fixture) -> Value) {
    let failures: Vec<String> = fixtures(dir)
        .iter()
        .filter_map(|fixture| {
            let checked = catch_unwind(AssertUnwindSafe(|| check(fixture, &produce(fixture), blessing())));
            let outcome = checked.unwrap_or_else(|_| Err("panicked, see above".to_owned()));
            outcome.err().map(|message| format!("{}: {message}", fixture.name))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {}\n\n{}", failures.len(), dir.display(), failures.join("\n\n"));
}

/// The same as separate tests, `suite::fixture` each; for a `main` without the standard harness.
pub fn trials(suite: &str, dir: &Path, produce: impl Fn(&Fixture) -> Value + Send + Sync + 'static) -> Vec<Trial> {
    let produce = Arc::new(produce);
    let trial = |fixture: Fixture| {
        let produce = Arc::clone(&produce);
        let name = format!("{suite}::{}", fixture.name);
        Trial::test(name, move || Ok(check(&fixture, &produce(&fixture), blessing())?))
    };
    fixtures(dir).into_iter().map(trial).collect()
}

fn blessing() -> bool {
    std::env::var("BLESS").is_ok_and(|value| value == "1")
}

/// Compares what a fixture gave with what is expected, and holds it to its claims.
fn check(fixture: &Fixture, actual: &Value, bless: bool) -> Result<(), String> {
    let path = fixture.dir.join(EXPECTED);
    let actual_text = format!("{actual:#}\n");
    if bless {
        fs::write(&path, &actual_text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected != actual_text {
        let at = expected.lines().zip(actual_text.lines()).take_while(|(a, b)| a == b).count();
        let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").trim().to_owned();
        return Err(format!(
            "line {} of {EXPECTED} is `{}`, came out as `{}`; BLESS=1 rewrites it\n{actual_text}",
            at + 1,
            line(&expected),
            line(&actual_text),
        ));
    }
    let claims = fs::read_to_string(fixture.dir.join(CLAIMS)).map_err(|e| format!("{CLAIMS}: {e}"))?;
    let claims: toml::Table = toml::from_str(&claims).map_err(|e| format!("{CLAIMS}: {e}"))?;
    hold(&claims, actual)
}

/// Holds `actual` to every claim, in the form of a `claims.toml`, for an input whose files are not a folder of ours.
///
/// # Errors
/// With every claim that fails.
pub fn hold(claims: &toml::Table, actual: &Value) -> Result<(), String> {
    let refused = claims.contains_key("refused");
    let mut checked = Checked::default();
    for (key, claim) in claims {
        match (key.as_str(), claim) {
            ("ignored", toml::Value::String(reason)) if reason.trim().is_empty() => {
                checked.failures.push("`ignored` gives no reason".to_owned());
            }
            ("ignored", _) => {}
            _ => checked.claim(key, claim, step(actual, key)),
        }
    }
    if !refused && !claims.contains_key("ignored") && checked.count < LEAST_CLAIMS {
        checked.failures.push(format!("{CLAIMS} has {} claims, at least {LEAST_CLAIMS} are needed", checked.count));
    }
    if actual.get("refused").is_some() && !refused {
        checked.failures.push("it was refused, which nobody claims".to_owned());
    }
    if checked.failures.is_empty() { Ok(()) } else { Err(checked.failures.join("\n")) }
}

#[derive(Debug, Default)]
struct Checked {
    count: usize,
    failures: Vec<String>,
}

impl Checked {
    fn claim(&mut self, path: &str, claim: &toml::Value, actual: Option<Value>) {
        if let toml::Value::Table(inner) = claim {
            for (key, claim) in inner {
                let next = actual.as_ref().and_then(|actual| step(actual, key));
                self.claim(&format!("{path}.{key}"), claim, next);
            }
            return;
        }
        self.count += 1;
        let wanted = as_json(claim);
        if actual.as_ref() != Some(&wanted) {
            let found = actual.map_or_else(|| "nothing".to_owned(), |actual| actual.to_string());
            self.failures.push(format!("claimed `{path}` is {wanted}, found {found}"));
        }
    }
}

fn as_json(claim: &toml::Value) -> Value {
    match claim {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
    }
}

/// One segment of a path.
fn step(value: &Value, segment: &str) -> Option<Value> {
    let Value::Array(items) = value else { return value.get(segment).cloned() };
    if segment == "length" {
        return Some(Value::from(items.len()));
    }
    if let Some((key, text)) = segment.split_once('=') {
        let mut named = items.iter().filter(|item| item.get(key).and_then(Value::as_str) == Some(text));
        // Two with one name would make the claim about either.
        return named.next().filter(|_| named.next().is_none()).cloned();
    }
    items.get(segment.parse::<usize>().ok()?).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn suite(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn failure(dir: &Path, bless: bool, actual: &Value) -> Option<String> {
        check(&fixtures(dir)[0], actual, bless).err()
    }

    const THREE: &str = "a = 1\nlist.length = 2\nlist.\"k=x\".v = [true]\n";

    fn output() -> Value {
        json!({"a": 1, "list": [{"k": "x", "v": [true]}, {"k": "y"}]})
    }

    #[test]
    fn a_fixture_passes_when_output_and_claims_agree() {
        let dir = suite(&[("one/claims.toml", THREE), ("one/expected.json", &format!("{:#}\n", output()))]);
        assert_eq!(failure(dir.path(), false, &output()), None);
        run(dir.path(), |_| output());
    }

    #[test]
    fn another_output_fails_until_it_is_blessed() {
        let dir = suite(&[("one/claims.toml", THREE), ("one/expected.json", "{}\n")]);
        assert!(failure(dir.path(), false, &output()).unwrap().contains("BLESS=1"));
        assert_eq!(failure(dir.path(), true, &output()), None);
        assert_eq!(failure(dir.path(), false, &output()), None);
    }

    #[test]
    fn blessing_does_not_reach_the_claims() {
        let dir = suite(&[("one/claims.toml", &THREE.replace("a = 1", "a = 2"))]);
        let message = failure(dir.path(), true, &output()).unwrap();
        assert_eq!(message, "claimed `a` is 2, found 1");
    }

    #[track_caller]
    fn held(claims: &str, actual: Value, failure: Option<&str>) {
        let held = hold(&toml::from_str(claims).unwrap(), &actual);
        assert_eq!(held.err().as_deref(), failure);
    }

    #[test]
    fn too_few_claims_fail() {
        held("a = 1\nlist.length = 2\n", output(), Some("claims.toml has 2 claims, at least 3 are needed"));
        held("", output(), Some("claims.toml has 0 claims, at least 3 are needed"));
        held("ignored = \"a test ping\"\n", output(), None);
        held("ignored = \" \"\n", output(), Some("`ignored` gives no reason"));
    }

    #[test]
    fn a_refusal_is_claimed_as_one() {
        held("refused = \"forged\"\n", json!({"refused": "forged"}), None);
        held("refused = \"forged\"\n", output(), Some("claimed `refused` is \"forged\", found nothing"));
        held("ignored = \"x\"\n", json!({"refused": "forged"}), Some("it was refused, which nobody claims"));
    }

    #[test]
    fn a_path_that_leads_nowhere_or_two_ways_fails() {
        let twice = json!({"list": [{"k": "x"}, {"k": "x"}], "a": 1, "b": 2});
        held(
            "a = 1\nb = 2\nlist.\"k=x\".k = \"x\"\n",
            twice.clone(),
            Some("claimed `list.k=x.k` is \"x\", found nothing"),
        );
        held("a = 1\nb = 2\nlist.2.k = \"x\"\n", twice, Some("claimed `list.2.k` is \"x\", found nothing"));
    }

    #[test]
    #[should_panic(expected = "claims.toml")]
    fn a_fixture_without_claims_fails() {
        let dir = suite(&[("one/expected.json", &format!("{:#}\n", output()))]);
        run(dir.path(), |_| output());
    }

    #[test]
    #[should_panic(expected = "nothing produces")]
    fn an_expected_output_nobody_produces_fails() {
        let dir = suite(&[("one/claims.toml", THREE), ("expected.json", "{}")]);
        run(dir.path(), |_| output());
    }

    #[test]
    #[should_panic(expected = "a fixture is one folder")]
    fn a_folder_in_a_fixture_fails() {
        let dir = suite(&[("one/claims.toml", THREE), ("one/two/expected.json", "{}")]);
        run(dir.path(), |_| output());
    }

    #[test]
    #[should_panic(expected = "no fixtures")]
    fn a_folder_without_fixtures_fails() {
        run(tempfile::tempdir().unwrap().path(), |_| output());
    }
}
