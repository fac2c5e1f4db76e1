//! Reads: only what the caller may see; a foreign object looks like one that does not exist. Source: reliability R8.

use chassis::Failure;
use sqlx::PgConnection;

use super::Shared;
use crate::{
    domain::{
        act::{Act, Command, Moment, Person},
        application::Application,
        decide,
        guards::Situation,
        ids::{ApplicationId, OrderId},
        order::Order,
        stage::Actor,
    },
    store::{self, lists::Part},
};

/// The application, where the person may see it.
///
/// # Errors
/// NotFound; the database is away.
pub async fn application(
    db: &mut PgConnection,
    shared: &Shared,
    person: &mut Person,
    id: ApplicationId,
) -> Result<Application, Failure> {
    let application = store::applications::find(db, id).await?.ok_or_else(Failure::not_found)?;
    seated(db, person).await?;
    let policy = shared.policies.get(db, application.round_id, application.policy_version).await?;
    let act = Act::new(person.clone(), Command::Pass);
    let moment = Moment::at(application.entered_at);
    decide::visible(&Situation {
        application: &application,
        act: &act,
        policy: &policy,
        desk: None,
        moment,
    })?;
    Ok(application)
}

/// Looks up on which panels an expert sits.
///
/// # Errors
/// The database is away.
pub async fn seated(db: &mut PgConnection, person: &mut Person) -> Result<(), Failure> {
    if person.roles.contains(&Actor::Expert) {
        person.orders = store::opinions::orders_of(db, person.id).await?;
    }
    Ok(())
}

/// The scope of a person's application lists.
pub fn scope(person: &Person) -> Vec<Part> {
    let has = |actor| person.roles.contains(&actor);
    if (has(Actor::Administrator) || has(Actor::Province)) && person.covers_province() {
        return vec![Part::Province];
    }
    let mut codes = person.scope.clone();
    codes.sort_unstable();
    codes.dedup();
    let mut parts = Vec::new();
    if let Some(operator) = person.operator_id.filter(|_| has(Actor::Operator)) {
        parts.push(Part::Operator(operator.0));
    }
    if has(Actor::County) {
        parts.push(Part::Counties(codes.clone()));
    }
    if has(Actor::City) {
        parts.push(Part::Prefectures(codes));
    }
    if has(Actor::Expert) {
        parts.push(Part::Orders(person.orders.iter().map(|order| order.0).collect()));
    }
    parts
}

/// The scope of a person's order lists: cities see their own, experts those on whose panel they sit.
pub fn order_scope(person: &Person) -> store::orders::Scope {
    let has = |actor| person.roles.contains(&actor);
    store::orders::Scope {
        province: (has(Actor::Administrator) || has(Actor::Province)) && person.covers_province(),
        prefectures: has(Actor::City).then(|| person.scope.clone()),
        orders: has(Actor::Expert).then(|| person.orders.iter().map(|order| order.0).collect()),
    }
}

/// The order, where the person may see it.
///
/// # Errors
/// NotFound; the database is away.
pub async fn order(db: &mut PgConnection, person: &mut Person, id: OrderId) -> Result<Order, Failure> {
    let order = store::orders::find(db, id).await?.ok_or_else(Failure::not_found)?;
    seated(db, person).await?;
    let scope = order_scope(person);
    let seen = scope.province
        || scope.prefectures.is_some_and(|cities| cities.contains(&order.prefecture))
        || scope.orders.is_some_and(|orders| orders.contains(&id.0));
    if seen { Ok(order) } else { Err(Failure::not_found()) }
}
