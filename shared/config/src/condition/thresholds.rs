//! The numbers at which a condition can change its mind, so that it need not be asked again between them.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

/// The numbers that names are compared with, ascending; `None` where a number is compared with anything else than a plain
/// one. The expression has been checked.
pub(super) fn of(expression: &IdedExpr) -> Option<Vec<i64>> {
    let mut found = BTreeSet::new();
    collect(expression, &mut found)?;
    Some(found.into_iter().collect())
}

fn collect(expression: &IdedExpr, found: &mut BTreeSet<i64>) -> Option<()> {
    match &expression.expr {
        Expr::Ident(_) | Expr::Literal(_) => Some(()),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (
                operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => match (number(left), number(right)) {
                (Some(number), _) | (None, Some(number)) => {
                    found.insert(number);
                    let other = if self::number(left).is_some() { right } else { left };
                    matches!(other.expr, Expr::Ident(_) | Expr::Literal(_)).then_some(())
                }
                // Texts and flags; two names of numbers look the same from here, and are rare.
                (None, None) if is_word(left) || is_word(right) => Some(()),
                (None, None) => None,
            },
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, arguments) => {
                arguments.iter().try_for_each(|argument| collect(argument, found))
            }
            ("startsWith" | "endsWith" | "contains", _) => Some(()),
            _ => None,
        },
        _ => None,
    }
}

fn is_word(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Literal(LiteralValue::String(_) | LiteralValue::Boolean(_)))
}

fn number(expression: &IdedExpr) -> Option<i64> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner()),
        Expr::Call(call) if call.func_name == operators::NEGATE => number(call.args.first()?)?.checked_neg(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Condition;

    #[track_caller]
    fn check(source: &str, expected: Option<&[i64]>) {
        assert_eq!(Condition::compile(source).unwrap().thresholds(), expected, "{source}");
    }

    #[test]
    fn a_condition_changes_its_mind_only_at_the_numbers_it_names() {
        check("arr >= 10000", Some(&[10_000]));
        check("days_to_renewal < 60 && (days_to_renewal > -30 || !is_test)", Some(&[-30, 60]));
        check("tier == 'gold' && has(arr) && domain.endsWith('.example')", Some(&[]));
        check("7 <= arr", Some(&[7]));
    }

    #[test]
    fn one_that_calculates_can_change_its_mind_anywhere() {
        check("days_to_renewal < notice_days", None);
        check("days_to_renewal - notice_days < 14", None);
        check("(tier == 'gold' ? 30 : 60) > days_to_renewal", None);
    }
}
