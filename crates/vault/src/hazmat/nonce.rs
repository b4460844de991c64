//! Random nonces for records, drawn many at a time: one draw costs as much as sealing a small value.
//!
//! Nonces are no secrets. The block belongs to a thread, and a process that forked would share what is left of it with
//! its child: this program does not fork, and GCM-SIV would show only that two plaintexts are equal. Keys are wrapped
//! with plain GCM, which forgives nothing, and draw theirs one by one.

use std::cell::RefCell;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

use super::format::NONCE_BYTES;

const DRAWN_AT_ONCE: usize = 64;

struct Drawn {
    bytes: [u8; DRAWN_AT_ONCE * NONCE_BYTES],
    used: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> =
        const { RefCell::new(Drawn { bytes: [0; DRAWN_AT_ONCE * NONCE_BYTES], used: DRAWN_AT_ONCE }) };
}

/// A nonce for a record.
pub(crate) fn for_record() -> Result<[u8; NONCE_BYTES], Unspecified> {
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.used == DRAWN_AT_ONCE {
            rand::fill(&mut drawn.bytes)?;
            drawn.used = 0;
        }
        let (nonces, _) = drawn.bytes.as_chunks::<NONCE_BYTES>();
        let nonce = *nonces.get(drawn.used).ok_or(Unspecified)?;
        drawn.used += 1;
        Ok(nonce)
    })
}

/// A nonce for a wrapped key.
pub(crate) fn for_wrap() -> Result<[u8; NONCE_BYTES], Unspecified> {
    let mut nonce = [0; NONCE_BYTES];
    rand::fill(&mut nonce)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_nonce_comes_twice_in_any_thread() {
        let draw = || (0..1000).map(|_| for_record().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let mut seen: BTreeSet<_> = draw().into_iter().collect();
        seen.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        seen.extend((0..1000).map(|_| for_wrap().unwrap()));
        assert_eq!(seen.len(), 6000);
        assert!(!seen.contains(&[0; NONCE_BYTES]));
    }
}
