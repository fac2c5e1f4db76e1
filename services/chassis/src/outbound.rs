//! HTTP to outside systems: an address inside this network is never called, so that nobody makes a process call its neighbours.
//!
//! Owns: which addresses are public, a client that connects to those only, and which certificates it believes. A name is judged by the very addresses that are
//! connected to (no second look-up in between), nothing is redirected, no proxy is asked. Not: what is sent.

mod believed;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    ClientBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

/// A client of outside systems. `private_addresses`: whether they may be inside this network, which only tests and development
/// want.
///
/// # Errors
/// The machine has no usable TLS.
pub fn client(private_addresses: bool, connect: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(private_addresses, connect).build()
}

/// A client of one outside system whose certificate no public authority has issued: it believes those of this text (PEM), and what
/// they have issued, and nobody else. `None`: the text holds none that can be read.
#[must_use]
pub fn believing(certificates: &str, private_addresses: bool, connect: Duration) -> Option<reqwest::Client> {
    builder(private_addresses, connect).tls_backend_preconfigured(believed::tls(certificates)?).build().ok()
}

fn builder(private_addresses: bool, connect: Duration) -> ClientBuilder {
    // A provider that is there already is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = reqwest::Client::builder().connect_timeout(connect).redirect(Policy::none()).no_proxy();
    if private_addresses { plain } else { plain.dns_resolver(Arc::new(Public)) }
}

/// Whether the host of an address is a name (judged when it is resolved), or a public number. A number is not resolved, so this
/// has to be asked before each call.
#[must_use]
pub fn allowed(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    host.trim_matches(['[', ']']).parse().map_or(true, is_public)
}

/// Finds public addresses only.
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

/// Source: IANA, IPv6 Special-Purpose Address Registry. 2000::/3 is what is given to networks of the world; of it the parts that
/// carry IPv4 addresses (Teredo and its neighbours 2001::/23, 6to4 2002::/16) and those of documentation are not called.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && second < 0x0200)
        && !(first == 0x2001 && second == 0x0db8)
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

