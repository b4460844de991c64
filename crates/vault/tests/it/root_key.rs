//! The root key's file.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use vault::{FileRootKey, RootKey, RootKeyFault};

#[test]
fn a_new_key_is_its_owners_alone_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    FileRootKey::create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(FileRootKey::create(&path), Err(RootKeyFault::Unreadable(_))));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_others_reach_is_refused_and_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    FileRootKey::create(&path).unwrap();
    let key = std::fs::read_to_string(&path).unwrap();
    for mode in 0..=0o777 {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let read = FileRootKey::read(&path);
        if mode & 0o177 != 0 {
            // Root reads any file; anyone else may be refused by the system first.
            match read.err().unwrap() {
                RootKeyFault::TooWide(found) => assert_eq!(found, mode),
                RootKeyFault::Unreadable(_) => assert_eq!(mode & 0o400, 0),
                other => assert!(other.to_string().is_empty(), "another reason: {other}"),
            }
        }
    }
    let told = RootKeyFault::TooWide(0o644).to_string();
    assert!(told.contains("chmod 600") && told.contains("0644") && !told.contains(key.trim()));
}

#[test]
fn what_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    for content in ["", "not base64 !", "c2hvcnQ=", &"A".repeat(45), &"A".repeat(5000)] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(FileRootKey::read(&path), Err(RootKeyFault::Malformed)), "{content:.20}");
    }
    assert!(matches!(FileRootKey::read(&folder.path().join("none")), Err(RootKeyFault::Unreadable(_))));
}

#[tokio::test]
async fn a_wrapped_key_is_bound_to_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    FileRootKey::create(&path).unwrap();
    let root = FileRootKey::read(&path).unwrap();
    let wrapped = root.wrap(b"here", &[7; 32]).await.unwrap();
    assert_eq!(root.unwrap(b"here", &wrapped).await.unwrap().as_slice(), [7; 32]);
    for (place, bytes) in [(b"them".as_slice(), wrapped.as_slice()), (b"here", &wrapped[..40]), (b"here", b"")] {
        assert!(matches!(root.unwrap(place, bytes).await, Err(RootKeyFault::Refused)));
    }
}
