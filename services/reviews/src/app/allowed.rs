//! What a person may do with an application here and now, and why not. Derived from the table; nothing is decided here.

use chassis::Failure;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Shared, member::desk_of, read};
use crate::{
    domain::{
        act::{Act, Command, Moment, Person},
        application::Application,
        awaited::{self, Own},
        decide::allowed,
        guards::Situation,
        ids::ApplicationId,
        order::{self, Desk},
        policy::Policy,
        refusal::Refusal,
        stage::Actor,
        table::Row,
    },
    store,
};

/// One command with its answer.
#[derive(Debug)]
pub struct Action {
    /// The command.
    pub command: Command,
    /// The row that it would follow, or why there is none.
    pub answer: Result<&'static Row, Refusal>,
}

/// Everything that could be done with an existing application, and why the person itself has nothing to do where its party is
/// waited for.
///
/// # Errors
/// NotFound; the database is away.
pub async fn list(
    db: &mut PgConnection,
    shared: &Shared,
    mut person: Person,
    id: ApplicationId,
    now: OffsetDateTime,
) -> Result<(Application, Vec<Action>, Option<Own>), Failure> {
    let application = read::application(db, shared, &mut person, id).await?;
    let policy = shared.policies.get(db, application.round_id, application.policy_version).await?;
    let desk = desk_of(db, &application).await?;
    // Everybody else is refused by the table before it comes to the order.
    let asked = [Actor::Administrator, Actor::Province].iter().any(|actor| person.roles.contains(actor));
    let whole = match desk.as_ref().filter(|_| asked) {
        Some(desk) => whole_order(db, desk, &policy).await?,
        None => Whole { freeze: Err(Refusal::NotFrozen), widen: Err(Refusal::NotFrozen) },
    };
    let actions = Command::ALL
        .into_iter()
        .filter(|command| {
            !matches!(
                command,
                Command::CreateApplication
                    | Command::HeedInterest
                    | Command::ConcludeOrder
                    | Command::StrikeClock
            )
        })
        .map(|command| {
            let act = Act::new(person.clone(), command);
            let moment = Moment::at(now);
            let situation = Situation {
                application: &application,
                act: &act,
                policy: &policy,
                desk: desk.as_ref(),
                moment,
            };
            let answer = allowed(&situation).and_then(|row| {
                let standing = if command == Command::FreezeOrder {
                    whole.freeze.clone()
                } else if command == Command::WidenSample {
                    whole.widen.clone()
                } else {
                    Ok(())
                };
                standing.map(|()| row)
            });
            Action { command, answer }
        })
        .collect();
    let own = desk.as_ref().and_then(|desk| awaited::own(&person, &application, &policy, desk));
    Ok((application, actions, own))
}

/// What holds for the whole order.
struct Whole {
    freeze: Result<(), Refusal>,
    widen: Result<(), Refusal>,
}

async fn whole_order(db: &mut PgConnection, desk: &Desk, policy: &Policy) -> Result<Whole, Failure> {
    let tally = store::orders::tally(db, desk.order.id).await?;
    Ok(Whole {
        freeze: order::may_freeze(&desk.order, tally),
        widen: order::may_widen(&desk.order, tally, policy),
    })
}
