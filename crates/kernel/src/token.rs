//! API tokens: what scripts live on. A token acts as itself, never as the person who made it, and may exactly what its
//! scopes say.

use std::collections::BTreeSet;

use crate::own_id;

own_id!(
    /// A named API token.
    TokenId
);

/// One thing that a token may do. Written as OAuth scopes are; stored, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenScope {
    /// Read customers: names, addresses, organizations that they belong to, values, history.
    CustomersRead,
    /// The same, and change customers' values.
    CustomersWrite,
    /// Read organizations: names, counts, values, history.
    OrganizationsRead,
    /// The same, and change organizations' values.
    OrganizationsWrite,
    /// Read the definitions of fields and sections.
    FieldsRead,
    /// The same, and change them.
    FieldsWrite,
    /// Import files of customers and organizations, and undo that: see their reports, which tell values.
    ImportsWrite,
}

impl TokenScope {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::CustomersRead,
        Self::CustomersWrite,
        Self::OrganizationsRead,
        Self::OrganizationsWrite,
        Self::FieldsRead,
        Self::FieldsWrite,
        Self::ImportsWrite,
    ];

    /// As stored, shown and sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::CustomersRead => "customers:read",
            Self::CustomersWrite => "customers:write",
            Self::OrganizationsRead => "organizations:read",
            Self::OrganizationsWrite => "organizations:write",
            Self::FieldsRead => "fields:read",
            Self::FieldsWrite => "fields:write",
            Self::ImportsWrite => "imports:write",
        }
    }

    /// From the store, or from whoever makes a token.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// What it brings with it: who may change a thing is answered with what stands, so they may read it.
    fn includes(self) -> Option<Self> {
        match self {
            Self::CustomersWrite => Some(Self::CustomersRead),
            Self::OrganizationsWrite => Some(Self::OrganizationsRead),
            Self::FieldsWrite => Some(Self::FieldsRead),
            Self::CustomersRead | Self::OrganizationsRead | Self::FieldsRead | Self::ImportsWrite => None,
        }
    }
}

/// A proven token: who acts, and all that they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which one.
    pub id: TokenId,
    scopes: BTreeSet<TokenScope>,
}

impl Token {
    /// A token with these scopes, and with what each brings with it.
    pub fn new(id: TokenId, granted: impl IntoIterator<Item = TokenScope>) -> Self {
        let scopes = granted.into_iter().flat_map(|scope| [Some(scope), scope.includes()]).flatten().collect();
        Self { id, scopes }
    }

    /// Whether it may.
    pub fn may(&self, needed: TokenScope) -> bool {
        self.scopes.contains(&needed)
    }

    /// Whether it may all of these.
    pub fn may_all(&self, needed: &[TokenScope]) -> bool {
        needed.iter().all(|scope| self.may(*scope))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_may_what_its_scopes_say_and_nothing_else() {
        #[track_caller]
        fn check(granted: &[TokenScope], may: &[TokenScope]) {
            let token = Token::new(TokenId(Uuid::nil()), granted.iter().copied());
            for scope in TokenScope::ALL {
                assert_eq!(token.may(scope), may.contains(&scope), "{granted:?}: {scope:?}");
            }
            assert!(token.may_all(may) && token.may_all(&[]));
            assert_eq!(token.may_all(&TokenScope::ALL), may.len() == TokenScope::ALL.len(), "{granted:?}");
        }
        use TokenScope::{
            CustomersRead, CustomersWrite, FieldsRead, FieldsWrite, ImportsWrite, OrganizationsRead, OrganizationsWrite,
        };
        check(&[], &[]);
        check(&[CustomersRead], &[CustomersRead]);
        check(&[CustomersWrite], &[CustomersRead, CustomersWrite]);
        check(&[OrganizationsWrite], &[OrganizationsRead, OrganizationsWrite]);
        check(&[FieldsWrite], &[FieldsRead, FieldsWrite]);
        check(&[CustomersRead, FieldsRead], &[CustomersRead, FieldsRead]);
        check(&[ImportsWrite], &[ImportsWrite]);
        check(&TokenScope::ALL, &TokenScope::ALL);
    }

    #[test]
    fn names_are_what_they_were() {
        let names = TokenScope::ALL.map(TokenScope::name);
        assert_eq!(
            names,
            [
                "customers:read",
                "customers:write",
                "organizations:read",
                "organizations:write",
                "fields:read",
                "fields:write",
                "imports:write"
            ]
        );
        assert!(TokenScope::ALL.into_iter().all(|scope| TokenScope::parse(scope.name()) == Some(scope)));
        assert_eq!(TokenScope::parse("customers"), None);
    }
}
