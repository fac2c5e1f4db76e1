//! What other services know, asked before a transaction and never inside one. Source: architecture, rule 2.

use chassis::{Failure, rpc::Peer};
use proto::{
    accounts::{
        Division, GetOperatorRequest, ListDivisionsRequest, Operator, directory_client::DirectoryClient,
    },
    reviews::{ApplicationFacts, GetApplicationFactsRequest, facts_client::FactsClient},
};
use tonic::Code;
use uuid::Uuid;

/// The services that this one asks.
#[derive(Clone)]
pub struct Neighbours {
    reviews: FactsClient<Peer>,
    accounts: DirectoryClient<Peer>,
}

impl Neighbours {
    /// Over channels that connect when they are first used.
    #[must_use]
    pub fn new(reviews: Peer, accounts: Peer) -> Self {
        Self { reviews: FactsClient::new(reviews), accounts: DirectoryClient::new(accounts) }
    }

    /// What reviews knows about an application; `None` where it knows none.
    ///
    /// # Errors
    /// Reviews is away.
    pub async fn application(&self, id: Uuid) -> Result<Option<ApplicationFacts>, Failure> {
        let ask = GetApplicationFactsRequest { application_id: id.to_string() };
        match self.reviews.clone().get_application_facts(ask).await {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    /// What accounts knows about an operator; `None` where it knows none.
    ///
    /// # Errors
    /// Accounts is away.
    pub async fn operator(&self, id: Uuid) -> Result<Option<Operator>, Failure> {
        let ask = GetOperatorRequest { operator_id: id.to_string(), uscc: String::new() };
        match self.accounts.clone().get_operator(ask).await {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    /// The division of this code; `None` where there is none.
    ///
    /// # Errors
    /// Accounts is away.
    pub async fn division(&self, code: &str) -> Result<Option<Division>, Failure> {
        let answer = self.accounts.clone().list_divisions(ListDivisionsRequest {}).await?;
        Ok(answer.into_inner().divisions.into_iter().find(|division| division.code == code))
    }
}
