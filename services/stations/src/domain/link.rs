//! Links to operators' systems by T/CEC 102: what a link, its peer and its secrets must look like.
//!
//! Owns: the rules. Not: making random secrets or keeping them (`vault`). Source: interconnect sections 3, 5, 8, 17.
use std::{collections::BTreeMap, fmt};

use time::{Duration, OffsetDateTime};

use super::{Finding, Refusal, text};

/// How long the set of secrets before the newest stays valid. Source: interconnect section 17.
pub const OVERLAP: Duration = Duration::hours(24);
/// Clock window of a new link, seconds. Source: interconnect section 8.
pub const WINDOW_SECS: i32 = 300;
/// Widest clock window, while an operator repairs its clock. Source: interconnect section 8.
const WINDOW_SECS_MAX: i32 = 86_400;
/// Version in paths of a new link.
pub const PROTOCOL_VERSION: &str = "20160701";
/// Bytes of DataSecret and DataSecretIV.
pub const KEY_BYTES: usize = 16;
const SECRET_MAX: usize = 64;
const NAMES_MAX: usize = 50;
/// Characters of certificates: a chain of several.
const AUTHORITY_MAX: usize = 16_384;

/// What may be asked for in a list: links that may speak, those that may not, those that have ended.
pub const STATES: [&str; 3] = ["open", "closed", "revoked"];

/// Which side uses a set of secrets to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The operator calls us.
    Inbound,
    /// We call the operator.
    Outbound,
}

impl Direction {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// What is done to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was opened.
    Approved,
    /// How the operator's system is called was set.
    PeerSet,
    /// What the administrator grants was set.
    TermsSet,
    /// New inbound secrets were issued.
    Rotated,
    /// It was ended.
    Revoked,
}

impl Deed {
    /// All of them.
    const ALL: [Self; 5] = [Self::Approved, Self::PeerSet, Self::TermsSet, Self::Rotated, Self::Revoked];

    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::PeerSet => "peer_set",
            Self::TermsSet => "terms_set",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
        }
    }

    /// The deed of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }
}

/// The last change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was done.
    pub deed: Deed,
    /// Whether it was the operator itself.
    pub by_operator: bool,
    /// The office of whoever else it was; empty where it has none.
    pub office: String,
    /// When.
    pub at: OffsetDateTime,
}

/// The caller changes the version that it has seen; 0: any.
///
/// Error: [`Refusal::LinkChanged`].
pub fn same_version(current: i64, expected: i64, last: Option<Change>) -> Result<(), Refusal> {
    if expected == 0 || expected == current {
        return Ok(());
    }
    Err(Refusal::LinkChanged { current, last })
}

/// The four secrets of one direction; text, used as UTF-8 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// 运营商密钥.
    pub operator: String,
    /// 消息密钥, 16 bytes.
    pub data: String,
    /// 消息密钥初始化向量, 16 bytes.
    pub data_iv: String,
    /// 签名密钥.
    pub sig: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secrets(redacted)")
    }
}

/// How the operator's system is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Up to and without the version; empty: it is not called.
    pub base_url: String,
    /// Text of the version in paths, without `v`.
    pub protocol_version: String,
    /// Method to last part of its path.
    pub paths: BTreeMap<String, String>,
    /// Standard spelling to the one that is sent.
    pub spellings: BTreeMap<String, String>,
    /// Certificates (PEM) that alone are believed; empty: the public ones; none: those that are held.
    pub authority: Option<String>,
}

/// What the administrator grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whether the link may speak.
    pub open: bool,
    /// Seconds.
    pub window_secs: i32,
    /// Organisation codes of other operators whose data it may deliver; none, until those are spoken for by their own id.
    pub hosted: Vec<String>,
}

/// Everything that is wrong with a peer. `private_addresses`: whether its system may be inside this network, and then without TLS.
#[must_use]
pub fn examine_peer(peer: &Peer, private_addresses: bool) -> Vec<Finding> {
    let url = &peer.base_url;
    let open = url.starts_with("http://");
    let plain = !url.contains(|one: char| one.is_whitespace() || matches!(one, '?' | '#' | '@'));
    let whole = (open || url.starts_with("https://")) && plain && url.len() > "https://".len();
    let url = if !url.is_empty() && !whole {
        Err(Refusal::UnknownValue)
    } else if open && !private_addresses {
        Err(Refusal::HttpsRequired)
    } else {
        text::optional(url, 200)
    };
    let names = |map: &BTreeMap<String, String>| {
        if map.len() > NAMES_MAX {
            return Err(Refusal::TooMany { max: NAMES_MAX });
        }
        map.iter().try_for_each(|(from, to)| {
            text::identifier(from, SECRET_MAX).and_then(|()| text::identifier(to, SECRET_MAX))
        })
    };
    named([
        ("base_url", url),
        ("protocol_version", text::identifier(&peer.protocol_version, 16)),
        ("paths", names(&peer.paths)),
        ("spellings", names(&peer.spellings)),
        ("authority", authority(peer.authority.as_deref().unwrap_or_default())),
    ])
}

/// The form of certificates; whether they can be read is asked of what reads them. A key among them would be kept and shown.
fn authority(text: &str) -> Result<(), Refusal> {
    let length = text.chars().count();
    if length > AUTHORITY_MAX {
        return Err(Refusal::TooLong { max: AUTHORITY_MAX, length });
    }
    let certificates = text.is_ascii() && text.contains("-----BEGIN CERTIFICATE-----");
    if text.is_empty() || certificates && !text.contains("PRIVATE KEY") {
        Ok(())
    } else {
        Err(Refusal::CertificateUnreadable)
    }
}

