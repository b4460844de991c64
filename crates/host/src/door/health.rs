//! The server's question to itself: does the process that listens here answer? For container runtimes, which have no other
//! program in the image to ask with. It goes to this machine and nowhere else, and carries nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::fault::unreachable;

/// Runtimes ask every ten seconds or more; who needs longer on this machine is not well.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Asks the server that listens at `listen` for `path`; answers the status. `certificate` (DER) is the server's own, if it
/// speaks TLS: that one and no other is taken, whatever name it is for.
pub async fn ask_self(listen: SocketAddr, certificate: Option<Vec<u8>>, path: &str) -> Result<u16> {
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let itself = Arc::new(Itself { certificate: certificate.unwrap_or_default(), provider: provider.clone() });
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::broken("health_tls", error))?
        .dangerous()
        .with_custom_certificate_verifier(itself)
        .with_no_client_auth();
    #[expect(clippy::disallowed_methods, reason = "a call to this process's own listener is no outward call")]
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(ANSWER_TIME)
        .build()
        .map_err(|error| Fault::broken("health", error))?;
    let address = SocketAddr::new(here(listen.ip()), listen.port());
    let answer = client.get(format!("{scheme}://{address}{path}")).send().await;
    answer.map(|answer| answer.status().as_u16()).map_err(|error| unreachable("health", error.to_string()))
}

/// Where a listener of this machine is reached on this machine.
fn here(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

#[derive(Debug)]
struct Itself {
    certificate: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Itself {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        if end_entity.as_ref() == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_for_all_is_reached_here() {
        let check = |listen: &str, expected: &str| {
            assert_eq!(listen.parse().map(here), expected.parse(), "{listen}");
        };
        check("0.0.0.0", "127.0.0.1");
        check("::", "::1");
        check("127.0.0.1", "127.0.0.1");
        check("10.0.0.8", "10.0.0.8");
    }
}
