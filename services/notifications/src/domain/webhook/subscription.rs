//! What a subscription may say.

use super::{catalogue, flaw::Flaw};

/// Characters of a name.
const NAME_MAX: usize = 50;
/// Characters of an address.
const URL_MAX: usize = 500;

/// A subscription as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// For people.
    pub name: String,
    /// Where events are posted.
    pub url: String,
    /// Names of the catalogue.
    pub event_types: Vec<String>,
    /// Division code; empty for every prefecture.
    pub prefecture: String,
}

/// Everything that is wrong with a draft. `plain_http`: whether an endpoint without TLS is let through.
///
/// Where the host of the address lies is not judged here.
pub fn examine(draft: &Draft, plain_http: bool) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (field, text, max) in [("name", &draft.name, NAME_MAX), ("url", &draft.url, URL_MAX)] {
        if text.is_empty() {
            flaws.push(Flaw::Missing(field));
        } else if text.chars().count() > max {
            flaws.push(Flaw::TooLong(field, max));
        }
    }
    if flaws.iter().all(|flaw| flaw.field() != Some("url")) {
        flaws.extend(examine_url(&draft.url, plain_http));
    }
    let known: Vec<String> = catalogue::types().into_iter().map(|(name, ..)| name).collect();
    if draft.event_types.is_empty() {
        flaws.push(Flaw::Missing("event_types"));
    } else if draft.event_types.iter().any(|name| !known.contains(name)) {
        flaws.push(Flaw::UnknownType);
    }
    let code = &draft.prefecture;
    if !code.is_empty() && (code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit())) {
        flaws.push(Flaw::UnknownPrefecture);
    }
    flaws
}

fn examine_url(url: &str, plain_http: bool) -> Option<Flaw> {
    let Some((scheme, rest)) = url.split_once("://") else { return Some(Flaw::UrlMalformed) };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let readable = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !readable || host.is_empty() || host.contains('@') || rest.contains(['#', '\\']) {
        return Some(Flaw::UrlMalformed);
    }
    match scheme {
        "https" => None,
        "http" if plain_http => None,
        "http" => Some(Flaw::UrlNotHttps),
        _ => Some(Flaw::UrlMalformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            name: "省财政厅".into(),
            url: "https://hooks.example.gov.cn/yuchong?from=1".into(),
            event_types: vec!["reviews.approved".into()],
            prefecture: "410100".into(),
        }
    }

    #[test]
    fn a_whole_draft_has_no_flaw() {
        assert!(examine(&draft(), false).is_empty());
        assert!(examine(&Draft { prefecture: String::new(), ..draft() }, false).is_empty());
    }

    #[test]
    fn each_flaw_is_named_with_its_field() {
        let name = |name: &str| Draft { name: name.into(), ..draft() };
        let types = |names: &[&str]| Draft {
            event_types: names.iter().map(|name| (*name).to_owned()).collect(),
            ..draft()
        };
        for (draft, flaw) in [
            (name(""), Flaw::Missing("name")),
            (name(&"长".repeat(51)), Flaw::TooLong("name", 50)),
            (types(&[]), Flaw::Missing("event_types")),
            (types(&["reviews.approved", "yuchong.test"]), Flaw::UnknownType),
            (Draft { prefecture: "郑州".into(), ..draft() }, Flaw::UnknownPrefecture),
        ] {
            assert_eq!(examine(&draft, false), [flaw]);
        }
    }

    #[test]
    fn an_address_is_https_and_names_a_host_only() {
        let url = |url: &str, plain| examine(&Draft { url: url.into(), ..draft() }, plain);
        for bad in
            ["ftp://host/", "host/path", "https://", "https://a@host/", "https://host/#a", "https://主机/"]
        {
            assert_eq!(url(bad, true), [Flaw::UrlMalformed], "{bad}");
        }
        assert_eq!(url("", false), [Flaw::Missing("url")]);
        assert_eq!(url("http://host/", false), [Flaw::UrlNotHttps]);
        assert!(url("http://host/", true).is_empty());
    }
}
