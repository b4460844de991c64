//! GET /changes: what changed since, for pages that are open; answered when something does.

use std::time::Duration;

use axum::extract::State;
use kernel::{Fault, FieldFault};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::changes::{self, ChangeKind};

/// A page inside of Jira gets an answer within 25 s or none.
const WAIT_SECONDS: u64 = 20;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(list_changes))
}

/// Since when, and for how long to wait.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// `after` of the answer before; left out, only where things stand now is told.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Seconds to wait for a change when there is none yet, 0 to 20; 0 if left out.
    #[param(minimum = 0, maximum = 20)]
    wait: Option<u64>,
}

/// Something that changed.
#[derive(Serialize, ToSchema)]
struct ChangeHint {
    /// What sort of thing.
    kind: ChangeKind,
    /// Which one.
    id: String,
}

/// What changed.
#[derive(Serialize, ToSchema)]
struct ChangesView {
    /// To be sent with the next call.
    after: i64,
    /// What changed, each thing once; it has to be read to know how it stands.
    changes: Vec<ChangeHint>,
    /// There is more: ask again at once.
    more: bool,
}

/// Read what changed since
///
/// For pages that are open: it is answered when something changes, or after `wait`. Ids alone are told, of what the caller may see.
#[utoipa::path(get, path = "/changes", tag = "people", params(ChangesQuery),
    responses((status = 200, body = ChangesView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_changes(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<ChangesQuery>,
) -> Result<Reply, Problem> {
    let wrong = |pointer: &str, detail: String, limit: u64| FieldFault {
        pointer: pointer.to_owned(),
        code: "out_of_range",
        detail,
        limit: Some(limit),
    };
    let wait = query.wait.unwrap_or_default();
    let mut faults = Vec::new();
    if wait > WAIT_SECONDS {
        faults.push(wrong("/wait", format!("Wait 0 to {WAIT_SECONDS} seconds."), WAIT_SECONDS));
    }
    if query.after.is_some_and(|after| after < 0) {
        faults.push(wrong("/after", "Send `after` of the answer before.".to_owned(), 0));
    }
    if !faults.is_empty() {
        return Err(Fault::invalid_fields(faults).into());
    }
    let told = changes::since(&caller.cx, &room, query.after, Duration::from_secs(wait)).await?;
    Ok(Reply::ok(|_| ChangesView {
        after: told.after,
        changes: told.changes.into_iter().map(|(kind, id)| ChangeHint { kind, id }).collect(),
        more: told.more,
    }))
}
