//! The stages of an application and the states of an account, as other services name them.

/// A node of the review. Source: workflow, Nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// 草稿.
    Draft,
    /// 县级审核.
    CountyReview,
    /// 县级审核未通过.
    CountyReturned,
    /// 待线下初审.
    PaperCheck,
    /// 待提交初审资料.
    MaterialsDue,
    /// 市级审核.
    CityReview,
    /// 市级退回.
    CityReturned,
    /// 待发起联合审核.
    AwaitingJointReview,
    /// 专家组审核.
    ExpertReview,
    /// 待补充材料.
    SupplementDue,
    /// 专家组审核通过.
    AwaitingProvince,
    /// 省级厅委审核.
    ProvincialReview,
    /// 审核通过.
    Approved,
    /// 已删除.
    Deleted,
    /// 已终止.
    Terminated,
}

impl Stage {
    /// Every stage, in the order of the review.
    pub const ALL: [Stage; 15] = [
        Stage::Draft,
        Stage::CountyReview,
        Stage::CountyReturned,
        Stage::PaperCheck,
        Stage::MaterialsDue,
        Stage::CityReview,
        Stage::CityReturned,
        Stage::AwaitingJointReview,
        Stage::ExpertReview,
        Stage::SupplementDue,
        Stage::AwaitingProvince,
        Stage::ProvincialReview,
        Stage::Approved,
        Stage::Deleted,
        Stage::Terminated,
    ];

    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Stage::Draft => "Draft",
            Stage::CountyReview => "CountyReview",
            Stage::CountyReturned => "CountyReturned",
            Stage::PaperCheck => "PaperCheck",
            Stage::MaterialsDue => "MaterialsDue",
            Stage::CityReview => "CityReview",
            Stage::CityReturned => "CityReturned",
            Stage::AwaitingJointReview => "AwaitingJointReview",
            Stage::ExpertReview => "ExpertReview",
            Stage::SupplementDue => "SupplementDue",
            Stage::AwaitingProvince => "AwaitingProvince",
            Stage::ProvincialReview => "ProvincialReview",
            Stage::Approved => "Approved",
            Stage::Deleted => "Deleted",
            Stage::Terminated => "Terminated",
        }
    }

    /// Reads a stable name; `None` for any other text.
    pub fn parse(code: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// Whether nothing can follow: such an application waits for nobody.
    pub fn finished(self) -> bool {
        match self {
            Stage::Approved | Stage::Deleted | Stage::Terminated => true,
            Stage::Draft
            | Stage::CountyReview
            | Stage::CountyReturned
            | Stage::PaperCheck
            | Stage::MaterialsDue
            | Stage::CityReview
            | Stage::CityReturned
            | Stage::AwaitingJointReview
            | Stage::ExpertReview
            | Stage::SupplementDue
            | Stage::AwaitingProvince
            | Stage::ProvincialReview => false,
        }
    }
}

/// The state of an operator's account. Source: workflow, Accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// 待审核.
    Pending,
    /// 正常.
    Active,
    /// 审核不通过.
    Returned,
    /// 停用.
    Suspended,
}

impl AccountState {
    /// Every state.
    pub const ALL: [AccountState; 4] =
        [AccountState::Pending, AccountState::Active, AccountState::Returned, AccountState::Suspended];

    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            AccountState::Pending => "Pending",
            AccountState::Active => "Active",
            AccountState::Returned => "Returned",
            AccountState::Suspended => "Suspended",
        }
    }

    /// Reads a stable name; `None` for any other text.
    pub fn parse(code: &str) -> Option<AccountState> {
        AccountState::ALL.into_iter().find(|state| state.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.code()), Some(stage));
        }
        for state in AccountState::ALL {
            assert_eq!(AccountState::parse(state.code()), Some(state));
        }
        assert_eq!(Stage::parse("countyreview"), None);
    }

    #[test]
    fn three_stages_are_final() {
        assert_eq!(Stage::ALL.into_iter().filter(|stage| stage.finished()).count(), 3);
    }
}
