//! The fields of a registration: folding and every rule of each. Whether a login or code is taken is for the store.

use uuid::Uuid;

use super::{
    division::Catalogue,
    ids::FileId,
    refusal::{Field, Refusal},
    seat::{self, Seat, SettledSeat},
    texts,
    uscc::Uscc,
};

/// Characters of a company name; the longest in the national register stay below.
const COMPANY_NAME_MAX: usize = 100;
/// Characters of a person's name.
pub const PERSON_NAME_MAX: usize = 50;
/// Characters of a county's name as typed from a licence.
const COUNTY_NAME_MAX: usize = 50;

/// Kind of company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorType {
    /// 民营企业.
    Private,
    /// 国有企业.
    StateOwned,
    /// 混合所有制.
    Mixed,
    /// 外商投资企业.
    Foreign,
    /// 其他.
    Other,
}

impl OperatorType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Private, Self::StateOwned, Self::Mixed, Self::Foreign, Self::Other];

    /// Its code on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::StateOwned => "state_owned",
            Self::Mixed => "mixed",
            Self::Foreign => "foreign",
            Self::Other => "other",
        }
    }

    /// The type by its code.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// The entry by which a submission came. Source: workflow, Accounts (three entries, one command).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The registration form.
    RegistrationForm,
    /// 工作台头像/编辑.
    Workbench,
    /// 账号头像/企业资料/编辑.
    CompanyProfile,
    /// Imported from 1.0.
    LegacyImport,
}

impl Entry {
    /// Every entry.
    pub const ALL: [Self; 4] =
        [Self::RegistrationForm, Self::Workbench, Self::CompanyProfile, Self::LegacyImport];

    /// Its code on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegistrationForm => "registration_form",
            Self::Workbench => "workbench",
            Self::CompanyProfile => "company_profile",
            Self::LegacyImport => "legacy_import",
        }
    }

    /// The entry that an operator may name.
    ///
    /// Errors: [`Refusal::Missing`], [`Refusal::UnknownValue`] also for an import.
    pub fn by_operator(name: &str) -> Result<Self, Refusal> {
        if name.is_empty() {
            return Err(Refusal::Missing(Field::Entry));
        }
        Self::ALL
            .into_iter()
            .find(|entry| entry.name() == name && *entry != Self::LegacyImport)
            .ok_or(Refusal::UnknownValue(Field::Entry))
    }
}

/// A company's data as typed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Company name.
    pub company_name: String,
    /// Unified social credit code.
    pub uscc: String,
    /// Code of the operator type.
    pub operator_type: String,
    /// Contact person.
    pub contact_name: String,
    /// Contact's mobile number.
    pub contact_phone: String,
    /// Contact's e-mail; may be empty.
    pub contact_email: String,
    /// Where the company sits.
    pub seat: Seat,
    /// Business licence: id of a file of the documents service.
    pub licence_file_id: String,
    /// Whether the truth declaration is ticked.
    pub truth_declared: bool,
}

/// A company's data that has passed every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Company name.
    pub company_name: String,
    /// Unified social credit code.
    pub uscc: Uscc,
    /// Kind of company.
    pub operator_type: OperatorType,
    /// Contact person; empty for imported accounts until first edited.
    pub contact_name: String,
    /// Contact's mobile number, 11 digits.
    pub contact_phone: String,
    /// Contact's e-mail; may be empty.
    pub contact_email: String,
    /// Registered division and home province.
    pub seat: SettledSeat,
    /// Business licence; none for imported accounts until first edited.
    pub licence_file_id: Option<FileId>,
}

impl Profile {
    /// Whether the step to `next` changes what an administrator has to see: licence (file and the name on it), code or division.
    ///
    /// Source: workflow, Accounts.
    pub fn needs_review(&self, next: &Self) -> bool {
        self.licence_file_id != next.licence_file_id
            || self.company_name != next.company_name
            || self.uscc != next.uscc
            || self.seat != next.seat
    }

