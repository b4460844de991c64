//! Entitlements of organizations: reading, and writing as values are written: nothing unseen is overwritten, each change is
//! kept and can be gone back to.

use std::collections::{BTreeMap, HashMap};

use kernel::{AccountId, Cx, Fault, OrganizationId, Result};
use store::{Scoped, changes, ledger};
use vault::{Keys, Open, Place};

use crate::Room;
use crate::actions::announce::announce;
use crate::actions::directory::Name;
use crate::actions::products::{self, OpenProduct};
use crate::actions::reach::reach;
use crate::actions::{access, directory};
use crate::model::{
    Action, Author, Entitlement, EntitlementEntry, Entity, Owner, Permission, ProductAudience, ProductId, Terms,
    TermsChange,
};
use crate::query::evaluate::Entitled;
use crate::rules::entitlements as rules;
use crate::webhooks::event::{Event, EventKind};
use crate::{schema, sql};

/// Organizations whose entitlements one customer is shown; more are Jira's to list.
const ORGANIZATIONS_SHOWN: usize = 20;

/// An entitlement whose terms are open; none: withdrawn.
pub(crate) type OpenEntitlement = Entitlement<Open<Option<Terms>>>;
/// An opened change.
pub(crate) type OpenEntry = EntitlementEntry<Open<TermsChange>>;

/// Products by id.
pub(crate) type Products = BTreeMap<uuid::Uuid, OpenProduct>;

/// What became of a write.
pub(crate) enum Written {
    /// It stands.
    Done(OpenEntitlement),
    /// Somebody was faster: what stands now.
    Conflict(Option<OpenEntitlement>),
}

/// Entitlements of one organization, as somebody may see them.
pub(crate) struct OfOrganization {
    pub(crate) id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) entitlements: Vec<OpenEntitlement>,
}

fn place(owner: &OrganizationId, product: ProductId) -> Place {
    Place::new(&schema::ENTITLEMENT_TERMS, sql::entitlement_row(owner, product))
}

fn entry_place(owner: &OrganizationId, id: i64) -> Place {
    Place::new(&schema::ENTITLEMENT_CHANGE, sql::entry_row(owner, id))
}

fn open(keys: &Keys, owner: &OrganizationId, sealed: sql::SealedEntitlement) -> Result<OpenEntitlement> {
    Ok(Entitlement {
        terms: keys.open(&place(owner, sealed.product), &sealed.terms)?,
        product: sealed.product,
        version: sealed.version,
        updated_at: sealed.updated_at,
        updated_by: sealed.updated_by,
    })
}

fn open_entry(keys: &Keys, owner: &OrganizationId, sealed: sql::SealedEntry) -> Result<OpenEntry> {
    Ok(EntitlementEntry {
        change: keys.open(&entry_place(owner, sealed.id), &sealed.change)?,
        id: sealed.id,
        product: sealed.product,
        at: sealed.at,
        by: sealed.by,
        action: sealed.action,
    })
}

/// The names of products, by id. For whoever was shown an entitlement to them.
pub(crate) async fn products_by_id(cx: &Cx, room: &Room) -> Result<Products> {
    Ok(products::all(cx, room).await?.into_iter().map(|product| (product.id.0, product)).collect())
}

/// All of an organization's, withdrawn ones included. Asks for no permission.
pub(crate) async fn all_of(cx: &Cx, room: &Room, owner: &OrganizationId) -> Result<Vec<OpenEntitlement>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::entitlement_list(&mut room.shared.store.read(cx).await?, owner).await?;
    sealed.into_iter().map(|sealed| open(&keys, owner, sealed)).collect()
}

/// What of entitlements queries look at, of some organizations, by their ids.
pub(crate) async fn entitled(
    cx: &Cx,
    room: &Room,
    owners: &[&OrganizationId],
) -> Result<HashMap<String, Vec<Entitled>>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::entitlement_list_of(&mut room.shared.store.read(cx).await?, owners).await?;
    let mut found: HashMap<String, Vec<Entitled>> = HashMap::new();
    for (id, sealed) in sealed {
        let product = sealed.product;
        let opened = keys.open(&place(&OrganizationId::new(id.as_str())?, product), &sealed.terms)?;
        if let Some(terms) = opened.peek() {
            found.entry(id).or_default().push(Entitled {
                product: product.to_string(),
                starts: rules::stored_day(&terms.starts),
                ends: rules::stored_day(&terms.ends),
                limit: terms.limit,
            });
        }
    }
    Ok(found)
}

