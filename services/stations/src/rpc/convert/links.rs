//! Messages of links to values and back.
use proto::stations::{
    Link, ListLinksRequest, ResolvedLink, SecretSet, Secrets as SecretsMessage, SetPeerRequest,
    SetTermsRequest,
};

use crate::{
    domain::{
        Finding, Refusal,
        link::{Peer, STATES, Secrets, Terms},
        text,
    },
    store::links::{Filter, Row, Sealed},
};

/// How the operator's system is called, and by which secrets.
#[must_use]
pub fn peer(body: SetPeerRequest) -> (Peer, Option<Secrets>) {
    let outbound = body.outbound.map(|secrets| Secrets {
        operator: secrets.operator_secret,
        data: secrets.data_secret,
        data_iv: secrets.data_secret_iv,
        sig: secrets.sig_secret,
    });
    let peer = Peer {
        base_url: body.base_url,
        protocol_version: body.protocol_version,
        paths: body.paths,
        spellings: body.spellings,
        authority: body.authority,
    };
    (peer, outbound)
}

/// What the administrator grants.
#[must_use]
pub fn terms(body: SetTermsRequest) -> Terms {
    Terms { open: body.open, window_secs: body.window_secs, hosted: body.hosted }
}

/// Secrets on their way out.
#[must_use]
pub fn secrets(secrets: Secrets) -> SecretsMessage {
    SecretsMessage {
        operator_secret: secrets.operator,
        data_secret: secrets.data,
        data_secret_iv: secrets.data_iv,
        sig_secret: secrets.sig,
    }
}

/// What a list is to show.
///
/// # Errors
/// A state that is none; a text that is too long.
pub fn filter(body: ListLinksRequest) -> Result<Filter, Finding> {
    if !body.state.is_empty() && !STATES.contains(&body.state.as_str()) {
        return Err(Finding::new("state", Refusal::UnknownValue));
    }
    text::optional(&body.text, 100).map_err(|refusal| Finding::new("text", refusal))?;
    Ok(Filter { state: body.state, text: body.text.trim().to_lowercase() })
}

/// A link without its secrets; `kept` may hold those of others.
#[must_use]
pub fn view(row: Row, kept: &[Sealed]) -> Link {
    let own: Vec<&Sealed> = kept.iter().filter(|set| set.operator_id == row.operator_id).collect();
    let inbound = own.iter().copied().filter(|set| set.direction == "inbound").map(set).collect();
    Link {
        operator_id: row.operator_id.to_string(),
        organisation_code: row.organisation_code,
        state: row.state,
        open: row.open,
        window_secs: row.window_secs,
        hosted: row.hosted,
        base_url: row.base_url,
        protocol_version: row.protocol_version,
        paths: row.paths.0,
        spellings: row.spellings.0,
        inbound,
        callable: own.iter().any(|set| set.direction == "outbound"),
        version: row.version,
        authority: row.authority,
    }
}

fn set(kept: &Sealed) -> SecretSet {
    SecretSet {
        secret_id: kept.secret_id.to_string(),
        issued_at: Some(super::timestamp(kept.issued_at)),
        retires_at: kept.retires_at.map(super::timestamp),
        secrets: None,
    }
}

/// A link with its secrets, for interconnect; `opened` are those of `kept`, in its order.
#[must_use]
pub fn resolved(row: Row, kept: &[Sealed], opened: Vec<Secrets>) -> ResolvedLink {
    let mut link = view(row, &[]);
    let mut outbound = None;
    for (one, open) in kept.iter().zip(opened) {
        if one.direction == "inbound" {
            link.inbound.push(SecretSet { secrets: Some(secrets(open)), ..set(one) });
        } else {
            outbound = Some(secrets(open));
        }
    }
    link.callable = outbound.is_some();
    ResolvedLink { link: Some(link), outbound }
}
