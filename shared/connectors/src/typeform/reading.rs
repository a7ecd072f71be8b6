//! One response on its way into a signal and links. A part that is odd is set aside alone, by its path.

use model::{
    ClaimKind, FactKey, Field, Link, LinkSays, Mapping, Moment, Normalized, QuarantineKind, QuarantinedItem, Signal,
    SignalKind, Statement, SubjectId, Value, Warning,
};

use super::payload::{Answer, Question, Response, Token, odd};
use super::values::{self, Scale};
use crate::json::{self, Found};

/// The object in mappings.
pub(super) const RESPONSE: &str = "response";

/// What a hidden field holds when nobody filled it in: the address that Typeform offers for copying, and its test.
const PLACEHOLDERS: [&str; 2] = ["xxxxx", "hidden_value"];

/// A question that gives a number, and where the ends of its scale are kept.
#[derive(Debug, Clone, Copy)]
enum Metric {
    Nps,
    Csat,
    Ces,
}

impl Metric {
    const ALL: [Self; 3] = [Self::Nps, Self::Csat, Self::Ces];

    fn field(self) -> Field {
        match self {
            Self::Nps => Field::Nps,
            Self::Csat => Field::Csat,
            Self::Ces => Field::Ces,
        }
    }

    /// `None` where the scale is known without being told.
    fn scale_field(self) -> Option<Field> {
        match self {
            Self::Nps => None,
            Self::Csat => Some(Field::CsatScale),
            Self::Ces => Some(Field::CesScale),
        }
    }
}

/// A response that is being read.
pub(super) struct Reading<'a> {
    response: Response<'a>,
    subject: SubjectId,
    occurred_at: Moment,
    statements: Vec<Statement>,
    out: Normalized,
}

impl<'a> Reading<'a> {
    pub(super) fn of(mut response: Response<'a>, received_at: Moment) -> Self {
        let subject = SubjectId::vendor("typeform", "response", &response.token);
        let out = Normalized { quarantined: std::mem::take(&mut response.odd), ..Normalized::default() };
        let occurred_at = response.occurred_at.unwrap_or(received_at);
        Self { response, subject, occurred_at, statements: Vec::new(), out }
    }

    pub(super) fn finish(mut self, mapping: &Mapping) -> Normalized {
        if let Some(form) = self.response.form.clone() {
            // Read as an id already, so it is text.
            let id = json::scalar(form.raw).ok().flatten().unwrap_or_default();
            self.state(Field::Survey, Value::Text(id), &form);
        }
        if let Some((submitted, at)) = self.response.submitted.clone() {
            self.state(Field::RespondedAt, Value::Moment(at), &submitted);
        }
        let steps = [Self::read_scores, Self::read_comment, Self::read_account, Self::read_email];
        for step in steps {
            step(&mut self, mapping).unwrap_or_else(|item| self.out.quarantined.push(item));
        }
        if !self.statements.is_empty() {
            self.out.signals.push(Signal {
                kind: SignalKind::SurveyAnswered,
                subject: self.subject,
                key: FactKey::Response,
                statements: self.statements,
            });
        }
        self.out
    }

    fn read_scores(&mut self, mapping: &Mapping) -> Result<(), QuarantinedItem> {
        let mapped = Metric::ALL.map(|metric| (metric, mapping.property(RESPONSE, metric.field())));
        let mapped: Vec<_> = mapped.into_iter().filter_map(|(metric, name)| Some((metric, name?))).collect();
        if mapped.is_empty() {
            return self.guess_score(mapping);
        }
        let mut in_form = false;
        for (metric, name) in &mapped {
            let read = self.read_mapped_score(*metric, name, mapping);
            in_form |= !matches!(read, Ok(false));
            read.map(drop).unwrap_or_else(|item| self.out.quarantined.push(item));
        }
        if in_form || self.response.questions.is_empty() {
            return Ok(());
        }
        let names = mapped.iter().map(|(metric, name)| format!("{} = `{name}`", metric.field()));
        let reason = format!(
            "the form has none of the mapped questions ({}); map the reference or id of one it has",
            names.collect::<Vec<_>>().join(", ")
        );
        Err(QuarantinedItem { kind: QuarantineKind::Mapping, reason, path: "form_response.definition.fields".into() })
    }

