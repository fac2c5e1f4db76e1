//! What an invoice must say, and what makes two of them the same. Source: workflow, Materials; ui section 6.

use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::Refusal;

/// Days are counted in Asia/Shanghai, which has no summer time. Source: architecture, rule 8.
const SHANGHAI_HOURS: i8 = 8;
/// Longest name of a seller, characters.
const SELLER_CHARS_MAX: usize = 200;

/// What kind of paper it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceType {
    /// 数电票（增值税专用发票）.
    DigitalSpecial,
    /// 数电票（普通发票）.
    DigitalGeneral,
    /// 增值税专用发票.
    VatSpecial,
    /// 增值税普通发票.
    VatGeneral,
}

impl InvoiceType {
    /// Every type.
    pub const ALL: [Self; 4] =
        [Self::DigitalSpecial, Self::DigitalGeneral, Self::VatSpecial, Self::VatGeneral];

    /// The id on the wire and in the database.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::DigitalSpecial => "digital_special",
            Self::DigitalGeneral => "digital_general",
            Self::VatSpecial => "vat_special",
            Self::VatGeneral => "vat_general",
        }
    }

    /// Reads an id.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }
}

/// An invoice as it was typed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kind of paper.
    pub invoice_type: InvoiceType,
    /// As typed.
    pub code: String,
    /// As typed.
    pub number: String,
    /// Including tax, fen.
    pub amount_fen: i64,
    /// `None` where it was no date.
    pub issued_on: Option<Date>,
    /// As typed.
    pub seller: String,
    /// As typed.
    pub buyer_uscc: String,
}

/// An entry that holds, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Kind of paper.
    pub invoice_type: InvoiceType,
    /// Digits, empty for digital invoices.
    pub code: String,
    /// Digits.
    pub number: String,
    /// The same for the same paper, whoever enters it.
    pub identity: String,
    /// Fen.
    pub amount_fen: i64,
    /// Day of issue.
    pub issued_on: Date,
    /// Trimmed.
    pub seller: String,
    /// Half width, upper case.
    pub buyer_uscc: String,
}

/// An invoice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// What it says.
    pub checked: Checked,
    /// Σ of live uses, fen.
    pub used_fen: i64,
    /// Its picture or file.
    pub file_id: Option<Uuid>,
    /// Count of events; what a person saw.
    pub version: i64,
    /// When it was entered.
    pub entered_at: OffsetDateTime,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl Invoice {
    /// What the ledger looks at.
    #[must_use]
    pub const fn balance(&self) -> Balance {
        Balance { amount_fen: self.checked.amount_fen, used_fen: self.used_fen, version: self.version }
    }
}

/// An invoice as the ledger sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// What it says, fen.
    pub amount_fen: i64,
    /// Σ of live uses, fen.
    pub used_fen: i64,
    /// Count of events.
    pub version: i64,
}

/// The day in Asia/Shanghai.
#[must_use]
pub fn day(now: OffsetDateTime) -> Date {
    UtcOffset::from_hms(SHANGHAI_HOURS, 0, 0).map_or(now, |offset| now.to_offset(offset)).date()
}

/// Checks an entry against the operator's own code on `today` (Asia/Shanghai); names everything that is wrong.
///
/// Errors: the `Invoice…`, `Amount…` and `Seller…` refusals, in the order of the form.
pub fn check(entry: &Entry, operator_uscc: &str, today: Date) -> Result<Checked, Vec<Refusal>> {
    let mut wrong = Vec::new();
    let code = digits(&entry.code);
    let number = digits(&entry.number);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let identity = match entry.invoice_type {
        InvoiceType::DigitalSpecial | InvoiceType::DigitalGeneral => {
            if number.len() != 20 || !all_digits(&number) {
                wrong.push(Refusal::InvoiceNumberDigits);
            }
            number.clone()
        }
        InvoiceType::VatSpecial | InvoiceType::VatGeneral => {
            let shaped = matches!(code.len(), 10 | 12)
                && number.len() == 8
                && all_digits(&code)
                && all_digits(&number);
            if !shaped {
                wrong.push(Refusal::InvoiceCodeAndNumber);
            }
            format!("{code}-{number}")
        }
    };
    if entry.amount_fen <= 0 {
        wrong.push(Refusal::AmountNotPositive);
    }
    match entry.issued_on {
        None => wrong.push(Refusal::InvoiceDateInvalid),
        Some(day) if day > today => wrong.push(Refusal::InvoiceDateFuture),
        Some(_) => {}
    }
    let seller = entry.seller.trim();
    if seller.is_empty() || seller.chars().count() > SELLER_CHARS_MAX {
        wrong.push(Refusal::SellerMissing);
    } else if seller.chars().any(char::is_control) {
        wrong.push(Refusal::ControlCharacters("seller"));
    }
    let buyer_uscc = half_width(&entry.buyer_uscc).to_uppercase();
    if buyer_uscc != operator_uscc {
        wrong.push(Refusal::InvoiceBuyerMismatch);
    }
    let (Some(issued_on), true) = (entry.issued_on, wrong.is_empty()) else { return Err(wrong) };
    let code = match entry.invoice_type {
        InvoiceType::DigitalSpecial | InvoiceType::DigitalGeneral => String::new(),
        InvoiceType::VatSpecial | InvoiceType::VatGeneral => code,
    };
    Ok(Checked {
        invoice_type: entry.invoice_type,
        code,
        number,
        identity,
        amount_fen: entry.amount_fen,
        issued_on,
        seller: seller.to_owned(),
        buyer_uscc,
    })
}

