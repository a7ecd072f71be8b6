//! What a portal has: read and made once, when it is set up.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::call::{HubSpot, Purpose, WriteError, judge, strange};
use super::company::{self, OurProperty};

/// The most companies of one answer.
const COMPANIES: u32 = 100;

impl HubSpot {
    /// Every property of companies, as HubSpot describes it.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn properties(&self) -> Result<Value, WriteError> {
        self.properties_of("companies").await
    }

    /// Every property of `companies`, `contacts`, `deals`, `tickets` or `tasks`, as HubSpot describes it.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn properties_of(&self, object: &str) -> Result<Value, WriteError> {
        let path = format!("{}?archived=false", company::schema(object));
        let scope = match object {
            "companies" => "crm.schemas.companies.read",
            "deals" => "crm.schemas.deals.read",
            "tickets" => "tickets",
            // Tasks have no scope of their own.
            _ => "crm.schemas.contacts.read",
        };
        self.read(Method::GET, "read properties", &path, None, scope).await
    }

    /// What the token is allowed: the scopes of its private app. The token goes to HubSpot in the body, where it is asked
    /// about.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn scopes(&self) -> Result<BTreeSet<String>, WriteError> {
        const PATH: &str = "/oauth/v2/private-apps/get/access-token-info";
        let asked = json!({ "tokenKey": self.token_text() });
        let told = self.read(Method::POST, "read the token's scopes", PATH, Some(&asked), "of a private app").await?;
        let scopes = told["scopes"].as_array().into_iter().flatten();
        Ok(scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect())
    }

    /// A hundred customers with what stands in these properties; companies of any stage where the portal has no customers.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn sample(&self, properties: &[&str]) -> Result<Value, WriteError> {
        const PATH: &str = "/crm/v3/objects/companies/search";
        let scope = "crm.objects.companies.read";
        let customer =
            json!([{ "filters": [{ "propertyName": "lifecyclestage", "operator": "EQ", "value": "customer" }] }]);
        let customers = json!({ "limit": COMPANIES, "properties": properties, "filterGroups": customer });
        let found = self.read(Method::POST, "read companies", PATH, Some(&customers), scope).await?;
        if found["results"].as_array().is_some_and(|found| !found.is_empty()) {
            return Ok(found);
        }
        let any = json!({ "limit": COMPANIES, "properties": properties });
        self.read(Method::POST, "read companies", PATH, Some(&any), scope).await
    }

    /// Makes a property of ours; false where it was there.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn make(&self, property: &OurProperty) -> Result<bool, WriteError> {
        let path = company::schema(property.object);
        let response = self.call(Method::POST, "create property", &path, Some(&property.body)).await?;
        match response.status().as_u16() {
            200 | 201 => Ok(true),
            409 => Ok(false),
            _ => Err(judge(&response, Purpose::SetUp(property.scope))),
        }
    }

    async fn read(
        &self,
        method: Method,
        operation: &str,
        path: &str,
        body: Option<&Value>,
        scope: &'static str,
    ) -> Result<Value, WriteError> {
        let response = self.call(method, operation, path, body).await?;
        if response.status() != 200 {
            return Err(judge(&response, Purpose::SetUp(scope)));
        }
        serde_json::from_slice(response.body()).map_err(|_| strange(&response))
    }
}
