//! T01: a new application, prefilled from the registry.

use chassis::{Failure, Work};
use time::OffsetDateTime;

use super::{Shared, decided};
use crate::{
    domain::{
        act::Act,
        answers::Answers,
        application::{Application, Reminders, Returned},
        ids::{ApplicationId, OperatorId, RoundId},
        policy::SHANGHAI,
        refusal::Refusal,
        stage::Stage,
        station::Station,
    },
    publish,
    store::{self, StoreError, forms::Sheet},
};

/// What the creation takes from the other services.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The company.
    pub operator_id: OperatorId,
    /// Its name.
    pub operator_name: String,
    /// The station's registry record.
    pub station: Station,
}

/// Creates the application.
///
/// # Errors
/// NotFound (round), `account_not_active`, `round_closed`, `live_application_exists`.
pub async fn create(
    work: &mut Work,
    shared: &Shared,
    round: RoundId,
    opening: &Opening,
    act: &Act,
    prefix: &str,
) -> Result<(Application, Sheet), Failure> {
    let round =
        store::rounds::find(work.db(), &shared.policies, round).await?.ok_or_else(Failure::not_found)?;
    let number = store::applications::next_number(work.db()).await?;
    let number = numbered(prefix, work.now(), number);
    let id = ApplicationId(work.new_id());
    let candidate = candidate(id, number, round.id, round.policy.version, opening, work.now());
    let step = decided(work, &candidate, act, &round.policy, None)?;
    match store::applications::insert(work.db(), &step).await {
        Ok(()) => {}
        Err(StoreError::Database(error)) if store::violates(&error, "applications_one_live") => {
            return Err(Refusal::LiveApplicationExists.into());
        }
        Err(error) => return Err(error.into()),
    }
    let form = opening.station.prefill();
    let now = work.now();
    store::forms::insert(work.db(), id, &form, &opening.station, now).await?;
    work.announce(publish::application(&step));
    let (station, answers) = (opening.station.clone(), Answers::default());
    Ok((step.after, Sheet { edit_version: 1, edited_at: now, form, answers, station }))
}

/// A shown number: prefix, year in Asia/Shanghai, six digits or more.
pub fn numbered(prefix: &str, now: OffsetDateTime, number: i64) -> String {
    format!("{prefix}{}-{number:06}", now.to_offset(SHANGHAI).year())
}

fn candidate(
    id: ApplicationId,
    number: String,
    round_id: RoundId,
    policy_version: i32,
    opening: &Opening,
    now: OffsetDateTime,
) -> Application {
    Application {
        id,
        number,
        receipt_no: None,
        round_id,
        policy_version,
        operator_id: opening.operator_id,
        operator_name: opening.operator_name.clone(),
        station_id: opening.station.id,
        station_code: opening.station.code.clone(),
        station_name: opening.station.name.clone(),
        county: opening.station.county.clone(),
        prefecture: opening.station.prefecture.clone(),
        stage: Stage::Draft,
        version: 0,
        stage_version: 0,
        entered_at: now,
        created_at: now,
        submitted: None,
        returned: Returned::default(),
        order_id: None,
        in_sample: false,
        forced_sample: false,
        last: None,
        head: [0; 32],
        deciders: Vec::new(),
        clock: None,
        strikes_at: None,
        assignee: None,
        reminders: Reminders::default(),
        awaited: None,
    }
}