/// Full-width letters and digits to half width, white space away.
fn half_width(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| match letter {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
            _ => letter,
        })
        .collect()
}

fn digits(text: &str) -> String {
    half_width(text).replace(['-', ','], "")
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    const USCC: &str = "91410105MA0000019G";

    fn entry() -> Entry {
        Entry {
            invoice_type: InvoiceType::DigitalSpecial,
            code: String::new(),
            number: "25410000000000000001".into(),
            amount_fen: 180_000_000,
            issued_on: Some(date!(2025 - 09 - 18)),
            seller: "中原桩造示例设备有限公司".into(),
            buyer_uscc: USCC.into(),
        }
    }

    fn wrong(entry: &Entry) -> Vec<Refusal> {
        check(entry, USCC, date!(2026 - 11 - 26)).unwrap_err()
    }

    #[test]
    fn a_digital_number_has_twenty_digits_in_any_width() {
        let typed = Entry {
            number: " ２５４１ 0000-0000 0000 0001 ".into(),
            buyer_uscc: " 91410105ma0000019ｇ".into(),
            ..entry()
        };
        let checked = check(&typed, USCC, date!(2025 - 09 - 18)).unwrap();
        assert_eq!(checked.identity, "25410000000000000001");
        assert_eq!(checked.buyer_uscc, USCC);
        assert_eq!(wrong(&Entry { number: "25410000001".into(), ..entry() }), [Refusal::InvoiceNumberDigits]);
        assert_eq!(
            wrong(&Entry { number: "2541000000000000000X".into(), ..entry() }),
            [Refusal::InvoiceNumberDigits]
        );
    }

    #[test]
    fn a_paper_invoice_has_code_and_number() {
        let paper = Entry {
            invoice_type: InvoiceType::VatSpecial,
            code: "4100194130".into(),
            number: "00123456".into(),
            ..entry()
        };
        assert_eq!(check(&paper, USCC, date!(2026 - 01 - 01)).unwrap().identity, "4100194130-00123456");
        assert_eq!(wrong(&Entry { code: String::new(), ..paper }), [Refusal::InvoiceCodeAndNumber]);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let bad = Entry {
            number: "1".into(),
            amount_fen: 0,
            issued_on: Some(date!(2099 - 01 - 01)),
            seller: " ".into(),
            buyer_uscc: "91410311XXXX000431".into(),
            ..entry()
        };
        assert_eq!(
            wrong(&bad),
            [
                Refusal::InvoiceNumberDigits,
                Refusal::AmountNotPositive,
                Refusal::InvoiceDateFuture,
                Refusal::SellerMissing,
                Refusal::InvoiceBuyerMismatch
            ]
        );
        let unreadable = Entry { seller: "中\u{0}原".into(), ..entry() };
        assert_eq!(wrong(&unreadable), [Refusal::ControlCharacters("seller")]);
        assert_eq!(wrong(&Entry { issued_on: None, ..entry() }), [Refusal::InvoiceDateInvalid]);
    }

    #[test]
    fn today_is_counted_in_shanghai() {
        assert_eq!(day(datetime!(2026-01-01 15:59 UTC)), date!(2026 - 01 - 01));
        assert_eq!(day(datetime!(2026-01-01 16:00 UTC)), date!(2026 - 01 - 02));
    }
}
