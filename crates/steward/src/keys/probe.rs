//! What `steward doctor` asks of a key service: everything that the server will, with a key that is nobody's.

use vault::{RootKey, RootKeyFault};

use super::Transit;
use crate::doctor::Finding;

/// Asks; the first answer that is wrong ends it, since the next would only repeat it.
pub(crate) async fn examine(service: &Transit) -> Vec<Finding> {
    let mut findings = Vec::new();
    match asked(service, &mut findings).await {
        Ok(()) => findings.push(Finding::Good(format!(
            "root key: {} wraps and unwraps, and opens nothing in another place",
            service.place()
        ))),
        Err(fault) => findings.push(Finding::Bad(format!("root key: {}: {fault}", service.place()))),
    }
    findings
}

async fn asked(service: &Transit, findings: &mut Vec<Finding>) -> Result<(), RootKeyFault> {
    service.health().await?;
    let policies = service.policies().await?;
    if policies.iter().any(|policy| policy == "root") {
        findings.push(Finding::Warning(format!(
            "root key: the token of the key service may do everything there; give this server one whose policy is\n{}",
            service.policy()
        )));
    }
    const KEY: [u8; 32] = [7; 32];
    let wrapped = service.wrap(b"steward doctor", &KEY).await?;
    if service.unwrap(b"steward doctor", &wrapped).await?.as_slice() != KEY {
        return Err(RootKeyFault::Withheld("what it unwraps is not what it wrapped".to_owned()));
    }
    match service.unwrap(b"steward elsewhere", &wrapped).await {
        Err(RootKeyFault::Refused) => Ok(()),
        Err(other) => Err(other),
        Ok(_) => Err(RootKeyFault::Withheld(
            "its key does not heed associated data: make one of type aes256-gcm96 or chacha20-poly1305".to_owned(),
        )),
    }
}
