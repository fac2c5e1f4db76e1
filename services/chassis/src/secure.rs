//! TLS between the services: both sides show a certificate of the one authority, over gRPC and to the broker.
//!
//! Owns: reading the files. Not: whether TLS is demanded (`production`), the database's TLS (its URL says it).
use std::{fs, io, path::PathBuf};

use async_nats::ServerAddr;
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

    /// Asks nobody for a certificate: callers from outside have none.
    pub(crate) fn outside_server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(self.own.clone())
    }

    /// Shows the own certificate, and believes the authority alone.
    pub(crate) fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().identity(self.own.clone()).ca_certificate(self.authority.clone())
    }
}

/// The servers of a broker's address, which are separated by commas, as the client reads them.
///
/// # Errors
/// One of them is no address of NATS.
pub fn servers(url: &str) -> io::Result<Vec<ServerAddr>> {
    url.split(',').map(|server| server.trim().parse()).collect()
}

/// How this service signs in at the broker: its own inbox, its NKey, and TLS where the address or the settings ask for it.
///
/// # Errors
/// The file of the seed cannot be read; a server is no address.
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
    let servers = servers(&broker.url)
        .map_err(|error| ConfigError::Invalid { key: "broker.url", why: error.to_string() })?;
    // Of all of them: a server may tell of others, and says only where they are.
    if servers.iter().any(ServerAddr::tls_required) {
        options = options.require_tls(true);
        if !tls.authority.is_empty() {
            options = options.add_root_certificates(PathBuf::from(&tls.authority));
        }
    }
    Ok(options)
}
