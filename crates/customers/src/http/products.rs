//! /products

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{IfMatch, Json, Page, Path, Principal, Problem, ProblemBody, Reply, scope};

use crate::Room;
use crate::actions::products::{self, OpenProduct, Wanted};
use crate::model::{ProductAudience, ProductId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(list_products, make_product)).routes(routes!(change_product))
}

/// A product.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProductView {
    /// Its id.
    id: String,
    /// Its name.
    #[schema(example = "Premium support")]
    name: String,
    /// Who sees entitlements to it besides agents.
    audience: ProductAudience,
    /// Whether it is given to nobody anew.
    retired: bool,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl ProductView {
    fn of(product: OpenProduct, exit: &Exit) -> Self {
        Self {
            id: product.id.to_string(),
            name: product.name.release(exit),
            audience: product.audience,
            retired: product.retired,
            version: product.version,
        }
    }
}

/// A product as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductInput {
    /// Its name, 1 to 100 characters, unique.
    #[schema(example = "Premium support", min_length = 1, max_length = 100)]
    name: String,
    /// Who sees entitlements to it besides agents; left out: nobody.
    audience: Option<ProductAudience>,
    /// Whether it is given to nobody anew. What was given stands.
    #[serde(default)]
    retired: bool,
}

impl From<ProductInput> for Wanted {
    fn from(ProductInput { name, audience, retired }: ProductInput) -> Self {
        Self { name, audience: audience.unwrap_or(ProductAudience::Agents), retired }
    }
}

/// List products
///
/// All of them by name, retired ones too.
#[utoipa::path(get, path = "/products", tag = "entitlements", security(("token" = ["fields:read"]), ("bearer" = []), ("session" = [])),
    responses((status = 200, body = Page<ProductView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_products(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsRead>,
) -> Result<Reply, Problem> {
    let products = products::list_products(&cx, &room).await?;
    Ok(Reply::ok(|exit| Page {
        items: products.into_iter().map(|product| ProductView::of(product, exit)).collect(),
        next_cursor: None,
    }))
}

/// Make a product
#[utoipa::path(post, path = "/products", tag = "entitlements", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = ProductInput,
    responses((status = 201, body = ProductView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn make_product(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Json(input): Json<ProductInput>,
) -> Result<Reply, Problem> {
    let product = products::make_product(&cx, &room, input.into()).await?;
    let (location, version) = (format!("/api/v1/products/{}", product.id), product.version);
    Ok(Reply::created(&location, |exit| ProductView::of(product, exit)).version(version))
}

/// Change a product
///
/// Renames it, opens it to customers or closes it, retires it or brings it back. Products are not deleted: history names
/// them.
#[utoipa::path(put, path = "/products/{productId}", tag = "entitlements", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = ProductInput,
    params(("productId" = String, Path, description = "Product id"), ("If-Match" = String, Header, description = "The product's ETag")),
    responses((status = 200, body = ProductView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_product(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ProductId>,
    before: IfMatch,
    Json(input): Json<ProductInput>,
) -> Result<Reply, Problem> {
    let product = products::change_product(&cx, &room, id, before.required()?, input.into()).await?;
    let version = product.version;
    Ok(Reply::ok(|exit| ProductView::of(product, exit)).version(version))
}
