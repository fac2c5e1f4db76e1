//! Who of an operator's users manages the others (主账号), and what may be done with whom. All have the same business rights.

use super::{ids::UserId, refusal::Refusal, session::CredentialState};

/// Users of one operator, the deactivated among them; so a list is complete on one page.
pub const MEMBERS_MAX: usize = 200;

/// What an owner does with another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// 停用.
    Deactivate,
    /// 恢复.
    Restore,
    /// 重置登录: a fresh one-time password.
    Reissue,
    /// 结束登录.
    EndSessions,
    /// 转交主账号.
    HandOver,
}

/// A user of an operator, as far as these rules look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub id: UserId,
    /// Not deactivated.
    pub active: bool,
    /// Deactivated by another user of the operator, not by the platform.
    pub deactivated_by_owner: bool,
    /// State of the password.
    pub credential: Option<CredentialState>,
}

/// Whether somebody manages the members of an operator.
///
/// Errors: [`Refusal::NotOwner`]. Source: reliability section 10 (a company's administrator manages its own clerks).
pub fn manages(owner: UserId, caller: &str) -> Result<(), Refusal> {
    if owner.to_string() == caller { Ok(()) } else { Err(Refusal::NotOwner) }
}

/// Whether there is room for another member.
///
/// Errors: [`Refusal::MembersFull`].
pub fn may_add(members: usize) -> Result<(), Refusal> {
    if members < MEMBERS_MAX { Ok(()) } else { Err(Refusal::MembersFull { max: MEMBERS_MAX }) }
}

/// Whether the owner may do something with a member.
///
/// Errors: [`Refusal::OwnAccount`], [`Refusal::MemberInactive`], [`Refusal::MemberNotActivated`],
/// [`Refusal::EndedByPlatform`].
pub fn may(act: Act, owner: UserId, member: Standing) -> Result<(), Refusal> {
    if member.id == owner {
        return Err(Refusal::OwnAccount);
    }
    match act {
        Act::Deactivate | Act::EndSessions => Ok(()),
        Act::Restore if member.active || member.deactivated_by_owner => Ok(()),
        Act::Restore => Err(Refusal::EndedByPlatform),
        Act::Reissue | Act::HandOver if !member.active => Err(Refusal::MemberInactive),
        Act::HandOver if member.credential != Some(CredentialState::Normal) => {
            Err(Refusal::MemberNotActivated)
        }
        Act::Reissue | Act::HandOver => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const OWNER: UserId = UserId(Uuid::from_u128(1));
    const MEMBER: Standing = Standing {
        id: UserId(Uuid::from_u128(2)),
        active: true,
        deactivated_by_owner: false,
        credential: Some(CredentialState::Normal),
    };
    const ACTS: [Act; 5] = [Act::Deactivate, Act::Restore, Act::Reissue, Act::EndSessions, Act::HandOver];

    #[test]
    fn only_the_owner_manages_and_never_itself() {
        assert_eq!(manages(OWNER, &OWNER.to_string()), Ok(()));
        assert_eq!(manages(OWNER, &MEMBER.id.to_string()), Err(Refusal::NotOwner));
        for act in ACTS {
            assert_eq!(
                may(act, OWNER, Standing { id: OWNER, ..MEMBER }),
                Err(Refusal::OwnAccount),
                "{act:?}"
            );
            assert_eq!(may(act, OWNER, MEMBER), Ok(()), "{act:?}");
        }
    }

    #[test]
    fn a_deactivated_member_gets_no_password_and_no_ownership_and_the_platforms_word_stands() {
        let gone = Standing { active: false, deactivated_by_owner: true, ..MEMBER };
        assert_eq!(may(Act::Restore, OWNER, gone), Ok(()));
        for act in [Act::Reissue, Act::HandOver] {
            assert_eq!(may(act, OWNER, gone), Err(Refusal::MemberInactive), "{act:?}");
        }
        let ended = Standing { deactivated_by_owner: false, ..gone };
        assert_eq!(may(Act::Restore, OWNER, ended), Err(Refusal::EndedByPlatform));
    }

    #[test]
    fn ownership_goes_to_somebody_who_has_signed_in_with_an_own_password() {
        for credential in [None, Some(CredentialState::OneTime), Some(CredentialState::Locked)] {
            let fresh = Standing { credential, ..MEMBER };
            assert_eq!(may(Act::HandOver, OWNER, fresh), Err(Refusal::MemberNotActivated));
            assert_eq!(may(Act::Reissue, OWNER, fresh), Ok(()));
        }
    }

    #[test]
    fn a_company_has_room_for_two_hundred() {
        assert_eq!(may_add(199), Ok(()));
        assert_eq!(may_add(200), Err(Refusal::MembersFull { max: 200 }));
    }
}
