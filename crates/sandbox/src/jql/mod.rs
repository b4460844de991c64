//! Jira Query Language: parsed by a grammar, checked against the site and the caller, and run on the
//! lagging index. Nothing that the caller may not browse is ever found, counted or named in a fault.
//!
//! Start reading at [`run`].

mod ast;
mod compile;
mod dates;
mod fields;
#[cfg(test)]
mod tests;
mod words;

use std::{cmp::Ordering, sync::Arc};

use jiff::tz::TimeZone;

use ast::Query;
pub(crate) use ast::parse;
use compile::{Context, Test, compile};
use fields::{Field, Kind};

use crate::{
    access::Access,
    auth::Caller,
    state::{IndexEntry, Issue, State, Store},
};

/// Fields that one query may sort by.
const MAX_SORTS: usize = 7;

/// What a query is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// It must restrict (the public API).
    Required,
    /// It may be without restriction (the site's own pages).
    Free,
    /// The same, and values that are not there are left out (a Data Center's search that is not to be validated).
    Lenient,
}

/// Issues that a query finds now, in its order, as the index knows them.
///
/// # Errors
/// Jira's sentences, one for each fault.
pub(crate) fn search(state: &State, caller: &Caller, jql: &str) -> Result<Vec<Arc<Issue>>, Vec<String>> {
    state.catch_up_search();
    run(state, &state.read(), caller, jql, Bound::Free, &[])
}

/// The same within a read of the store. Issues in `reconciled` are taken as they are, not as the
/// index knows them.
pub(crate) fn run(
    state: &State,
    store: &Store,
    caller: &Caller,
    jql: &str,
    bound: Bound,
    reconciled: &[u64],
) -> Result<Vec<Arc<Issue>>, Vec<String>> {
    let query = parse(jql).map_err(|fault| vec![fault])?;
    if bound == Bound::Required && query.filter.is_none() {
        return Err(vec![
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.".to_owned(),
        ]);
    }
    let zone = store.account(caller.account()).and_then(|a| TimeZone::get(&a.time_zone).ok()).unwrap_or(TimeZone::UTC);
    let context = Context {
        store,
        access: Access::new(store, caller),
        me: caller.account_id.clone(),
        now: state.now().to_zoned(zone),
        lenient: bound == Bound::Lenient,
    };
    let mut faults = Vec::new();
    let test = query.filter.as_ref().map(|expr| compile(expr, &context, &mut faults));
    let sorts = sorts(&query, store, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut found: Vec<Arc<Issue>> = candidates(store, test.as_ref())
        .filter(|entry| !reconciled.contains(&entry.issue.id))
        .filter(|entry| test.as_ref().is_none_or(|t| t.passes(entry, &context)))
        .map(|entry| entry.issue.clone())
        .collect();
    for issue in reconciled.iter().filter_map(|id| store.issues.get(id)) {
        let entry = IndexEntry::new(issue.clone());
        if test.as_ref().is_none_or(|t| t.passes(&entry, &context)) {
            found.push(issue.clone());
        }
    }
    found.retain(|issue| context.access.browse(issue));
    sort(&mut found, &sorts, store);
    Ok(found)
}

/// Whether one issue, as it is given, matches a filter (webhooks).
///
/// # Errors
/// As [`search`].
pub(crate) fn matches(state: &State, caller: &Caller, jql: &str, issue: &Arc<Issue>) -> Result<bool, Vec<String>> {
    let query = parse(jql).map_err(|fault| vec![fault])?;
    let Some(expr) = query.filter else { return Ok(true) };
    let store = state.read();
    let context = Context {
        store: &store,
        access: Access::new(&store, caller),
        me: caller.account_id.clone(),
        now: state.now().to_zoned(TimeZone::UTC),
        lenient: false,
    };
    let mut faults = Vec::new();
    let test = compile(&expr, &context, &mut faults);
    if faults.is_empty() { Ok(test.passes(&IndexEntry::new(issue.clone()), &context)) } else { Err(faults) }
}

fn candidates<'a>(store: &'a Store, test: Option<&Test>) -> Box<dyn Iterator<Item = &'a Arc<IndexEntry>> + 'a> {
    if let Some(ids) = test.and_then(Test::issues) {
        let ids: Vec<u64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        return Box::new(ids.into_iter().filter_map(|id| store.index.get(id)));
    }
    if let Some(projects) = test.and_then(Test::projects) {
        let projects: Vec<String> = projects.iter().cloned().collect();
        return Box::new(projects.into_iter().flat_map(|id| store.index.of_project(&id).collect::<Vec<_>>()));
    }
    Box::new(store.index.all())
}

