//! Tokens in headers and queries, and the claims of tokens that are signed well.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| host::laws::token(data));
