//! Officials, each made at the console with a password of its own when first asked for, and signed in.
//!
//! Owns: who exists in a test's platform. Not: what they may do.
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::OnceCell;
use xtask::driver::{Actor, officials::Official};

use crate::{System, companies::PASSWORD};

/// The departments of the tests' rounds.
pub const DEPARTMENTS: [&str; 2] = ["fgw", "nyj"];

impl System {
    /// An administrator of the platform.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn administrator(&self) -> Result<Actor> {
        self.official("admin01", "administrator", &["410000"]).await
    }

    /// A reviewer of a county.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn county(&self, code: &str) -> Result<Actor> {
        self.official(&format!("co_{code}"), "county", &[code]).await
    }

    /// A reviewer of a city.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn city(&self, code: &str) -> Result<Actor> {
        self.official(&format!("ci_{code}"), "city", &[code]).await
    }

    /// An expert, by number.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn expert(&self, number: u32) -> Result<Actor> {
        self.official(&format!("expert_{number:02}"), "expert", &["410000"]).await
    }

    /// Somebody of a provincial department.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn department(&self, code: &str) -> Result<Actor> {
        let login = format!("pr_{code}");
        let person = person(&login, "province", &["410000"]).of_department(code);
        self.appointed(&person).await
    }

    /// An official with one role, by login.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn official(&self, login: &str, role: &str, scope: &[&str]) -> Result<Actor> {
        self.appointed(&person(login, role, scope)).await
    }

    /// An official exactly as described, appointed once.
    ///
    /// # Errors
    /// It cannot be appointed.
    pub async fn appointed(&self, person: &Official) -> Result<Actor> {
        let cell = self.seat(&person.login);
        let appoint = || async {
            // On a loaded machine the console may not get a connection in time; one that is made stays as it is.
            for _ in 0..3 {
                if let Ok(actor) = self.platform().first_official(person, PASSWORD).await {
                    return Ok(actor);
                }
            }
            self.platform().first_official(person, PASSWORD).await
        };
        cell.get_or_try_init(appoint).await.cloned()
    }

    fn seat(&self, login: &str) -> Arc<OnceCell<Actor>> {
        let mut seats = self.cast.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seats.entry(login.to_owned()).or_default().clone()
    }
}

/// Places that the tests' officials are of, with their names.
const PLACES: [(&str, &str); 6] = [
    ("410100", "郑州市"),
    ("410105", "金水区"),
    ("410122", "中牟县"),
    ("410200", "开封市"),
    ("410300", "洛阳市"),
    ("419001", "济源市"),
];

/// Describes an official whose phone is nobody else's. A county or city has an office with a name; whoever is known to tests
/// by the code of the place is called as people call them there, everybody else by the login.
pub fn person(login: &str, role: &str, scope: &[&str]) -> Official {
    let number = login.bytes().fold(7_u64, |sum, byte| (sum * 131 + u64::from(byte)) % 100_000_000);
    // Alone in the office, so its lead.
    let official = Official::new(login, login, role, scope, &format!("198{number:08}")).leading();
    let ([code], "county" | "city") = (scope, role) else { return official };
    let place = PLACES.iter().find(|(known, _)| known == code).map_or(*code, |(_, name)| *name);
    let display_name = if login.ends_with(*code) { format!("{place}审核员") } else { login.to_owned() };
    Official { display_name, office: format!("{place}主管部门"), ..official }
}
