//! Log lines: one JSON object each on Lambda, one readable line each on a laptop.
//!
//! A line on Lambda is flat: time, level, sentence, the fields of the event, then those of the invocation around it. What
//! the field [`metrics::FIELD`] holds stands beside them as CloudWatch wants it, counted at the line's own time.

use std::fmt;

use model::{CauseChain, EventId, Moment, SubjectId};
use serde::Deserialize;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber, info_span};
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::fmt::format::{DefaultVisitor, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::metrics;

/// The most that is ever logged. Below it the AWS SDK writes requests and answers whole: bodies, and the secrets it
/// reads.
pub const MOST: LevelFilter = LevelFilter::DEBUG;

/// JSON lines to stdout at the level of `BAROMETER_LOG` (`error`, `warn`, `info`, `debug`; `info` without it).
///
/// A fixed level instead of a filter language: parsing one costs a cold start more than it gives.
pub fn init() {
    let level = level(std::env::var("BAROMETER_LOG").ok().as_deref());
    lines(level, std::io::stdout).init();
}

/// JSON lines to `writer`: what [`init`] sets up, for whoever wants to read them.
pub fn lines<W>(level: LevelFilter, writer: W) -> impl SubscriberInitExt
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let fmt = tracing_subscriber::fmt().fmt_fields(JsonFields::new()).event_format(Line);
    fmt.with_max_level(level.min(MOST)).with_writer(writer).finish()
}

fn level(wanted: Option<&str>) -> LevelFilter {
    wanted.and_then(|text| text.parse().ok()).unwrap_or(LevelFilter::INFO).min(MOST)
}

/// What lines about an event of ours say besides: its id, and the ids it comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    id: Option<EventId>,
    account: Option<SubjectId>,
    cause: CauseChain,
}

/// The span of the work on a queue's message: the ids of the event in it, as far as it is one of ours. The work itself
/// may speak of another delivery, so the one behind the event has a name of its own.
pub(crate) fn of_message(body: &str) -> Span {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Message {
        detail: About,
    }
    let About { id, account, cause } = serde_json::from_str::<Message>(body).unwrap_or_default().detail;
    let (account, delivery) = (account.as_ref().and_then(company), cause.delivery.as_ref());
    info_span!(
        "message",
        event.id = id.as_ref().map(display),
        account.id = account.map(display),
        cause.delivery.id = delivery.map(display)
    )
}

/// The span of the work on an event: its id, and the ids it comes from.
pub fn of_event(event: &model::Event) -> Span {
    let (account, delivery) = (company(&event.account), event.cause.delivery.as_ref());
    info_span!(
        "event",
        event.id = display(&event.id),
        account.id = account.map(display),
        delivery.id = delivery.map(display)
    )
}

/// An account as a line may name it: who stands in its place in messages about many accounts is a person.
pub fn company(account: &SubjectId) -> Option<&SubjectId> {
    (account.as_email().is_none() && !account.as_str().starts_with("reader:")).then_some(account)
}

/// A subject as a sentence may name it: an address stays out.
pub fn named(subject: &SubjectId) -> String {
    match (subject.as_email(), subject.company_domain()) {
        (None, _) => format!("`{subject}`"),
        (Some(_), Some(domain)) => format!("a person at `{domain}`"),
        (Some(_), None) => "a person".to_owned(),
    }
}

/// An error and everything below it, on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Writes an event as one JSON object on one line.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        let mut members = Members { text: String::with_capacity(512), at: at.parse().ok() };
        members.text("timestamp", &at);
        members.text("level", event.metadata().level().as_str());
        event.record(&mut members);
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                members.all_of(&fields.fields);
            }
        }
        writeln!(writer, "{{{}}}", members.text)
    }
}

/// The members of a line.
struct Members {
    /// As those of a JSON object, without its braces.
    text: String,
    /// When the line is written.
    at: Option<Moment>,
}

impl Members {
    fn raw(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.quoted(name);
        self.text.push(':');
        self.text.push_str(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, "");
        self.quoted(value);
    }