/// Source: IANA, IPv4 Special-Purpose Address Registry.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && second & 0xc0 == 64;
    let protocols = (first, second, third) == (192, 0, 0);
    let relays = (first, second, third) == (192, 88, 99);
    let benchmarks = first == 198 && second & 0xfe == 18;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || protocols
        || relays
        || benchmarks
        || first == 0
        || first >= 240)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        thread,
    };

    use rustls::{
        ServerConfig, ServerConnection,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    };

    use super::*;

    /// Made by `tests/certificates/make.sh`: the service is certified by the first authority, the others have certified themselves,
    /// as authorities.
    const AUTHORITY: &str = include_str!("../tests/certificates/authority.crt");
    const OTHER: &str = include_str!("../tests/certificates/other.crt");
    const SERVICE: [&str; 2] = [
        include_str!("../tests/certificates/service.crt"),
        include_str!("../tests/certificates/service.key"),
    ];
    const ALONE: [&str; 2] =
        [include_str!("../tests/certificates/alone.crt"), include_str!("../tests/certificates/alone.key")];
    const PAST: [&str; 2] =
        [include_str!("../tests/certificates/past.crt"), include_str!("../tests/certificates/past.key")];
    const CONNECT: Duration = Duration::from_secs(5);

    /// Answers over TLS on every address of this machine, one connection after the other, for as long as the tests run; its port.
    fn server([certificate, key]: [&str; 2]) -> u16 {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config =
            versions.expect("versions").with_no_client_auth().with_single_cert(vec![certificate], key);
        let config = Arc::new(config.expect("a pair"));
        let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut connection = ServerConnection::new(config.clone()).expect("a connection");
                let mut tls = rustls::Stream::new(&mut connection, &mut stream);
                // Who does not believe breaks off.
                if tls.read(&mut [0; 4_096]).is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    tls.write_all(answer).and_then(|()| tls.flush()).expect("answered");
                }
            }
        });
        port
    }

    /// Whether a client that believes these certificates is answered.
    async fn believes(certificates: &str, url: &str) -> bool {
        let client = believing(certificates, true, CONNECT).expect("certificates");
        client.get(url).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    #[tokio::test]
    async fn an_authority_of_its_own_is_believed_and_nobody_else() {
        let url = format!("https://127.0.0.1:{}/", server(SERVICE));
        assert!(believes(AUTHORITY, &url).await);
        assert!(!believes(OTHER, &url).await);
        let public = client(true, CONNECT).expect("a client");
        assert!(public.get(&url).send().await.is_err());
        for none in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(believing(none, true, CONNECT).is_none(), "{none}");
        }
    }

    #[tokio::test]
    async fn a_single_certificate_is_believed_where_it_is_shown_itself() {
        let [service, alone] = [SERVICE, ALONE].map(|pair| format!("https://127.0.0.1:{}/", server(pair)));
        assert!(believes(SERVICE[0], &service).await, "without its authority");
        assert!(believes(ALONE[0], &alone).await, "its own authority");
        assert!(believes(&[OTHER, ALONE[0]].concat(), &alone).await, "one of several");
        assert!(!believes(ALONE[0], &service).await, "another one is shown");
        assert!(!believes(SERVICE[0], &alone).await, "another one is shown");
    }

    #[tokio::test]
    async fn a_single_certificate_is_for_its_names_and_its_time() {
        let [alone, past] = [ALONE, PAST].map(server);
        let url = |host: &str, port: u16| format!("https://{host}:{port}/");
        assert!(believes(ALONE[0], &url("127.0.0.1", alone)).await);
        assert!(TcpStream::connect(("127.0.0.2", alone)).is_ok(), "the same server");
        assert!(!believes(ALONE[0], &url("127.0.0.2", alone)).await, "an address that it does not name");
        assert!(!believes(PAST[0], &url("127.0.0.1", past)).await, "of the past");
    }

    #[test]
    fn numbers_of_this_network_are_not_called_however_they_are_written() {
        let may = |url: &str| allowed(&Url::parse(url).expect("a URL"));
        for url in [
            "http://127.0.0.1/evcs",
            "http://2130706433/evcs",
            "http://0x7f.1:5432/evcs",
            "http://10.0.0.7/evcs",
            "http://172.16.3.4/evcs",
            "http://192.168.1.1/evcs",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/evcs",
            "http://100.127.255.254/evcs",
            "http://0.0.0.0/evcs",
            "http://192.0.0.1/evcs",
            "http://192.0.2.1/evcs",
            "http://192.88.99.1/evcs",
            "http://198.18.0.1/evcs",
            "http://198.19.255.254/evcs",
            "http://198.51.100.1/evcs",
            "http://203.0.113.1/evcs",
            "http://224.0.0.1/evcs",
            "http://255.255.255.255/evcs",
            "http://[::1]/evcs",
            "http://[::ffff:10.0.0.1]/evcs",
            "http://[::10.0.0.1]/evcs",
            "http://[64:ff9b::10.0.0.1]/evcs",
            "http://[2001::1]/evcs",
            "http://[2001:db8::1]/evcs",
            "http://[2002:a00:1::1]/evcs",
            "http://[3fff::1]/evcs",
            "http://[fd00::1]/evcs",
            "http://[fe80::1]/evcs",
            "http://[ff02::1]/evcs",
        ] {
            assert!(!may(url), "{url}");
        }
        for url in [
            "https://host.example/evcs",
            "http://8.8.8.8/evcs",
            "http://100.128.0.1/evcs",
            "http://198.20.0.1/evcs",
            "http://192.0.1.1/evcs",
            "http://[2400:3200::1]/evcs",
            "http://[2001:4860:4860::8888]/evcs",
        ] {
            assert!(may(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_resolves_to_nothing() {
        let name: Name = "localhost".parse().expect("a name");
        assert_eq!(Public.resolve(name).await.map_or(0, Iterator::count), 0);
    }
}
