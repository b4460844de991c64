//! A query that is kept: its fields and options by their ids, so that it means the same when they are renamed; and back,
//! as people read it. Pure; people were settled before (`resolve::settle_people`).

use std::collections::BTreeSet;

use crate::model::FieldId;

use super::ast::{Clause, FieldName, Operand, OperandKind, Operator, Query, Test};
use super::catalogue::{BuiltIn, Catalogue, Known, Named, built_in};
use super::text::fold;

/// Puts ids where fields and options are named.
pub(crate) fn by_ids(query: &mut Query, catalogue: &Catalogue<'_>) {
    for clause in query.clauses_mut() {
        let known = match catalogue.find(&clause.field) {
            Ok(Named::Own(known)) => known,
            Ok(Named::BuiltIn(BuiltIn::Entitlement, _)) => {
                rewrite(&mut clause.test, |text| {
                    let wanted = fold(text);
                    let called = catalogue.products.iter().find(|(_, name)| *fold(name) == *wanted);
                    called.map(|(id, _)| id.to_string())
                });
                continue;
            }
            // By its key, by which people know a project, and which stays when its name does not.
            Ok(Named::BuiltIn(BuiltIn::Project, _)) => {
                rewrite(&mut clause.test, |text| {
                    let wanted = fold(text);
                    let named = catalogue.projects.iter().find(|[id, key, _]| *id == text || *fold(key) == *wanted);
                    let named = named.or_else(|| catalogue.projects.iter().find(|[.., name]| *fold(name) == *wanted));
                    named.map(|[_, key, _]| (*key).to_owned())
                });
                continue;
            }
            _ => continue,
        };
        clause.field.name = known.id.to_string();
        for operand in options_of(&mut clause.test, &known) {
            let OperandKind::Text(text) = &mut operand.kind else { continue };
            let wanted = fold(text);
            let mut called = known.body.options.iter().filter(|option| *fold(&option.label) == *wanted);
            // Two options of one spelling are both meant: they stay as they were written.
            if let (Some(option), None) = (called.next(), called.next()) {
                *text = option.id.clone();
            }
        }
    }
    for sort in &mut query.order {
        if let Ok(Named::Own(known)) = catalogue.find(&sort.field) {
            sort.field.name = known.id.to_string();
        }
    }
}

/// Puts names where ids stand, as far as this catalogue has them. Answers the fields that the query names, whether the
/// catalogue has them or not.
pub(crate) fn by_names(query: &mut Query, catalogue: &Catalogue<'_>) -> BTreeSet<FieldId> {
    let mut named = BTreeSet::new();
    for clause in query.clauses_mut() {
        let Clause { field, test } = clause;
        if let Ok(Named::BuiltIn(BuiltIn::Entitlement, _)) = catalogue.find(field) {
            rewrite(test, |text| {
                let known = catalogue.products.iter().find(|(id, _)| id.to_string() == text);
                known.map(|(_, name)| (*name).to_owned())
            });
        }
        if let Some(known) = rename(field, catalogue, &mut named) {
            for operand in options_of(test, &known) {
                let OperandKind::Text(text) = &mut operand.kind else { continue };
                let Some(option) = known.body.options.iter().find(|option| option.id == *text) else { continue };
                let wanted = fold(&option.label);
                if known.body.options.iter().filter(|other| *fold(&other.label) == *wanted).count() == 1 {
                    *text = option.label.clone();
                }
            }
        }
    }
    for sort in &mut query.order {
        rename(&mut sort.field, catalogue, &mut named);
    }
    named
}

fn rename<'f>(field: &mut FieldName, catalogue: &Catalogue<'f>, named: &mut BTreeSet<FieldId>) -> Option<Known<'f>> {
    let id: FieldId = field.name.parse().ok()?;
    named.insert(id);
    let (entity, own) = catalogue.scope(field.organization);
    let known = own.iter().find(|known| known.id == id).copied()?;
    let wanted = fold(&known.body.name);
    // What the directory knows comes first under its name: there the id stays.
    if !built_in(entity).iter().any(|(_, name, _)| *fold(name) == *wanted) {
        field.name.clone_from(&known.body.name);
    }
    Some(known)
}

/// Puts another text where a value has one.
fn rewrite(test: &mut Test, other: impl Fn(&str) -> Option<String>) {
    for operand in test.values_mut() {
        if let OperandKind::Text(text) = &mut operand.kind
            && let Some(named) = other(text)
        {
            *text = named;
        }
    }
}

/// The values of a test that name options, and not words to look for.
fn options_of<'t>(test: &'t mut Test, known: &Known<'_>) -> Vec<&'t mut Operand> {
    let words = matches!(test, Test::Compare { operator: Operator::Contains | Operator::Lacks, .. });
    if words || !known.kind.has_options() { Vec::new() } else { test.values_mut() }
}
