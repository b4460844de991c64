//! Products, entitlements and their history.

use kernel::{Fault, OrganizationId, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{
    Action, Author, Entitlement, EntitlementEntry, Product, ProductAudience, ProductId, Terms, TermsChange,
};

const PRODUCT_LIST: &str =
    "SELECT id, audience, version, retired, name FROM product WHERE tenant = $1 ORDER BY id LIMIT 1000";
const PRODUCT_BY_HASH: &str = "SELECT id FROM product WHERE tenant = $1 AND name_hash = $2";
const PRODUCT_INSERT: &str = "INSERT INTO product (tenant, id, audience, version, retired, name, name_hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const PRODUCT_UPDATE: &str = "UPDATE product SET audience = $3, version = $4, retired = $5, name = $6, name_hash = $7 \
     WHERE tenant = $1 AND id = $2 AND version = $8";
const LIST: &str = "SELECT product, terms, version, updated_at, updated_by FROM entitlement \
     WHERE tenant = $1 AND owner = $2 ORDER BY product LIMIT 1000";
const LIST_OF: &str = "WITH asked (tenant, owner) AS (VALUES {rows}) \
     SELECT held.owner, product, terms, version, updated_at, updated_by FROM asked CROSS JOIN entitlement AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.owner = asked.owner ORDER BY held.owner, product";
const GET: &str = "SELECT product, terms, version, updated_at, updated_by FROM entitlement \
     WHERE tenant = $1 AND owner = $2 AND product = $3";
const INSERT: &str = "INSERT INTO entitlement (tenant, owner, product, terms, version, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, owner, product) DO NOTHING";
const UPDATE: &str = "UPDATE entitlement SET terms = $4, version = $5, updated_at = $6, updated_by = $7 \
     WHERE tenant = $1 AND owner = $2 AND product = $3 AND version = $8";
const HISTORY_INSERT: &str = "INSERT INTO entitlement_history (tenant, owner, id, product, change, action, at, actor) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const HISTORY_LIST: &str = "SELECT id, product, change, action, at, actor FROM entitlement_history \
     WHERE tenant = $1 AND owner = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
const HISTORY_GET: &str = "SELECT id, product, change, action, at, actor FROM entitlement_history \
     WHERE tenant = $1 AND owner = $2 AND id = $3";

pub(crate) type SealedProduct = Product<Sealed<String>>;
pub(crate) type SealedEntitlement = Entitlement<Sealed<Option<Terms>>>;
pub(crate) type SealedEntry = EntitlementEntry<Sealed<TermsChange>>;

/// The row's name of a product in associated data.
pub(crate) fn product_row(id: ProductId) -> RowName {
    RowName::new().uuid(id.0)
}

/// The row's name of an entitlement in associated data.
pub(crate) fn entitlement_row(owner: &OrganizationId, product: ProductId) -> RowName {
    RowName::new().text(owner.as_str()).uuid(product.0)
}

/// The row's name of a change in associated data.
pub(crate) fn entry_row(owner: &OrganizationId, id: i64) -> RowName {
    RowName::new().text(owner.as_str()).int(id)
}

fn product(row: &Row) -> Result<SealedProduct> {
    Ok(Product {
        id: ProductId(row.uuid("id")?),
        audience: ProductAudience::parse(&row.text("audience")?)
            .ok_or_else(|| Fault::broken("customers_row", "product.audience is not from its closed set"))?,
        version: row.int("version")?,
        retired: row.bool("retired")?,
        name: row.sealed("name")?,
    })
}

/// All products; their number is bounded by the rules.
pub(crate) async fn product_list(scoped: &mut Scoped) -> Result<Vec<SealedProduct>> {
    scoped.rows(PRODUCT_LIST, Vec::new()).await?.iter().map(product).collect()
}

/// The product that has this name, retired ones included.
pub(crate) async fn product_named(scoped: &mut Scoped, hash: &[u8]) -> Result<Option<ProductId>> {
    scoped.row(PRODUCT_BY_HASH, args![hash]).await?.map(|row| Ok(ProductId(row.uuid("id")?))).transpose()
}

pub(crate) async fn product_insert(scoped: &mut Scoped, new: SealedProduct, hash: &[u8]) -> Result<()> {
    let words = args![new.id.0, new.audience.name(), new.version, new.retired, new.name, hash];
    scoped.run(PRODUCT_INSERT, words).await.map(drop)
}

/// Writes the product if it still has version `before`.
pub(crate) async fn product_update(scoped: &mut Scoped, new: SealedProduct, hash: &[u8], before: i64) -> Result<bool> {
    let words = args![new.id.0, new.audience.name(), new.version, new.retired, new.name, hash, before];
    Ok(scoped.run(PRODUCT_UPDATE, words).await? == 1)
}

fn entitlement(row: &Row) -> Result<SealedEntitlement> {
    Ok(Entitlement {
        product: ProductId(row.uuid("product")?),
        terms: row.sealed("terms")?,
        version: row.int("version")?,
        updated_at: row.instant("updated_at")?,
        updated_by: Author::parse(&row.text("updated_by")?)?,
    })
}

/// An organization's, withdrawn ones included.
pub(crate) async fn entitlement_list(scoped: &mut Scoped, owner: &OrganizationId) -> Result<Vec<SealedEntitlement>> {
    scoped.rows(LIST, args![owner.as_str()]).await?.iter().map(entitlement).collect()
}

/// Those of some organizations, with whose they are; one's in the order of products.
pub(crate) async fn entitlement_list_of(
    scoped: &mut Scoped,
    owners: &[&OrganizationId],
) -> Result<Vec<(String, SealedEntitlement)>> {
    let keys: Vec<_> = owners.iter().map(|owner| args![*owner]).collect();
    let rows = scoped.rows_of(LIST_OF, &keys).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, entitlement(row)?))).collect()
}

