//! What a listener asks of clients: TLS if it has a certificate, a password if one is set.

use super::scram::Verifier;
use crate::catalog::DEFAULT_ROLE;
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What clients meet before they are in.
#[derive(Clone, Default)]
pub struct Security {
    /// Offers TLS.
    pub tls: Option<TlsAcceptor>,
    /// Checks the password of [`DEFAULT_ROLE`]; no other role can then log in.
    pub password: Option<Arc<Verifier>>,
}

impl Security {
    /// From PEM files and the administrator's password.
    pub fn new(tls: Option<(&Path, &Path)>, password: Option<&str>) -> anyhow::Result<Security> {
        let tls = tls.map(|(cert, key)| acceptor(cert, key)).transpose()?;
        let password = password.map(Verifier::new).transpose()?.map(Arc::new);
        Ok(Security { tls, password })
    }

    /// Whether this role can log in with the password.
    pub fn admits(role: &str) -> bool {
        role == DEFAULT_ROLE
    }
}

fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let unreadable = |flag: &str, path: &Path| format!("{flag} {}", path.display());
    let chain = CertificateDer::pem_file_iter(cert).with_context(|| unreadable("--tls-cert", cert))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().with_context(|| unreadable("--tls-cert", cert))?;
    let key_der = PrivateKeyDer::from_pem_file(key).with_context(|| unreadable("--tls-key", key))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .with_context(|| format!("{} and {} do not fit", cert.display(), key.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
