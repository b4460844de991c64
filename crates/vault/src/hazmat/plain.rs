//! Plaintext on its way in or out: wiped when it goes, and wherever it lay before it needed more room.

use std::io;

/// Room for nearly all values (1 KiB, with header, nonce and tag), so that they never move.
const FIRST_ROOM: usize = 1088;

/// Bytes that are wiped on drop. Writing to it never fails and leaves no copy behind.
pub(crate) struct Plain(Vec<u8>);

impl Plain {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(FIRST_ROOM))
    }

    /// Takes over what a vector holds.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Appends, moving to a larger room by hand: a growing vector would leave its old one as it is.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            let mut larger = Vec::with_capacity(length.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Makes room for so many more at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        let length = self.0.len() + more;
        if length > self.0.capacity() {
            let mut larger = Vec::with_capacity(length);
            larger.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = larger;
        }
    }

    /// Lets opened bytes go unwiped, to whoever keeps them.
    pub(crate) fn into_opened(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Keeps the first `length` bytes and wipes the others.
    pub(crate) fn truncate(&mut self, length: usize) {
        wipe(self.0.get_mut(length..).unwrap_or_default());
        self.0.truncate(length);
    }

    /// Lets the bytes go unwiped: they are ciphertext by now.
    pub(crate) fn into_ciphertext(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl io::Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As `zeroize` does it, but as one `memset` and a barrier instead of a volatile write a byte, which cost more than
/// the encryption.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_shrinks_and_keeps_what_it_holds() {
        let mut plain = Plain::new();
        let expected: Vec<u8> = (0..=255).cycle().take(5 * FIRST_ROOM).collect();
        for piece in expected.chunks(7) {
            plain.extend(piece);
        }
        assert_eq!(plain.as_slice(), expected);
        plain.truncate(3);
        assert_eq!(plain.into_ciphertext(), [0, 1, 2]);
    }
}