/// Those that stand, opened whole: for lists and exports.
pub(crate) async fn open_of(
    cx: &Cx,
    room: &Room,
    owners: &[&OrganizationId],
) -> Result<HashMap<String, Vec<OpenEntitlement>>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::entitlement_list_of(&mut room.shared.store.read(cx).await?, owners).await?;
    let mut found: HashMap<String, Vec<OpenEntitlement>> = HashMap::new();
    for (id, sealed) in sealed {
        let opened = open(&keys, &OrganizationId::new(id.as_str())?, sealed)?;
        if opened.terms.peek().is_some() {
            found.entry(id).or_default().push(opened);
        }
    }
    Ok(found)
}

/// An organization's entitlements, withdrawn ones left out.
pub(crate) async fn read_entitlements(cx: &Cx, room: &Room, owner: &OrganizationId) -> Result<Vec<OpenEntitlement>> {
    reach(cx, room, &Owner::Organization(owner.clone()), Permission::Browse).await?;
    standing(cx, room, owner).await
}

/// The same for whoever was let in already.
pub(crate) async fn standing(cx: &Cx, room: &Room, owner: &OrganizationId) -> Result<Vec<OpenEntitlement>> {
    let mut all = all_of(cx, room, owner).await?;
    all.retain(|entitlement| entitlement.terms.peek().is_some());
    Ok(all)
}

/// What a customer's organizations are entitled to: all of it to agents, to the customer what is open to them. Answers
/// whether the reader is an agent.
pub(crate) async fn read_of_customer(
    cx: &Cx,
    room: &Room,
    account: &AccountId,
) -> Result<(bool, Vec<OfOrganization>, Products)> {
    let reach = reach(cx, room, &Owner::Customer(account.clone()), Permission::Browse).await?;
    let agent = reach.is_agent();
    if agent {
        access::require_about(cx, room, Entity::Organization, Permission::Browse).await?;
    }
    let products = products_by_id(cx, room).await?;
    let open_to_them = |entitlement: &OpenEntitlement| {
        let product = products.get(&entitlement.product.0);
        agent || product.is_some_and(|product| product.audience == ProductAudience::CustomerView)
    };
    let mut organizations = Vec::new();
    for (id, name) in directory::organizations_of(cx, room, account).await?.into_iter().take(ORGANIZATIONS_SHOWN) {
        let mut entitlements = standing(cx, room, &id).await?;
        entitlements.retain(open_to_them);
        if !entitlements.is_empty() {
            organizations.push(OfOrganization { id, name: name.into(), entitlements });
        }
    }
    Ok((agent, organizations, products))
}

/// Gives, changes or, without terms, withdraws an entitlement that has version `before` (0: never given).
pub(crate) async fn write_entitlement(
    cx: &Cx,
    room: &Room,
    owner: &OrganizationId,
    product: ProductId,
    before: i64,
    wanted: Option<Terms>,
) -> Result<Written> {
    reach(cx, room, &Owner::Organization(owner.clone()), Permission::Edit).await?;
    let to = wanted.map(|terms| rules::check_terms(&terms)).transpose().map_err(Fault::invalid_fields)?;
    let action = if to.is_some() { Action::Set } else { Action::Cleared };
    put(cx, room, owner, product, before, to, action).await
}

