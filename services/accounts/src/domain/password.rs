//! Which passwords may be chosen. Hashing is in `hashing.rs`.

use super::refusal::Refusal;

/// What a chosen password must satisfy; from settings.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Fewest characters.
    pub length_min: usize,
    /// Most characters.
    pub length_max: usize,
    /// How many of the four classes (upper, lower, digit, symbol) must occur.
    pub classes_min: usize,
}

/// Words that alone do not make a password, whatever digits and symbols stand around them: common, breached, of the context.
const WORDS: [&str; 62] = [
    "password",
    "passwort",
    "passwd",
    "pass",
    "admin",
    "administrator",
    "root",
    "user",
    "guest",
    "test",
    "demo",
    "login",
    "welcome",
    "letmein",
    "hello",
    "qwerty",
    "qwertyuiop",
    "qwer",
    "qwert",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "zxcv",
    "zxcvbn",
    "zxcvbnm",
    "qaz",
    "qazwsx",
    "qazwsxedc",
    "wsx",
    "abc",
    "abcd",
    "abcde",
    "abcdef",
    "abcdefg",
    "iloveyou",
    "love",
    "woaini",
    "woaiwojia",
    "monkey",
    "dragon",
    "master",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "secret",
    "changeme",
    "default",
    "temp",
    "china",
    "zhongguo",
    "henan",
    "zhengzhou",
    "yuchong",
    "chongdian",
    "chongdianzhuang",
    "charging",
    "operator",
    "subsidy",
    "platform",
];

/// Checks a chosen password.
///
/// Errors: [`Refusal::PasswordLong`], [`Refusal::PasswordWeak`], [`Refusal::PasswordLogin`], [`Refusal::PasswordCommon`].
/// Source: reliability section 11; ui, section 6.
pub fn check(password: &str, login: &str, policy: Policy) -> Result<(), Refusal> {
    let length = password.chars().count();
    if length > policy.length_max {
        return Err(Refusal::PasswordLong { max: policy.length_max });
    }
    if length < policy.length_min || classes(password) < policy.classes_min {
        return Err(Refusal::PasswordWeak);
    }
    let folded = password.to_lowercase();
    let name = login.to_lowercase();
    if !name.is_empty() && (folded == name || letters(&folded) == name || trimmed(&folded) == name) {
        return Err(Refusal::PasswordLogin);
    }
    if common(&folded) { Err(Refusal::PasswordCommon) } else { Ok(()) }
}

/// How many of the classes upper, lower, digit, symbol occur. Letters without case count as symbols.
fn classes(password: &str) -> usize {
    let upper = password.chars().any(char::is_uppercase);
    let lower = password.chars().any(char::is_lowercase);
    let digit = password.chars().any(char::is_numeric);
    let symbol = password.chars().any(|c| !c.is_uppercase() && !c.is_lowercase() && !c.is_numeric());
    [upper, lower, digit, symbol].into_iter().filter(|present| *present).count()
}

/// Common: what is left without digits and symbols is a word of the list, perhaps repeated; or nearly one character only.
fn common(folded: &str) -> bool {
    let plainly = |text: &str| text.chars().map(plain).collect::<String>();
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 5
        || denied(&letters(folded))
        || denied(&plainly(trimmed(folded)))
        || denied(&plainly(folded.trim_end_matches(|character: char| !character.is_alphabetic())))
}

fn denied(word: &str) -> bool {
    WORDS.iter().any(|denied| {
        word == *denied
            || (word.len() > denied.len()
                && word.len().is_multiple_of(denied.len())
                && word.replace(denied, "").is_empty())
    })
}

fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphabetic()).collect()
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphabetic())
}

/// The letter that a digit or symbol is commonly written for.
fn plain(character: char) -> char {
    match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { length_min: 10, length_max: 128, classes_min: 3 };

    #[test]
    fn long_mixed_passwords_pass() {
        for good in ["Cedar-Lantern-42", "wind7 over Water", "Qz8#kTp2!mLw", "充电站Abc12345678"] {
            assert_eq!(check(good, "op01", POLICY), Ok(()), "{good}");
        }
    }

    #[test]
    fn short_or_uniform_passwords_are_weak() {
        for weak in ["Ab1!", "abcdefghijkl", "ABCDEFGH1234", "123456789012"] {
            assert_eq!(check(weak, "op01", POLICY), Err(Refusal::PasswordWeak), "{weak}");
        }
        assert_eq!(check(&"Aa1!".repeat(40), "op01", POLICY), Err(Refusal::PasswordLong { max: 128 }));
    }

    #[test]
    fn common_words_stay_common_in_disguise() {
        for common in [
            "Password123!",
            "P@ssw0rd2026",
            "Admin@123456",
            "Qwerty12345!",
            "Henan@2026!!",
            "1qaz@WSX1234",
            "AAAaaa1111",
        ] {
            assert_eq!(check(common, "op01", POLICY), Err(Refusal::PasswordCommon), "{common}");
        }
    }

    #[test]
    fn a_password_is_not_the_login_name() {
        assert_eq!(check("Star_Bridge_01", "star_bridge_01", POLICY), Err(Refusal::PasswordLogin));
        assert_eq!(check("Starbridge2026", "starbridge", POLICY), Err(Refusal::PasswordLogin));
    }
}
