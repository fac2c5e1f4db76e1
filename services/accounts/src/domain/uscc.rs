//! The unified social credit code (GB 32100-2015) and the organisation code inside it (GB 11714-1997): folding and
//! check characters. It does not ask whether the area part is a division in force: a company keeps the area of its issue.

use thiserror::Error;

/// Characters of a unified social credit code in the order of their values 0..=30. Source: GB 32100-2015, table 2.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of positions 1..=17: 3^(i-1) mod 31. Source: GB 32100-2015, 5.5.
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
/// Weights of the eight body characters of an organisation code. Source: GB 11714-1997, 3.4.
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
/// Characters of a unified social credit code.
const LENGTH: usize = 18;
/// Characters of an organisation code.
const ORGANISATION_LENGTH: usize = 9;

/// A code that has passed every check, folded to half-width upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uscc(String);

/// What is wrong with a code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Not 18 characters.
    #[error("a unified social credit code has 18 characters, this one {length}")]
    Length {
        /// Characters found after folding.
        length: usize,
    },
    /// A character outside the alphabet (I, O, S, V, Z and everything that is neither digit nor letter).
    #[error("character {character:?} at position {position} does not occur in unified social credit codes")]
    Alphabet {
        /// The character.
        character: char,
        /// Its position, 1..=18.
        position: usize,
    },
    /// Positions 3 to 8 are not six digits.
    #[error("positions 3 to 8 are not six digits")]
    Area,
    /// The check character at position 18 does not fit.
    #[error("the check character at position 18 does not fit")]
    Check,
    /// The check character of the organisation code (position 17) does not fit.
    #[error("the check character of the organisation code at position 17 does not fit")]
    OrganisationCheck,
}

impl Uscc {
    /// Folds and checks a code as people type it.
    ///
    /// Errors: [`Fault`], the first in the order length, alphabet, area, check, organisation check.
    /// Source: GB 32100-2015, 5; GB 11714-1997, 3; that the area must be digits is the platform's own rule.
    pub fn parse(input: &str) -> Result<Self, Fault> {
        let code = fold(input);
        let length = code.chars().count();
        if length != LENGTH {
            return Err(Fault::Length { length });
        }
        for (index, character) in code.chars().enumerate() {
            if value(character).is_none() {
                return Err(Fault::Alphabet { character, position: index + 1 });
            }
        }
        if !code[2..8].bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Area);
        }
        if check_character(&code[..17]) != code.chars().last() {
            return Err(Fault::Check);
        }
        if !organisation_checks(&code[8..17]) {
            return Err(Fault::OrganisationCheck);
        }
        Ok(Self(code))
    }

    /// The folded code, 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organisation code (positions 9 to 17): the operator id of T/CEC 102.
    pub fn organisation(&self) -> &str {
        &self.0[8..17]
    }

    /// The division that issued the code (positions 3 to 8), perhaps one abolished since.
    pub fn area(&self) -> &str {
        &self.0[2..8]
    }
}

/// Folds full-width to half-width, trims blanks, folds to upper case.
pub fn fold(input: &str) -> String {
    let half: String = input.chars().map(half_width).collect();
    half.trim().to_uppercase()
}

/// The half-width form of a full-width character (U+FF01..=U+FF5E, U+3000); others stay.
pub fn half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(character as u32 - 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// The check character for the first 17 characters; none where one of them is outside the alphabet.
///
/// Source: GB 32100-2015, 5.5: 31 minus (Σ value × weight mod 31), where 31 counts as 0.
pub fn check_character(body: &str) -> Option<char> {
    let mut sum = 0;
    for (character, weight) in body.chars().zip(WEIGHTS) {
        sum += value(character)? * weight;
    }
    ALPHABET.chars().nth(((31 - sum % 31) % 31) as usize)
}

/// The check character for the eight body characters of an organisation code; none where one is no digit or letter A–Z.
///
/// Source: GB 11714-1997, 3.4: 11 minus (Σ value × weight mod 11), where 10 is X and 11 is 0.
pub fn organisation_check_character(body: &str) -> Option<char> {
    let mut sum = 0;
    for (character, weight) in body.chars().zip(ORGANISATION_WEIGHTS) {
        if !character.is_ascii_digit() && !character.is_ascii_uppercase() {
            return None;
        }
        sum += character.to_digit(36)? * weight;
    }
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        digit => char::from_digit(digit, 10),
    }
}

/// Folds an organisation code and removes the hyphen of its printed form; none where the form is wrong.
pub fn organisation_form(input: &str) -> Option<String> {
    let code: String = fold(input).chars().filter(|character| *character != '-').collect();
    let form = code.len() == ORGANISATION_LENGTH
        && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    form.then_some(code)
}

/// Whether a folded organisation code of nine characters carries the right check character.
pub fn organisation_checks(code: &str) -> bool {
    code.is_ascii()
        && code.len() == ORGANISATION_LENGTH
        && organisation_check_character(&code[..8]) == code.chars().last()
}

fn value(character: char) -> Option<u32> {
    ALPHABET.chars().position(|candidate| candidate == character).and_then(|index| u32::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_passes() {
        let code = Uscc::parse("91350100M000100Y43").unwrap();
        assert_eq!((code.organisation(), code.area()), ("M000100Y4", "350100"));
    }

    #[test]
    fn a_folded_code_is_half_width_upper_case_without_blanks() {
        assert_eq!(Uscc::parse(" ９１４１０１０５xxxx00019g　").unwrap().as_str(), "91410105XXXX00019G");
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        assert_eq!(Uscc::parse("91410105XXXX00019"), Err(Fault::Length { length: 17 }));
        assert_eq!(Uscc::parse("91410105IXXX00019G"), Err(Fault::Alphabet { character: 'I', position: 9 }));
        assert_eq!(Uscc::parse("9141010AXXXX00019Q"), Err(Fault::Area));
        assert_eq!(Uscc::parse("91410105XXXX00019A"), Err(Fault::Check));
        assert_eq!(Uscc::parse("91410105XXXX00020M"), Err(Fault::OrganisationCheck));
    }

    #[test]
    fn text_of_several_bytes_a_character_is_refused_not_cut() {
        assert_eq!(Uscc::parse("9141010豫XXXX00019"), Err(Fault::Length { length: 17 }));
        assert_eq!(Uscc::parse("9141010豫XXXX00019G"), Err(Fault::Alphabet { character: '豫', position: 8 }));
    }
}
