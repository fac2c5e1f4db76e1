//! The signed-in person behind a request: roles, office, and the services as they answer this person.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use chassis::rpc::Peer;
use proto::{
    accounts::{
        BeginExportRequest, FinishExportRequest, SessionView, account_review_client::AccountReviewClient,
        audit_log_client::AuditLogClient, exports_client::ExportsClient, machines_client::MachinesClient,
        members_client::MembersClient, registration_client::RegistrationClient, users_client::UsersClient,
    },
    documents::{
        dossiers_client::DossiersClient, files_client::FilesClient, invoices_client::InvoicesClient,
    },
    notifications::{
        CountTasksRequest, ListMessagesRequest, live_client::LiveClient, messages_client::MessagesClient,
        notices_client::NoticesClient, webhooks_client::WebhooksClient, worklist_client::WorklistClient,
    },
    reviews::{
        applications_client::ApplicationsClient, deadlines_client::DeadlinesClient,
        joint_review_client::JointReviewClient, rounds_client::RoundsClient,
    },
    stations::{
        evidence_client::EvidenceClient, links_client::LinksClient, registry_client::RegistryClient,
        search_client::SearchClient, statistics_client::StatisticsClient, turns_client::TurnsClient,
    },
};
use tonic::{Status, transport::Channel};

use crate::{
    Answer, Portal, Refused,
    cookies::Cookie,
    csrf,
    frame::{self, Page, Person},
    ids, menu,
    roles::Role,
    sessions::{self, Badges},
};

/// How long a page waits for the counts in its frame: it is one without them all the same.
const BADGES_WITHIN: Duration = Duration::from_secs(1);
/// What a person reads who signs out while accounts is away.
const SIGNED_OUT_HERE: &str = "本浏览器已退出登录。账号服务暂时不可用，服务端的登录状态将在超时后自动结束";

/// The person who asks.
#[derive(Clone)]
pub struct Visitor {
    /// What all handlers share.
    pub portal: Arc<Portal>,
    /// Name, office, company, scope.
    pub view: Arc<SessionView>,
    /// What the person may be.
    pub roles: Vec<Role>,
    /// Part of the page that the script asks for; empty: the whole page.
    pub fragment: String,
    /// Whether a page of ours shows the answer in a frame.
    pub framed: bool,
    session: String,
    token: Arc<str>,
    /// The export that this is done for; empty for anything else.
    export: Arc<str>,
    notice: Option<String>,
    large: bool,
}

/// One function for each client of a service, speaking for this person.
macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $client:ident at $peer:literal;)*) => {
        $($(#[$doc])*
        pub fn $name(&self) -> $client<Peer> {
            $client::new(self.portal.speaking_for($peer, self.token.clone()))
        })*
    };
}

impl Visitor {
    clients! {
        /// Own profile of an operator.
        registration: RegistrationClient at "accounts";
        /// Registrations that wait.
        account_review: AccountReviewClient at "accounts";
        /// The record of what was exported.
        exports: ExportsClient at "accounts";
        /// Officials.
        users: UsersClient at "accounts";
        /// People of the own company.
        members: MembersClient at "accounts";
        /// The audit log.
        audit_log: AuditLogClient at "accounts";
        /// Outside systems.
        machines: MachinesClient at "accounts";
        /// Stations and connectors.
        registry: RegistryClient at "stations";
        /// Links to operators' systems.
        links: LinksClient at "stations";
        /// What is pulled from them, and joint tests.
        turns: TurnsClient at "stations";
        /// Connectors by place.
        search: SearchClient at "stations";
        /// Sums of charge orders.
        statistics: StatisticsClient at "stations";
        /// Evidence of the gates.
        evidence: EvidenceClient at "stations";
        /// Uploads and downloads.
        files: FilesClient at "documents";
        /// Materials.
        dossiers: DossiersClient at "documents";
        /// Invoices.
        invoices: InvoicesClient at "documents";
        /// Applications.
        applications: ApplicationsClient at "reviews";
        /// Time limits, reminders, assignments.
        deadlines: DeadlinesClient at "reviews";
        /// Work orders.
        joint_review: JointReviewClient at "reviews";
        /// Rounds.
        rounds: RoundsClient at "reviews";
        /// Tasks.
        worklist: WorklistClient at "notifications";
        /// Messages.
        messages: MessagesClient at "notifications";
        /// Notices.
        notices: NoticesClient at "notifications";
        /// Subscriptions of outside systems.
        webhooks: WebhooksClient at "notifications";
    }

