//! Renders a sample's body.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, context};
use model::{Moment, stable_hash};

use super::{Var, When};

const TEMPLATES: [(&str, &str); 8] = [
    ("company", include_str!("../../samples/company.json.j2")),
    ("deal", include_str!("../../samples/deal.json.j2")),
    ("contact", include_str!("../../samples/contact.json.j2")),
    ("unknown", include_str!("../../samples/unknown.json.j2")),
    ("app", include_str!("../../samples/app.json.j2")),
    ("zendesk-event", include_str!("../../samples/zendesk-event.json.j2")),
    ("zendesk-trigger", include_str!("../../samples/zendesk-trigger.json.j2")),
    ("typeform", include_str!("../../samples/typeform.json.j2")),
];

/// The body of a sample.
pub(super) fn body(
    template: &str,
    vars: &BTreeMap<String, Var>,
    changed: &BTreeMap<String, Option<u32>>,
    when: &When,
) -> Result<String, Error> {
    let stamp = |sequence: &Option<u32>| {
        let later = SignedDuration::from_millis(sequence.unwrap_or(when.sequence).into());
        when.now.plus(later).plus(-when.late).as_millis()
    };
    let changed_at: BTreeMap<&str, i64> =
        changed.iter().map(|(name, sequence)| (name.as_str(), stamp(sequence))).collect();
    environment(*when)?
        .get_template(template)?
        .render(context! { changed_at, ..minijinja::Value::from_serialize(vars) })
}

fn environment(when: When) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    environment.add_filter("json", |text: String| {
        serde_json::to_string(&text).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
    });
    // When something happened: so many days from now, and earlier by what the simulation is late.
    environment
        .add_function("ms", move |days: Kwargs| Ok::<_, Error>(shifted(when.now, days)?.plus(-when.late).as_millis()));
    // An instant as a value: it does not depend on when it was told.
    environment
        .add_function("ms_text", move |days: Kwargs| Ok::<_, Error>(shifted(when.now, days)?.as_millis().to_string()));
    // A day as a value: midnight UTC.
    environment.add_function("day_ms", move |days: Kwargs| {
        let day = shifted(when.now, days)?.date_in(&TimeZone::UTC);
        let midnight = Moment::start_of(day, &TimeZone::UTC);
        let midnight = midnight.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "a day outside the calendar"))?;
        Ok::<_, Error>(midnight.as_millis().to_string())
    });
    // What has just happened, and ids that no other simulation has.
    let just_now = when.now.plus(SignedDuration::from_millis(when.sequence.into())).plus(-when.late);
    let unique = move |parts: &[&str]| {
        let mut all = vec![just_now.to_string(), when.sequence.to_string()];
        all.extend(parts.iter().map(|part| (*part).to_owned()));
        stable_hash(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    environment.add_function("now_ms", move || just_now.as_millis());
    environment.add_function("now_iso", move || just_now.to_string());
    environment.add_function("unique", move || unique(&[]));
    environment.add_function("number", move |kind: String, what: String| {
        u32::from_str_radix(&unique(&[&kind, &what])[..8], 16).unwrap_or(0)
    });
    // As the vendor tells an instant: to the second, and earlier by what the simulation is late.
    environment.add_function("iso", move |arguments: Kwargs| {
        let minutes: Option<i64> = arguments.get("minutes")?;
        let at = shifted(when.now, arguments)?.plus(SignedDuration::from_mins(minutes.unwrap_or(0)));
        Ok::<_, Error>(format!("{}Z", &at.plus(-when.late).to_string()[..19]))
    });
    Ok(environment)
}

/// `now` and so many `days=` more; negative for the past.
fn shifted(now: Moment, arguments: Kwargs) -> Result<Moment, Error> {
    let days: Option<i64> = arguments.get("days")?;
    arguments.assert_all_used()?;
    Ok(now.plus(SignedDuration::from_hours(24 * days.unwrap_or(0).clamp(-36_500, 36_500))))
}
