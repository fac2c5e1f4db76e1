//! What documents knows, asked before a transaction and never inside one. Source: architecture, rule 2.

use chassis::{Failure, rpc::Peer};
use proto::documents::{GetFileRequest, files_client::FilesClient};
use tonic::Code;
use uuid::Uuid;

use crate::domain::{ids::FileId, licence::Licence, registration};

/// Purpose of a file that is a licence, and the state of one that counts. Source: the contract of documents.
const LICENCE: &str = "business_licence";
const CLEAN: &str = "clean";

/// The services that this one asks.
#[derive(Clone)]
pub struct Neighbours {
    documents: FilesClient<Peer>,
}

impl Neighbours {
    /// Over a channel that connects when it is first used.
    pub fn new(documents: Peer) -> Self {
        Self { documents: FilesClient::new(documents) }
    }

    /// What documents knows about a licence, by the id as typed; `None` where it knows none of this id.
    ///
    /// # Errors
    /// Documents is away.
    pub async fn licence(&self, file_id: &str) -> Result<Option<Licence>, Failure> {
        // An id that is none is told with the other fields.
        let Ok(file) = registration::licence_file(file_id) else { return Ok(None) };
        let ask = GetFileRequest { file_id: file.to_string() };
        match self.documents.clone().get_file(ask).await {
            Ok(answer) => read(file, answer.into_inner()),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }
}

fn read(file: FileId, found: proto::documents::File) -> Result<Option<Licence>, Failure> {
    if found.purpose != LICENCE {
        return Ok(None);
    }
    let owner = Uuid::parse_str(&found.owner_id).map_err(Failure::internal)?;
    Ok(Some(Licence { file, owner, clean: found.state == CLEAN, sha256: found.sha256 }))
}
