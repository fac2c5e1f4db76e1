//! Our own rules of the manifests: one row each, each seen to fail by a test.
//!
//! Owns: the table, and what the rules know of the services. Not: the API's shape (`schema`).
mod availability;
mod network;
mod placeholders;
mod pods;
mod settings;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};

use super::view::{Object, Overlay};
use crate::services::Service;

pub use placeholders::PLACEHOLDERS;

/// Where a rule tells what it found; no object where one is missing.
pub type Report<'a> = dyn FnMut(Option<&Object>, String) + 'a;

/// One rule.
pub struct Rule {
    /// Stable name.
    pub id: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// Looks at one overlay.
    pub check: fn(&Overlay, &Known, &mut Report<'_>),
}

/// Every rule. Source: reliability, section 14; architecture, "Services".
pub const RULES: &[Rule] = &[
    Rule { id: "image", why: "the same manifest always runs the same bytes", check: pods::image },
    Rule { id: "program", why: "a container runs a subcommand that exists", check: pods::program },
    Rule { id: "user", why: "nobody is root", check: pods::user },
    Rule { id: "container", why: "no privilege, no writable root, no capability", check: pods::container },
    Rule { id: "host", why: "nothing of the node is shared", check: pods::host },
    Rule { id: "token", why: "no pod can speak to the cluster", check: pods::token },
    Rule { id: "limits", why: "one pod cannot starve a node", check: pods::limits },
    Rule { id: "probes", why: "start, live and ready are asked on the admin port", check: pods::probes },
    Rule { id: "drain", why: "running calls end before the pod does", check: pods::drain },
    Rule { id: "secrets", why: "secrets are files, never variables", check: settings::secrets },
    Rule { id: "keys", why: "every setting is one that the service knows", check: settings::keys },
    Rule { id: "ports", why: "the service listens where it is looked for", check: settings::ports },
    Rule { id: "profile", why: "real data runs under the production profile", check: settings::profile },
    Rule { id: "plain", why: "between pods of real data nothing is plain text", check: settings::plain },
    Rule { id: "objects", why: "several replicas need one object store", check: settings::objects },
    Rule { id: "door", why: "a joint test takes the way that operators take", check: settings::door },
    Rule {
        id: "filled",
        why: "an example is named until the installer fills it in",
        check: placeholders::filled,
    },
    Rule { id: "deny", why: "what is not allowed is denied, both ways", check: network::deny },
    Rule { id: "arrows", why: "who may call whom is what the architecture says", check: network::arrows },
    Rule {
        id: "servers",
        why: "a database and the broker are reached by those who have one",
        check: network::servers,
    },
    Rule { id: "outward", why: "webhooks and pulls reach the systems of others", check: network::way_out },
    Rule { id: "covered", why: "every pod has a policy of its own", check: network::covered },
    Rule {
        id: "ingress",
        why: "from outside only through TLS, with a limit, to the two edges and what is open to operators' systems",
        check: network::ingress,
    },
    Rule {
        id: "outside",
        why: "operators' systems reach the ingest and its token, and no other port of a service",
        check: network::outside,
    },
    Rule { id: "namespace", why: "the cluster itself refuses unrestricted pods", check: network::namespace },
    Rule {
        id: "complete",
        why: "every service, its Service and its jobs are there",
        check: availability::complete,
    },
    Rule { id: "selectors", why: "a Service finds its pods and their port", check: availability::selectors },
    Rule { id: "replicas", why: "one pod less is no outage", check: availability::replicas },
    Rule {
        id: "disruption",
        why: "a drained node takes one replica at a time",
        check: availability::disruption,
    },
    Rule { id: "spread", why: "replicas are on different nodes", check: availability::spread },
    Rule { id: "scaling", why: "one side alone counts the replicas", check: availability::scaling },
];

/// What the checkout says of the services.
#[derive(Clone, Debug)]
pub struct Known {
    settings: BTreeMap<Service, toml::Table>,
}

impl Known {
    /// Reads every `settings.toml`. Errors: one cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut settings = BTreeMap::new();
        for service in Service::ALL {
            let path = root.join(format!("services/{service}/settings.toml"));
            let file = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
            settings.insert(service, file.parse().with_context(|| format!("{}", path.display()))?);
        }
        Ok(Self { settings })
    }

    /// Gives the default of a setting, e.g. `server.grpc_addr`; nothing when there is no such key.
    pub fn default(&self, service: Service, key: &str) -> Option<&toml::Value> {
        let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
        let mut value = self.settings.get(&service)?.get(first)?;
        for part in rest.into_iter().flat_map(|rest| rest.split('.')) {
            value = value.get(part)?;
        }
        (!value.is_table()).then_some(value)
    }

    /// Lists whom a service calls: the peers of its settings.
    pub fn peers(&self, service: Service) -> Vec<Service> {
        let peers =
            self.settings.get(&service).and_then(|table| table.get("peers")).and_then(toml::Value::as_table);
        let named = |peer: &Service| peers.is_some_and(|peers| peers.contains_key(peer.name()));
        Service::ALL.into_iter().filter(named).collect()
    }
}

/// Finds the service of that name.
pub(crate) fn service(name: &str) -> Option<Service> {
    Service::ALL.into_iter().find(|service| service.name() == name)
}
