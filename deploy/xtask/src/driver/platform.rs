//! The running platform as its callers see it: one channel a service, and the file in which codes for phones land.
//!
//! Owns: addresses and clients. Not: who calls (`actor`).
use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use proto::{accounts, documents, notifications, reviews, stations};
use tonic::transport::{Channel, Endpoint};

use crate::{
    deployment::{Answer, Deployment},
    services::Service,
};

/// Where accounts leaves one-time passwords and codes, below its own folder. Source: its setting `sender.outbox_file`.
const MAILBOX: &str = ".yuchong/accounts-outbox.jsonl";
/// Every service that a caller's token may name.
pub const AUDIENCE: [&str; 5] = ["accounts", "stations", "documents", "reviews", "notifications"];

/// The five services, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

struct Inner {
    deployment: Deployment,
    accounts: Channel,
    stations: Channel,
    documents: Channel,
    reviews: Channel,
    notifications: Channel,
    repeated: AtomicU64,
}

impl fmt::Debug for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Platform")
    }
}

impl Platform {
    /// Points at the services of a deployment; connects when first used, and again after a service restarted.
    ///
    /// Errors: the deployment has no address for one of the services.
    pub fn of(deployment: &Deployment) -> Result<Self> {
        let channel = |service| channel(&deployment.url(service)?);
        let inner = Inner {
            accounts: channel(Service::Accounts)?,
            stations: channel(Service::Stations)?,
            documents: channel(Service::Documents)?,
            reviews: channel(Service::Reviews)?,
            notifications: channel(Service::Notifications)?,
            repeated: AtomicU64::new(0),
            deployment: deployment.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The deployment that it points at.
    pub fn deployment(&self) -> &Deployment {
        &self.inner.deployment
    }

    /// How many requests were sent again so far, by all its callers.
    pub fn repeated(&self) -> u64 {
        self.inner.repeated.load(Ordering::Relaxed)
    }

    pub(super) fn note_repetition(&self) {
        self.inner.repeated.fetch_add(1, Ordering::Relaxed);
    }

    /// The file to which accounts appends what it would send to phones.
    ///
    /// Errors: the service's folder cannot be made.
    pub fn mailbox(&self) -> Result<PathBuf> {
        Ok(self.inner.deployment.folder_of(Service::Accounts)?.join(MAILBOX))
    }

    /// Runs a subcommand of a service that must succeed. Errors: it failed, with what it said.
    pub async fn command(&self, service: Service, arguments: &[&str]) -> Result<Answer> {
        let answer = self.inner.deployment.run(service, arguments).await?;
        let said = || format!("{service} {} failed\n{}{}", arguments.join(" "), answer.output, answer.errors);
        ensure!(answer.success, said());
        Ok(answer)
    }
}

/// Opens lazily, so that a service may be away at this moment.
fn channel(url: &str) -> Result<Channel> {
    let endpoint =
        Endpoint::from_shared(url.to_owned()).with_context(|| format!("{url} is not an address"))?;
    Ok(endpoint.connect_timeout(Duration::from_secs(2)).tcp_nodelay(true).connect_lazy())
}

/// One method a gRPC service: a client on the shared channel, without a caller; [`super::Actor::ask`] adds him.
macro_rules! clients {
    ($($name:ident: $channel:ident $client:ident, $text:literal;)*) => {
        impl Platform {
            $(#[doc = $text]
            pub fn $name(&self) -> $client<Channel> {
                $client::new(self.inner.$channel.clone())
            })*
        }
    };
}

use accounts::{
    account_review_client::AccountReviewClient, machines_client::MachinesClient,
    members_client::MembersClient, registration_client::RegistrationClient, sessions_client::SessionsClient,
    users_client::UsersClient,
};
use documents::{
    dossiers_client::DossiersClient, files_client::FilesClient, invoices_client::InvoicesClient,
};
use notifications::{
    live_client::LiveClient, messages_client::MessagesClient, notices_client::NoticesClient,
    webhooks_client::WebhooksClient, worklist_client::WorklistClient,
};
use reviews::{
    applications_client::ApplicationsClient, deadlines_client::DeadlinesClient,
    joint_review_client::JointReviewClient, rounds_client::RoundsClient,
};
use stations::{
    ingest_client::IngestClient, links_client::LinksClient, registry_client::RegistryClient,
    search_client::SearchClient, statistics_client::StatisticsClient, turns_client::TurnsClient,
};

clients! {
    registration: accounts RegistrationClient, "Operators register and keep their profile.";
    account_review: accounts AccountReviewClient, "Registrations are reviewed.";
    sessions: accounts SessionsClient, "Signing in and caller tokens.";
    users: accounts UsersClient, "Officials.";
    members: accounts MembersClient, "People of one operator.";
    machines: accounts MachinesClient, "Client credentials of outside systems.";
    registry: stations RegistryClient, "Stations, equipment, connectors.";
    links: stations LinksClient, "Links to operators' systems.";
    turns: stations TurnsClient, "What is pulled from them, and joint tests.";
    search: stations SearchClient, "Connectors by place.";
    statistics: stations StatisticsClient, "Sums by day, place and operator.";
    ingest: stations IngestClient, "Connector status and charge orders.";
    files: documents FilesClient, "Uploads and downloads.";
    dossiers: documents DossiersClient, "Slots, revisions, differences.";
    invoices: documents InvoicesClient, "Invoices and their use.";
    rounds: reviews RoundsClient, "Rounds with their policies.";
    applications: reviews ApplicationsClient, "One application.";
    joint_review: reviews JointReviewClient, "Work orders, panels, the spot check.";
    deadlines: reviews DeadlinesClient, "Deadlines, reminders, assignments.";
    worklist: notifications WorklistClient, "Open tasks.";
    webhooks: notifications WebhooksClient, "Subscriptions of outside systems.";
    messages: notifications MessagesClient, "Messages.";
    notices: notifications NoticesClient, "Notices.";
    live: notifications LiveClient, "The stream of changes.";
}
