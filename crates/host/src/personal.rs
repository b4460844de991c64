//! Text about a person as it comes from Jira.

use serde::Deserialize;
use vault::Exit;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A name or an address of a person. It has no `Debug`, `Display` or `Serialize`, and is wiped on drop; it leaves
/// through an audited exit, as an opened value does.
#[derive(Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Personal(String);

impl From<String> for Personal {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Personal {
    /// For a decision or for sealing; never for a reply.
    pub fn peek(&self) -> &str {
        &self.0
    }

    /// Lets it go out, through an audited exit.
    pub fn release(mut self, _exit: &Exit) -> String {
        std::mem::take(&mut self.0)
    }
}
