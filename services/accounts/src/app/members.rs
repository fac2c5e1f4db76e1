//! People of one operator: its owner (主账号) adds, suspends and restores them, and hands the account over.

use chassis::{Failure, Work};

use super::{
    officials::{Initial, give},
    record,
};
use crate::{
    domain::{
        ids::{OperatorId, UserId},
        members::{self, Act},
        refusal::{Field, Refusal},
        registration::PERSON_NAME_MAX,
        session::Lifetimes,
        texts,
    },
    labels,
    store::{self, members::Member, sessions::End, users::User},
};

/// A member as typed.
pub struct Draft {
    /// Login name.
    pub login: String,
    /// Name shown.
    pub display_name: String,
    /// Mobile number, for the one-time password and codes.
    pub phone: String,
}

/// The members of the caller's operator, locked; their owner is the caller.
struct Own {
    operator: OperatorId,
    owner: UserId,
    members: Vec<Member>,
}

/// Everything that is done to a member waits for the operator's row.
async fn own(work: &mut Work, lifetimes: Lifetimes) -> Result<Own, Failure> {
    let operator = work.caller().operator_id.map(OperatorId).ok_or_else(Failure::not_found)?;
    store::operators::lock(work.db(), operator).await?.ok_or_else(Failure::not_found)?;
    let members = store::members::list(work.db(), operator, lifetimes).await?;
    let owner = members.first().map(|first| first.standing.id).ok_or_else(Failure::not_found)?;
    members::manages(owner, &work.caller().subject)?;
    Ok(Own { operator, owner, members })
}

/// The member as it is now.
async fn again(work: &mut Work, own: &Own, id: UserId, lifetimes: Lifetimes) -> Result<Member, Failure> {
    let members = store::members::list(work.db(), own.operator, lifetimes).await?;
    let found = members.into_iter().find(|member| member.standing.id == id);
    found.ok_or_else(|| Failure::internal("a member is missing"))
}

/// Adds a member with a one-time password that goes to its phone.
///
/// # Errors
/// `not_owner`, `members_full`, every field that is wrong. Source: reliability sections 10 and 11.
pub async fn add(
    work: &mut Work,
    draft: &Draft,
    initial: Initial,
    lifetimes: Lifetimes,
) -> Result<Member, Failure> {
    let own = own(work, lifetimes).await?;
    members::may_add(own.members.len())?;
    let mut wrong = Vec::new();
    let login = texts::login(&draft.login).map_err(|refusal| wrong.push(refusal)).unwrap_or_default();
    if !login.is_empty() && store::users::find_by_login(work.db(), &login).await?.is_some() {
        wrong.push(Refusal::LoginTaken);
    }
    let display_name = texts::text(Field::DisplayName, &draft.display_name, PERSON_NAME_MAX)
        .map_err(|refusal| wrong.push(refusal))
        .unwrap_or_default();
    let phone = texts::phone(&draft.phone).map_err(|refusal| wrong.push(refusal)).unwrap_or_default();
    if !wrong.is_empty() {
        return Err(labels::all(wrong));
    }
    let user = User {
        id: UserId(work.new_id()),
        login,
        display_name,
        phone,
        operator_id: Some(own.operator),
        roles: Vec::new(),
        scope: Vec::new(),
        office: String::new(),
        department: String::new(),
        employer: String::new(),
        lead: false,
        active: true,
        created_at: work.now(),
    };
    let by = work.caller().subject.clone();
    store::users::insert(work.db(), &user, &by).await??;
    give(work, &user, initial).await?;
    record(work, "add_member", &user.id.to_string(), "", &own.operator.to_string()).await?;
    again(work, &own, user.id, lifetimes).await
}

/// What is done with a member.
pub enum Deed {
    /// 停用: sessions and tickets end.
    Deactivate,
    /// 恢复: the password is as it was.
    Restore,
    /// 重置登录: a fresh one-time password; sessions and tickets end.
    Reissue(Initial),
    /// 结束登录.
    EndSessions,
    /// 转交主账号: from now on the other one manages the members.
    HandOver,
}

impl Deed {
    fn act(&self) -> Act {
        match self {
            Self::Deactivate => Act::Deactivate,
            Self::Restore => Act::Restore,
            Self::Reissue(_) => Act::Reissue,
            Self::EndSessions => Act::EndSessions,
            Self::HandOver => Act::HandOver,
        }
    }
}

/// Does something with a member of the caller's operator.
///
/// # Errors
/// `not_found` for anybody else's user, `not_owner`, `own_account`, `member_inactive`, `member_not_activated`,
/// `ended_by_platform`.
pub async fn act(work: &mut Work, id: UserId, deed: Deed, lifetimes: Lifetimes) -> Result<Member, Failure> {
    let own = own(work, lifetimes).await?;
    let member = own.members.iter().find(|member| member.standing.id == id);
    let member = member.ok_or_else(Failure::not_found)?;
    members::may(deed.act(), own.owner, member.standing)?;
    let user = store::users::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    let (now, by) = (work.now(), work.caller().subject.clone());
    let (name, ended) = match deed {
        Deed::Deactivate => {
            store::users::deactivate(work.db(), id, now, &by).await?;
            ("deactivate_member", Some(End::Deactivated))
        }
        Deed::Restore => {
            store::members::restore(work.db(), id).await?;
            ("restore_member", None)
        }
        Deed::Reissue(initial) => {
            give(work, &user, initial).await?;
            ("reissue_member_password", Some(End::Reissued))
        }
        Deed::EndSessions => ("end_member_sessions", Some(End::ByOwner)),
        Deed::HandOver => {
            store::members::hand_over(work.db(), own.operator, id).await?;
            ("hand_over", None)
        }
    };
    if let Some(why) = ended {
        store::sessions::end_all(work.db(), id, now, why).await?;
    }
    if matches!(ended, Some(End::Deactivated | End::Reissued)) {
        store::tickets::end_all(work.db(), id, now).await?;
    }
    record(work, name, &id.to_string(), "", &own.operator.to_string()).await?;
    again(work, &own, id, lifetimes).await
}
