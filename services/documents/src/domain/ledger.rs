//! Whether an application may use a part of an invoice. The database repeats it under the row lock (invariant 6).

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Refusal, invoice::Balance};

/// A live use of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// Of which invoice.
    pub invoice_id: Uuid,
    /// By which application.
    pub application_id: Uuid,
    /// The ledger row that made it.
    pub ledger_id: Uuid,
    /// Fen.
    pub used_fen: i64,
    /// When.
    pub made_at: OffsetDateTime,
    /// Not used any more, but kept for the sealed revision that may stand again (T19).
    pub held: bool,
}

/// What is held beside a use of `used_fen` while a sealed revision says `sealed_fen` and may stand again, fen.
#[must_use]
pub fn held(used_fen: i64, sealed_fen: i64) -> i64 {
    (sealed_fen - used_fen).max(0)
}

/// Whether a new use of `used_fen` fits; `allocated`: the application uses the invoice already.
///
/// Errors: [`Refusal::UsedNotPositive`], [`Refusal::UsedOverAmount`], [`Refusal::InvoiceAlreadyAllocated`],
/// [`Refusal::InvoiceOverdrawn`] with what is left.
pub fn check_use(balance: &Balance, used_fen: i64, allocated: bool) -> Result<(), Refusal> {
    if used_fen <= 0 {
        return Err(Refusal::UsedNotPositive);
    }
    if used_fen > balance.amount_fen {
        return Err(Refusal::UsedOverAmount);
    }
    if allocated {
        return Err(Refusal::InvoiceAlreadyAllocated);
    }
    let remaining_fen = balance.amount_fen - balance.used_fen;
    if used_fen > remaining_fen { Err(Refusal::InvoiceOverdrawn { remaining_fen }) } else { Ok(()) }
}

/// Whether the invoice is as the caller saw it (`version` 0: it did not look).
///
/// Errors: [`Refusal::InvoiceChanged`].
pub fn check_version(balance: &Balance, version: i64) -> Result<(), Refusal> {
    if version == 0 || version == balance.version {
        Ok(())
    } else {
        Err(Refusal::InvoiceChanged { now: balance.version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(amount_fen: i64, used_fen: i64) -> Balance {
        Balance { amount_fen, used_fen, version: 3 }
    }

    #[test]
    fn sixty_and_forty_of_a_hundred_fit_and_one_more_does_not() {
        assert_eq!(check_use(&balance(100, 0), 60, false), Ok(()));
        assert_eq!(check_use(&balance(100, 60), 40, false), Ok(()));
        assert_eq!(
            check_use(&balance(100, 100), 1, false),
            Err(Refusal::InvoiceOverdrawn { remaining_fen: 0 })
        );
    }

    #[test]
    fn the_cases_of_the_sample_sheet() {
        let hundred_thousand = balance(10_000_000, 0);
        assert_eq!(check_use(&hundred_thousand, 10_000_001, false), Err(Refusal::UsedOverAmount));
        assert_eq!(check_use(&hundred_thousand, 0, false), Err(Refusal::UsedNotPositive));
        let shared = balance(180_000_000, 178_000_000);
        let overdrawn = Refusal::InvoiceOverdrawn { remaining_fen: 2_000_000 };
        assert_eq!(check_use(&shared, 2_000_001, false), Err(overdrawn));
        assert_eq!(check_use(&shared, 100, true), Err(Refusal::InvoiceAlreadyAllocated));
    }

    #[test]
    fn what_was_sealed_is_held_as_far_as_it_is_not_used() {
        assert_eq!([held(60, 60), held(0, 60), held(50, 60), held(70, 60), held(5, 0)], [0, 60, 10, 0, 0]);
    }

    #[test]
    fn a_stale_version_is_refused() {
        assert_eq!(check_version(&balance(1, 0), 3), Ok(()));
        assert_eq!(check_version(&balance(1, 0), 0), Ok(()));
        assert_eq!(check_version(&balance(1, 0), 2), Err(Refusal::InvoiceChanged { now: 3 }));
    }
}
