//! Documents as Data Center's wiki text.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| host::laws::wiki(data));
