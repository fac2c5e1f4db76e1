//! Which certificates a system may show whose link names its own: those of a text, and those that one of them has issued.
//!
//! A certificate of the text need not be issued by another of it, and may be one of an authority: who signs himself often makes it so.
//! What is shown must be that very certificate, in force, and for the name that is called.
use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};

/// TLS that believes the certificates of a text (PEM) and no others; `None`: it holds none that can be read.
pub(super) fn tls(text: &str) -> Option<ClientConfig> {
    let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
    let certificates: Vec<CertificateDer<'static>> = certificates.collect::<Result<_, _>>().ok()?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.clone()).ok()?;
    }
    let provider = Arc::new(default_provider());
    // Without a root there is no verifier.
    let issued = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build().ok()?;
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let verifier = Arc::new(Believed { certificates, issued });
    let custom = versions.ok()?.dangerous().with_custom_certificate_verifier(verifier);
    let mut tls = custom.with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(tls)
}

#[derive(Debug)]
struct Believed {
    certificates: Vec<CertificateDer<'static>>,
    issued: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Believed {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.issued.verify_server_cert(shown, between, name, ocsp, now) {
            // What is sent beside the very certificate says nothing of it. Its time and purpose are looked at before anybody's signature.
            Err(Error::InvalidCertificate(_)) if self.certificates.iter().any(|one| one[..] == shown[..]) => {
                match self.issued.verify_server_cert(shown, &[], name, ocsp, now) {
                    Err(Error::InvalidCertificate(
                        CertificateError::UnknownIssuer
                        | CertificateError::BadSignature
                        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
                        // One of an authority, which has no error of its own here.
                        | CertificateError::Other(_),
                    )) => {
                        verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                        Ok(ServerCertVerified::assertion())
                    }
                    judged => judged,
                }
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
}
