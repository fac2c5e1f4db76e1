//! An authenticator app: counts the codes of a secret as the page shows it. Source: RFC 6238.

use anyhow::{Context as _, Result, ensure};
use ring::hmac;
use xtask::services::Service;

use crate::System;

/// The secret on a page that offers one.
///
/// # Errors
/// The page shows none.
pub fn secret(page: &str) -> Result<String> {
    let rest = page.split_once("<dd class=\"tnum\"><strong>").context("no secret is shown")?.1;
    Ok(rest.split('<').next().unwrap_or_default().replace(' ', ""))
}

/// The code of now; earlier ones may be taken again, as if time had passed.
///
/// # Errors
/// No base32, or the database.
pub async fn code(system: &System, secret: &str) -> Result<String> {
    let pool = system.database(Service::Accounts)?;
    sqlx::query("UPDATE second_factors SET last_step = -1").execute(pool).await?;
    let step = "SELECT floor(extract(epoch FROM clock_timestamp()) / 30)::bigint";
    let step: i64 = sqlx::query_scalar(step).fetch_one(pool).await?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes(secret)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let number = tag.as_ref()[offset..offset + 4].iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
    Ok(format!("{:06}", (number & 0x7fff_ffff) % 1_000_000))
}

fn bytes(secret: &str) -> Result<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in secret.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).context("no base32")?;
        (bits, held) = ((bits << 5) | u32::try_from(value)?, held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 255)?);
            bits &= (1 << held) - 1;
        }
    }
    ensure!(!bytes.is_empty(), "an empty secret");
    Ok(bytes)
}
