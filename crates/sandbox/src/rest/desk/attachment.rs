//! Files of requests: laid aside for a desk, then attached with a comment that is as public as they
//! are. Customers attach and see public ones only.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DeskBody, comment, experimental, page, portal, request::visible};
use crate::{
    App, adf,
    auth::Caller,
    media,
    rest::{
        Shape,
        error::ApiError,
        request::Params,
        upload::{MAX_UPLOAD, Refusal, Upload},
    },
    state::{
        Attachment, Issue,
        files::{Files, MAX_AT_ONCE, Saying},
    },
};

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/rest/servicedeskapi/request/{issueIdOrKey}";
    Router::new()
        .route(
            "/rest/servicedeskapi/servicedesk/{serviceDeskId}/attachTemporaryFile",
            post(lay_aside).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route(&format!("{ONE}/attachment"), get(list).post(attach))
        .route(&format!("{ONE}/attachment/{{attachmentId}}"), get(content))
        .route(&format!("{ONE}/comment/{{commentId}}/attachment"), get(of_comment))
}

async fn lay_aside(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    upload: Result<Upload, Refusal>,
) -> Result<Response, ApiError> {
    let desk = portal(&Shape::new(&app.state.read(), &app.state, &caller), &id)?.id.clone();
    let Upload(files) = match upload {
        Ok(upload) => upload,
        Err(refusal) => return Ok(refusal.into_desk()),
    };
    if files.is_empty() {
        return Err(ApiError::desk_bad("No file was sent in a field named 'file'.", "sd.attachment.error.no.file"));
    }
    let told = app.state.lay_aside(caller.account(), &desk, files).map_err(|e| ApiError::from(e).into_desk())?;
    let told: Vec<Value> =
        told.iter().map(|(id, name)| json!({"temporaryAttachmentId": id, "fileName": name})).collect();
    Ok((StatusCode::CREATED, Json(json!({"temporaryAttachments": told}))).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewAttachments {
    #[serde(default)]
    temporary_attachment_ids: Vec<String>,
    public: Option<bool>,
    additional_comment: Option<comment::Additional>,
}

async fn attach(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    DeskBody(new): DeskBody<NewAttachments>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let public = new.public.unwrap_or(true);
    let (issue, desk) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = visible(&shape, &key)?;
        if !public && !shape.access.work_on(&issue) {
            return Err(ApiError::desk_forbidden());
        }
        (issue.id, store.desk_of(&issue.project_id).map(|desk| desk.id.clone()).unwrap_or_default())
    };
    let mut ids = new.temporary_attachment_ids;
    ids.dedup();
    if ids.is_empty() || ids.len() > MAX_AT_ONCE {
        return Err(ApiError::desk_bad(
            format!("Between 1 and {MAX_AT_ONCE} temporary attachment ids are needed."),
            "sd.attachment.error.no.ids",
        ));
    }
    let body = match new.additional_comment.and_then(|said| said.body) {
        Some(said) => comment::text(Some(&said))?,
        None => adf::from_text("Files were attached."),
    };
    let made = app
        .state
        .attach(&caller.actor(), issue, Files::LaidAside(desk, ids), Some(Saying { body, public }))
        .map_err(|e| ApiError::from(e).into_desk())?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let comment = made.comment.as_ref().map(|comment| shape.request_comment(&made.issue, comment, &[]));
    let files: Vec<&Attachment> = made.files.iter().collect();
    let attachments = shape.attachments(&made.issue, &files, "attachment", (0, MAX_AT_ONCE));
    Ok((StatusCode::CREATED, Json(json!({"comment": comment, "attachments": attachments}))))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    Ok(Json(shape.attachments(&issue, &shape.seen_attachments(&issue), "attachment", bounds)))
}

async fn of_comment(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    experimental(&headers)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let comment = comment::seen(&shape, &issue, &id)?;
    let files: Vec<&Attachment> =
        shape.seen_attachments(&issue).into_iter().filter(|file| file.comment_id == Some(comment.id)).collect();
    Ok(Json(shape.attachments(&issue, &files, &format!("comment/{id}/attachment"), bounds)))
}

async fn content(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Redirect, ApiError> {
    let none = || {
        ApiError::desk_not_found(
            format!("The attachment with id {id} does not exist."),
            "sd.attachment.error.not.exist",
        )
    };
    let file = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = visible(&shape, &key)?;
        let seen = shape.seen_attachments(&issue);
        let file = seen.into_iter().find(|file| file.id.to_string() == id).cloned().ok_or_else(none)?;
        store.file(file.id).ok_or_else(none)?;
        file
    };
    Ok(Redirect::to(&media::address(&app, &file)))
}

impl Shape<'_> {
    /// The attachments that the caller may see.
    pub(super) fn seen_attachments<'i>(&self, issue: &'i Issue) -> Vec<&'i Attachment> {
        issue.attachments.iter().filter(|file| self.access.see_attachment(issue, file)).collect()
    }

    /// A page of attachments; `path` below the request.
    pub(super) fn attachments(
        &self,
        issue: &Issue,
        files: &[&Attachment],
        path: &str,
        bounds: (usize, usize),
    ) -> Value {
        page::page(self.state.site_url(), &format!("request/{}/{path}", issue.id), files, bounds, |file| {
            let own = self.desk_url(&format!("request/{}/attachment/{}", issue.id, file.id));
            json!({
                "filename": file.filename,
                "author": self.desk_user(&file.author),
                "created": self.date(file.created_at),
                "size": file.size,
                "mimeType": file.mime_type,
                "_links": {
                    "self": own,
                    "jiraRest": self.url(&format!("attachment/{}", file.id)),
                    "content": own,
                },
            })
        })
    }
}