    fn quoted(&mut self, text: &str) {
        // A text always has one.
        self.text.push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    /// The members of another object, which is JSON already.
    fn all_of(&mut self, object: &str) {
        let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !inner.is_empty() {
            self.text.push(',');
            self.text.push_str(inner);
        }
    }

    /// What the line counts, now.
    fn counted(&mut self, metrics: &str) {
        if let (Some((before, after)), Some(at)) = (metrics.split_once(metrics::TOLD), self.at) {
            self.all_of(&format!("{before}{}\"Timestamp\":{},{after}", metrics::TOLD, at.as_millis()));
        }
    }

    fn shown(&mut self, field: &Field, value: &str) {
        if field.name() == metrics::FIELD {
            self.counted(value);
        } else {
            self.text(field.name(), value);
        }
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.shown(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.shown(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.raw(field.name(), &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.raw(field.name(), &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.raw(field.name(), if value { "true" } else { "false" });
    }
}

/// The fields of a line as people read them on a laptop: everything but [`metrics::FIELD`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Readable;

impl<'w> FormatFields<'w> for Readable {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = WithoutMetrics(DefaultVisitor::new(writer, true));
        fields.record(&mut visitor);
        visitor.0.finish()
    }
}

struct WithoutMetrics<'w>(DefaultVisitor<'w>);

impl Visit for WithoutMetrics<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != metrics::FIELD {
            self.0.record_debug(field, value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != metrics::FIELD {
            self.0.record_str(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use model::Family;
    use serde_json::{Value, json};
    use tracing::{Instrument as _, info, info_span};

    use super::*;
    use crate::metrics::{Metric, Metrics};

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What `say` logs, as it is written.
    fn written<F: FnOnce()>(fields: bool, say: F) -> String {
        let out = Out::default();
        let writer = out.clone();
        let make = move || writer.clone();
        let _guard = if fields {
            lines(LevelFilter::INFO, make).set_default()
        } else {
            tracing_subscriber::fmt()
                .fmt_fields(Readable)
                .with_ansi(false)
                .without_time()
                .with_writer(make)
                .set_default()
        };
        say();
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    fn counted() -> Metrics {
        Metrics::of(Metric::DeliveriesAccepted(Family::Crm), 1)
    }

    #[test]
    fn no_level_shows_what_the_sdk_sends_and_gets() {
        for (wanted, expected) in [
            (None, LevelFilter::INFO),
            (Some("loud"), LevelFilter::INFO),
            (Some("warn"), LevelFilter::WARN),
            (Some("debug"), LevelFilter::DEBUG),
            (Some("trace"), LevelFilter::DEBUG),
            (Some("5"), LevelFilter::DEBUG),
        ] {
            assert_eq!(level(wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_line_is_one_flat_object_with_what_the_invocation_says_and_what_is_counted() {
        let text = written(true, || {
            let span = info_span!("invoke", requestId = "r-1").entered();
            let none: Option<&str> = None;
            info!(metrics = %counted(), delivery.id = %"hubspot:1", bytes = 7, late = false, account.id = none, "A \"new\"\nline");
            drop(span);
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("A \"new\"\nline")));
        assert_eq!(
            (&line["delivery.id"], &line["bytes"], &line["late"]),
            (&json!("hubspot:1"), &json!(7), &json!(false))
        );
        assert_eq!((&line["requestId"], line.get("account.id")), (&json!("r-1"), None));
        assert_eq!((&line["Family"], &line["DeliveriesAccepted"]), (&json!("crm"), &json!(1)));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Barometer");
        let written: Moment = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert_eq!(line["_aws"]["Timestamp"], written.as_millis(), "counted when it is said");
        assert_eq!(line.get("metrics"), None);
    }

    #[test]
    fn work_on_a_message_says_which_event_it_is_about_and_names_no_person() {
        let message = |account: &str, cause: Value| {
            let event = json!({ "id": "e-1", "account": account, "cause": cause, "type": "action.requested" });
            json!({ "source": "barometer", "detail-type": "action.requested", "detail": event }).to_string()
        };
        let line = |body: &str| {
            let text = written(true, || of_message(body).in_scope(|| info!("Sent")));
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let known = line(&message("hubspot:company:1", json!({ "delivery": "hubspot:7" })));
        assert_eq!((&known["event.id"], &known["cause.delivery.id"]), (&json!("e-1"), &json!("hubspot:7")));
        assert_eq!(known["account.id"], "hubspot:company:1");
        let digest = line(&message("reader:ann@ourco.example", json!({ "due_at": "2026-11-23T09:00:00Z" })));
        assert_eq!(
            (&digest["event.id"], digest.get("account.id"), digest.get("cause.delivery.id")),
            (&json!("e-1"), None, None)
        );
        assert!(line(r#"{"detail":{"id":7}}"#).get("event.id").is_none() && line("not json").get("event.id").is_none());
    }

    #[test]
    fn on_a_laptop_nobody_reads_what_is_counted() {
        let text = written(false, || info!(delivery.id = "hubspot:1", metrics = %counted(), "Journaled"));
        assert!(text.contains("Journaled delivery.id=\"hubspot:1\"") && !text.contains("_aws"), "{text}");
    }

    #[tokio::test]
    async fn a_line_of_later_work_knows_its_invocation() {
        let out = Out::default();
        let writer = out.clone();
        let _guard = lines(LevelFilter::INFO, move || writer.clone()).set_default();
        async { info!("Later") }.instrument(info_span!("invoke", requestId = "r-2")).await;
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["requestId"], "r-2");
    }
}
