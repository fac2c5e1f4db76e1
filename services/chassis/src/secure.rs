//! TLS between the services: both sides show a certificate of the one authority, over gRPC and to the broker.
//!
//! Owns: reading the files. Not: whether TLS is demanded (`production`), the database's TLS (its URL says it).
use std::{fs, path::PathBuf};

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::config::{Broker, ConfigError, Tls};

/// The files of `[identity.tls]`, read.
pub(crate) struct Material {
    own: Identity,
    authority: Certificate,
}

impl Material {
    /// Reads the files; nothing where none is named.
    ///
    /// # Errors
    /// Only some of the three are named, or one cannot be read.
    pub(crate) fn read(tls: &Tls) -> Result<Option<Material>, ConfigError> {
        if !tls.complete() {
            return match tls.named() {
                false => Ok(None),
                true => Err(ConfigError::Invalid {
                    key: "identity.tls",
                    why: "must name authority, certificate and key, or none of them".into(),
                }),
            };
        }
        let file = |key, path: &str| {
            fs::read(path).map_err(|error| ConfigError::Invalid { key, why: format!("{path}: {error}") })
        };
        Ok(Some(Material {
            own: Identity::from_pem(
                file("identity.tls.certificate", &tls.certificate)?,
                file("identity.tls.key", &tls.key)?,
            ),
            authority: Certificate::from_pem(file("identity.tls.authority", &tls.authority)?),
        }))
    }

    /// Asks every caller for a certificate of the authority.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(self.own.clone()).client_ca_root(self.authority.clone())
    }

    /// Shows the own certificate, and believes the authority alone.
    pub(crate) fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().identity(self.own.clone()).ca_certificate(self.authority.clone())
    }
}

/// How this service signs in at the broker: its own inbox, its NKey, and TLS where the address or the settings ask for it.
///
/// # Errors
/// The file of the seed cannot be read.
pub fn broker(name: &str, broker: &Broker, tls: &Tls) -> Result<async_nats::ConnectOptions, ConfigError> {
    let mut options =
        async_nats::ConnectOptions::new().name(name).custom_inbox_prefix(format!("_INBOX.{name}"));
    if !broker.nkey_file.is_empty() {
        let seed = fs::read_to_string(&broker.nkey_file).map_err(|error| ConfigError::Invalid {
            key: "broker.nkey_file",
            why: format!("{}: {error}", broker.nkey_file),
        })?;
        options = options.nkey(seed.trim().to_owned());
    }
    if broker.url.contains("tls://") {
        options = options.require_tls(true);
        if !tls.authority.is_empty() {
            options = options.add_root_certificates(PathBuf::from(&tls.authority));
        }
    }
    Ok(options)
}
