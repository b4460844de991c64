//! Reading uploads as Jira reads them: `multipart/form-data`, files in fields named `file`, and the
//! header that proves that no other site's page sent them.

use axum::{
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{error::ApiError, guard::BeforeOperation};
use crate::state::files::{MAX_AT_ONCE, MAX_FILE, NewFile};

/// Largest upload, in bytes: some files of the greatest size, and what is around them.
pub(crate) const MAX_UPLOAD: usize = 64 * 1024 * 1024;
/// Longest name of a file, in characters.
const MAX_NAME: usize = 255;

/// The files of a request.
pub(crate) struct Upload(pub(crate) Vec<NewFile>);

/// Why an upload was not read.
pub(crate) enum Refusal {
    /// Another site's page may have sent it. Told before any operation, in no API's shape.
    Forged,
    /// It is wrong in itself.
    Wrong(ApiError),
}

impl Refusal {
    /// In the shape of service management.
    pub(crate) fn into_desk(self) -> Response {
        match self {
            Self::Forged => self.into_response(),
            Self::Wrong(error) => error.into_desk().into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Forged => {
                let mut answer = (StatusCode::FORBIDDEN, "XSRF check failed").into_response();
                answer.extensions_mut().insert(BeforeOperation);
                answer
            }
            Self::Wrong(error) => error.into_response(),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Wrong(error)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let token = request.headers().get("x-atlassian-token").and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !matches!(token, "no-check" | "nocheck") {
            return Err(Refusal::Forged);
        }
        let mut form = Multipart::from_request(request, state).await.map_err(|why| {
            ApiError::unsupported(format!("The upload must be multipart/form-data: {}", why.body_text()))
        })?;
        let mut files = Vec::new();
        while let Some(field) = form.next_field().await.map_err(|why| broken(why.status()))? {
            if field.name() == Some("file") {
                if files.len() == MAX_AT_ONCE {
                    return Err(
                        ApiError::too_large(format!("At most {MAX_AT_ONCE} files can be uploaded at once.")).into()
                    );
                }
                files.push(file(field).await?);
            }
        }
        Ok(Self(files))
    }
}

fn broken(status: StatusCode) -> ApiError {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::too_large(format!("The upload exceeds {MAX_UPLOAD} bytes."))
    } else {
        ApiError::bad("The upload is no complete multipart/form-data.")
    }
}

/// One file of a form.
pub(crate) async fn file(mut field: Field<'_>) -> Result<NewFile, ApiError> {
    let filename = name(field.file_name().unwrap_or_default());
    if filename.is_empty() {
        return Err(ApiError::bad("A file without a name cannot be attached."));
    }
    let mime_type = field
        .content_type()
        .map(str::to_owned)
        .unwrap_or_else(|| mime_guess::from_path(&filename).first_or_octet_stream().essence_str().to_owned());
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|why| broken(why.status()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > MAX_FILE {
            return Err(ApiError::too_large(format!(
                "The file \"{filename}\" exceeds the maximum attachment size of {MAX_FILE} bytes."
            )));
        }
    }
    Ok(NewFile { filename, mime_type, bytes: bytes.into() })
}

/// The name alone: no folders, nothing that a terminal or a header would obey, within Jira's length.
fn name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if matches!(clean.as_str(), "." | "..") { String::new() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_files_name_is_a_name_and_no_path() {
        for (sent, kept) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\docs\\b.doc", "b.doc"),
            ("line\r\nbreak.txt", "linebreak.txt"),
            ("Übersicht 2.pdf", "Übersicht 2.pdf"),
            ("..", ""),
            ("x/", ""),
        ] {
            assert_eq!(name(sent), kept, "{sent:?}");
        }
        assert_eq!(name(&"x".repeat(300)).len(), 255);
    }
}
