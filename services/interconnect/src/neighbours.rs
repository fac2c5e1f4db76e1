//! Stations and accounts as this process asks them: links by organisation code, and a voice for each operator.
//!
//! Owns: remembering both for seconds. Keeps nothing beyond the process.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis::{
    Edge, Failure, clock,
    error::Kind,
    rpc::{Peer, speaking_for},
};
use proto::{
    accounts::{IssueLinkTokenRequest, machines_client::MachinesClient},
    stations::{
        ResolveLinkRequest, ResolvedLink, Secrets as SecretsMessage, checks_client::ChecksClient,
        ingest_client::IngestClient, links_client::LinksClient, registry_client::RegistryClient,
    },
};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::domain::{
    envelope::Secrets,
    link::{Keys, Link},
};

/// Links and voices that are remembered; a province has hundreds of operators.
const REMEMBERED_MAX: usize = 10_000;
/// A link is used this long while stations is away.
const STALE_MAX: Duration = Duration::from_secs(300);
/// A caller token is renewed when it has less than this left, seconds.
const RENEW_SECS: i64 = 15;

/// When a link was asked for, and what was found.
type Known = (Instant, Option<Arc<Link>>);

/// What stations and accounts say.
pub struct Neighbours {
    links: LinksClient<Peer>,
    machines: MachinesClient<Peer>,
    stations: Channel,
    own: Peer,
    fresh: Duration,
    known: Mutex<HashMap<String, Known>>,
    voices: Mutex<HashMap<Uuid, (Arc<str>, i64)>>,
}

/// Speaks to stations for one operator: in its name, and as the platform where that decides. An operator that is not active has
/// neither.
#[derive(Clone)]
pub struct Voice {
    operator: Peer,
    platform: Peer,
}

impl Voice {
    /// The ingest.
    #[must_use]
    pub fn ingest(&self) -> IngestClient<Peer> {
        IngestClient::new(self.operator.clone())
    }

    /// Comparisons, as the platform: each request names the operator.
    #[must_use]
    pub fn checks(&self) -> ChecksClient<Peer> {
        ChecksClient::new(self.platform.clone())
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> RegistryClient<Peer> {
        RegistryClient::new(self.operator.clone())
    }
}

impl Neighbours {
    /// Prepares the connections; nobody has to be there. `fresh`: how long a link is used without asking again.
    #[must_use]
    pub fn new(edge: &Edge, fresh: Duration) -> Self {
        Self {
            links: LinksClient::new(edge.peer("stations")),
            machines: MachinesClient::new(edge.peer("accounts")),
            stations: edge.channel("stations"),
            own: edge.peer("stations"),
            fresh,
            known: Mutex::default(),
            voices: Mutex::default(),
        }
    }

    /// Whether an organisation code was asked for lately: one that has a link, within minutes; one that has none, within the
    /// seconds for which that is not asked again.
    #[must_use]
    pub fn remembers(&self, organisation: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(organisation)
            .is_some_and(|(at, link)| at.elapsed() < if link.is_some() { STALE_MAX } else { self.fresh })
    }

    /// Comparisons, and what was refused, as the platform.
    #[must_use]
    pub fn checks(&self) -> ChecksClient<Peer> {
        ChecksClient::new(self.own.clone())
    }

    /// The link of an organisation code; `None` where there is none, or it was revoked.
    ///
    /// # Errors
    /// `service_unavailable` when stations is away and the link was not asked for lately.
    pub async fn link(&self, organisation: &str) -> Result<Option<Arc<Link>>, Failure> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(organisation).cloned();
        if let Some((at, link)) = &known
            && at.elapsed() < self.fresh
        {
            return Ok(link.clone());
        }
        let asked = ResolveLinkRequest { organisation_code: organisation.to_owned() };
        let link = match self.links.clone().resolve_link(asked).await {
            Ok(answer) => Some(Arc::new(link(answer.into_inner())?)),
            Err(status) => match (Failure::from(status), known) {
                (failure, _) if failure.kind() == Kind::NotFound => None,
                (failure, Some((at, Some(link)))) if at.elapsed() < STALE_MAX => {
                    tracing::warn!(error = %failure, "stations is away, the link known before is used");
                    return Ok(Some(link));
                }
                (failure, _) => return Err(failure),
            },
        };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, (at, link)| link.is_some() && at.elapsed() < STALE_MAX);
        }
        if all.len() < REMEMBERED_MAX {
            all.insert(organisation.to_owned(), (Instant::now(), link.clone()));
        }
        Ok(link)
    }

    /// The voice of an operator.
    ///
    /// # Errors
    /// `client_refused` when accounts does not count the operator as active; accounts is away.
    pub async fn voice(&self, operator_id: Uuid) -> Result<Voice, Failure> {
        let now = clock::unix_seconds();
        let held = self.voices.lock().unwrap_or_else(PoisonError::into_inner).get(&operator_id).cloned();
        if let Some((token, expires)) = held
            && expires > now + RENEW_SECS
        {
            return Ok(self.speaking(token));
        }
        let asked =
            IssueLinkTokenRequest { operator_id: operator_id.to_string(), audience: vec!["stations".into()] };
        let answer = self.machines.clone().issue_link_token(asked).await?.into_inner();
        let token: Arc<str> = answer.token.into();
        let expires = answer.expires_at.map_or(now, |at| at.seconds);
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        if voices.len() >= REMEMBERED_MAX {
            voices.retain(|_, (_, expires)| *expires > now);
        }
        voices.insert(operator_id, (token.clone(), expires));
        Ok(self.speaking(token))
    }

    fn speaking(&self, token: Arc<str>) -> Voice {
        Voice { operator: speaking_for(self.stations.clone(), token), platform: self.own.clone() }
    }
}

/// A link as this process keeps it in mind.
///
/// # Errors
/// An id of it is none.
pub fn link(resolved: ResolvedLink) -> Result<Link, Failure> {
    let link = resolved.link.unwrap_or_default();
    let id = |text: &str| Uuid::parse_str(text).map_err(Failure::internal);
    let inbound = link
        .inbound
        .into_iter()
        .map(|set| Ok(Keys { id: id(&set.secret_id)?, secrets: secrets(set.secrets.unwrap_or_default()) }));
    Ok(Link {
        operator_id: id(&link.operator_id)?,
        organisation: link.organisation_code,
        open: link.open,
        inbound: inbound.collect::<Result<_, Failure>>()?,
        window: time::Duration::seconds(i64::from(link.window_secs)),
        paths: link.paths,
        spellings: link.spellings,
    })
}

/// Secrets of a message.
#[must_use]
pub fn secrets(message: SecretsMessage) -> Secrets {
    Secrets {
        operator: message.operator_secret,
        data: message.data_secret,
        data_iv: message.data_secret_iv,
        sig: message.sig_secret,
    }
}
