//! Links to operators' systems: the verbs of the administrator and of the operator.
//!
//! Owns: asking. Not: T/CEC 102 itself; that is spoken with interconnect.
use proto::stations::{
    ApproveLinkRequest, IssuedSecrets, JointTest, Link, ListJointTestsRequest, ListTurnsRequest,
    RevokeLinkRequest, RotateSecretsRequest, Secrets, SetPeerRequest, SetTermsRequest, StartJointTestRequest,
    Turn,
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
        let body = RotateSecretsRequest { request_id: self.request_id(), ..RotateSecretsRequest::default() };
        self.ask(body, |to, request| async move { to.links().rotate_secrets(request).await }).await
    }

    /// Says how the caller's own system is called. Errors: as `Links.SetPeer`.
    pub async fn set_peer(&self, base_url: &str, outbound: Secrets) -> Answer<Link> {
        let body = SetPeerRequest {
            request_id: self.request_id(),
            base_url: base_url.to_owned(),
            protocol_version: "20160701".to_owned(),
            outbound: Some(outbound),
            ..SetPeerRequest::default()
        };
        self.ask(body, |to, request| async move { to.links().set_peer(request).await }).await
    }

    /// Asks for a joint test of the caller's own link. Errors: as `Turns.StartJointTest`.
    pub async fn start_joint_test(&self) -> Answer<JointTest> {
        let body = StartJointTestRequest { request_id: self.request_id(), operator_id: String::new() };
        self.ask(body, |to, request| async move { to.turns().start_joint_test(request).await }).await
    }

    /// The latest joint tests of an operator's link, or of the caller's own. Errors: as `Turns.ListJointTests`.
    pub async fn joint_tests(&self, operator_id: &str) -> Answer<Vec<JointTest>> {
        let body = ListJointTestsRequest { operator_id: operator_id.to_owned() };
        let listed =
            self.ask(body, |to, request| async move { to.turns().list_joint_tests(request).await }).await?;
        Ok(listed.tests)
    }

    /// What is pulled from an operator's system, or from the caller's own. Errors: as `Turns.ListTurns`.
    pub async fn turns(&self, operator_id: &str) -> Answer<Vec<Turn>> {
        let body = ListTurnsRequest { operator_id: operator_id.to_owned() };
        let listed =
            self.ask(body, |to, request| async move { to.turns().list_turns(request).await }).await?;
        Ok(listed.turns)
    }

    /// Sets whether a link may speak, with the usual clock window. Errors: as `Links.SetTerms`.
    pub async fn open_link(&self, operator_id: &str, open: bool) -> Answer<Link> {
        let body = SetTermsRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            open,
            window_secs: 300,
            ..SetTermsRequest::default()
        };
        self.ask(body, |to, request| async move { to.links().set_terms(request).await }).await
    }

    /// Ends a link. Errors: as `Links.RevokeLink`.
    pub async fn revoke_link(&self, operator_id: &str) -> Answer<Link> {
        let body = RevokeLinkRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            ..RevokeLinkRequest::default()
        };
        self.ask(body, |to, request| async move { to.links().revoke_link(request).await }).await
    }
}
