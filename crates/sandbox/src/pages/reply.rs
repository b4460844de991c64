//! A customer's reply to a request, with files if there are any; and files for whoever may see them.

use std::collections::BTreeMap;

use axum::{
    extract::{Multipart, Path, State as Shared},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    Refusal,
    forms::{Fields, answer_reopens, back, field, genuine, reachable, refused, written},
    message, not_found,
    session::Viewer,
};
use crate::{
    App,
    access::Access,
    adf, media,
    rest::upload,
    state::files::{Files, MAX_AT_ONCE, MAX_FILE, NewFile, Saying},
};

/// What a form sent: texts by name, and files. A field for files that was left empty sends one without a name.
async fn read(app: &App, viewer: &Viewer, mut form: Multipart) -> Result<(Fields, Vec<NewFile>), Refusal> {
    let refuse =
        |why: &str| Box::new(message(app, viewer, StatusCode::UNPROCESSABLE_ENTITY, "Your reply was not sent", why));
    let (mut texts, mut files) = (Fields::new(), Vec::new());
    while let Some(part) = form.next_field().await.map_err(|_| refuse("The upload was not complete. Try again."))? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name() {
            None => {
                let text = part.text().await.map_err(|_| refuse("The upload was not complete. Try again."))?;
                texts.insert(name, text);
            }
            Some("") => {}
            Some(_) if files.len() == MAX_AT_ONCE => {
                return Err(refuse(&format!("At most {MAX_AT_ONCE} files can be sent at once.")));
            }
            Some(_) => files.push(upload::file(part).await.map_err(|_| {
                refuse(&format!("A file may have {} MB, and must have a name.", MAX_FILE / 1024 / 1024))
            })?),
        }
    }
    Ok((texts, files))
}

pub(super) async fn send(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((desk, key)): Path<(String, String)>,
    form: Multipart,
) -> Response {
    let (fields, files) = match read(&app, &viewer, form).await {
        Ok(read) => read,
        Err(refusal) => return *refusal,
    };
    let act = || -> Result<Response, Refusal> {
        genuine(&app, &viewer, &fields)?;
        let id = reachable(&app, &viewer, &key, false)?;
        let text = field(&fields, "text");
        let body = if text.is_empty() && !files.is_empty() {
            adf::from_text("Files were attached.")
        } else {
            written(&app, &viewer, text)?
        };
        let actor = viewer.caller.actor();
        let done = if files.is_empty() {
            app.state.add_comment(&actor, id, body, true, None, BTreeMap::new()).map(drop)
        } else {
            app.state.attach(&actor, id, Files::Sent(files), Some(Saying { body, public: true })).map(drop)
        };
        done.map_err(|error| refused(&app, &viewer, error))?;
        answer_reopens(&app, &actor, id);
        Ok(back(&format!("/servicedesk/customer/portal/{desk}/{key}?done=comment#latest")))
    };
    act().unwrap_or_else(|refusal| *refusal)
}

/// A file, for whoever may see it: on the issue, or by the comment that it came with.
pub(super) async fn file(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((id, _)): Path<(u64, String)>,
    headers: HeaderMap,
) -> Response {
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        store
            .attachment(id)
            .filter(|(issue, file)| {
                (access.browse(issue) || access.see_request(issue)) && access.see_attachment(issue, file)
            })
            .map(|(_, file)| file.clone())
            .zip(store.file(id))
    };
    found.map_or_else(|| not_found(&app, &viewer, "file"), |(file, bytes)| media::serve(&file, bytes, &headers))
}
