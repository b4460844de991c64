//! From what somebody wrote to what it means for them: their fields, their time zone, the people that they name.

use std::collections::BTreeMap;
use std::sync::Arc;

use host::Profile;
use host::client::Project;
use jiff::tz::TimeZone;
use kernel::{AccountId, Cx, Fault, Result};
use vault::Open;

use crate::Room;
use crate::actions::fields::{self, OpenField};
use crate::actions::products::{self, OpenProduct};
use crate::actions::{access, directory};
use crate::model::{Author, Entity, Permission};
use crate::query::ast::Query;
use crate::query::catalogue::{Catalogue, Known, PROJECT};
use crate::query::complete::{self, Completion, Item, Wants};
use crate::query::{Mistake, lasting, parse, text};
use crate::query::{resolve, typed::Typed};

/// People of one name who are told; who is looked for is one of them, or not to be told from them.
const SAME_NAMED: usize = 20;

/// A query that means something.
pub(crate) struct Question {
    pub(crate) typed: Typed,
    /// The same query, in one spelling, with people by their account ids.
    pub(crate) normal: String,
    /// The same, with fields and options by their ids too: what is kept.
    pub(crate) lasting: String,
}

/// The fields that queries may name: retired ones, and those of an entity that the caller may not browse, are as if they
/// had never been.
pub(crate) async fn queryable(cx: &Cx, room: &Room) -> Result<Vec<OpenField>> {
    let mut fields = nameable(cx, room).await?;
    fields.retain(|field| !field.retired);
    Ok(fields)
}

/// The same, retired ones included: what a kept query may still name.
pub(crate) async fn nameable(cx: &Cx, room: &Room) -> Result<Vec<OpenField>> {
    let mut fields = fields::all(cx, room).await?;
    for entity in [Entity::Customer, Entity::Organization] {
        if !access::held(cx, room, Some(entity)).await?.contains(&Permission::Browse) {
            fields.retain(|field| field.entity != entity);
        }
    }
    Ok(fields)
}

/// The catalogue of one entity's queries.
pub(crate) fn catalogue<'f>(
    fields: &'f [OpenField],
    products: &'f [OpenProduct],
    projects: &'f [Project],
    entity: Entity,
) -> Catalogue<'f> {
    let of = |wanted: Entity| {
        let of_entity = fields.iter().filter(move |field| field.entity == wanted);
        of_entity.map(|field| Known { id: field.id, kind: field.kind, body: field.body.peek() }).collect()
    };
    let organizations = if entity == Entity::Customer { of(Entity::Organization) } else { Vec::new() };
    let products = products.iter().map(|product| (product.id, product.name.peek().as_str())).collect();
    let projects =
        projects.iter().map(|project| [project.id.as_str(), project.key.as_str(), project.name.peek()]).collect();
    Catalogue { entity, own: of(entity), organizations, products, projects }
}

/// The site's service projects, if the query asks for customers of some: Jira has them, and is asked once a minute at most.
async fn projects_named(cx: &Cx, room: &Room, entity: Entity, query: &mut Query) -> Result<Arc<Vec<Project>>> {
    let names = |name: &str| *text::fold(name) == *PROJECT;
    let named = query.clauses_mut().iter().any(|clause| !clause.field.organization && names(&clause.field.name));
    match entity {
        Entity::Customer if named => room.shared.host.callers.projects_named(cx).await,
        _ => Ok(Arc::default()),
    }
}