    /// The live stream, on a connection of its own.
    pub fn live(&self, connection: Channel) -> LiveClient<Peer> {
        LiveClient::new(chassis::rpc::speaking_for(connection, self.token.clone()))
    }

    /// Whether the person holds a role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The parties whose desks are this person's.
    pub fn parties(&self) -> Vec<&'static str> {
        self.roles.iter().map(|role| role.party()).filter(|party| !party.is_empty()).collect()
    }

    /// The list of applications that this person works with.
    pub fn list_path(&self) -> &'static str {
        match self.roles.first() {
            Some(Role::County | Role::City) => "/supervision/county-subsidies",
            Some(Role::Administrator | Role::Expert | Role::Province) => "/supervision/subsidies",
            Some(
                Role::Operator
                | Role::OperatorApplicant
                | Role::SystemAdministrator
                | Role::SecurityAdministrator
                | Role::AuditAdministrator,
            )
            | None => "/subsidy/applications",
        }
    }

    /// The list of the applications that stand at a node.
    pub fn stage_path(&self, stage: &str) -> String {
        // Where single voices are asked, those that wait for this one.
        let own = if self.is(Role::Expert) || self.is(Role::Province) { "&own=open" } else { "" };
        match self.list_path() {
            "/supervision/subsidies" => format!("/supervision/subsidies/applications?stage={stage}{own}"),
            list => format!("{list}?stage={stage}"),
        }
    }

    /// The list of the applications that are so to this person: `open` or `done`.
    pub fn own_path(&self, own: &str) -> String {
        match self.list_path() {
            "/supervision/subsidies" => format!("/supervision/subsidies/applications?own={own}"),
            list => format!("{list}?own={own}"),
        }
    }

    /// The page on which this person handles an application.
    pub fn application_path(&self, id: &str) -> String {
        match self.list_path() {
            list @ "/supervision/county-subsidies" => format!("{list}/{id}/review"),
            list => format!("{list}/{id}"),
        }
    }

    /// Lets only these roles in; for everybody else there is no such page.
    ///
    /// # Errors
    /// Not found.
    pub fn only(&self, roles: &[Role]) -> Result<(), Refused> {
        if roles.iter().any(|role| self.is(*role)) { Ok(()) } else { Err(Refused::not_found()) }
    }

    /// The frame of a page: `menu_path` is the entry that it belongs to, `title` what it is.
    pub async fn page(&self, menu_path: &str, title: &str) -> Page {
        let badges = self.badges().await;
        let person = Person {
            name: self.view.display_name.clone(),
            office: self.view.office.clone(),
            operator: self.is(Role::Operator) || self.is(Role::OperatorApplicant),
        };
        Page {
            title: title.to_owned(),
            crumbs: menu::crumbs(menu_path, title),
            site: self.portal.config.site.clone(),
            person: Some(person),
            menu: menu::of(&self.roles, menu_path, badges),
            badges,
            notice: self.notice.clone(),
            form_token: csrf::token(&self.session),
            large: self.large,
            lasts_secs: self.lasts_secs(),
        }
    }

    /// 303 to `path`, whose page says what has been done.
    ///
    /// # Errors
    /// None; the type is a handler's.
    pub fn done(&self, path: &str, notice: &str) -> Answer {
        self.portal.sessions.recount(&self.session);
        let mut response = frame::see_other(path);
        response.headers_mut().append(header::SET_COOKIE, self.portal.jar.set_notice(notice));
        Ok(response)
    }

    /// The page, which has said what was done before.
    ///
    /// # Errors
    /// The template fails.
    pub fn show(&self, status: StatusCode, page: &impl askama::Template) -> Answer {
        let mut response = frame::show(status, page)?;
        if self.notice.is_some() {
            response.headers_mut().append(header::SET_COOKIE, self.portal.jar.end(Cookie::Notice));
        }
        Ok(response)
    }

    /// The session ends: at accounts, here, and in the browser; where accounts is away, in the browser all the same, and the
    /// sign-in page says so.
    pub async fn sign_out(&self) -> Response {
        let request = proto::accounts::SignOutRequest { session_token: self.session.clone() };
        let ended = self.portal.sessions.client().sign_out(request).await;
        self.portal.sessions.forget(&self.session);
        let mut response = frame::see_other("/login").into_response();
        let headers = response.headers_mut();
        headers.append(header::SET_COOKIE, self.portal.jar.end(Cookie::Session));
        if let Err(status) = ended {
            tracing::warn!(code = ?status.code(), "a session was ended in the browser only");
            headers.append(header::SET_COOKIE, self.portal.jar.set_notice(SIGNED_OUT_HERE));
        }
        response
    }

    /// The session reference, for calls of accounts that take it.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The same person at an export, which accounts lets begin with a fresh second factor only, and which goes on when another
    /// tab shows one again. `list` and `filter` are what the record will say.
    ///
    /// # Errors
    /// `step_up_required`; what accounts says of list and filter.
    pub async fn exporting(&self, list: String, filter: String) -> Result<Visitor, Status> {
        let request = BeginExportRequest { request_id: ids::fresh(), list, filter };
        let begun = self.exports().begin_export(request).await?.into_inner();
        Ok(Visitor { export: begun.export_id.into(), ..self.clone() })
    }

    /// Has the record of this export made, of so many rows or files: nothing is handed out before it stands.
    ///
    /// # Errors
    /// `export_not_begun`; accounts is away.
    pub async fn exported(&self, rows: i64) -> Result<(), Status> {
        let export_id = self.export.to_string();
        let request = FinishExportRequest { request_id: ids::fresh(), export_id, rows };
        self.exports().finish_export(request).await.map(drop)
    }

    /// The same person with rights and token read anew if they are stale; for streams that outlive a token. An export keeps
    /// the view with which it began: what may be read is the token's affair.
    ///
    /// # Errors
    /// The session has ended; accounts is away.
    pub async fn again(&self) -> Result<Visitor, Status> {
        let known = if self.export.is_empty() {
            self.portal.sessions.find(&self.session).await?
        } else {
            self.portal.sessions.exporting(&self.session, &self.export, &self.view).await?
        };
        Ok(Visitor { roles: roles(&known.view), view: known.view, token: known.token, ..self.clone() })
    }

    /// Seconds for which the session surely lasts if nothing more is asked.
    pub fn lasts_secs(&self) -> i64 {
        sessions::lasts_secs(&self.view)
    }

    /// Open tasks and unread messages; `None` while notifications is away or does not answer.
    async fn badges(&self) -> Option<Badges> {
        if let Some(known) = self.portal.sessions.badges(&self.session) {
            return known;
        }
        let badges = tokio::time::timeout(BADGES_WITHIN, self.counted()).await.ok().flatten();
        self.portal.sessions.keep_badges(&self.session, badges);
        badges
    }

    async fn counted(&self) -> Option<Badges> {
        let (mut worklist, mut messages) = (self.worklist(), self.messages());
        let one = ListMessagesRequest {
            page: Some(proto::common::Page { page_size: 1, page_token: String::new() }),
            unread_only: true,
        };
        let answers =
            tokio::try_join!(worklist.count_tasks(CountTasksRequest {}), messages.list_messages(one));
        let (tasks, messages) = answers.ok()?;
        let tasks = tasks.into_inner().counts.iter().map(|count| count.count).sum();
        Some(Badges { tasks, messages: messages.into_inner().unread })
    }
}

fn roles(view: &SessionView) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| view.roles.iter().any(|code| code == role.code())).collect()
}

/// Whether a page of ours shows the answer in a frame.
pub fn framed(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|place| place == "iframe")
}

/// Finds the person by the session cookie.
///
/// # Errors
/// Nobody is signed in, or accounts is away.
pub async fn find(portal: &Arc<Portal>, headers: &HeaderMap) -> Result<Visitor, Refused> {
    let session = portal.jar.read(headers, Cookie::Session).ok_or_else(Refused::signed_out)?;
    let known = portal.sessions.find(&session).await?;
    let fragment = headers.get("x-fragment").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Visitor {
        portal: portal.clone(),
        roles: roles(&known.view),
        view: known.view,
        fragment: fragment.to_owned(),
        framed: framed(headers),
        session,
        token: known.token,
        export: Arc::default(),
        notice: portal.jar.notice(headers),
        large: portal.jar.read(headers, Cookie::Large).is_some(),
    })
}

impl FromRequestParts<Arc<Portal>> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Visitor, Refused> {
        find(portal, &parts.headers).await
    }
}
