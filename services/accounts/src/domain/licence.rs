//! The business licence: what documents says about a file, and whether it may stand for a registration or an operator.

use uuid::Uuid;

use super::{
    ids::{FileId, OperatorId},
    refusal::Refusal,
};

/// A file that was uploaded as a business licence, as documents knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// The file.
    pub file: FileId,
    /// The registration under which it was uploaded, or the operator that uploaded it.
    pub owner: Uuid,
    /// Whether it has passed the inspection; only such a file counts.
    pub clean: bool,
    /// SHA-256 of its content, hex; kept with the submission.
    pub sha256: String,
}

/// The licence of a new registration, and the id that its operator takes: that of the registration, so that the
/// company and its officers can read the file later on.
///
/// Errors: [`Refusal::LicenceMissing`], [`Refusal::LicenceNotClean`]. Source: workflow, Accounts.
pub fn of_registration(found: Option<Licence>) -> Result<(Licence, OperatorId), Refusal> {
    let licence = counting(found.ok_or(Refusal::LicenceMissing)?)?;
    let operator = OperatorId(licence.owner);
    Ok((licence, operator))
}

/// The licence that an operator hands in for itself.
///
/// Errors: [`Refusal::LicenceMissing`], [`Refusal::LicenceForeign`], [`Refusal::LicenceNotClean`].
/// Source: workflow, Accounts.
pub fn of_operator(found: Option<Licence>, operator: OperatorId) -> Result<Licence, Refusal> {
    let licence = found.ok_or(Refusal::LicenceMissing)?;
    // Before its state: that is told to nobody else.
    if licence.owner != operator.0 {
        return Err(Refusal::LicenceForeign);
    }
    counting(licence)
}

fn counting(licence: Licence) -> Result<Licence, Refusal> {
    if licence.clean { Ok(licence) } else { Err(Refusal::LicenceNotClean) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licence(owner: u128, clean: bool) -> Option<Licence> {
        let (file, owner) = (FileId(Uuid::from_u128(1)), Uuid::from_u128(owner));
        Some(Licence { file, owner, clean, sha256: "0a".repeat(32) })
    }

    #[test]
    fn a_registration_gives_its_id_to_the_operator() {
        let (_, operator) = of_registration(licence(7, true)).unwrap();
        assert_eq!(operator, OperatorId(Uuid::from_u128(7)));
        assert_eq!(of_registration(licence(7, false)).unwrap_err(), Refusal::LicenceNotClean);
        assert_eq!(of_registration(None).unwrap_err(), Refusal::LicenceMissing);
    }

    #[test]
    fn an_operator_hands_in_its_own_licence_only() {
        let operator = OperatorId(Uuid::from_u128(7));
        assert!(of_operator(licence(7, true), operator).is_ok());
        assert_eq!(of_operator(licence(7, false), operator), Err(Refusal::LicenceNotClean));
        assert_eq!(of_operator(licence(8, false), operator), Err(Refusal::LicenceForeign));
        assert_eq!(of_operator(None, operator), Err(Refusal::LicenceMissing));
    }
}