    /// False when the form does not have the question, as far as the body tells.
    fn read_mapped_score(&mut self, metric: Metric, name: &str, mapping: &Mapping) -> Result<bool, QuarantinedItem> {
        let (question, answer) = self.response.asked(name)?;
        let Some(answer) = answer else { return Ok(question.is_some()) };
        let (token, told) = (answer.value()?, told_scale(question.or_else(|| self.response.question_of(answer))));
        self.read_score(metric, token, told, mapping)?;
        Ok(true)
    }

    /// Without a mapping: the first question of type `nps`, else the first opinion scale if the body tells its ends.
    fn guess_score(&mut self, mapping: &Mapping) -> Result<(), QuarantinedItem> {
        let first = |kind: &str| self.response.answers.iter().find(|answer| answer.kind.as_deref() == Some(kind));
        if let Some(answer) = first("nps") {
            let token = answer.value()?;
            return self.read_score(Metric::Nps, token, None, mapping);
        }
        let Some(answer) = first("opinion_scale") else { return Ok(()) };
        let (token, told) = (answer.value()?, told_scale(self.response.question_of(answer)));
        match &told {
            Some((scale, _)) if *scale == values::NPS => self.read_score(Metric::Nps, token, told, mapping),
            Some(_) => self.read_score(Metric::Csat, token, told, mapping),
            None => {
                // 5 is the best of 1..5 and a detractor of 0..10: the number alone says nothing.
                let message = "an opinion scale whose ends the body does not tell was not used; map it as `nps`, or as \
                               `csat` or `ces` with its scale";
                self.out.warnings.push(Warning { message: message.into(), path: token.path });
                Ok(())
            }
        }
    }

