//! Who may do what here: permissions as administrators granted them, and the questions asked of them.

use std::collections::{BTreeMap, BTreeSet};

use host::client::RoleId;
use kernel::{AccountId, Cx, Fault, KeyClass, Result, TokenScope};
use store::{Store, ledger};
use vault::{Keys, Open, Place, Subject, Vault};

use crate::Room;
use crate::model::{Entity, Holder, Owner, Permission, Permissions};
use crate::{rules, schema, sql};

fn place(cx: &Cx) -> Place {
    Place::new(&schema::PERMISSION_BODY, kernel::RowName::new().uuid(cx.tenant().0))
}

/// The tenant's own keys: definitions and organizations' values.
pub(crate) async fn tenant_keys(cx: &Cx, room: &Room) -> Result<Keys> {
    room.shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await
}

/// The keys that an owner's values lie under.
pub(crate) async fn owner_keys(cx: &Cx, room: &Room, owner: &Owner) -> Result<Keys> {
    match owner {
        Owner::Customer(account) => room.shared.vault.keys(cx, KeyClass::Data, Subject::Person(account)).await,
        Owner::Organization(_) => tenant_keys(cx, room).await,
    }
}

/// Owners and their keys, by their ids.
pub(crate) type OwnerKeys<'o> = BTreeMap<&'o str, (&'o Owner, Keys)>;

/// The keys of these owners, fetched at once, by their ids.
pub(crate) async fn keys_of_owners<'o>(cx: &Cx, room: &Room, owners: &[&'o Owner]) -> Result<OwnerKeys<'o>> {
    let people: Vec<&AccountId> = owners
        .iter()
        .filter_map(|owner| match owner {
            Owner::Customer(account) => Some(account),
            Owner::Organization(_) => None,
        })
        .collect();
    let mut of_people = room.shared.vault.keys_of_people(cx, KeyClass::Data, &people).await?.into_iter();
    let of_tenant = tenant_keys(cx, room).await?;
    let mut keys = BTreeMap::new();
    for owner in owners {
        let own = match owner {
            Owner::Customer(_) => of_people.next().ok_or_else(|| Fault::broken("customers_keys", "too few keys"))?,
            Owner::Organization(_) => of_tenant.clone(),
        };
        keys.insert(owner.id(), (*owner, own));
    }
    Ok(keys)
}

/// A keyed hash of a name, for uniqueness.
pub(crate) async fn name_hash(cx: &Cx, room: &Room, domain: &str, name: &str) -> Result<[u8; 32]> {
    let keys = room.shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    keys.hash(domain, rules::name_key(name).as_bytes())
}

/// The name that the ledger knows a person by; it goes when the person's salt goes.
pub(crate) async fn pseudonym(cx: &Cx, room: &Room, account: &AccountId) -> Result<Vec<u8>> {
    web::person_pseudonym(cx, &room.shared.vault, account).await
}

/// The acting person's or token's pseudonym.
pub(crate) async fn actor_pseudonym(cx: &Cx, room: &Room) -> Result<Option<Vec<u8>>> {
    web::pseudonym(cx, &room.shared.vault).await
}

/// The permissions as granted, and their version; 0 when nobody has changed them yet.
pub(crate) async fn granted(cx: &Cx, room: &Room) -> Result<(i64, Open<Permissions>)> {
    granted_in(cx, &room.shared.store, &room.shared.vault).await
}

async fn granted_in(cx: &Cx, store: &Store, vault: &Vault) -> Result<(i64, Open<Permissions>)> {
    let keys = vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    match sql::permission_get(&mut store.read(cx).await?).await? {
        Some((version, sealed)) => Ok((version, keys.open(&place(cx), &sealed)?)),
        None => {
            let sealed = keys.seal(&place(cx), &Permissions::default())?;
            Ok((0, keys.open(&place(cx), &sealed)?))
        }
    }
}

/// What the caller may do. Of an API token, what it may do with customers and organizations alike.
pub(crate) async fn permissions(cx: &Cx, room: &Room) -> Result<BTreeSet<Permission>> {
    held(cx, room, None).await
}