    /// What of it a licence shows, in the order of the form; only what was entered.
    pub fn on_licence(&self) -> Vec<Field> {
        let entered = |text: &str, field| (!text.is_empty()).then_some(field);
        [
            Some(Field::CompanyName),
            Some(Field::Uscc),
            Some(Field::RegisteredDivision),
            entered(&self.seat.licence_county, Field::LicenceCounty),
            entered(&self.seat.home_province, Field::HomeProvince),
            Some(Field::OperatorType),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Checks every field of a draft; all that is wrong is reported, in the order of the form.
///
/// Errors: one [`Refusal`] a field. Source: workflow, Accounts; ui, section 6.
pub fn check(draft: &Draft, catalogue: &Catalogue, outside_division: &str) -> Result<Profile, Vec<Refusal>> {
    let mut wrong = Vec::new();
    let mut note = |refusal| wrong.push(refusal);
    let company_name =
        texts::text(Field::CompanyName, &draft.company_name, COMPANY_NAME_MAX).map_err(&mut note).ok();
    let uscc = texts::uscc_of(&draft.uscc).map_err(&mut note).ok();
    let operator_type = operator_type(&draft.operator_type).map_err(&mut note).ok();
    let seat = county_text(&draft.seat)
        .and_then(|()| seat::settle(&draft.seat, catalogue, outside_division))
        .map_err(&mut note)
        .ok();
    let licence_file_id = licence_file(&draft.licence_file_id).map_err(&mut note).ok();
    let contact_name =
        texts::text(Field::ContactName, &draft.contact_name, PERSON_NAME_MAX).map_err(&mut note).ok();
    let contact_phone = texts::phone(&draft.contact_phone).map_err(&mut note).ok();
    let contact_email = texts::email(&draft.contact_email).map_err(&mut note).ok();
    if !draft.truth_declared {
        note(Refusal::TruthUndeclared);
    }
    match (company_name, uscc, operator_type, seat, contact_name, contact_phone, contact_email) {
        (
            Some(company_name),
            Some(uscc),
            Some(operator_type),
            Some(seat),
            Some(contact_name),
            Some(contact_phone),
            Some(contact_email),
        ) if wrong.is_empty() => Ok(Profile {
            company_name,
            uscc,
            operator_type,
            contact_name,
            contact_phone,
            contact_email,
            seat,
            licence_file_id,
        }),
        _ => Err(wrong),
    }
}

/// The id of a licence file as typed.
///
/// Errors: [`Refusal::Missing`], [`Refusal::UnknownValue`].
pub fn licence_file(input: &str) -> Result<FileId, Refusal> {
    if input.trim().is_empty() {
        return Err(Refusal::Missing(Field::LicenceFileId));
    }
    match Uuid::parse_str(input.trim()) {
        Ok(id) if !id.is_nil() => Ok(FileId(id)),
        Ok(_) | Err(_) => Err(Refusal::UnknownValue(Field::LicenceFileId)),
    }
}

fn operator_type(input: &str) -> Result<OperatorType, Refusal> {
    if input.is_empty() {
        return Err(Refusal::Missing(Field::OperatorType));
    }
    OperatorType::parse(input).ok_or(Refusal::UnknownValue(Field::OperatorType))
}

fn county_text(seat: &Seat) -> Result<(), Refusal> {
    texts::optional_text(Field::LicenceCounty, &seat.licence_county, COUNTY_NAME_MAX).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            company_name: "郑州星桥充电示例有限公司".to_owned(),
            uscc: "91410105XXXX00019G".to_owned(),
            operator_type: "private".to_owned(),
            contact_name: "甲示例".to_owned(),
            contact_phone: "199 0000 0001".to_owned(),
            contact_email: "op01@example.invalid".to_owned(),
            seat: Seat {
                in_province: true,
                registered_division: "410105".to_owned(),
                licence_county: String::new(),
                home_province: String::new(),
            },
            licence_file_id: "01890000-0000-7000-8000-000000000001".to_owned(),
            truth_declared: true,
        }
    }

    fn wrong(change: impl FnOnce(&mut Draft)) -> Vec<Refusal> {
        let mut draft = draft();
        change(&mut draft);
        check(&draft, &Catalogue::sample(), "410199").unwrap_err()
    }

    #[test]
    fn a_full_draft_passes_folded() {
        let profile = check(&draft(), &Catalogue::sample(), "410199").unwrap();
        assert_eq!(profile.contact_phone, "19900000001");
        assert_eq!(profile.seat.city, "410100");
    }

    #[test]
    fn each_field_has_its_refusal() {
        assert_eq!(wrong(|d| d.company_name = " ".to_owned()), [Refusal::Missing(Field::CompanyName)]);
        assert_eq!(
            wrong(|d| d.uscc = "91410105XXXX00019A".to_owned()),
            [Refusal::Uscc(crate::domain::uscc::Fault::Check)]
        );
        assert_eq!(
            wrong(|d| d.operator_type = "民营".to_owned()),
            [Refusal::UnknownValue(Field::OperatorType)]
        );
        assert_eq!(wrong(|d| d.contact_phone = "1990000000".to_owned()), [Refusal::Phone { digits: 10 }]);
        assert_eq!(wrong(|d| d.contact_email = "op01@example".to_owned()), [Refusal::Email]);
        assert_eq!(wrong(|d| d.licence_file_id.clear()), [Refusal::Missing(Field::LicenceFileId)]);
        assert_eq!(wrong(|d| d.truth_declared = false), [Refusal::TruthUndeclared]);
        assert_eq!(
            wrong(|d| d.contact_name = "a\0b".to_owned()),
            [Refusal::ControlCharacters(Field::ContactName)]
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let found = wrong(|d| {
            d.uscc.clear();
            d.contact_phone.clear();
            d.truth_declared = false;
        });
        assert_eq!(
            found,
            [Refusal::Missing(Field::Uscc), Refusal::Missing(Field::ContactPhone), Refusal::TruthUndeclared]
        );
    }

    #[test]
    fn only_licence_code_and_division_ask_for_a_review() {
        let old = check(&draft(), &Catalogue::sample(), "410199").unwrap();
        let phone = Profile { contact_phone: "19900000002".to_owned(), ..old.clone() };
        let licence = Profile { licence_file_id: Some(FileId(Uuid::from_u128(2))), ..old.clone() };
        assert!(!old.needs_review(&phone));
        assert!(old.needs_review(&licence));
    }
}
