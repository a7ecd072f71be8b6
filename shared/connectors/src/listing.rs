//! Pages of a vendor's API that list records: what a record of a page is, and where the next page begins. A record of a page
//! is journaled like the answer about that record alone.

use model::Moment;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use crate::json::{self, Found, Object};

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its records, in the order of the page.
    pub records: Vec<ListedRecord>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A record of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRecord {
    /// As [`crate::Connector::fetch`] names it, such as `company/123`.
    pub object: String,
    /// When it was last changed, where the page tells.
    pub changed_at: Option<Moment>,
    /// What the API would answer about it alone.
    pub body: String,
}

/// Where the parts of a page stand.
pub(crate) struct Form<'a> {
    /// The kind of record, as [`crate::Connector::fetch`] names it.
    pub(crate) kind: &'a str,
    /// The key of the list.
    pub(crate) list: &'a str,
    /// The key in a record of when it was last changed.
    pub(crate) changed: &'a str,
    /// The answer about one record holds it under the name of its kind.
    pub(crate) wraps: bool,
}

/// The page, whose next one begins where `next` says.
///
/// # Errors
/// What was expected and where, when it is no page of that form.
pub(crate) fn page(
    body: &[u8],
    form: &Form<'_>,
    next: impl Fn(&Object<'_>) -> Result<Option<String>, Found>,
) -> Result<Listed, String> {
    let whole = json::whole(body)?;
    let top = Object::read(whole).map_err(|found| format!("a page: expected an object, found {found}"))?;
    let wrong = |found: Found| format!("{}: expected a list of records, found {found}", form.list);
    let raws = top.get(form.list).and_then(|raw| json::list(raw.ok_or(Found::Nothing)?)).map_err(wrong)?;
    let records = raws.into_iter().enumerate().map(|(at, raw)| {
        record(raw, form).map_err(|found| format!("{}[{at}]: expected a record with an id, found {found}", form.list))
    });
    let next = next(&top).map_err(|found| format!("where the next page begins: found {found}"))?;
    Ok(Listed { records: records.collect::<Result<_, _>>()?, next })
}

fn record(raw: &RawValue, form: &Form<'_>) -> Result<ListedRecord, Found> {
    let record = Object::read(raw)?;
    let id = crate::hubspot_values::whole_number(record.get("id")?.ok_or(Found::Nothing)?)?;
    let changed = record.get(form.changed)?.map(json::scalar).transpose()?.flatten();
    let body = if form.wraps { format!("{{\"{}\":{}}}", form.kind, raw.get()) } else { raw.get().to_owned() };
    Ok(ListedRecord {
        object: format!("{}/{id}", form.kind),
        changed_at: changed.and_then(|text| crate::hubspot_values::moment(&text)),
        body,
    })
}

/// The text under a chain of keys; `None` where one of them is absent or null.
pub(crate) fn text_under(top: &Object<'_>, keys: &[&str]) -> Result<Option<String>, Found> {
    let Some((key, rest)) = keys.split_first() else { return Ok(None) };
    match top.get(key)? {
        None => Ok(None),
        Some(raw) if Found::kind(raw) == Found::Null => Ok(None),
        Some(raw) if rest.is_empty() => json::scalar(raw),
        Some(raw) => text_under(&Object::read(raw)?, rest),
    }
}

/// What stays as it is in a value of a query or a form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as part of a query.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use crate::by_name;

    fn listed(tool: &str, kind: &str, body: &str) -> Result<super::Listed, String> {
        by_name(tool).unwrap().listed(kind, body.as_bytes())
    }

    #[test]
    fn a_page_of_hubspot_is_the_answers_about_its_records() {
        let body = r#"{"results": [{"id": "7", "properties": {"name" : "A"}, "updatedAt": "2026-11-01T00:00:00Z"},
            {"id": "8"}], "paging": {"next": {"after": "8", "link": "https://x"}}}"#;
        let page = listed("hubspot-app", "company", body).unwrap();
        assert_eq!((page.records[0].object.as_str(), page.next.as_deref()), ("company/7", Some("8")));
        assert!(page.records[0].body.contains(r#""name" : "A""#), "byte for byte");
        assert_eq!(page.records[0].changed_at.unwrap().to_string(), "2026-11-01T00:00:00.000Z");
        assert_eq!(page.records[1].changed_at, None);
        assert_eq!(listed("hubspot-app", "company", r#"{"results": []}"#).unwrap().next, None);
    }

    #[test]
    fn a_page_of_zendesk_ends_where_it_says_so() {
        let page = |more| {
            format!(
                r#"{{"organizations": [{{"id": 5, "updated_at": "2026-11-01T00:00:00Z"}}],
                "meta": {{"has_more": {more}, "after_cursor": "xyz=="}}}}"#
            )
        };
        let first = listed("zendesk", "organization", &page(true)).unwrap();
        assert_eq!((first.records[0].object.as_str(), first.next.as_deref()), ("organization/5", Some("xyz==")));
        assert!(first.records[0].body.starts_with(r#"{"organization":{"id": 5"#), "{}", first.records[0].body);
        assert_eq!(listed("zendesk", "organization", &page(false)).unwrap().next, None);
    }

    #[test]
    fn tickets_are_read_until_their_stream_ends() {
        let page = |ends| {
            let ticket = r#"{"id": 5, "status": "deleted", "updated_at": "2026-11-01T00:00:00Z"}"#;
            listed(
                "zendesk",
                "ticket",
                &format!(r#"{{"tickets": [{ticket}], "after_cursor": "a=", "end_of_stream": {ends}}}"#),
            )
        };
        let first = page(false).unwrap();
        assert_eq!((first.records[0].object.as_str(), first.next.as_deref()), ("ticket/5", Some("a=")));
        assert!(first.records[0].body.starts_with(r#"{"ticket":{"id": 5"#), "{}", first.records[0].body);
        assert_eq!(page(true).unwrap().next, None, "a place to go on stands on the last page too");
    }

    #[test]
    fn a_deleted_user_of_zendesk_is_read_like_any_user() {
        let body = r#"{"deleted_users": [{"id": 5, "active": false, "updated_at": "2026-11-01T00:00:00Z"}],
            "meta": {"has_more": true, "after_cursor": "b="}}"#;
        let page = listed("zendesk", "deleted user", body).unwrap();
        assert_eq!((page.records[0].object.as_str(), page.next.as_deref()), ("user/5", Some("b=")));
        assert!(page.records[0].body.starts_with(r#"{"user":{"id": 5"#), "{}", page.records[0].body);
    }

    #[test]
    fn a_deleted_record_of_hubspot_is_as_old_as_its_deletion() {
        let body = r#"{"results": [{"id": "7", "updatedAt": "2026-01-01T00:00:00Z", "archived": true,
            "archivedAt": "2026-11-01T00:00:00Z"}]}"#;
        let page = listed("hubspot-app", "deleted company", body).unwrap();
        assert_eq!(page.records[0].object, "company/7");
        assert_eq!(page.records[0].changed_at.unwrap().to_string(), "2026-11-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_page_is_named() {
        for body in ["", "[]", "{}", r#"{"results": {}}"#, r#"{"results": [{}]}"#, r#"{"results": [{"id": "x"}]}"#] {
            assert!(listed("hubspot-app", "company", body).is_err(), "{body}");
        }
    }

    #[test]
    fn the_calls_go_from_page_to_page() {
        let mapping = model::Mapping {
            objects: Default::default(),
            currency: "EUR".parse().unwrap(),
            complete: Default::default(),
            account_ids: String::new(),
        };
        let since = "2026-11-01T00:00:00Z".parse().unwrap();
        let call = |tool: &str, kind: &str, after| {
            by_name(tool).unwrap().list(kind, after, since, &mapping).map(|call| call.path)
        };
        let first = call("hubspot-app", "contact", None).unwrap();
        assert!(first.starts_with("/crm/v3/objects/contacts?limit=50&") && !first.contains("after="), "{first}");
        assert!(first.contains("associations=companies"), "{first}");
        assert!(call("hubspot-app", "company", Some("7 8")).unwrap().ends_with("&after=7%208"));
        assert_eq!(
            call("zendesk", "user", Some("a=")).unwrap(),
            "/api/v2/users.json?page%5Bsize%5D=100&page%5Bafter%5D=a%3D"
        );
        assert_eq!(call("zendesk", "deleted user", None).unwrap(), "/api/v2/deleted_users.json?page%5Bsize%5D=100");
        let tickets = "/api/v2/incremental/tickets/cursor.json?per_page=500";
        assert_eq!(call("zendesk", "ticket", None).unwrap(), format!("{tickets}&start_time=1793491200"));
        assert_eq!(call("zendesk", "ticket", Some("a=")).unwrap(), format!("{tickets}&cursor=a%3D"));
        assert_eq!(call("zendesk", "deal", None), None);
        let zendesk = by_name("zendesk").unwrap();
        let subjects = ["zendesk:org:70", "zendesk:user:71", "hubspot:company:7"].map(model::SubjectId::from_stored);
        let asked = subjects.iter().filter_map(|subject| zendesk.asked_after("missing organization", subject));
        let asked: Vec<_> = asked.collect();
        assert_eq!(asked, ["organization/70"]);
        let path = |objects: &[String]| zendesk.still_there("missing organization", objects).map(|call| call.path);
        let both = [asked, vec!["organization/9".to_owned()]].concat();
        assert_eq!(path(&both).unwrap(), "/api/v2/organizations/show_many.json?ids=70,9");
        assert_eq!(path(&[]), None);
        for (kind, archived) in [("deal", "&archived=false"), ("deleted deal", "&archived=true")] {
            let first = call("hubspot-app", kind, None).unwrap();
            assert!(first.starts_with("/crm/v3/objects/deals?") && first.ends_with(archived), "{first}");
        }
        assert_eq!(call("typeform", "response", None), None);
    }
}
