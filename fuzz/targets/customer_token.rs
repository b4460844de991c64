//! Tokens of customers' sites, and the keys that are pasted for them.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| host::laws::customer_token(data));
