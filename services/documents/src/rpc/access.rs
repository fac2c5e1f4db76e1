//! Who may call what. A method without a row is refused for everybody; scope and relation are checked behind it.
//!
//! Source: reliability section 10.

use chassis::rpc::{Access, Who};

const OPERATOR: &[Who] = &[Who::Person("operator")];
const OPERATOR_AND_REVIEWS: &[Who] = &[Who::Person("operator"), Who::Service("reviews")];
const REVIEWS: &[Who] = &[Who::Service("reviews")];
const READERS: &[Who] = &[
    Who::Person("operator"),
    Who::Person("county"),
    Who::Person("city"),
    Who::Person("administrator"),
    Who::Person("expert"),
    Who::Person("province"),
    Who::Service("reviews"),
];
const FILE_READERS: &[Who] = &[
    Who::Person("operator"),
    Who::Person("county"),
    Who::Person("city"),
    Who::Person("administrator"),
    Who::Person("expert"),
    Who::Person("province"),
    Who::Service("reviews"),
    Who::Service("accounts"),
];
const PEOPLE: &[Who] = &[
    Who::Person("operator"),
    Who::Person("county"),
    Who::Person("city"),
    Who::Person("administrator"),
    Who::Person("expert"),
    Who::Person("province"),
];

/// The table.
pub const TABLE: &[Access] = &[
    Access { method: "/yuchong.documents.v1.Files/Upload", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Files/UploadPart", who: OPERATOR },
    Access {
        method: "/yuchong.documents.v1.Files/UploadLicence",
        who: &[Who::Anyone, Who::Person("operator")],
    },
    Access { method: "/yuchong.documents.v1.Files/GetFile", who: FILE_READERS },
    Access { method: "/yuchong.documents.v1.Files/ListFiles", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Files/Download", who: PEOPLE },
    Access { method: "/yuchong.documents.v1.Files/Preview", who: PEOPLE },
    Access { method: "/yuchong.documents.v1.Files/GetUploadLimits", who: PEOPLE },
    Access { method: "/yuchong.documents.v1.Dossiers/GetDossier", who: OPERATOR_AND_REVIEWS },
    Access { method: "/yuchong.documents.v1.Dossiers/PlaceFile", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Dossiers/RemoveFile", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Dossiers/Explain", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Dossiers/CheckDossier", who: OPERATOR_AND_REVIEWS },
    Access { method: "/yuchong.documents.v1.Dossiers/ListRevisions", who: READERS },
    Access { method: "/yuchong.documents.v1.Dossiers/GetRevision", who: READERS },
    Access { method: "/yuchong.documents.v1.Dossiers/DiffRevisions", who: READERS },
    Access { method: "/yuchong.documents.v1.Sealing/SealDossier", who: REVIEWS },
    Access { method: "/yuchong.documents.v1.Sealing/ReleaseSeal", who: REVIEWS },
    Access { method: "/yuchong.documents.v1.Invoices/EnterInvoice", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/AllocateInvoice", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/ReleaseAllocation", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/DeleteInvoice", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/AttachFile", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/GetInvoice", who: OPERATOR },
    Access { method: "/yuchong.documents.v1.Invoices/ListInvoices", who: OPERATOR },
];

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn every_method_of_the_contract_has_exactly_one_row() {
        let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut methods: Vec<String> = set
            .file
            .iter()
            .filter(|file| file.package() == "yuchong.documents.v1")
            .flat_map(|file| &file.service)
            .flat_map(|service| {
                let of = |method: &prost_types::MethodDescriptorProto| {
                    format!("/yuchong.documents.v1.{}/{}", service.name(), method.name())
                };
                service.method.iter().map(of)
            })
            .collect();
        let mut rows: Vec<_> = TABLE.iter().map(|row| row.method.to_owned()).collect();
        methods.sort();
        rows.sort();
        assert_eq!(rows, methods);
    }
}