    fn read_score(
        &mut self,
        metric: Metric,
        token: Token<'a>,
        told: Option<(Scale, Token<'a>)>,
        mapping: &Mapping,
    ) -> Result<(), QuarantinedItem> {
        let (field, path) = (metric.field(), &token.path);
        let as_mapped = |reason: String| QuarantinedItem { kind: QuarantineKind::Mapping, reason, path: path.clone() };
        let (scale, stands_in) = match (metric.scale_field(), told) {
            (None, Some((scale, _))) if scale != values::NPS => {
                return Err(as_mapped(format!("{field}: the question is asked on {scale}, not on {}", values::NPS)));
            }
            (None, _) => (values::NPS, token.clone()),
            (Some(_), Some(told)) => told,
            (Some(scale_field), None) => {
                let written = mapping.property(RESPONSE, scale_field).and_then(Scale::written);
                let scale = written.ok_or_else(|| {
                    as_mapped(format!("{field}: the body does not tell the scale; map {scale_field} = \"1..5\" or so"))
                })?;
                (scale, token.clone())
            }
        };
        let unfit = |found| QuarantinedItem {
            kind: QuarantineKind::UnfitValue,
            ..odd(field.as_str(), &format!("a whole number from {} to {}", scale.low, scale.high), found, path)
        };
        let Some(score) = values::score(token.raw).map_err(unfit)? else {
            self.state(field, Value::Cleared, &token);
            return Ok(());
        };
        if !scale.contains(score) {
            return Err(unfit(Found::kind(token.raw)));
        }
        self.state(field, Value::Int(score), &token);
        if let Some(scale_field) = metric.scale_field() {
            self.state(scale_field, Value::Text(scale.to_string()), &stands_in);
        }
        Ok(())
    }

    fn read_comment(&mut self, mapping: &Mapping) -> Result<(), QuarantinedItem> {
        let Some(name) = mapping.property(RESPONSE, Field::Comment) else { return Ok(()) };
        let token = match self.response.asked(name)? {
            (_, Some(answer)) => answer.value()?,
            (Some(_), None) => return Ok(()),
            (None, None) if self.response.questions.is_empty() => return Ok(()),
            (None, None) => {
                let message = format!("the form has no question `{name}`, which is mapped to the comment");
                let path = "form_response.definition.fields".to_owned();
                self.out.warnings.push(Warning { message, path });
                return Ok(());
            }
        };
        let (text, cut) = values::text(token.raw).map_err(|found| QuarantinedItem {
            kind: QuarantineKind::UnfitValue,
            ..odd("comment", "text", found, &token.path)
        })?;
        if cut {
            let message = format!("a comment of more than {} bytes was cut", json::MAX_TEXT);
            self.out.warnings.push(Warning { message, path: token.path.clone() });
        }
        let value = if text.trim().is_empty() { Value::Cleared } else { Value::Text(text) };
        self.state(Field::Comment, value, &token);
        Ok(())
    }

    fn read_account(&mut self, mapping: &Mapping) -> Result<(), QuarantinedItem> {
        let Some((token, text)) = self.told(Field::AccountId, mapping)? else { return Ok(()) };
        if text.trim().is_empty() {
            self.state(Field::AccountId, Value::Cleared, &token);
            self.link(Field::AccountId, ClaimKind::ExternalId, None, &token);
            return Ok(());
        }
        let target = mapping.account(&text);
        self.state(Field::AccountId, Value::Text(text), &token);
        let target = target.ok_or_else(|| QuarantinedItem {
            kind: QuarantineKind::Mapping,
            reason: "account_id: names no account; say in the configuration whose ids these are, or send a domain or \
                     an id in full such as `hubspot:company:123`"
                .into(),
            path: token.path.clone(),
        })?;
        self.link(Field::AccountId, ClaimKind::ExternalId, Some(target), &token);
        Ok(())
    }

    fn read_email(&mut self, mapping: &Mapping) -> Result<(), QuarantinedItem> {
        let Some((token, text)) = self.told(Field::Email, mapping)? else { return Ok(()) };
        let target = SubjectId::email(&text);
        if target.is_none() && !text.trim().is_empty() {
            let item = odd("email", "an email address", Found::kind(token.raw), &token.path);
            return Err(QuarantinedItem { kind: QuarantineKind::UnfitValue, ..item });
        }
        let person = target.as_ref().map_or(Value::Cleared, |person| Value::Text(person.to_string()));
        self.state(Field::Person, person, &token);
        self.link(Field::Email, ClaimKind::Domain, target, &token);
        Ok(())
    }

    /// Whose response it is: the hidden field of the mapped name, or of the field's own name; else the answer to the
    /// mapped question. `None` where nothing is said.
    fn told(&mut self, field: Field, mapping: &Mapping) -> Result<Option<(Token<'a>, String)>, QuarantinedItem> {
        let mapped = mapping.property(RESPONSE, field);
        let token = match (self.response.hidden(mapped.unwrap_or(field.as_str()))?, mapped) {
            (Some(token), _) => Some(token),
            (None, Some(name)) => self.response.asked(name)?.1.map(Answer::value).transpose()?,
            (None, None) => None,
        };
        let Some(token) = token else { return Ok(None) };
        let text = json::scalar(token.raw).map_err(|found| QuarantinedItem {
            kind: QuarantineKind::UnfitValue,
            ..odd(field.as_str(), "text", found, &token.path)
        })?;
        let text = text.unwrap_or_default();
        if PLACEHOLDERS.contains(&text.trim()) {
            let message = format!("{field}: the hidden field still holds its placeholder; fill it in in the link");
            self.out.warnings.push(Warning { message, path: token.path });
            return Ok(None);
        }
        Ok(Some((token, text)))
    }

    fn state(&mut self, field: Field, value: Value, token: &Token<'a>) {
        self.statements.push(Statement {
            field,
            value,
            occurred_at: self.occurred_at,
            sequence: Some(self.response.sequence),
            path: token.path.clone(),
            raw: Statement::cut_raw(token.raw.get()),
        });
    }

    fn link(&mut self, field: Field, kind: ClaimKind, target: Option<SubjectId>, token: &Token<'a>) {
        self.out.links.push(Link {
            subject: self.subject.clone(),
            says: LinkSays::Own { field: field.as_str().to_owned(), kind, target },
            occurred_at: self.occurred_at,
            sequence: Some(self.response.sequence),
            path: token.path.clone(),
        });
    }
}

fn told_scale<'a>(question: Option<&Question<'a>>) -> Option<(Scale, Token<'a>)> {
    question?.scale.clone()
}
