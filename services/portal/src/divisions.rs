//! Names of counties and cities; asked of accounts once in a while, because they change once in years.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chassis::{clock, rpc::Peer};
use proto::accounts::{Division, ListDivisionsRequest, directory_client::DirectoryClient};
use tonic::Status;

/// Seconds for which the list is used again.
const FRESH_SECS: i64 = 600;

/// The divisions, as accounts has them.
pub struct Divisions {
    accounts: Peer,
    known: RwLock<(Arc<Known>, i64)>,
}

/// One reading of the list.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// In force.
    divisions: Vec<Division>,
    /// Name of each code, in force or not: a page of 50 rows asks for a hundred.
    names: HashMap<String, String>,
}

/// A city with what belongs to it, for a choice of either.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Code of the city.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its counties, 其他 last.
    pub counties: Vec<Division>,
}

impl Divisions {
    /// Asks `accounts`.
    pub fn new(accounts: Peer) -> Divisions {
        Divisions { accounts, known: RwLock::default() }
    }

    /// The list; an old one while accounts is away.
    ///
    /// # Errors
    /// accounts is away and nothing is known yet.
    pub async fn list(&self) -> Result<Arc<Known>, Status> {
        let now = clock::unix_seconds();
        let (known, read_at) = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if now - read_at < FRESH_SECS {
            return Ok(known);
        }
        let asked = DirectoryClient::new(self.accounts.clone()).list_divisions(ListDivisionsRequest {}).await;
        match asked {
            Ok(answer) => {
                let answer = answer.into_inner();
                let known = Arc::new(Known::of(answer.divisions, answer.ended));
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = (known.clone(), now);
                Ok(known)
            }
            Err(_) if !known.divisions.is_empty() => Ok(known),
            Err(status) => Err(status),
        }
    }

    /// The list, or an empty one: pages then show codes.
    pub async fn names(&self) -> Arc<Known> {
        self.list().await.unwrap_or_default()
    }
}

impl Known {
    /// Those in force, and those that were.
    pub fn of(divisions: Vec<Division>, ended: Vec<Division>) -> Known {
        let named = |one: &Division| (one.code.clone(), one.name.clone());
        // What is in force comes last and stands.
        let names = ended.iter().chain(&divisions).map(named).collect();
        Known { divisions, names }
    }

    /// The name of a code, in force or not; the code itself where it is unknown, — where there is none.
    pub fn name(&self, code: &str) -> String {
        self.names.get(code).cloned().unwrap_or_else(|| crate::format::or_dash(code))
    }

    /// A text of a service, which tells places by their codes, with their names.
    pub fn named(&self, text: &str) -> String {
        self.divisions.iter().fold(text.to_owned(), |text, one| text.replace(&one.code, &one.name))
    }

    /// City and county.
    pub fn place(&self, prefecture: &str, county: &str) -> String {
        if prefecture == county {
            self.name(county)
        } else {
            format!("{} / {}", self.name(prefecture), self.name(county))
        }
    }

    /// The cities, in the order of their codes; 济源 is a county and its own city.
    pub fn cities(&self) -> Vec<Division> {
        let city = |one: &&Division| one.level == "prefecture" || one.city_code == one.code;
        let mut cities: Vec<_> = self.divisions.iter().filter(city).cloned().collect();
        cities.sort_by(|one, other| one.code.cmp(&other.code));
        cities
    }

    /// What belongs to a city, 其他 last.
    pub fn counties(&self, city: &str) -> Vec<Division> {
        let of_city =
            |one: &&Division| one.level == "county" && (one.city_code == city || one.parent_code == city);
        let mut counties: Vec<_> = self.divisions.iter().filter(of_city).cloned().collect();
        counties.sort_by_key(|one| (one.kind == "other", one.code.clone()));
        counties
    }

    /// Cities with their counties.
    pub fn places(&self) -> Vec<Place> {
        let place =
            |city: Division| Place { counties: self.counties(&city.code), code: city.code, name: city.name };
        self.cities().into_iter().map(place).collect()
    }

    /// The city that a county belongs to; empty where it is unknown.
    pub fn city_of(&self, county: &str) -> String {
        self.divisions
            .iter()
            .find(|one| one.code == county)
            .map(|one| one.city_code.clone())
            .unwrap_or_default()
    }
}
