//! Everybody of the sample province, signed in.
//!
//! Owns: finding the right person for a division, a company, a role. Not: creating them (`load`).
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::{
    progress::Phase,
    roster::{self, ADMINISTRATOR, PASSWORD, SECURITY},
};
use crate::driver::{
    Actor, Platform,
    samples::{AccountStatus, Samples},
};

/// A signed-in person with the id by which others name it.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who calls.
    pub actor: Actor,
    /// User id.
    pub id: String,
    /// Operator id; empty for officials.
    pub operator_id: String,
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct Cast {
    people: BTreeMap<String, Person>,
    companies: BTreeMap<String, String>,
}

impl Cast {
    /// Signs everybody in with the sample province's password.
    ///
    /// Errors: somebody cannot; is the province loaded?
    pub async fn sign_in(platform: &Platform, samples: &Samples) -> Result<Self> {
        let mut logins = vec![ADMINISTRATOR.to_owned(), SECURITY.to_owned()];
        logins.extend(roster::officials(samples).into_iter().map(|one| one.login));
        logins.extend(samples.operators.iter().map(|one| one.login.clone()));
        let people = Phase::each("登录", logins, |login| async move {
            let actor =
                platform.sign_in(&login, PASSWORD).await.with_context(|| format!("{login} signs in"))?;
            let claims = actor.claims().await?;
            Ok((login, Person { actor, id: claims.subject, operator_id: claims.operator_id }))
        })
        .await?;
        let approved = samples.operators.iter().filter(|one| one.account_status == AccountStatus::Approved);
        Ok(Self {
            people: people.into_iter().collect(),
            companies: approved.map(|one| (one.uscc.clone(), one.login.clone())).collect(),
        })
    }

    /// Somebody by login. Errors: there is nobody.
    pub fn person(&self, login: &str) -> Result<&Person> {
        self.people.get(login).with_context(|| format!("nobody is called {login}"))
    }

    /// The platform's administrator.
    pub fn administrator(&self) -> Result<&Actor> {
        Ok(&self.person(ADMINISTRATOR)?.actor)
    }

    /// The county officer of a division.
    pub fn county(&self, code: &str) -> Result<&Actor> {
        Ok(&self.person(&roster::county(code))?.actor)
    }

    /// The city officer of a division.
    pub fn city(&self, code: &str) -> Result<&Actor> {
        Ok(&self.person(&roster::city(code))?.actor)
    }

    /// The n-th expert, from 1.
    pub fn expert(&self, number: usize) -> Result<&Person> {
        self.person(&roster::expert(number))
    }

    /// The departments, in the round's order.
    pub fn departments(&self) -> Result<Vec<&Actor>> {
        let found = roster::DEPARTMENTS.iter().map(|(code, _)| self.person(&roster::department(code)));
        found.map(|person| Ok(&person?.actor)).collect()
    }

    /// The person of an approved company. Errors: there is no such company.
    pub fn company(&self, uscc: &str) -> Result<&Person> {
        self.person(self.companies.get(uscc).with_context(|| format!("no approved company {uscc}"))?)
    }
}
