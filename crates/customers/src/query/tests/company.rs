//! A small company: its fields, its customers, their history.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::{Date, date};
use kernel::AccountId;

use crate::model::{Change, Entity, FieldBody, FieldId, FieldOption, FieldType, ProductId, Value};
use crate::query::ast::Query;
use crate::query::catalogue::{Catalogue, Known};
use crate::query::evaluate::{Entitled, Facts, Past, Peek, Record};
use crate::query::mistake::Mistake;
use crate::query::parse;
use crate::query::resolve::{resolve, settle_people};
use crate::query::typed::Typed;

impl Peek<Value> for Value {
    fn look(&self) -> &Value {
        self
    }
}

impl Peek<Change> for Change {
    fn look(&self) -> &Change {
        self
    }
}

pub(super) type Customer = Record<Value, Change>;

/// A small company: its fields, its customers.
pub(super) struct Company {
    fields: Vec<(FieldId, Entity, FieldType, FieldBody)>,
    pub(super) customers: Vec<Customer>,
    products: Vec<(ProductId, &'static str)>,
    now: Zoned,
}

fn options(labels: &[&str]) -> Vec<FieldOption> {
    labels
        .iter()
        .map(|label| FieldOption { id: format!("o-{label}"), label: (*label).to_owned(), retired: *label == "Tin" })
        .collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Company {
    pub(super) fn new() -> Self {
        let definitions: [(&str, Entity, FieldType, &[&str]); 14] = [
            ("Tier", Entity::Customer, FieldType::Select, &["Gold", "Silver", "Very gold", "Tin"]),
            ("Renewal", Entity::Customer, FieldType::Date, &[]),
            ("Phone", Entity::Customer, FieldType::Phone, &[]),
            ("Bikes", Entity::Customer, FieldType::Number, &[]),
            ("Speaks", Entity::Customer, FieldType::MultiSelect, &["French", "German", "Greek"]),
            ("Newsletter", Entity::Customer, FieldType::Boolean, &[]),
            ("Notes", Entity::Customer, FieldType::LongText, &[]),
            ("Account manager", Entity::Customer, FieldType::User, &[]),
            ("Last call", Entity::Customer, FieldType::DateTime, &[]),
            ("Plan", Entity::Customer, FieldType::Text, &[]),
            ("Nr. 5", Entity::Customer, FieldType::Text, &[]),
            ("Country", Entity::Organization, FieldType::Text, &[]),
            ("Hours", Entity::Organization, FieldType::Number, &[]),
            ("Agreement", Entity::Organization, FieldType::Select, &["Fleet", "Trial"]),
        ];
        let fields = definitions
            .into_iter()
            .map(|(name, entity, kind, labels)| {
                let default = if name == "Plan" { text("Basic") } else { Value::Empty };
                let country = (kind == FieldType::Phone).then(|| "DE".to_owned());
                let (name, options) = (name.to_owned(), options(labels));
                let body = FieldBody { name, options, default, country, ..FieldBody::default() };
                (FieldId::fresh(), entity, kind, body)
            })
            .collect();
        let now = "2026-11-25T10:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let mut company = Self { fields, customers: Vec::new(), products: Vec::new(), now };
        company.products = ["Premium support", "Fleet tracker"].map(|name| (ProductId::fresh(), name)).into();
        company.customers = company.people();
        company
    }

    fn id(&self, name: &str) -> FieldId {
        self.fields.iter().find(|(_, _, _, body)| body.name == name).unwrap().0
    }

    fn facts(&self, id: &str, name: &str, values: &[(&str, Value)]) -> Facts<Value, Change> {
        Facts {
            id: id.to_owned(),
            name: name.to_owned().into(),
            email: (id != "dora").then(|| format!("{id}@example.com").into()),
            active: id != "dora",
            merged: id == "carl",
            time_zone: Some("Europe/Berlin".to_owned()),
            projects: Vec::new(),
            members: 3,
            updated: Some("2026-11-20T12:00:00Z".parse().unwrap()),
            values: values.iter().map(|(name, value)| (self.id(name), value.clone())).collect(),
            entitlements: Vec::new(),
            history: BTreeMap::new(),
        }
    }

    fn entitled(&self, product: &str, starts: Option<Date>, ends: Option<Date>, limit: Option<f64>) -> Entitled {
        let (id, _) = self.products.iter().find(|(_, name)| *name == product).unwrap();
        Entitled { product: id.to_string(), starts, ends, limit }
    }

    fn people(&self) -> Vec<Customer> {
        let mut acme = self.facts("71", "Acme GmbH", &[("Country", text("DE")), ("Hours", Value::Number(4.0))]);
        acme.entitlements =
            vec![self.entitled("Premium support", Some(date(2026, 1, 1)), Some(date(2026, 12, 10)), Some(25.0))];
        let acme = Arc::new(acme);
        let mut velo = self.facts("72", "Vélo & Cie", &[("Country", text("FR")), ("Agreement", text("o-Fleet"))]);
        velo.entitlements = vec![
            self.entitled("Premium support", None, Some(date(2026, 6, 30)), None),
            self.entitled("Fleet tracker", Some(date(2026, 12, 1)), None, Some(300.0)),
        ];
        let velo = Arc::new(velo);
        let list = |labels: &[&str]| Value::List(labels.iter().map(|label| format!("o-{label}")).collect());
        let mut anna = self.facts(
            "anna",
            "Anna Müller",
            &[
                ("Tier", text("o-Gold")),
                ("Renewal", text("2026-12-10")),
                ("Phone", text("+4940123456")),
                ("Bikes", Value::Number(12.0)),
                ("Speaks", list(&["French", "German"])),
                ("Newsletter", Value::Bool(true)),
                ("Notes", text("Waits for the battery firmware; call before noon.")),
                ("Account manager", text("agent-1")),
                ("Last call", text("2026-11-24T23:30:00Z")),
                ("Plan", text("Premium")),
            ],
        );
        let past = |at: &str, by: &str, from: Value, to: Value| Past {
            at: at.parse().unwrap(),
            by: by.to_owned(),
            change: Change { from, to },
        };
        anna.history.insert(
            self.id("Tier"),
            vec![
                past("2025-06-01T08:00:00Z", "agent-1", Value::Empty, text("o-Silver")),
                past("2026-03-01T08:00:00Z", "agent-2", text("o-Silver"), text("o-Gold")),
            ],
        );
        let bob = self.facts(
            "bob",
            "Bob Straße",
            &[
                ("Tier", text("o-Very gold")),
                ("Renewal", text("2027-06-01")),
                ("Bikes", Value::Number(-3.0)),
                ("Speaks", list(&["Greek"])),
                ("Newsletter", Value::Bool(false)),
                ("Plan", Value::Empty),
                ("Account manager", text("agent-2")),
            ],
        );
        let mut carl = self.facts(
            "carl",
            "Carl",
            &[("Tier", text("o-Tin")), ("Renewal", text("2026-11-25")), ("Nr. 5", text("AND"))],
        );
        carl.history
            .insert(self.id("Tier"), vec![past("2026-11-24T08:00:00Z", "agent-1", Value::Empty, text("o-Tin"))]);
        let mut dora = self.facts("dora", "Dora", &[]);
        dora.projects = vec!["10000".to_owned(), "10001".to_owned()];
        carl.projects = vec!["10001".to_owned()];
        vec![
            Record { own: anna, organizations: vec![acme.clone(), velo] },
            Record { own: bob, organizations: vec![acme] },
            Record { own: carl, organizations: vec![] },
            Record { own: dora, organizations: vec![] },
        ]
    }

    pub(super) fn catalogue(&self) -> Catalogue<'_> {
        let of = |wanted: Entity| {
            self.fields
                .iter()
                .filter(|(_, entity, ..)| *entity == wanted)
                .map(|(id, _, kind, body)| Known { id: *id, kind: *kind, body })
                .collect()
        };
        Catalogue {
            entity: Entity::Customer,
            own: of(Entity::Customer),
            organizations: of(Entity::Organization),
            products: self.products.iter().map(|(id, name)| (*id, *name)).collect(),
            projects: vec![["10000", "HELP", "IT help"], ["10001", "HR", "Human resources"]],
        }
    }

    pub(super) fn typed(&self, query: &str) -> Result<Typed, Vec<Mistake>> {
        let mut query = parse(query).map_err(|mistake| vec![mistake])?;
        self.typed_tree(&mut query)
    }

    pub(super) fn typed_tree(&self, query: &mut Query) -> Result<Typed, Vec<Mistake>> {
        let catalogue = self.catalogue();
        let account = |id: &str| AccountId::new(id).unwrap();
        let known = BTreeMap::from([
            ("agent-1".to_owned(), vec![account("agent-1")]),
            ("Zoe".to_owned(), vec![account("agent-2")]),
            ("Kim".to_owned(), vec![account("agent-1"), account("agent-2")]),
        ]);
        let mistakes = settle_people(query, &catalogue, &known);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        resolve(query, &catalogue, "agent-1", &self.now)
    }

    pub(super) fn matching(&self, typed: &Typed) -> Vec<String> {
        let mut found: Vec<&Customer> = self.customers.iter().filter(|record| typed.matches(record)).collect();
        found.sort_by_key(|record| typed.keys(record));
        found.into_iter().map(|record| record.own.id.clone()).collect()
    }
}