/// What the caller may do with customers, or with organizations.
pub(crate) async fn permissions_about(cx: &Cx, room: &Room, about: Entity) -> Result<BTreeSet<Permission>> {
    held(cx, room, Some(about)).await
}

/// What the caller may do with either.
pub(crate) async fn permissions_about_any(cx: &Cx, room: &Room) -> Result<BTreeSet<Permission>> {
    let mut either = permissions_about(cx, room, Entity::Customer).await?;
    if cx.token().is_some() {
        either.extend(permissions_about(cx, room, Entity::Organization).await?);
    }
    Ok(either)
}

pub(crate) async fn held(cx: &Cx, room: &Room, about: Option<Entity>) -> Result<BTreeSet<Permission>> {
    if let Some(token) = cx.token() {
        return Ok(rules::permissions_of_token(token, about));
    }
    let (_, granted) = granted(cx, room).await?;
    Ok(rules::permissions_of(cx.standing(), granted.peek()))
}

/// Whether the caller sees all definitions, and not only those that customers may see.
pub(crate) async fn sees_definitions(cx: &Cx, room: &Room) -> Result<bool> {
    match cx.token() {
        Some(token) => Ok(token.may(TokenScope::FieldsRead)),
        None => Ok(permissions(cx, room).await?.contains(&Permission::Browse)),
    }
}

/// Refuses whoever lacks the permission for customers and organizations alike.
pub(crate) async fn require(cx: &Cx, room: &Room, needed: Permission) -> Result<()> {
    demand(cx, room, None, needed).await
}

/// Refuses whoever lacks the permission for customers, or for organizations.
pub(crate) async fn require_about(cx: &Cx, room: &Room, about: Entity, needed: Permission) -> Result<()> {
    demand(cx, room, Some(about), needed).await
}

async fn demand(cx: &Cx, room: &Room, about: Option<Entity>, needed: Permission) -> Result<()> {
    if held(cx, room, about).await?.contains(&needed) {
        return Ok(());
    }
    if cx.token().is_some() {
        return Err(Fault::refused("The API token's scopes do not allow this."));
    }
    Err(Fault::refused(match needed {
        Permission::Browse => {
            "You may not see customers' fields. A Jira administrator can grant it in Steward's settings."
        }
        Permission::Edit => {
            "You may not change customers' fields. A Jira administrator can grant it in Steward's settings."
        }
        Permission::Configure => "You may not change Steward's settings. A Jira administrator can grant it there.",
    }))
}

/// Replaces the permissions that have version `before`.
pub(crate) async fn grant_permissions(
    cx: &Cx,
    room: &Room,
    wanted: Permissions,
    before: i64,
) -> Result<(i64, Open<Permissions>)> {
    require(cx, room, Permission::Configure).await?;
    let faults: Vec<_> = [("/browse", &wanted.browse), ("/edit", &wanted.edit), ("/configure", &wanted.configure)]
        .into_iter()
        .flat_map(|(pointer, holders)| rules::check_holders(pointer, holders))
        .collect();
    if !faults.is_empty() {
        return Err(Fault::invalid_fields(faults));
    }
    let keys = tenant_keys(cx, room).await?;
    let actor = actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(cx), &wanted)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = store::changes::record(&mut scoped, cx, "permission", "all").await?;
    if !sql::permission_put(&mut scoped, version, sealed.clone(), before).await? {
        return Err(Fault::conflict("Somebody changed the permissions since you opened them. Read them again."));
    }
    let entry = ledger::Entry { kind: "customers.permissions_changed", actor, ..ledger::Entry::default() };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await?;
    Ok((version, keys.open(&place(cx), &sealed)?))
}

/// The project roles that permissions name.
pub(crate) async fn roles_in_use(cx: &Cx, store: &Store, vault: &Vault) -> Result<Vec<RoleId>> {
    let (_, granted) = granted_in(cx, store, vault).await?;
    let granted = granted.peek();
    Ok([&granted.browse, &granted.edit, &granted.configure]
        .into_iter()
        .flatten()
        .filter_map(|holder| match holder {
            Holder::ProjectRole { id, .. } => RoleId::new(id.as_str()).ok(),
            Holder::Agents | Holder::JiraAdmins | Holder::Group { .. } => None,
        })
        .collect())
}
