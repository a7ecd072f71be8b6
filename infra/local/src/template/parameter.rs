//! What the template takes for its parameters, so that a wrong one is refused before AWS is asked to make anything.

use regex_lite::Regex;

use super::BUILT_IN;
use super::node::Node;

/// Why the shipped template would not take `value` for a parameter; `None` where it does.
pub(crate) fn refusal(parameter: &str, value: &str) -> Option<String> {
    match rule(parameter) {
        Some((pattern, _)) if pattern.is_match(value) => None,
        Some((_, expected)) => Some(format!("the template's {parameter} is {expected}")),
        None => Some(format!("the template has no pattern for a parameter `{parameter}`")),
    }
}

/// The pattern of a parameter, which CloudFormation matches with the whole value, and what it takes in words.
fn rule(parameter: &str) -> Option<(Regex, String)> {
    let document = Node::parse(BUILT_IN).ok()?;
    let parameter = document.get("Parameters")?.get(parameter)?;
    let text = |key: &str| parameter.get(key)?.text();
    let pattern = Regex::new(&format!("^(?:{})$", text("AllowedPattern")?)).ok()?;
    Some((pattern, text("ConstraintDescription")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parameter: &str, value: &str, expected: Option<&str>) {
        assert_eq!(refusal(parameter, value).as_deref(), expected, "{parameter}={value}");
    }

    #[test]
    fn a_parameter_is_what_the_template_says() {
        const NAME: &str =
            "the template's Name is 2 to 31 lower-case letters, digits and hyphens, beginning with a letter";
        for name in ["barometer", "b2", "ourco-test"] {
            check("Name", name, None);
        }
        for name in ["Acme", "b", "2nd", "acme/crm", "a\nb", &"a".repeat(32)] {
            check("Name", name, Some(NAME));
        }
        check("SenderAddress", "success@ourco.example", None);
        for sender in ["success", "Ourco <success@ourco.example>", "success@ourco", ""] {
            check(
                "SenderAddress",
                sender,
                Some("the template's SenderAddress is one plain address, such as success@ourco.example"),
            );
        }
        check("Sender", "success@ourco.example", Some("the template has no pattern for a parameter `Sender`"));
    }
}