/// Reads a query; what is wrong with it is an answer, not a failure.
pub(crate) async fn ask(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    written: &str,
    zone: TimeZone,
) -> Result<Result<Question, Vec<Mistake>>> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let mut query = match parse(written) {
        Ok(query) => query,
        Err(mistake) => return Ok(Err(vec![mistake])),
    };
    let (fields, products) = (queryable(cx, room).await?, products::nameable(cx, room).await?);
    let projects = projects_named(cx, room, entity, &mut query).await?;
    let catalogue = catalogue(&fields, &products, &projects, entity);
    let named = match resolve::people(&query, &catalogue) {
        Ok(named) => named,
        Err(mistake) => return Ok(Err(vec![mistake])),
    };
    let mut found = BTreeMap::new();
    for name in named {
        let accounts = people_called(cx, room, &name).await?;
        found.insert(name, accounts);
    }
    let viewer = Author::of(cx.actor()).map(|author| author.stored()).unwrap_or_default();
    let mistakes = resolve::settle_people(&mut query, &catalogue, &found);
    let resolved = resolve::resolve(&query, &catalogue, &viewer, &cx.now().to_zoned(zone));
    Ok(match resolved {
        Err(mut more) => {
            more.extend(mistakes);
            more.sort_by_key(|mistake| mistake.span.start);
            Err(more)
        }
        Ok(_) if !mistakes.is_empty() => Err(mistakes),
        Ok(typed) => {
            let normal = query.to_string();
            lasting::by_ids(&mut query, &catalogue);
            Ok(Question { typed, normal, lasting: query.to_string() })
        }
    })
}

/// Who has this account id, name or address: agents as Jira finds them, and customers of the directory.
async fn people_called(cx: &Cx, room: &Room, name: &str) -> Result<Vec<AccountId>> {
    let wanted = text::fold(name);
    let is = |text: &str| *text::fold(text) == *wanted;
    let mut accounts: Vec<AccountId> = Vec::new();
    for (account, profile) in directory::find_users(cx, room, name).await? {
        let profile = profile.peek();
        if account.as_str() == name {
            return Ok(vec![account]);
        }
        if is(&profile.name) || profile.email.as_deref().is_some_and(is) {
            accounts.push(account);
        }
    }
    let sorted = directory::sorted(cx, room).await?;
    let customers =
        sorted.customers.iter().filter(|line| is(&line.name) || line.email.as_deref().is_some_and(|email| is(email)));
    accounts.extend(customers.map(|line| line.id.clone()));
    accounts.sort();
    accounts.dedup();
    Ok(accounts)
}

/// The same, with what is known of them.
pub(crate) async fn users_called(cx: &Cx, room: &Room, name: &str) -> Result<Vec<(AccountId, Open<Profile>)>> {
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let mut accounts = people_called(cx, room, name).await?;
    accounts.truncate(SAME_NAMED);
    let mut names = directory::names(cx, room, &accounts).await?;
    Ok(accounts.into_iter().filter_map(|account| names.remove(&account).map(|name| (account, name))).collect())
}

/// What may stand where somebody is typing.
pub(crate) async fn complete(cx: &Cx, room: &Room, entity: Entity, written: &str, cursor: usize) -> Result<Completion> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    if written.chars().count() > crate::query::LENGTH_CHARS {
        let detail = format!("A query has at most {} characters.", crate::query::LENGTH_CHARS);
        return Err(Fault::invalid_field("/query", "too_long", detail));
    }
    let (fields, products) = (queryable(cx, room).await?, products::nameable(cx, room).await?);
    let mut completion = complete::complete(written, cursor, &catalogue(&fields, &products, &[], entity));
    match completion.wants.take() {
        Some(Wants::People(typed)) if !typed.is_empty() => {
            let found = directory::find_users(cx, room, &typed).await?;
            completion.items.extend(found.iter().map(|(_, profile)| Item::value(&profile.peek().name)));
        }
        Some(Wants::Organizations(typed)) => {
            let sorted = directory::sorted(cx, room).await?;
            let typed = typed.to_lowercase();
            let found = sorted.organizations.iter().filter(|line| line.search.contains(&typed));
            completion.items.extend(found.take(complete::OFFERED).map(|line| Item::value(&line.name)));
        }
        Some(Wants::Projects(typed)) => {
            let typed = typed.to_lowercase();
            let projects = room.shared.host.callers.projects_named(cx).await?;
            let called = |project: &&Project| {
                project.key.to_lowercase().contains(&typed) || project.name.peek().to_lowercase().contains(&typed)
            };
            let offered = projects.iter().filter(called).take(complete::OFFERED).map(|project| Item {
                label: format!("{} ({})", project.name.peek(), project.key),
                ..Item::value(&project.key)
            });
            completion.items.extend(offered);
        }
        _ => {}
    }
    completion.items.truncate(complete::OFFERED);
    Ok(completion)
}
