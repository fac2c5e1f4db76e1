//! Companies that do not exist: profiles with valid codes, and operators that are registered and approved.
//!
//! Owns: making them up, each number another one, the same in every run. Not: what makes a code valid; the check
//! digits here are a second implementation of the standards' rule.
use anyhow::{Context as _, Result};
use proto::accounts::Profile;
use xtask::driver::Actor;

use crate::System;

/// The password of every person in the tests.
pub const PASSWORD: &str = "Mudan-Shi7Lu!kp";

/// A registered and approved operator with its user signed in.
#[derive(Clone, Debug)]
pub struct Company {
    /// Its user.
    pub actor: Actor,
    /// Its charging system, which may deliver data.
    pub machine: Actor,
    /// Its id.
    pub operator_id: String,
    /// What it said about itself.
    pub profile: Profile,
}

/// A company's profile, registered at a division.
pub fn profile(number: u32, division: &str) -> Profile {
    Profile {
        company_name: format!("示例充电{number:04}有限公司"),
        uscc: uscc(&division[..6], number),
        operator_type: "private".to_owned(),
        contact_name: "甲示例".to_owned(),
        contact_phone: format!("199{number:08}"),
        contact_email: format!("op{number}@example.invalid"),
        in_province: true,
        registered_division: division.to_owned(),
        home_province: String::new(),
        licence_county: String::new(),
        licence_file_id: String::new(),
    }
}

/// A unified social credit code: company, area, eight characters from the number, both check characters.
///
/// Source: GB 32100-2015; GB 11714 for the ninth character of the organisation code.
pub fn uscc(area: &str, number: u32) -> String {
    let body = format!("TE{number:06}");
    checked(&format!("91{area}{body}{}", organisation_check(&body)))
}

/// Adds the last character to the first 17.
pub fn checked(code: &str) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let value = |letter| ALPHABET.find(letter).expect("codes are made of the alphabet");
    let sum: usize = code.chars().zip(WEIGHTS).map(|(letter, weight)| value(letter) * weight).sum();
    let check = ALPHABET.chars().nth((31 - sum % 31) % 31).expect("the remainder is below 31");
    format!("{code}{check}")
}

fn organisation_check(body: &str) -> char {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let value = |letter: char| letter.to_digit(36).expect("letters and digits only");
    let sum: u32 = body.chars().zip(WEIGHTS).map(|(letter, weight)| value(letter) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).expect("below ten"),
    }
}

impl System {
    /// Registers a company, lets the administrator approve it and signs its user in.
    ///
    /// # Errors
    /// One of the steps is refused.
    pub async fn company(&self, number: u32, division: &str) -> Result<Company> {
        let login = format!("op_{number:04}");
        let profile = self.with_licence(profile(number, division)).await?;
        let nobody = self.platform().nobody();
        let registered = nobody.register(&login, PASSWORD, profile.clone()).await;
        let registered = registered.with_context(|| format!("{login} cannot register"))?;
        let administrator = self.administrator().await?;
        administrator.approve(&registered.operator_id, registered.submission_version).await?;
        let actor = self.platform().sign_in(&login, PASSWORD).await?;
        let machine = administrator.issue_machine(&login, &registered.operator_id).await?;
        Ok(Company { actor, machine, operator_id: registered.operator_id, profile })
    }

    /// Uploads a business licence for a profile that is about to be registered.
    ///
    /// # Errors
    /// The upload is refused.
    pub async fn with_licence(&self, profile: Profile) -> Result<Profile> {
        let licence_file_id = self.licence().await?;
        Ok(Profile { licence_file_id, ..profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_samples_come_out_the_same() {
        // 91410105XXXX00019G of the sample operators: organisation code XXXX0001 with check 9.
        assert_eq!(organisation_check("XXXX0001"), '9');
        assert_eq!(organisation_check("XXXX0006"), 'X');
        assert_eq!(checked("91410105XXXX00019"), "91410105XXXX00019G");
        assert_eq!(uscc("410105", 1).len(), 18);
    }
}