async fn put(
    cx: &Cx,
    room: &Room,
    owner: &OrganizationId,
    product: ProductId,
    before: i64,
    to: Option<Terms>,
    action: Action,
) -> Result<Written> {
    let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes entitlements."))?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    // What is no product of this tenant is that before anything is compared.
    let retired = is_retired(&mut scoped, product).await?;
    let held = sql::entitlement_get(&mut scoped, owner, product).await?;
    let held = held.map(|held| open(&keys, owner, held)).transpose()?;
    if held.as_ref().map_or(0, |held| held.version) != before {
        return Ok(Written::Conflict(held));
    }
    let from = held.as_ref().and_then(|held| held.terms.peek().clone());
    if retired && from.is_none() && to.is_some() {
        let text = "This product is retired. Bring it back in the settings to give it to somebody.";
        return Err(Fault::invalid("retired", text));
    }
    if from == to {
        return match held {
            Some(held) => Ok(Written::Done(held)),
            // What was never given cannot be taken away.
            None => Err(Fault::not_found()),
        };
    }
    let version = changes::record(&mut scoped, cx, Entity::Organization.name(), owner.as_str()).await?;
    let new = Entitlement {
        product,
        terms: keys.seal(&place(owner, product), &to)?,
        version,
        updated_at: cx.now(),
        updated_by: author.clone(),
    };
    if !sql::entitlement_put(&mut scoped, owner, new, before).await? {
        return Err(Fault::conflict("Somebody changed this entitlement at the same moment. Read it again."));
    }
    let event = Event {
        owner: Some(owner.as_str().to_owned()),
        product: Some(product),
        by: Some(author.clone()),
        ..Event::new(EventKind::entitlement_written(from.is_some(), to.is_some()), version, cx.now())
    };
    announce(&mut scoped, cx, &[event]).await?;
    let change = keys.seal(&entry_place(owner, version), &TermsChange { from, to })?;
    let entry = EntitlementEntry { id: version, product, change, at: cx.now(), by: author, action };
    sql::entry_insert(&mut scoped, owner, entry).await?;
    let kind = match action {
        Action::Cleared => "customers.entitlement_withdrawn",
        Action::Restored => "customers.entitlement_restored",
        Action::Set | Action::Converted | Action::Merged => "customers.entitlement_set",
    };
    let object = format!("organization {product}");
    ledger::append(&mut scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(&object) }).await?;
    let stands = sql::entitlement_get(&mut scoped, owner, product).await?;
    scoped.commit().await?;
    open(&keys, owner, stands.ok_or_else(|| Fault::broken("customers_row", "what was written is not there"))?)
        .map(Written::Done)
}

/// Whether a product is given to nobody anew.
async fn is_retired(scoped: &mut Scoped, id: ProductId) -> Result<bool> {
    let product = sql::product_list(scoped).await?.into_iter().find(|product| product.id == id);
    product.map(|product| product.retired).ok_or_else(Fault::not_found)
}

/// Changes of an organization's entitlements, newest first, older than `before`, and where to go on.
pub(crate) async fn read_history(
    cx: &Cx,
    room: &Room,
    owner: &OrganizationId,
    before: i64,
    limit: u32,
) -> Result<(Vec<OpenEntry>, Option<i64>)> {
    reach(cx, room, &Owner::Organization(owner.clone()), Permission::Browse).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let page = sql::entry_list(&mut room.shared.store.read(cx).await?, owner, before, limit + 1).await?;
    let more = page.len() > limit as usize;
    let shown: Vec<_> = page.into_iter().take(limit as usize).collect();
    let next = if more { shown.last().map(|entry| entry.id) } else { None };
    let opened: Result<Vec<OpenEntry>> = shown.into_iter().map(|entry| open_entry(&keys, owner, entry)).collect();
    Ok((opened?, next))
}

/// Sets an entitlement back to what a change made of it, if it still has version `before`.
pub(crate) async fn restore_entitlement(
    cx: &Cx,
    room: &Room,
    owner: &OrganizationId,
    change: i64,
    before: i64,
) -> Result<Written> {
    reach(cx, room, &Owner::Organization(owner.clone()), Permission::Edit).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::entry_get(&mut room.shared.store.read(cx).await?, owner, change).await?;
    let entry = open_entry(&keys, owner, sealed.ok_or_else(Fault::not_found)?)?;
    let to = entry.change.peek().to.clone();
    put(cx, room, owner, entry.product, before, to, Action::Restored).await
}
