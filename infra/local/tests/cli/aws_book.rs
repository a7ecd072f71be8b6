//! The book of a deployed stack: what is loaded into it, read from vendors, and judged by a changed configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::aws::{deployed_with, on_aws};
use super::common::Data;
use super::stub::{Asked, Stub, Told};
use super::{copy, row, rows};

const COMPANIES: &str = "\
Record ID,Company name,Lifecycle Stage,Annual recurring revenue
7,Larkspur Foods,Customer,48000
8,Old Mill,Customer,12000
";

/// A folder whose host was there and has ended.
fn empty() -> Data {
    let data = Data::new();
    assert_eq!(data.up("--empty").end("TERM").0, Some(0));
    data
}

#[test]
fn a_file_is_loaded_into_a_deployed_stack_and_its_functions_do_the_rest() {
    let data = empty();
    let file = data.beside("companies.csv");
    std::fs::write(&file, COMPANIES).unwrap();
    let line = format!("import accounts {} --as-of 2020-01-31", file.display());
    let stub = deployed_with(&data, |_| None);
    let tried = on_aws(&data, &stub, &format!("{line} --dry-run --json")).json();
    assert_eq!((&tried["good"], &tried["deliveries"]), (&json!(2), &json!([])), "{tried:#}");
    let loaded = on_aws(&data, &stub, &line);
    loaded.succeeded();
    for said in ["2 rows of 2 loaded", "by the stack's functions now", "barometer accounts --aws"] {
        assert!(loaded.out.contains(said), "{}", loaded.out);
    }
    let again = on_aws(&data, &stub, &format!("{line} --json")).json();
    assert_eq!(again["repeated"], json!(2), "the same delivery");
    let journal = on_aws(&data, &stub, "journal --json").json();
    assert_eq!(rows(&journal).len(), 1, "{journal:#}");
    assert_eq!(on_aws(&data, &stub, "accounts --json").json(), json!([]), "no function has run");
    drop(stub);

    // The functions find it in the stream, here those of a host; and a host knows the file as well.
    let host = data.up("--empty");
    data.settle();
    assert_eq!(row(&data.json("accounts"), "name", "Larkspur Foods")["arr"]["minor"], json!(4_800_000));
    assert_eq!(data.json(&line)["repeated"], json!(2));
    assert_eq!(host.end("TERM").0, Some(0));
}

/// Two pages of companies, and empty lists of everything else. `is_busy` has it refuse the second page.
fn portal(is_busy: Arc<AtomicBool>) -> Stub {
    let company = |id: u32| {
        let at = "2021-02-01T08:00:00Z";
        json!({ "id": id.to_string(), "properties": { "name": format!("Company {id}"), "lifecyclestage": "customer" },
            "createdAt": at, "updatedAt": at, "archived": false })
    };
    Stub::new(move |asked| {
        assert_eq!(asked.token, "Bearer pat-1");
        Told::ok(match asked.line.as_str() {
            line if !line.starts_with("GET /crm/v3/objects/companies?") => json!({ "results": [] }),
            line if line.contains("after=2") && is_busy.load(Ordering::SeqCst) => return Told::status(403, json!({})),
            line if line.contains("after=2") => json!({ "results": [company(3)] }),
            _ => json!({ "results": [company(1), company(2)], "paging": { "next": { "after": "2" } } }),
        })
    })
}

/// What SSM holds below a path.
fn parameter(asked: &Asked, token: Option<&str>) -> Option<Told> {
    if asked.operation != "GetParametersByPath" {
        return None;
    }
    assert_eq!(asked.body["Path"], "/second/fetch/hubspot-app", "nothing else is read");
    let held = token.map(|token| json!({ "Name": "/second/fetch/hubspot-app/token", "Value": token }));
    Some(Told::ok(json!({ "Parameters": held.into_iter().collect::<Vec<_>>() })))
}

#[test]
fn a_vendor_is_read_with_the_token_of_the_stack_and_goes_on_where_it_was() {
    let data = empty();
    let busy = Arc::new(AtomicBool::new(true));
    let portal = portal(busy.clone());
    let config = data.beside("aws-config");
    copy(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
    let connections = config.join("connections.toml");
    let text = std::fs::read_to_string(&connections).unwrap();
    let app = format!("tool = \"hubspot-app\"\napi_url = \"{}\"", portal.url());
    std::fs::write(&connections, text.replace("tool = \"hubspot-app\"", &app)).unwrap();
    let line = format!("backfill hubspot --config {}", config.display());

    let none = deployed_with(&data, |asked| parameter(asked, None));
    let missing = ["no token for `hubspot-app`", "the parameter /second/fetch/hubspot-app/token"];
    on_aws(&data, &none, &line).refused(1, &missing);
    let refusing = deployed_with(&data, |asked| {
        let says = json!({ "__type": "AccessDeniedException", "Message": "not authorized" });
        (asked.operation == "GetParametersByPath").then(|| Told::status(400, says))
    });
    let refused = ["AccessDeniedException", "allow ssm:GetParametersByPath on parameter/second/fetch/hubspot-app"];
    on_aws(&data, &refusing, &line).refused(1, &refused);
    on_aws(&data, &refusing, &line.replace("hubspot", "typeform")).refused(1, &["nothing of `typeform` can be listed"]);
    assert!(portal.asked().is_empty(), "nobody is called without a token");

    let stub = deployed_with(&data, |asked| parameter(asked, Some("pat-1")));
    on_aws(&data, &stub, &line).refused(1, &["cannot be read", "it goes on where it was"]);
    busy.store(false, Ordering::SeqCst);
    let read = on_aws(&data, &stub, &format!("{line} --json")).json();
    let told = (&read["done"], &read["resumed"], &read["read"]["company"]["new"]);
    assert_eq!(told, (&json!(true), &json!(true), &json!(3)), "{read:#}");
    let again = on_aws(&data, &stub, &format!("{line} --restart"));
    assert!(again.out.contains("0 records read") && again.out.contains("the stack's functions"), "{}", again.out);
    drop((none, refusing, stub));

    let host = data.up("--empty");
    data.settle();
    assert_eq!(rows(&data.json("accounts")).len(), 3);
    assert_eq!(data.json("outbox"), json!([]), "it is no news");
    assert_eq!(host.end("TERM").0, Some(0));
}

#[test]
fn a_changed_configuration_is_judged_on_aws_as_a_host_judges_it() {
    let data = Data::new();
    assert_eq!(data.up("").end("TERM").0, Some(0));
    let changed = data.beside("changed");
    copy(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &changed);
    let profile = changed.join("health/crm-and-tickets.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, text.replacen("green = 100", "green = 60", 1)).unwrap();
    let stub = deployed_with(&data, |_| None);
    let same = on_aws(&data, &stub, "rescore");
    assert!(same.out.ends_with("Every account is up to date.\n"), "{}", same.out);
    let line = format!("rescore --dry-run --json --config {}", changed.display());
    let on_aws = on_aws(&data, &stub, &line).json();
    assert!(rows(&on_aws["rows"]).iter().any(|row| row["differs"] == true), "{on_aws:#}");
    drop(stub);

    let host: Value = data.run(&line).json();
    assert_eq!(on_aws, host);
}
