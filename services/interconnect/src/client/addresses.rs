//! Which addresses operators' systems may have: none inside this network, so that nobody makes this process call its neighbours.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Finds public addresses only.
pub struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether the host of an address is a name (judged when it is resolved), or a public number.
pub fn allowed(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    host.trim_matches(['[', ']']).parse().map_or(true, is_public)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            // 2000::/3 is what is given to networks of the world; the parts that carry IPv4 addresses are not called.
            None => address.segments()[0] & 0xe000 == 0x2000 && address.segments()[0] != 0x2002,
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && second & 0xc0 == 64;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || shared
        || first == 0
        || first >= 240)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "http://100.100.0.1/evcs",
            "http://0.0.0.0/evcs",
            "http://[::1]/evcs",
            "http://[::ffff:10.0.0.1]/evcs",
            "http://[fd00::1]/evcs",
            "http://[fe80::1]/evcs",
        ] {
            assert!(!may(url), "{url}");
        }
        for url in ["https://host.example/evcs", "http://8.8.8.8/evcs", "http://[2400:3200::1]/evcs"] {
            assert!(may(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_resolves_to_nothing() {
        let name: Name = "localhost".parse().expect("a name");
        assert_eq!(Public.resolve(name).await.map_or(0, Iterator::count), 0);
    }
}