fn sorts(query: &Query, store: &Store, faults: &mut Vec<String>) -> Vec<(Field, bool)> {
    if query.order.len() > MAX_SORTS {
        faults.push(format!("A query may sort by at most {MAX_SORTS} fields."));
    }
    let mut sorts = Vec::new();
    for (name, descending) in &query.order {
        match Field::find(name, store) {
            Some(Field::Text | Field::Comment) | None => {
                faults.push(format!("Not able to sort using field '{name}'."));
            }
            Some(field) => sorts.push((field, *descending)),
        }
    }
    sorts
}

#[derive(PartialEq, PartialOrd)]
enum SortKey {
    Number(f64),
    Text(String),
    Empty,
}

fn sort(found: &mut [Arc<Issue>], sorts: &[(Field, bool)], store: &Store) {
    if sorts.is_empty() {
        found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
        return;
    }
    let keys: std::collections::HashMap<u64, Vec<SortKey>> =
        found.iter().map(|issue| (issue.id, sorts.iter().map(|(f, _)| sort_key(f, issue, store)).collect())).collect();
    found.sort_by(|a, b| {
        let (Some(left), Some(right)) = (keys.get(&a.id), keys.get(&b.id)) else {
            return Ordering::Equal;
        };
        for ((l, r), (_, descending)) in left.iter().zip(right).zip(sorts) {
            let order = l.partial_cmp(r).unwrap_or(Ordering::Equal);
            let order = if *descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        b.id.cmp(&a.id)
    });
}

fn sort_key(field: &Field, issue: &Issue, store: &Store) -> SortKey {
    #[expect(clippy::cast_precision_loss, reason = "ids and milliseconds stay far below 2^53")]
    let number = |n: i64| SortKey::Number(n as f64);
    let text = |t: Option<&String>| match t {
        Some(t) => SortKey::Text(t.to_lowercase()),
        None => SortKey::Empty,
    };
    match field {
        Field::Summary => text(Some(&issue.summary)),
        Field::Key => {
            let place = store.projects.get_index_of(&issue.project_id).unwrap_or_default();
            let serial = issue.key.rsplit('-').next().and_then(|n| n.parse::<i64>().ok());
            number(i64::try_from(place).unwrap_or_default() * 1_000_000_000 + serial.unwrap_or(0))
        }
        Field::Priority => issue
            .priority_id
            .as_ref()
            .and_then(|id| store.priorities.get_index_of(id))
            // Ascending begins with the lowest priority.
            .map_or(SortKey::Empty, |at| number(-i64::try_from(at).unwrap_or_default())),
        Field::Project => text(store.projects.get(&issue.project_id).map(|p| &p.name)),
        Field::Status => number(
            store.statuses.get_index_of(&issue.status_id).and_then(|at| i64::try_from(at).ok()).unwrap_or_default(),
        ),
        Field::IssueType => text(store.issue_types.get(&issue.issue_type_id).map(|t| &t.name)),
        _ => match field.kind() {
            Kind::Instants => field.instant(issue, store).map_or(SortKey::Empty, |at| number(at.as_millisecond())),
            Kind::Users => {
                let names: Vec<String> = field.values(issue, store).iter().map(|id| store.display_name(id)).collect();
                text(names.first())
            }
            Kind::Numbers => {
                field.values(issue, store).first().and_then(|v| v.parse().ok()).map_or(SortKey::Empty, SortKey::Number)
            }
            _ => text(field.values(issue, store).first()),
        },
    }
}
