//! Typed ids. Ours are UUIDs; the host's are opaque strings whose shape is checked once, on entry.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Fault, limits};

/// Defines an id of our own making: a UUID version 7, so that keys grow with time.
#[macro_export]
macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub ::uuid::Uuid);

        impl $name {
            /// A new id.
            pub fn fresh() -> Self {
                Self(::uuid::Uuid::now_v7())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::uuid::Error;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                ::uuid::Uuid::parse_str(text).map($name)
            }
        }
    };
}

own_id!(
    /// One installation of Steward on one site: the wall that no row crosses.
    TenantId
);

impl TenantId {
    /// Stands for the server itself where a key must start with a tenant (its own jobs).
    pub const SERVER: Self = Self(Uuid::nil());
}

macro_rules! host_id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:expr, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the shape; the error names the field and the limit.
            pub fn new(text: impl Into<String>) -> Result<Self, Fault> {
                let text = text.into();
                let legal: fn(char) -> bool = $legal;
                if text.is_empty() || text.len() > $max || !text.chars().all(legal) {
                    return Err(Fault::invalid_field(
                        concat!("/", $field),
                        "format",
                        concat!("`", $field, "` is not an id as Jira writes them"),
                    ));
                }
                Ok(Self(text))
            }

            /// The id as the host writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text).map_err(|_| concat!("not a valid ", $field))
            }
        }
    };
}

fn account_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_')
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

host_id!(
    /// An Atlassian account: opaque, and alone not personal data.
    AccountId, "accountId", limits::ACCOUNT_ID_CHARS, account_char
);
host_id!(
    /// A JSM organization.
    OrganizationId, "organizationId", limits::HOST_ID_CHARS, digit
);
host_id!(
    /// A Jira project, by id.
    ProjectId, "projectId", limits::HOST_ID_CHARS, digit
);
host_id!(
    /// A Jira issue, by id.
    IssueId, "issueId", limits::HOST_ID_CHARS, digit
);
