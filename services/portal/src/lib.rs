//! The portal: pages for every role. It asks the services and decides nothing; it keeps nothing durable.
//!
//! # How to add a page
//!
//! 1. One handler file (or a function in the file of its area) in `web/`, and its routes in that file's `routes()`:
//!    take [`Visitor`] first, `visitor.only(&[Role::…])?`, then ask a service: `visitor.applications().get_application(…)`.
//!    A failed call ends the page by `?` (404, 403, 503, 500 with their words); a part that may be missing goes through
//!    [`refused::Away::or`].
//! 2. One template in `templates/` that extends `base.html`, and a struct with `#[derive(Template)]` beside the handler
//!    with a field `page: Page` (from `visitor.page("<menu path>", "<title>").await`) and prepared texts: a template prints,
//!    it does not compute. `frame::show(status, &page)` answers it.
//! 3. A form: take [`Form`] as the *last* argument of the POST handler, at the path of the page that shows it, so that the
//!    way back after signing in ends at the form. On `Ok` answer `visitor.done("<path>", "<what happened, who is next>")`;
//!    on `Err(status)` show the same page with `form.refused(status)?`. In the template: `{% import "part/fields.html" as f %}`,
//!    `{{ f::hidden(page, form) }}`, `{% include "part/errors.html" %}`, `{{ f::text(form, "login", "账号名称") }}`.
//! 4. A sample in `tests/it/samples.rs`: empty, one, many, longest. A test names templates that have none.
//!
//! Refusals are turned into pages in [`refused`] and `guard` only. Menu labels stand in [`menu`], stages in [`stage`], words for
//! ids in [`labels`], formats in [`format`].

pub mod actions;
pub mod assets;
pub mod case;
pub mod charge_order;
pub mod compared;
pub mod config;
pub mod cookies;
pub mod csrf;
pub mod divisions;
pub mod dossier;
pub mod entry;
pub mod form;
pub mod format;
pub mod frame;
pub mod gate;
pub mod guard;
pub mod guest;
pub mod ids;
pub mod invoice;
pub mod labels;
pub mod limits;
pub mod list;
pub mod map;
pub mod materials;
pub mod menu;
pub mod notice;
pub mod order;
pub mod package;
pub mod papers;
pub mod parameters;
pub mod pipe;
pub mod policy;
pub mod quality;
pub mod receipts;
pub mod refused;
pub mod review;
pub mod roles;
pub mod rounds;
pub mod sessions;
pub mod sheet;
pub mod stage;
pub mod standing;
pub mod station;
pub mod streams;
pub mod turns;
pub mod unsent;
pub mod upload;
pub mod visitor;
pub mod web;

use std::{collections::BTreeMap, sync::Arc};

use axum::Router;
use chassis::{Edge, rpc::Peer};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

pub use form::Form;
pub use frame::Page;
pub use guest::Guest;
pub use refused::{Answer, Refused};
pub use roles::Role;
pub use upload::Upload;
pub use visitor::Visitor;

use config::{Config, PEERS};

/// Everything that handlers share.
pub struct Portal {
    /// Settings.
    pub config: Config,
    /// Cookies.
    pub jar: cookies::Jar,
    /// Signed-in people, for some seconds each.
    pub sessions: sessions::Sessions,
    /// Names of divisions.
    pub divisions: divisions::Divisions,
    /// Names of rounds.
    pub rounds: rounds::Rounds,
    /// Tries by address.
    pub limits: limits::Limits,
    /// Workbooks and packages that are being made. Decision 14.
    pub downloads: turns::Turns,
    /// Files on their way from browsers. Decision 36.
    pub uploads: turns::Turns,
    /// Live streams that are open.
    pub streams: streams::Streams,
    /// Raised when the process ends: live streams stop.
    pub shutdown: CancellationToken,
    channels: BTreeMap<&'static str, Channel>,
    peers: BTreeMap<&'static str, Peer>,
}

impl Portal {
    /// Prepares everything; nobody has to be there.
    pub fn new(config: &Config, edge: &Edge) -> Portal {
        Portal {
            config: config.clone(),
            jar: cookies::Jar::new(&config.cookies),
            sessions: sessions::Sessions::new(edge.peer("accounts"), config.sessions.fresh_secs),
            divisions: divisions::Divisions::new(edge.peer("accounts")),
            rounds: rounds::Rounds::default(),
            limits: limits::Limits::new(&config.limits),
            downloads: turns::Turns::new("导出或打包", 8, 2),
            uploads: turns::Turns::new("上传文件", config.limits.uploads_at_once, 4),
            streams: streams::Streams::new(config.live.streams_max, || edge.channel_apart("notifications")),
            shutdown: edge.shutdown(),
            channels: PEERS.iter().map(|name| (*name, edge.channel(name))).collect(),
            peers: PEERS.iter().map(|name| (*name, edge.peer(name))).collect(),
        }
    }

    /// Speaks to a service as the portal itself: for what is open before signing in.
    pub fn peer(&self, name: &'static str) -> Peer {
        self.peers[name].clone()
    }

    /// Speaks to a service for a person.
    pub(crate) fn speaking_for(&self, name: &'static str, token: Arc<str>) -> Peer {
        chassis::rpc::speaking_for(self.channels[name].clone(), token)
    }
}

/// Every page, and what programs call, with the guards around them.
pub fn router(portal: Arc<Portal>) -> Router {
    guard::around(web::routes().merge(receipts::routes()), portal)
}

/// Runs the portal until it is told to end.
///
/// # Errors
/// A setting is wrong, or a port is taken.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let edge = Edge::start("portal", &config.edge())?;
    let portal = Arc::new(Portal::new(config, &edge));
    edge.serve_http(config.server.http_addr, router(portal)).await
}
