//! Atlassian's documents, to ours and back.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| host::laws::adf(data));
