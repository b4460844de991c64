//! Wiki text that clients post, to documents and back.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sandbox::laws::wiki_parser(data));
