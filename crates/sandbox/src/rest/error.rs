//! Jira's refusals, in its own words and in the shape of the API asked: the platform's
//! `{errorMessages, errors}`, service management's `{errorMessage, i18nErrorMessage}`, and the
//! gateway's `{code, message}`.

use axum::{
    Json,
    extract::rejection::{JsonRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::state::StateError;

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Platform { messages: Vec<String>, fields: Vec<(String, String)> },
    Desk { message: String, key: String },
    Gateway(String),
    Other(Value),
}

impl ApiError {
    fn platform(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: Body::Platform { messages: vec![message.into()], fields: Vec::new() } }
    }

    /// 404 with Jira's words for an issue that isn't there or may not be seen.
    pub(crate) fn no_issue() -> Self {
        Self::not_found("Issue does not exist or you do not have permission to see it.")
    }

    /// 404.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::NOT_FOUND, message)
    }

    /// 400 with messages.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::BAD_REQUEST, message)
    }

    /// 400 with several messages.
    pub(crate) fn bad_all(messages: Vec<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: Body::Platform { messages, fields: Vec::new() } }
    }

    /// 400 with a message for one field.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![(field.into(), message.into())])
    }

    /// 400 with a message for each of some fields.
    pub(crate) fn fields(fields: Vec<(String, String)>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: Body::Platform { messages: Vec::new(), fields } }
    }

    /// 401 with Jira's words.
    pub(crate) fn unauthorized() -> Self {
        Self::platform(
            StatusCode::UNAUTHORIZED,
            "You are not authenticated. Authentication required to perform this operation.",
        )
    }

    /// 403.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::FORBIDDEN, message)
    }

    /// 410 for operations that Atlassian removed.
    pub(crate) fn gone(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::GONE, message)
    }

    /// 413.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 415.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::platform(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// A refusal of service management.
    pub(crate) fn desk(status: StatusCode, message: impl Into<String>, key: &str) -> Self {
        Self { status, body: Body::Desk { message: message.into(), key: key.to_owned() } }
    }

    /// 404 of service management.
    pub(crate) fn desk_not_found(message: impl Into<String>, key: &str) -> Self {
        Self::desk(StatusCode::NOT_FOUND, message, key)
    }

    /// 400 of service management.
    pub(crate) fn desk_bad(message: impl Into<String>, key: &str) -> Self {
        Self::desk(StatusCode::BAD_REQUEST, message, key)
    }

    /// 403 of service management.
    pub(crate) fn desk_forbidden() -> Self {
        Self::desk(
            StatusCode::FORBIDDEN,
            "The user does not have permission to perform this action.",
            "sd.agent.servicedesk.error.403",
        )
    }

    /// 401 of service management.
    pub(crate) fn desk_unauthorized() -> Self {
        Self::desk(
            StatusCode::UNAUTHORIZED,
            "Client must be authenticated to access this resource.",
            "sd.error.unauthenticated",
        )
    }

    /// 412 of service management for experimental operations asked without the header.
    pub(crate) fn experimental() -> Self {
        Self::desk(
            StatusCode::PRECONDITION_FAILED,
            "This API is experimental. Experimental APIs are not guaranteed to be stable within the preview period. You must set the header 'X-ExperimentalApi: opt-in' to opt into using this API.",
            "sd.error.experimental.api",
        )
    }

    /// The same refusal in the shape of service management.
    pub(crate) fn into_desk(self) -> Self {
        let message = match self.body {
            Body::Platform { mut messages, fields } => {
                messages.extend(fields.into_iter().map(|(field, why)| format!("{field}: {why}")));
                messages.join(" ")
            }
            Body::Desk { .. } | Body::Gateway(_) | Body::Other(_) => return self,
        };
        Self::desk(self.status, message, "sd.validation.error")
    }

    /// A refusal of the properties of apps.
    pub(crate) fn operation(status: StatusCode, message: &str) -> Self {
        Self { status, body: Body::Other(json!({"message": message, "statusCode": status.as_u16()})) }
    }

    /// The same refusal in the shape of the properties of apps.
    pub(crate) fn into_operation(self) -> Self {
        match self.body {
            Body::Platform { messages, .. } => Self::operation(self.status, &messages.join(" ")),
            Body::Desk { .. } | Body::Gateway(_) | Body::Other(_) => self,
        }
    }

    /// The gateway's 401.
    pub(crate) fn gateway_unauthorized() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: Body::Gateway("Unauthorized".to_owned()) }
    }

    /// The gateway's 401 for a missing scope.
    pub(crate) fn scope() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: Body::Gateway("Unauthorized; scope does not match".to_owned()) }
    }

    /// The gateway's 404.
    pub(crate) fn no_such_cloud() -> Self {
        Self { status: StatusCode::NOT_FOUND, body: Body::Gateway("Not Found".to_owned()) }
    }

    /// What the gateway answers on a bad day.
    pub(crate) fn gateway(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Self { status, body: Body::Gateway(status.canonical_reason().unwrap_or_default().to_owned()) }
    }

    /// 403 for a Bearer token at the site's own address.
    pub(crate) fn bearer_at_site() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            body: Body::Other(json!({"error": "Failed to parse Connect Session Auth Token"})),
        }
    }

    /// 401 for a token of Connect's that is not good for this request.
    pub(crate) fn connect_unauthorized() -> Self {
        Self::platform(StatusCode::UNAUTHORIZED, "JWT authentication failed.")
    }

    /// 404 for a path that no resource has.
    pub(crate) fn no_resource(path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            body: Body::Other(json!({"message": format!("null for uri: {path}"), "status-code": 404})),
        }
    }
}

impl From<StateError> for ApiError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NotFound => Self::no_issue(),
            StateError::Conflict(message) | StateError::Invalid(message) => Self::bad(message),
            StateError::Full(message) => Self::too_large(message),
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large("The request body is too large."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::platform(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")
            }
            _ => Self::bad("Invalid request payload. Refer to the REST API documentation and try again."),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad(rejection.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = match self.body {
            Body::Platform { messages, fields } => {
                let fields: Map<String, Value> = fields.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
                json!({"errorMessages": messages, "errors": fields})
            }
            Body::Desk { message, key } => json!({
                "errorMessage": message,
                "i18nErrorMessage": {"i18nKey": key, "parameters": []},
            }),
            Body::Gateway(message) => json!({"code": self.status.as_u16(), "message": message}),
            Body::Other(value) => value,
        };
        (self.status, Json(body)).into_response()
    }
}