/// Everything that is wrong with secrets that an operator gave us.
#[must_use]
pub fn examine_secrets(secrets: &Secrets) -> Vec<Finding> {
    let key = |text: &str| {
        text::required(text, SECRET_MAX).and_then(|()| {
            let bytes = i64::try_from(KEY_BYTES).unwrap_or_default();
            if text.len() == KEY_BYTES { Ok(()) } else { Err(Refusal::OutOfRange { min: bytes, max: bytes }) }
        })
    };
    named([
        ("outbound.operator_secret", text::required(&secrets.operator, 4 * SECRET_MAX)),
        ("outbound.data_secret", key(&secrets.data)),
        ("outbound.data_secret_iv", key(&secrets.data_iv)),
        ("outbound.sig_secret", text::required(&secrets.sig, 4 * SECRET_MAX)),
    ])
}

/// Everything that is wrong with terms.
#[must_use]
pub fn examine_terms(terms: &Terms) -> Vec<Finding> {
    let window = if (1..=WINDOW_SECS_MAX).contains(&terms.window_secs) {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { min: 1, max: i64::from(WINDOW_SECS_MAX) })
    };
    let hosted = if terms.hosted.is_empty() { Ok(()) } else { Err(Refusal::HostedNotServed) };
    named([("window_secs", window), ("hosted", hosted)])
}

fn named<const N: usize>(checks: [(&'static str, Result<(), Refusal>); N]) -> Vec<Finding> {
    checks.into_iter().filter_map(|(field, result)| Some(Finding::new(field, result.err()?))).collect()
}

/// The organisation code inside a unified social credit code: OperatorID on the wire.
#[must_use]
pub fn organisation(uscc: &str) -> Option<&str> {
    uscc.get(8..17).filter(|_| uscc.len() == 18)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn a_peer_is_reached_by_tls_and_its_names_are_identifiers() {
        let peer = |url: &str| Peer {
            base_url: url.into(),
            protocol_version: "20160701".into(),
            paths: BTreeMap::from([("query_token".into(), "get_token".into())]),
            spellings: BTreeMap::new(),
            authority: None,
        };
        for url in ["", "https://host:8443/evcs"] {
            assert!(examine_peer(&peer(url), false).is_empty(), "{url}");
        }
        let open = peer("http://127.0.0.1:9/evcs");
        assert_eq!(examine_peer(&open, false), [Finding::new("base_url", Refusal::HttpsRequired)]);
        assert!(examine_peer(&open, true).is_empty());
        for url in ["ftp://host", "https://", "https://user@host", "https://host/?a=b"] {
            assert_eq!(fields(examine_peer(&peer(url), true)), ["base_url"], "{url}");
        }
        let mut odd = peer("");
        odd.paths.insert("query token".into(), "x".into());
        odd.protocol_version.clear();
        assert_eq!(fields(examine_peer(&odd, false)), ["protocol_version", "paths"]);
    }

    #[test]
    fn an_authority_is_certificates_without_a_key() {
        let begin = "-----BEGIN CERTIFICATE-----\n";
        for right in ["", begin] {
            assert_eq!(authority(right), Ok(()));
        }
        let with_key = format!("{begin}-----BEGIN EC PRIVATE KEY-----\n");
        for wrong in ["AAAA", "证书", with_key.as_str()] {
            assert_eq!(authority(wrong), Err(Refusal::CertificateUnreadable), "{wrong}");
        }
        let length = AUTHORITY_MAX + 1;
        assert_eq!(authority(&"A".repeat(length)), Err(Refusal::TooLong { max: AUTHORITY_MAX, length }));
    }

    #[test]
    fn keys_have_sixteen_bytes_not_characters() {
        let secrets = |data: &str| Secrets {
            operator: "operator".into(),
            data: data.into(),
            data_iv: "0123456789abcdef".into(),
            sig: "s".into(),
        };
        assert!(examine_secrets(&secrets("Kx7!pQ2@mZ9#rT4$")).is_empty());
        assert_eq!(
            fields(examine_secrets(&secrets("充电充电充电充电充电充电充电充电"))),
            ["outbound.data_secret"]
        );
        assert_eq!(fields(examine_secrets(&secrets("short"))), ["outbound.data_secret"]);
    }

    #[test]
    fn terms_have_a_bounded_window_and_name_nobody_else() {
        let terms = |window_secs, hosted: &[&str]| Terms {
            open: true,
            window_secs,
            hosted: hosted.iter().map(|code| (*code).to_owned()).collect(),
        };
        assert!(examine_terms(&terms(300, &[])).is_empty());
        assert_eq!(fields(examine_terms(&terms(0, &["XXXX00019"]))), ["window_secs", "hosted"]);
        assert_eq!(organisation("91410105XXXX00019G"), Some("XXXX00019"));
        assert_eq!(organisation("XXXX00019"), None);
    }
    #[test]
    fn a_change_goes_by_the_version_that_was_seen_and_without_one_by_any() {
        let last = Change {
            deed: Deed::Rotated,
            by_operator: true,
            office: String::new(),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        assert_eq!(same_version(3, 3, None), Ok(()));
        assert_eq!(same_version(3, 0, None), Ok(()));
        for seen in [2, 4, -3] {
            let stale = Err(Refusal::LinkChanged { current: 3, last: Some(last.clone()) });
            assert_eq!(same_version(3, seen, Some(last.clone())), stale, "{seen}");
        }
    }

    #[test]
    fn each_deed_is_found_again_by_its_name_and_no_name_is_none() {
        assert!(Deed::ALL.into_iter().all(|deed| Deed::of(deed.name()) == Some(deed)));
        assert_eq!(Deed::of(""), None);
    }
}
