//! RSA keys of the stand-in's own. New at each start, unless a folder is given in which they are kept: to make one takes
//! longer than all else that a start does.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::EncodingKey;

/// Characters of a line of PEM.
const LINE: usize = 64;

/// The 2048-bit key of this name: the folder's, or a new one, which the folder then keeps.
///
/// # Errors
/// When the system gives no randomness, or the folder cannot be used.
pub(crate) fn pair(kept: Option<&Path>, name: &str) -> Result<KeyPair, String> {
    let Some(folder) = kept else { return made() };
    let path = folder.join(format!("{name}.pk8"));
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    match std::fs::read(&path) {
        Ok(der) => return KeyPair::from_pkcs8(&der).map_err(|why| told(&why)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
        Err(why) => return Err(told(&why)),
    }
    let pair = made()?;
    let der = pair.as_der().map_err(|_| "no PKCS#8 of the RSA key".to_owned())?;
    // Whole or not at all: several may start at once, and each must end with the same one.
    let unfinished = folder.join(format!("{name}-{}", uuid::Uuid::new_v4()));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(der.as_ref())?;
        let linked = std::fs::hard_link(&unfinished, &path);
        std::fs::remove_file(&unfinished)?;
        match linked {
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.map(|()| true),
        }
    };
    match write() {
        Ok(true) => Ok(pair),
        Ok(false) => {
            let der = std::fs::read(&path).map_err(|why| told(&why))?;
            KeyPair::from_pkcs8(&der).map_err(|why| told(&why))
        }
        Err(why) => Err(told(&why)),
    }
}

fn made() -> Result<KeyPair, String> {
    KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key".to_owned())
}

/// What signs with it.
///
/// # Errors
/// When the key cannot sign.
pub(crate) fn signer(pair: &KeyPair) -> Result<EncodingKey, String> {
    let der = pair.as_der().map_err(|_| "no PKCS#8 of the RSA key".to_owned())?;
    // jsonwebtoken takes PKCS#8 only as PEM.
    let pem = pem("PRIVATE KEY", der.as_ref());
    EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| "the RSA key cannot sign".to_owned())
}

/// A key's id is its own: another key never has it.
pub(crate) fn id(public: &[u8]) -> uuid::Uuid {
    let digest = digest(&SHA256, public);
    let mut first = [0; 16];
    first.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_random_bytes(first).into_uuid()
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::new();
    let mut rest = text.as_str();
    while let Some((line, after)) = rest.split_at_checked(LINE.min(rest.len())).filter(|(line, _)| !line.is_empty()) {
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_folder_keeps_one_key_of_each_name() {
        let folder = std::env::temp_dir().join(format!("sandbox-keys-{}", uuid::Uuid::new_v4()));
        let public = |name: &str| {
            let pair = pair(Some(&folder), name).unwrap();
            aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec()
        };
        let several: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| public("one"))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(several.iter().all(|key| *key == public("one")));
        assert_ne!(public("one"), public("two"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        std::fs::write(folder.join("one.pk8"), b"no key").unwrap();
        assert!(pair(Some(&folder), "one").unwrap_err().contains("one.pk8"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