pub(crate) async fn entitlement_get(
    scoped: &mut Scoped,
    owner: &OrganizationId,
    product: ProductId,
) -> Result<Option<SealedEntitlement>> {
    scoped.row(GET, args![owner.as_str(), product.0]).await?.as_ref().map(entitlement).transpose()
}

/// Writes an entitlement that still has version `before` (0: never written); false when somebody was faster.
pub(crate) async fn entitlement_put(
    scoped: &mut Scoped,
    owner: &OrganizationId,
    new: SealedEntitlement,
    before: i64,
) -> Result<bool> {
    let mut words =
        args![owner.as_str(), new.product.0, new.terms, new.version, new.updated_at, new.updated_by.stored()];
    let changed = if before == 0 {
        scoped.run(INSERT, words).await?
    } else {
        words.extend(args![before]);
        scoped.run(UPDATE, words).await?
    };
    Ok(changed == 1)
}

fn entry(row: &Row) -> Result<SealedEntry> {
    Ok(EntitlementEntry {
        id: row.int("id")?,
        product: ProductId(row.uuid("product")?),
        change: row.sealed("change")?,
        at: row.instant("at")?,
        by: Author::parse(&row.text("actor")?)?,
        action: Action::parse(&row.text("action")?)
            .ok_or_else(|| Fault::broken("customers_row", "entitlement_history.action is not from its closed set"))?,
    })
}

pub(crate) async fn entry_insert(scoped: &mut Scoped, owner: &OrganizationId, new: SealedEntry) -> Result<()> {
    let by = new.by.stored();
    let words = args![owner.as_str(), new.id, new.product.0, new.change, new.action.name(), new.at, by];
    scoped.run(HISTORY_INSERT, words).await.map(drop)
}

/// Changes older than `before`, newest first.
pub(crate) async fn entry_list(
    scoped: &mut Scoped,
    owner: &OrganizationId,
    before: i64,
    limit: u32,
) -> Result<Vec<SealedEntry>> {
    scoped.rows(HISTORY_LIST, args![owner.as_str(), before, limit]).await?.iter().map(entry).collect()
}

pub(crate) async fn entry_get(scoped: &mut Scoped, owner: &OrganizationId, id: i64) -> Result<Option<SealedEntry>> {
    scoped.row(HISTORY_GET, args![owner.as_str(), id]).await?.as_ref().map(entry).transpose()
}
