//! `AuditLog`: the audit log read page by page, and the proof of one of its chains. Nothing here changes anything.

use std::collections::HashMap;

use chassis::{Failure, clock, page, rpc};
use proto::accounts::{
    AuditEntry, ListEntriesRequest, ListEntriesResponse, ProveChainRequest, ProveChainResponse,
    audit_log_server::AuditLog,
};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, UtcOffset, macros::offset};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::{
    app::{Accounts, sign_in},
    audit,
    domain::{
        refusal::{Field, Refusal},
        trail,
    },
    secrets,
    store::{
        self,
        trail::{Filter, Key, Row},
    },
};

/// Days begin at midnight in Henan.
const SHANGHAI: UtcOffset = offset!(+8);
/// Characters of a filter.
const TEXT_MAX: usize = 64;

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl AuditLog for Inlet {
    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        let roles = rpc::caller(&request)?.roles;
        Ok(Response::new(list(&self.0, &roles, request.into_inner()).await?))
    }

    async fn prove_chain(
        &self,
        request: Request<ProveChainRequest>,
    ) -> Result<Response<ProveChainResponse>, Status> {
        Ok(Response::new(prove(&self.0, request.into_inner().shard).await?))
    }
}

async fn list(
    accounts: &Accounts,
    roles: &[String],
    body: ListEntriesRequest,
) -> Result<ListEntriesResponse, Failure> {
    let size = page::size(body.page.as_ref())?;
    let after = page::after::<Key>(body.page.as_ref())?.map(moment_of).transpose()?;
    let mut db = accounts.pool.acquire().await?;
    let filter = filter(&mut db, roles, &body).await?;
    let found = store::trail::list(&mut db, &filter, after, size).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == size);
    let next_page_token = page::token(found.last().filter(|_| full).map(Row::key).as_ref());
    let names = names(&mut db, &found).await?;
    let heads = store::trail::heads(&mut db).await?;
    Ok(ListEntriesResponse {
        entries: found.into_iter().map(|row| entry(row, &names)).collect(),
        next_page_token,
        rows: heads.iter().map(|head| head.position).sum(),
        heads_digest: hex::encode(store::trail::digest(&heads)),
    })
}

/// The key with its time as the database compares it.
fn moment_of((micros, shard, position): Key) -> Result<(OffsetDateTime, i16, i64), Failure> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    Ok((at.map_err(|_| page::invalid_token())?, shard, position))
}

async fn filter(
    db: &mut PgConnection,
    roles: &[String],
    body: &ListEntriesRequest,
) -> Result<Filter, Failure> {
    for text in [&body.actor_login, &body.act, &body.subject] {
        if text.chars().count() > TEXT_MAX {
            return Err(Refusal::TooLong { field: Field::Text, max: TEXT_MAX }.into());
        }
    }
    let actors = match body.actor_login.trim() {
        "" => None,
        login => {
            let user = store::users::find_by_login(db, login).await?;
            Some(user.map(|user| format!("person:{}", user.id)).into_iter().collect())
        }
    };
    let subjects = match body.subject.trim() {
        "" => None,
        text => Some(subjects(db, text).await?),
    };
    let allowed = trail::readable(roles);
    let acts = match (body.act.as_str(), allowed) {
        ("", None) => None,
        ("", Some(allowed)) => Some(allowed.iter().map(|act| (*act).to_owned()).collect()),
        (act, None) => Some(vec![act.to_owned()]),
        (act, Some(allowed)) => {
            Some(allowed.iter().filter(|one| **one == act).map(|one| (*one).to_owned()).collect())
        }
    };
    Ok(Filter {
        actors,
        acts,
        subjects,
        from: day(&body.from_day)?,
        to: day(&body.to_day)?.map(|at| at + time::Duration::days(1)),
        refused_only: body.refused_only,
    })
}

/// An id stands for itself; a login for its person, and for tries to sign in with it while it was nobody's or was refused.
async fn subjects(db: &mut PgConnection, text: &str) -> Result<Vec<String>, Failure> {
    let mut subjects = vec![text.to_owned(), sign_in::subject(&secrets::login_hash(text))];
    subjects.extend(store::users::find_by_login(db, text).await?.map(|user| user.id.to_string()));
    Ok(subjects)
}

fn day(text: &str) -> Result<Option<OffsetDateTime>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = Date::parse(text, format).map_err(|_| Failure::from(Refusal::UnknownValue(Field::Day)))?;
    Ok(Some(date.midnight().assume_offset(SHANGHAI)))
}

/// Logins and companies behind the ids of a page.
async fn names(db: &mut PgConnection, rows: &[Row]) -> Result<HashMap<String, String>, Failure> {
    let ids = rows.iter().flat_map(|row| [id_of(&row.actor), id_of(&row.subject)]);
    let ids: Vec<Uuid> = ids.filter_map(|text| Uuid::parse_str(text).ok()).collect();
    let names = store::members::names(db, &ids).await?;
    Ok(names.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
}

/// The id in a principal or a subject.
fn id_of(text: &str) -> &str {
    text.rsplit(':').next().unwrap_or_default()
}

fn entry(row: Row, names: &HashMap<String, String>) -> AuditEntry {
    let name = |text: &str| names.get(id_of(text)).cloned().unwrap_or_default();
    AuditEntry {
        at: Some(convert::moment(row.happened_at)),
        actor_name: name(&row.actor),
        actor: row.actor,
        actor_roles: row.actor_roles,
        authentication: row.authentication,
        act: row.act,
        subject_name: name(&row.subject),
        subject: row.subject,
        refusal: row.refusal,
        detail: row.detail,
        shard: row.shard.into(),
        position: row.position,
        hash: hex::encode(row.hash),
    }
}

async fn prove(accounts: &Accounts, shard: i32) -> Result<ProveChainResponse, Failure> {
    let shard = i16::try_from(shard).map_err(|_| Failure::not_found())?;
    let mut db = accounts.pool.acquire().await?;
    let heads = store::trail::heads(&mut db).await?;
    drop(db);
    let head = heads.into_iter().find(|head| head.shard == shard).ok_or_else(Failure::not_found)?;
    let broken = audit::broken_links(&accounts.pool, Some(shard)).await?;
    Ok(ProveChainResponse {
        shard: shard.into(),
        position: head.position,
        head_hash: hex::encode(head.hash),
        broken,
        checked_at: Some(convert::moment(
            OffsetDateTime::from_unix_timestamp(clock::unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        )),
    })
}
