//! The name that the ledger knows an actor by: keyed, so that it says nothing by itself, and a person's goes when the
//! person's salt goes.

use kernel::{AccountId, Actor, Cx, KeyClass, Result, TokenId};
use vault::{Keys, Subject, Vault};

/// A person's.
pub async fn person_pseudonym(cx: &Cx, vault: &Vault, account: &AccountId) -> Result<Vec<u8>> {
    pseudonym_under(&vault.keys(cx, KeyClass::Index, Subject::Person(account)).await?)
}

/// A person's, by their own index keys: for whoever fetched those of many.
pub fn pseudonym_under(own: &Keys) -> Result<Vec<u8>> {
    Ok(own.hash("ledger", b"")?.to_vec())
}

/// An API token's. A token is nobody's personal data, so it is the tenant's.
pub async fn token_pseudonym(cx: &Cx, vault: &Vault, id: TokenId) -> Result<Vec<u8>> {
    let keys = vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    Ok(keys.hash("ledger token", id.0.as_bytes())?.to_vec())
}

/// The acting person's or token's; none for the program itself.
pub async fn pseudonym(cx: &Cx, vault: &Vault) -> Result<Option<Vec<u8>>> {
    match cx.actor() {
        Actor::Person(account) => person_pseudonym(cx, vault, account).await.map(Some),
        Actor::Token(token) => token_pseudonym(cx, vault, token.id).await.map(Some),
        Actor::System(_) => Ok(None),
    }
}
