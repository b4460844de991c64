//! Objects: what is too much for a column, sealed under a key of its own. The key lies sealed in the row that names the
//! object; without that row the object is noise. Start at [`Keys::seal_object`].

use kernel::{Fault, Result, Sealed};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::keys::{Keys, Place};
use crate::hazmat::chunks;
use crate::hazmat::kdf::KEY_BYTES;

/// The key of one object. Made here for one sealing, and never seen in the open elsewhere.
#[derive(Default, Serialize, Deserialize, Zeroize)]
#[serde(transparent)]
pub struct ObjectKey([u8; KEY_BYTES]);

impl Drop for ObjectKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Keys {
    /// Seals an object called `name`, under a fresh key, which is sealed for `place`.
    pub fn seal_object(&self, place: &Place, name: &[u8], plain: &[u8]) -> Result<(Sealed<ObjectKey>, Vec<u8>)> {
        let mut key = ObjectKey::default();
        aws_lc_rs::rand::fill(&mut key.0).map_err(|_| Fault::broken("vault_random", "no randomness"))?;
        let sealed = chunks::seal(&Zeroizing::new(key.0), name, plain)
            .map_err(|_| Fault::broken("vault_seal", "sealing an object failed"))?;
        Ok((self.seal(place, &key)?, sealed))
    }

    /// Opens an object; what comes back is wiped when dropped.
    pub fn open_object(
        &self,
        place: &Place,
        key: &Sealed<ObjectKey>,
        name: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.open(place, key)?;
        chunks::open(&Zeroizing::new(key.peek().0), name, sealed)
            .map_err(|_| Fault::broken("vault_open", "an object does not open under the name that it has"))
    }
}
