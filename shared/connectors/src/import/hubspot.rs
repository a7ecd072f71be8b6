//! HubSpot's export of companies and contacts. Headings are labels; the id is `Record ID`.

use model::{Field, Mapping, Normalized, QuarantinedItem, Value};

use super::{Cell, Feeds, Form, Row, lacks, plain};
use crate::hubspot::{self, AmountIn, Collector, Kind, Told};
use crate::hubspot_links as links;
use crate::hubspot_values::{self as values, whole_number};

/// The two kinds of file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Records {
    Companies,
    Contacts,
}

/// HubSpot's own labels of properties whose names are others; letters and digits only.
const LABELS: [(Kind, &str, &str); 13] = [
    (Kind::Company, "companyname", "name"),
    (Kind::Company, "companydomainname", "domain"),
    (Kind::Company, "additionaldomains", "hs_additional_domains"),
    (Kind::Company, "companyowner", "hubspot_owner_id"),
    (Kind::Company, "parentcompany", "hs_parent_company_id"),
    (Kind::Company, "parentcompanyid", "hs_parent_company_id"),
    (Kind::Company, "lastcontacted", "notes_last_contacted"),
    (Kind::Contact, "emailaddress", "email"),
    (Kind::Contact, "buyingrole", "hs_buying_role"),
    (Kind::Contact, "associatedcompanyids", "associatedcompanyid"),
    (Kind::Contact, "associatedcompanyidsprimary", "associatedcompanyid"),
    (Kind::Contact, "primaryassociatedcompanyid", "associatedcompanyid"),
    (Kind::Contact, "primarycompanyid", "associatedcompanyid"),
];

const ID: &str = "id";
const CURRENCY: &str = "currency";

impl Records {
    fn kind(self) -> Kind {
        match self {
            Self::Companies => Kind::Company,
            Self::Contacts => Kind::Contact,
        }
    }
}

impl Form for Records {
    fn feeds(&self, mapping: &Mapping, name: &str) -> Feeds {
        let (kind, heading) = (self.kind(), plain(name));
        let own_id = format!("{}id", kind.name());
        if ["recordid", "id", "hsobjectid", own_id.as_str()].contains(&heading.as_str()) {
            return vec![ID];
        }
        if heading == "currency" || heading == "companycurrency" {
            return vec![CURRENCY];
        }
        fields(kind, mapping, &heading).map(|field| field.as_str()).collect()
    }

    fn needs(&self) -> (&'static str, &'static str) {
        (ID, "`Record ID`")
    }

    fn row(&self, row: &Row<'_>) -> Normalized {
        match self.read(row) {
            Ok(said) => said,
            // Whose row it is is not known; what else is wrong with it is said in the same go.
            Err(item) => {
                let quarantined = std::iter::once(item).chain(self.unfit(row)).collect();
                Normalized { quarantined, ..Normalized::default() }
            }
        }
    }
}

/// The fields that a heading feeds: a mapped property by its name or label, or our own name of the field.
fn fields(kind: Kind, mapping: &Mapping, heading: &str) -> impl Iterator<Item = Field> {
    let labelled = LABELS.iter().find(|(of, label, _)| *of == kind && *label == heading).map(|(_, _, name)| *name);
    let mut fields: Vec<Field> = Vec::new();
    for reads in hubspot::reads(kind, mapping).into_iter().filter(|reads| kind.home(reads.field).is_some()) {
        let named = labelled.map_or_else(|| plain(reads.property) == heading, |name| reads.property == name);
        if (named || plain(reads.field.as_str()) == heading) && !fields.contains(&reads.field) {
            fields.push(reads.field);
        }
    }
    fields.into_iter()
}

impl Records {
    /// The cells that are no values of their fields.
    fn unfit(self, row: &Row<'_>) -> Vec<QuarantinedItem> {
        let judged = row.fed(&self).into_iter().filter_map(|(what, cell)| {
            let unfit = values::read(what.parse().ok()?, cell.raw, row.mapping.currency).err()?;
            Some(cell.unfit(unfit.expected))
        });
        judged.collect()
    }

    fn read(self, row: &Row<'_>) -> Result<Normalized, QuarantinedItem> {
        let kind = self.kind();
        let cells = row.fed(&self);
        let of = |what: &str| cells.iter().find(|(fed, _)| *fed == what).map(|(_, cell)| cell);
        let id = of(ID).ok_or_else(|| lacks(row, self.needs()))?;
        let id = whole_number(id.raw).map_err(|_| id.unfit("HubSpot's id of the record, a whole number"))?;
        let mut amount = AmountIn::assumed(row.mapping);
        if let Some(cell) = of(CURRENCY) {
            let currency = cell.text().parse().map_err(|_| cell.unfit("a currency, three letters such as EUR"))?;
            amount = AmountIn { currency, told: true };
        }
        let mut collector = Collector::default();
        for reads in hubspot::reads(kind, row.mapping) {
            let cell = of(reads.field.as_str());
            let is_empty = || row.mapping.complete.contains(&reads.field) && kind.home(reads.field).is_some();
            let told = match cell {
                Some(Cell { raw, path, .. }) => Told { raw: Some(raw), path: path.clone(), at: row.as_of },
                None if is_empty() => Told { raw: None, path: row.path.clone(), at: row.as_of },
                None => continue,
            };
            if let Some(cell) = cell
                && let Err(unfit) = values::read(reads.field, cell.raw, amount.currency)
            {
                collector.set_aside(cell.unfit(unfit.expected));
                continue;
            }
            let value = collector.tell(kind, &id, reads, &told, amount);
            if let (Field::Company, Some(Value::Text(company))) = (reads.field, value) {
                collector.link(links::company(kind, &id, Some(&company), told.at, &told.path));
            }
        }
        Ok(collector.out)
    }
}
