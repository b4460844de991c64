//! What can go wrong, as its receiver may know it.
//!
//! A [`Fault`] has a public half (kind, code, text, fields) and a private one (the source). It has no
//! `Display`: only `web::reply` renders the public half, and only the logger sees the private one.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The result of everything that can fail towards a caller.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No such thing, or none that the caller may know of: the same to the byte.
    NotFound,
    /// The caller is not proven.
    Unauthenticated,
    /// The caller is known, and may not.
    Refused,
    /// The input is wrong; `fields` says where.
    Invalid,
    /// The thing changed under the caller.
    Conflict,
    /// Not now: try again.
    Busy,
    /// Our fault; the caller learns a code and a request id.
    Broken,
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON pointer into the body, or `/name` of a parameter.
    pub pointer: String,
    /// Stable code: `required`, `too_long`, `format`, …
    pub code: &'static str,
    /// What to do, in a sentence.
    pub detail: String,
    /// The bound that was passed, if there is one.
    pub limit: Option<u64>,
}

/// A fault on its way to the caller.
pub struct Fault {
    kind: Kind,
    code: &'static str,
    text: Cow<'static, str>,
    fields: Vec<FieldFault>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    fn new(kind: Kind, code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code, text: text.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// Nothing here, or nothing that the caller may know of. Takes no text: all of them are alike.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "not_found", "There is nothing here, or nothing that you may see.")
    }

    /// The caller is not proven.
    pub fn unauthenticated(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unauthenticated, code, text)
    }

    /// The caller may not.
    pub fn refused(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Refused, "refused", text)
    }

    /// The input as a whole is wrong.
    pub fn invalid(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, code, text)
    }

    /// One field is wrong.
    pub fn invalid_field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldFault { pointer: pointer.into(), code, detail: detail.into(), limit: None }])
    }

    /// Several fields are wrong, all of them told at once.
    pub fn invalid_fields(fields: Vec<FieldFault>) -> Self {
        let mut fault = Self::invalid("invalid", "Some of what was sent cannot be accepted.");
        fault.fields = fields;
        fault
    }

    /// The thing changed since the caller read it.
    pub fn conflict(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, "conflict", text)
    }

    /// The same request is being done, or was done before.
    pub fn duplicate(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, code, text)
    }

    /// The caller must say which version it changes.
    pub fn precondition_required() -> Self {
        Self::new(
            Kind::Conflict,
            "precondition_required",
            "Send `If-Match` with the ETag that you read, so that nobody's change is overwritten.",
        )
    }

    /// Not now; try again, after `retry_after` if given.
    pub fn busy(code: &'static str, text: impl Into<Cow<'static, str>>, retry_after: Option<Duration>) -> Self {
        let mut fault = Self::new(Kind::Busy, code, text);
        fault.retry_after = retry_after;
        fault
    }

    /// Our fault. `code` names the place for the operator; the caller learns nothing else.
    pub fn broken(code: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut fault = Self::new(Kind::Broken, code, "Something broke on our side.");
        fault.source = Some(source.into());
        fault
    }

    /// Adds the private cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The public sentence.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The wrong fields.
    pub fn fields(&self) -> &[FieldFault] {
        &self.fields
    }

    /// When to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The private cause, for the log's typed event and never for a reply.
    pub fn private_source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }
}

/// For `unwrap` in tests and for `tracing` of codes: the public half's code, never its source, which
/// may quote input.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
