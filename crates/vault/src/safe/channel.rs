//! Between two servers of one operator's: what one says to the other, under keys that only those derive who have the shared secret.
//!
//! A [`Line`] is one move between two regions. Each kind of thing said has a key of its own, and is bound to what it answers; so who opens it
//! knows that the other side said it, in this move, here. TLS is below it; nothing here depends on that. Keys of tenants are wrapped
//! once more, inside of what is said.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Fault, Result};
use zeroize::Zeroizing;

use crate::hazmat::aead::Cipher;
use crate::hazmat::format::length_prefixed;
use crate::hazmat::kdf::{KEY_BYTES, Secret, hkdf_sha256};

/// What keeps the shared secret from being used; says what to do, never a byte of it.
#[derive(Debug)]
pub enum ChannelFault {
    /// The file cannot be read.
    Unreadable(std::io::Error),
    /// Others than its owner can reach the file.
    TooWide(u32),
    /// The file holds something else.
    Malformed,
}

impl std::fmt::Display for ChannelFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::TooWide(mode) => {
                write!(f, "it has mode {mode:04o}; run `chmod 600` on it, and replace the secret if others read it")
            }
            Self::Malformed => {
                f.write_str("it does not hold 32 bytes in base64; make one with `openssl rand -base64 32`")
            }
        }
    }
}

impl std::error::Error for ChannelFault {}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Before anything else: that whoever calls has the secret, and when.
    Gate,
    /// What is asked.
    Ask,
    /// What is answered.
    Answer,
    /// A tenant's key.
    Key,
}

impl Said {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Gate => b"gate",
            Self::Ask => b"ask",
            Self::Answer => b"answer",
            Self::Key => b"key",
        }
    }
}

/// The secret that servers of one operator's share.
pub struct Channel(Secret);

impl Channel {
    /// Reads the secret: 32 bytes in base64, in a file that only its owner reaches.
    ///
    /// # Errors
    /// [`ChannelFault`].
    pub fn read(path: &Path) -> std::result::Result<Self, ChannelFault> {
        let mut file = std::fs::File::open(path).map_err(ChannelFault::Unreadable)?;
        let mode = file.metadata().map_err(ChannelFault::Unreadable)?.mode() & 0o777;
        if mode & 0o177 != 0 {
            return Err(ChannelFault::TooWide(mode));
        }
        let mut text = Zeroizing::new(String::new());
        // Such a file is 45 bytes; one that is much longer is something else.
        std::io::Read::by_ref(&mut file).take(256).read_to_string(&mut text).map_err(ChannelFault::Unreadable)?;
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| ChannelFault::Malformed)?);
        let secret: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| ChannelFault::Malformed)?;
        Ok(Self(Zeroizing::new(secret)))
    }

    /// The line of one move, from whoever asks to whoever answers.
    pub fn line(&self, from: &str, to: &str, moved: &[u8]) -> Line {
        let parts: [&[u8]; 4] = [b"steward realm 1", from.as_bytes(), to.as_bytes(), moved];
        Line { secret: self.0.clone(), between: length_prefixed(&parts) }
    }
}

/// One move between two regions.
pub struct Line {
    secret: Secret,
    between: Vec<u8>,
}

impl Line {
    fn cipher(&self, said: Said) -> Result<Cipher> {
        let broken = |_| Fault::broken("realm_key", "no key could be derived");
        let mut key: Secret = Zeroizing::new([0; KEY_BYTES]);
        let info = length_prefixed(&[b"steward realm key 1", said.label()]);
        hkdf_sha256(self.secret.as_slice(), &self.between, &info, key.as_mut_slice()).map_err(broken)?;
        Cipher::wrapping(&key).map_err(broken)
    }

    fn bound(&self, said: Said, to: &[&[u8]]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = vec![b"steward realm said 1", said.label(), &self.between];
        parts.extend(to);
        length_prefixed(&parts)
    }

    /// Seals something that is said, bound to what it belongs to.
    pub fn seal(&self, said: Said, to: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.cipher(said)?.wrap(&self.bound(said, to), plain);
        sealed.map_err(|_| Fault::broken("realm_seal", "sealing for another region failed"))
    }

    /// Opens it; what comes back is wiped when dropped.
    ///
    /// # Errors
    /// `not_found`: nobody who has the secret said this, here.
    pub fn open(&self, said: Said, to: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = self.cipher(said)?.open(&self.bound(said, to), sealed);
        let plain = opened.map_err(|_| Fault::not_found().because("not said by another region of this operator's"))?;
        Ok(Zeroizing::new(plain.as_slice().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn channel(byte: u8) -> Channel {
        Channel(Zeroizing::new([byte; KEY_BYTES]))
    }

    #[test]
    fn what_is_said_opens_on_its_line_and_nowhere_else() {
        let line = channel(7).line("US", "EU", b"move");
        let sealed = line.seal(Said::Ask, &[b"gate"], b"canary").unwrap();
        assert_eq!(line.open(Said::Ask, &[b"gate"], &sealed).unwrap().as_slice(), b"canary");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        let shut = |line: &Line, said, to: &[&[u8]]| assert!(line.open(said, to, &sealed).is_err());
        shut(&line, Said::Answer, &[b"gate"]);
        shut(&line, Said::Ask, &[b"another"]);
        shut(&line, Said::Ask, &[b"ga", b"te"]);
        shut(&line, Said::Ask, &[]);
        shut(&channel(8).line("US", "EU", b"move"), Said::Ask, &[b"gate"]);
        shut(&channel(7).line("EU", "US", b"move"), Said::Ask, &[b"gate"]);
        shut(&channel(7).line("US", "EU", b"other"), Said::Ask, &[b"gate"]);
        shut(&channel(7).line("USE", "U", b"move"), Said::Ask, &[b"gate"]);
        assert_ne!(sealed, line.seal(Said::Ask, &[b"gate"], b"canary").unwrap());
    }

    #[test]
    fn the_secret_is_a_file_of_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("realm.secret");
        let write = |text: &str, mode: u32| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(matches!(Channel::read(&file), Err(ChannelFault::Unreadable(_))));
        write(&STANDARD.encode([3; KEY_BYTES]), 0o600);
        assert!(Channel::read(&file).is_ok());
        write(&STANDARD.encode([3; KEY_BYTES]), 0o640);
        assert!(matches!(Channel::read(&file), Err(ChannelFault::TooWide(0o640))));
        for text in ["", "c2VjcmV0", "not base64", &STANDARD.encode([3; KEY_BYTES + 1])] {
            write(text, 0o600);
            assert!(matches!(Channel::read(&file), Err(ChannelFault::Malformed)), "{text}");
        }
    }
}
