//! Signatures and bodies of webhooks, and events of Forge's.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| host::laws::webhook(data));
