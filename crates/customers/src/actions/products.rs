//! The tenant's products: made, renamed and retired by whoever may configure; none is deleted, because history names it.

use kernel::{Cx, Fault, Result};
use store::{Scoped, changes, ledger};
use vault::{Open, Place};

use crate::Room;
use crate::actions::access;
use crate::actions::fields::too_many;
use crate::model::{Entity, Permission, Product, ProductAudience, ProductId};
use crate::rules::entitlements::PRODUCTS;
use crate::{rules, schema, sql};

/// A product whose name is open.
pub(crate) type OpenProduct = Product<Open<String>>;

/// What somebody wants a product to be.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) audience: ProductAudience,
    pub(crate) retired: bool,
}

fn place(id: ProductId) -> Place {
    Place::new(&schema::PRODUCT_NAME, sql::product_row(id))
}

/// All products, retired ones too, by name. Asks for no permission: what of it leaves is the caller's business.
pub(crate) async fn all(cx: &Cx, room: &Room) -> Result<Vec<OpenProduct>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::product_list(&mut room.shared.store.read(cx).await?).await?;
    let opened: Result<Vec<OpenProduct>> = sealed
        .into_iter()
        .map(|product| {
            let name = keys.open(&place(product.id), &product.name)?;
            let Product { id, audience, version, retired, .. } = product;
            Ok(Product { id, audience, version, retired, name })
        })
        .collect();
    let mut products = opened?;
    products.sort_by_cached_key(|product| rules::name_key(product.name.peek()));
    Ok(products)
}

/// Those that queries may name: all, to whoever may browse organizations.
pub(crate) async fn nameable(cx: &Cx, room: &Room) -> Result<Vec<OpenProduct>> {
    if access::held(cx, room, Some(Entity::Organization)).await?.contains(&Permission::Browse) {
        return all(cx, room).await;
    }
    Ok(Vec::new())
}

/// The products, for whoever sees definitions.
pub(crate) async fn list_products(cx: &Cx, room: &Room) -> Result<Vec<OpenProduct>> {
    if !access::sees_definitions(cx, room).await? {
        access::require(cx, room, Permission::Browse).await?;
    }
    all(cx, room).await
}

async fn one(cx: &Cx, room: &Room, id: ProductId) -> Result<OpenProduct> {
    all(cx, room).await?.into_iter().find(|product| product.id == id).ok_or_else(Fault::not_found)
}

/// Makes a product.
pub(crate) async fn make_product(cx: &Cx, room: &Room, wanted: Wanted) -> Result<OpenProduct> {
    access::require(cx, room, Permission::Configure).await?;
    let name = rules::check_name("/name", &wanted.name).map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
    let id = ProductId::fresh();
    let keys = access::tenant_keys(cx, room).await?;
    let hash = access::name_hash(cx, room, "product name", &name).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(id), &name)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "product", &id.to_string()).await?;
    if sql::product_list(&mut scoped).await?.len() >= PRODUCTS {
        return Err(too_many("products", PRODUCTS));
    }
    check_unique(&mut scoped, &hash, None).await?;
    let product = Product { id, audience: wanted.audience, version, retired: wanted.retired, name: sealed };
    sql::product_insert(&mut scoped, product, &hash).await?;
    note(&mut scoped, cx, "customers.product_made", actor, id).await?;
    scoped.commit().await?;
    one(cx, room, id).await
}

/// Renames, opens, retires or brings back a product that has version `before`.
pub(crate) async fn change_product(
    cx: &Cx,
    room: &Room,
    id: ProductId,
    before: i64,
    wanted: Wanted,
) -> Result<OpenProduct> {
    access::require(cx, room, Permission::Configure).await?;
    one(cx, room, id).await?;
    let name = rules::check_name("/name", &wanted.name).map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
    let keys = access::tenant_keys(cx, room).await?;
    let hash = access::name_hash(cx, room, "product name", &name).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(id), &name)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "product", &id.to_string()).await?;
    check_unique(&mut scoped, &hash, Some(id)).await?;
    let product = Product { id, audience: wanted.audience, version, retired: wanted.retired, name: sealed };
    if !sql::product_update(&mut scoped, product, &hash, before).await? {
        return Err(Fault::conflict("Somebody changed this product since you opened it. Read it again."));
    }
    note(&mut scoped, cx, "customers.product_changed", actor, id).await?;
    scoped.commit().await?;
    one(cx, room, id).await
}

async fn note(scoped: &mut Scoped, cx: &Cx, kind: &'static str, actor: Option<Vec<u8>>, id: ProductId) -> Result<()> {
    let object = id.to_string();
    ledger::append(scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(&object) }).await.map(drop)
}

async fn check_unique(scoped: &mut Scoped, hash: &[u8], except: Option<ProductId>) -> Result<()> {
    match sql::product_named(scoped, hash).await? {
        Some(other) if Some(other) != except => {
            Err(Fault::invalid_field("/name", "not_unique", "Another product has this name."))
        }
        _ => Ok(()),
    }
}
