//! The rows of an import from 1.0: every column's rule. Finding who is there already is the application's.

use time::{
    Date, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description,
};

use super::{
    division::{Catalogue, Level},
    refusal::{Field, Refusal},
    registration::{OperatorType, Profile},
    seat::SettledSeat,
    texts,
};

/// Characters of a company name in 1.0.
const COMPANY_NAME_MAX: usize = 100;

/// One row as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Login name.
    pub login: String,
    /// Company name.
    pub company: String,
    /// Unified social credit code.
    pub uscc: String,
    /// Registered mobile number.
    pub phone: String,
    /// Division code, perhaps an abolished one.
    pub division: String,
    /// When it last signed in to 2.0; empty where never. Date, or date and time (China Standard Time without offset).
    pub last_2_0_sign_in: String,
    /// Password hash as a PHC string.
    pub password_hash: String,
}

/// How an imported account proves itself the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// It has signed in to 2.0 and keeps its password; rehashed when it next signs in.
    Keeps {
        /// The PHC string.
        hash: String,
        /// When it last signed in to 2.0.
        last_sign_in_at: OffsetDateTime,
    },
    /// It has never signed in to 2.0: its old password is dropped and it gets a one-time one.
    OneTime,
}

/// A row that has passed every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub login: String,
    /// The company, as far as 1.0 knew it.
    pub profile: Profile,
    /// How it proves itself.
    pub credential: Credential,
}

/// Checks a row; all that is wrong is reported.
///
/// Errors: one [`Refusal`] a field. Source: workflow, Accounts (legacy); reliability section 11.
pub fn check(
    row: &Row,
    catalogue: &Catalogue,
    readable: impl Fn(&str) -> bool,
) -> Result<Account, Vec<Refusal>> {
    let mut wrong = Vec::new();
    let mut note = |refusal| wrong.push(refusal);
    let login = texts::login(&row.login).map_err(&mut note).ok();
    let company = texts::text(Field::CompanyName, &row.company, COMPANY_NAME_MAX).map_err(&mut note).ok();
    let uscc = texts::uscc_of(&row.uscc).map_err(&mut note).ok();
    let phone = texts::phone(&row.phone).map_err(&mut note).ok();
    let seat = seat(&row.division, catalogue).map_err(&mut note).ok();
    let credential = credential(row, readable).map_err(&mut note).ok();
    match (login, company, uscc, phone, seat, credential) {
        (Some(login), Some(company_name), Some(uscc), Some(contact_phone), Some(seat), Some(credential)) => {
            let profile = Profile {
                company_name,
                uscc,
                operator_type: OperatorType::Other,
                contact_name: String::new(),
                contact_phone,
                contact_email: String::new(),
                seat,
                licence_file_id: None,
            };
            Ok(Account { login, profile, credential })
        }
        _ => Err(wrong),
    }
}

/// The division in force for a code of 1.0; an abolished code goes to its successor.
fn seat(code: &str, catalogue: &Catalogue) -> Result<SettledSeat, Refusal> {
    let code = code.trim();
    if code.is_empty() {
        return Err(Refusal::Missing(Field::RegisteredDivision));
    }
    let division = catalogue
        .find(code)
        .or_else(|| catalogue.successor(code))
        .ok_or(Refusal::UnknownValue(Field::RegisteredDivision))?;
    if division.level != Level::County {
        return Err(Refusal::DivisionNotCounty);
    }
    Ok(SettledSeat {
        registered_division: division.code.clone(),
        city: division.city_code.clone(),
        home_province: String::new(),
        licence_county: String::new(),
    })
}

fn credential(row: &Row, readable: impl Fn(&str) -> bool) -> Result<Credential, Refusal> {
    let last = row.last_2_0_sign_in.trim();
    if last.is_empty() {
        return Ok(Credential::OneTime);
    }
    let last_sign_in_at = moment(last).ok_or(Refusal::MomentForm)?;
    let hash = row.password_hash.trim();
    if hash.is_empty() {
        return Err(Refusal::Missing(Field::PasswordHash));
    }
    if !readable(hash) {
        return Err(Refusal::HashUnreadable);
    }
    Ok(Credential::Keeps { hash: hash.to_owned(), last_sign_in_at })
}

/// A date, a date with a time in China Standard Time, or RFC 3339.
fn moment(text: &str) -> Option<OffsetDateTime> {
    let china = UtcOffset::from_hms(8, 0, 0).ok()?;
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(moment);
    }
    if let Ok(date) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Some(date.midnight().assume_offset(china));
    }
    let spaced = text.replacen('T', " ", 1);
    time::PrimitiveDateTime::parse(
        &spaced,
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"),
    )
    .or_else(|_| {
        time::PrimitiveDateTime::parse(&spaced, format_description!("[year]-[month]-[day] [hour]:[minute]"))
    })
    .ok()
    .map(|moment| moment.assume_offset(china))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            login: "legacy_01".to_owned(),
            company: "郑州星桥充电示例有限公司".to_owned(),
            uscc: "91410105XXXX00019G".to_owned(),
            phone: "19900000001".to_owned(),
            division: "410105".to_owned(),
            last_2_0_sign_in: String::new(),
            password_hash: String::new(),
        }
    }

    fn checked(row: &Row) -> Result<Account, Vec<Refusal>> {
        check(row, &Catalogue::sample(), |hash| hash.starts_with("$argon2"))
    }

    #[test]
    fn one_that_never_signed_in_gets_a_one_time_password() {
        assert_eq!(checked(&row()).unwrap().credential, Credential::OneTime);
        let with_hash = Row { password_hash: "$argon2id$x".to_owned(), ..row() };
        assert_eq!(checked(&with_hash).unwrap().credential, Credential::OneTime);
    }

    #[test]
    fn one_that_signed_in_keeps_its_password() {
        for last in ["2026-01-31", "2026-01-31 08:00:05", "2026-01-31T08:00", "2026-01-31T00:00:00Z"] {
            let kept =
                Row { last_2_0_sign_in: last.to_owned(), password_hash: "$argon2id$x".to_owned(), ..row() };
            assert!(matches!(checked(&kept).unwrap().credential, Credential::Keeps { .. }), "{last}");
        }
        let without = Row { last_2_0_sign_in: "2026-01-31".to_owned(), ..row() };
        assert_eq!(checked(&without), Err(vec![Refusal::Missing(Field::PasswordHash)]));
        let strange = Row { password_hash: "$md5$x".to_owned(), ..without };
        assert_eq!(checked(&strange), Err(vec![Refusal::HashUnreadable]));
    }

    #[test]
    fn an_abolished_division_goes_to_its_successor() {
        let old = Row { division: "410381".to_owned(), ..row() };
        assert_eq!(checked(&old).unwrap().profile.seat.registered_division, "410307");
    }

    #[test]
    fn every_wrong_column_is_named() {
        let bad = Row { uscc: "1".to_owned(), phone: "1".to_owned(), division: "1".to_owned(), ..row() };
        let fields: Vec<_> =
            checked(&bad).unwrap_err().iter().map(|refusal| refusal.field().unwrap()).collect();
        assert_eq!(fields, [Field::Uscc, Field::ContactPhone, Field::RegisteredDivision]);
    }
}
