//! Thin inlets, one file per gRPC service. `convert.rs` alone knows both contract and domain.

pub mod access;
mod convert;
mod directory;
mod exports;
mod machines;
mod members;
mod registration;
mod review;
mod sessions;
mod trail;
mod users;

use proto::accounts::{
    account_review_server::AccountReviewServer, audit_log_server::AuditLogServer,
    directory_server::DirectoryServer, exports_server::ExportsServer, machines_server::MachinesServer,
    members_server::MembersServer, registration_server::RegistrationServer, sessions_server::SessionsServer,
    users_server::UsersServer,
};
use tonic::service::RoutesBuilder;

use crate::app::Accounts;

/// Bytes of a request about machine clients, which strangers from outside may send too (decision record 40): ids, names, a secret.
const MACHINES_BYTES_MAX: usize = 64 * 1024;

/// Every gRPC service of accounts.
pub fn routes(accounts: &Accounts) -> RoutesBuilder {
    let mut routes = RoutesBuilder::default();
    routes.add_service(RegistrationServer::new(registration::Inlet(accounts.clone())));
    routes.add_service(AccountReviewServer::new(review::Inlet(accounts.clone())));
    routes.add_service(SessionsServer::new(sessions::Inlet(accounts.clone())));
    routes.add_service(UsersServer::new(users::Inlet(accounts.clone())));
    routes.add_service(MembersServer::new(members::Inlet(accounts.clone())));
    routes.add_service(AuditLogServer::new(trail::Inlet(accounts.clone())));
    routes.add_service(
        MachinesServer::new(machines::Inlet(accounts.clone())).max_decoding_message_size(MACHINES_BYTES_MAX),
    );
    routes.add_service(ExportsServer::new(exports::Inlet(accounts.clone())));
    routes.add_service(DirectoryServer::new(directory::Inlet(accounts.clone())));
    routes
}
