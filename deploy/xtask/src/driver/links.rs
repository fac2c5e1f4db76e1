//! Links to operators' systems: the verbs of the administrator and of the operator.
//!
//! Owns: asking. Not: T/CEC 102 itself; that is spoken with interconnect.
use proto::stations::{
    ApproveLinkRequest, IssuedSecrets, Link, RevokeLinkRequest, RotateSecretsRequest, SetTermsRequest,
};

use super::{actor::Actor, refused::Answer};

impl Actor {
    /// Approves an operator's link; its secrets are in this answer only. Errors: as `Links.ApproveLink`.
    pub async fn approve_link(&self, operator_id: &str) -> Answer<IssuedSecrets> {
        let body = ApproveLinkRequest { request_id: self.request_id(), operator_id: operator_id.to_owned() };
        self.ask(body, |to, request| async move { to.links().approve_link(request).await }).await
    }

    /// Issues new secrets for the caller's own link. Errors: as `Links.RotateSecrets`.
    pub async fn rotate_secrets(&self) -> Answer<IssuedSecrets> {
        let body = RotateSecretsRequest { request_id: self.request_id(), operator_id: String::new() };
        self.ask(body, |to, request| async move { to.links().rotate_secrets(request).await }).await
    }

    /// Sets whether a link may speak, with the usual clock window. Errors: as `Links.SetTerms`.
    pub async fn open_link(&self, operator_id: &str, open: bool) -> Answer<Link> {
        let body = SetTermsRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            open,
            window_secs: 300,
            hosted: vec![],
        };
        self.ask(body, |to, request| async move { to.links().set_terms(request).await }).await
    }

    /// Ends a link. Errors: as `Links.RevokeLink`.
    pub async fn revoke_link(&self, operator_id: &str) -> Answer<Link> {
        let body = RevokeLinkRequest { request_id: self.request_id(), operator_id: operator_id.to_owned() };
        self.ask(body, |to, request| async move { to.links().revoke_link(request).await }).await
    }
}
