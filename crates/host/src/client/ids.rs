//! The host's ids that only this room needs, each with its shape checked once.

use std::fmt;

use kernel::{Fault, IssueId};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the shape.
            pub fn new(text: impl Into<String>) -> Result<Self, Fault> {
                let text = text.into();
                let legal: fn(&str) -> bool = $legal;
                if legal(&text) {
                    Ok(Self(text))
                } else {
                    let detail = concat!("`", $field, "` is not one as Jira writes them");
                    Err(Fault::invalid_field(concat!("/", $field), "format", detail))
                }
            }

            /// As the host writes it.
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

fn number(text: &str) -> bool {
    (1..=kernel::limits::HOST_ID_CHARS).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit())
}

fn issue_key(text: &str) -> bool {
    let Some((project, number_part)) = text.rsplit_once('-') else { return false };
    project.len() <= 64
        && project.starts_with(|c: char| c.is_ascii_alphabetic())
        && project.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && number(number_part)
}

fn group_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))
}

/// Jira allows more, but then also dots alone, which mean another path.
fn property_key(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
        && text.chars().any(|c| c != '.')
}

id!(
    /// An issue's key. It changes when the issue moves: never stored.
    IssueKey, "issueKey", issue_key
);
id!(
    /// A service desk.
    ServiceDeskId, "serviceDeskId", number
);
id!(
    /// What may be asked for at a desk.
    RequestTypeId, "requestTypeId", number
);
id!(
    /// A comment.
    CommentId, "commentId", number
);
id!(
    /// A project role.
    RoleId, "roleId", number
);
id!(
    /// A group.
    GroupId, "groupId", group_id
);
id!(
    /// The key of an entity property.
    PropertyKey, "propertyKey", property_key
);

/// An issue, by id or by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IssueRef {
    /// By id.
    Id(IssueId),
    /// By key.
    Key(IssueKey),
}

impl IssueRef {
    /// Reads either.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        match IssueId::new(text) {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => IssueKey::new(text).map(Self::Key),
        }
    }

    /// As the host writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Key(key) => key.as_str(),
        }
    }
}

impl From<IssueId> for IssueRef {
    fn from(id: IssueId) -> Self {
        Self::Id(id)
    }
}

impl From<IssueKey> for IssueRef {
    fn from(key: IssueKey) -> Self {
        Self::Key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        #[track_caller]
        fn check(text: &str, issue: bool, property: bool) {
            assert_eq!(IssueRef::parse(text).is_ok(), issue, "{text:?} as an issue");
            assert_eq!(PropertyKey::new(text).is_ok(), property, "{text:?} as a property");
        }
        check("10001", true, true);
        check("HELP-12", true, true);
        check("A_B2-1", true, true);
        check("help-12", true, true);
        check("1HELP-12", false, true);
        check("HELP-", false, true);
        check("HELP-x", false, true);
        check("", false, false);
        check("..", false, false);
        check(".", false, false);
        check("a/b", false, false);
        check("../issue", false, false);
        check("10001?x=1", false, false);
        check("10001%2f", false, false);
        check("steward.message-id:1", false, true);
    }
}
