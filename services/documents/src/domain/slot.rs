//! The slots of a dossier: nine categories, three of them pairs. Source: workflow, Materials.

/// One place for material; M9 holds the invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// 省级奖补资金项目申请函.
    M1,
    /// 申请材料真实性承诺书.
    M2,
    /// 营业执照.
    M3a,
    /// 法人身份证.
    M3b,
    /// 充电桩出厂检测报告.
    M4a,
    /// 产品合格证.
    M4b,
    /// 竣工验收报告.
    M5,
    /// 财务决算报告.
    M6,
    /// 其他说明材料, optional.
    M7,
    /// 土建照片.
    M8a,
    /// 电气设备安装照片.
    M8b,
    /// 发票: filled by allocations, not by files.
    M9,
}

impl Slot {
    /// In the order of the dossier.
    pub const ALL: [Self; 12] = [
        Self::M1,
        Self::M2,
        Self::M3a,
        Self::M3b,
        Self::M4a,
        Self::M4b,
        Self::M5,
        Self::M6,
        Self::M7,
        Self::M8a,
        Self::M8b,
        Self::M9,
    ];

    /// The id on the wire and in the database.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::M1 => "M1",
            Self::M2 => "M2",
            Self::M3a => "M3a",
            Self::M3b => "M3b",
            Self::M4a => "M4a",
            Self::M4b => "M4b",
            Self::M5 => "M5",
            Self::M6 => "M6",
            Self::M7 => "M7",
            Self::M8a => "M8a",
            Self::M8b => "M8b",
            Self::M9 => "M9",
        }
    }

    /// The category that a pair belongs to (M3a → M3).
    #[must_use]
    pub fn category(self) -> &'static str {
        let id = self.id();
        id.strip_suffix(['a', 'b']).unwrap_or(id)
    }

    /// Reads an id; `None` for anything else.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.id() == id)
    }

    /// Whether a dossier needs it where the round's policy says nothing else.
    #[must_use]
    pub fn required(self) -> bool {
        self != Self::M7
    }

    /// Whether files go there; M9 takes invoices.
    #[must_use]
    pub fn takes_files(self) -> bool {
        self != Self::M9
    }

    /// Identity papers and licences: opened by reviewers only with a reason. Source: reliability section 10.
    #[must_use]
    pub fn identity_paper(self) -> bool {
        matches!(self, Self::M3a | Self::M3b)
    }

    /// Whether an item of a return means this slot: by its own id or its category's.
    #[must_use]
    pub fn meant_by(self, item: &str) -> bool {
        item == self.id() || item == self.category()
    }
}

/// The slots that an item means; none for a field of the form.
#[must_use]
pub fn slots_of(item: &str) -> Vec<Slot> {
    Slot::ALL.into_iter().filter(|slot| slot.meant_by(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_a_category_means_its_pair() {
        for slot in Slot::ALL {
            assert_eq!(Slot::of_id(slot.id()), Some(slot));
        }
        assert_eq!(Slot::of_id("M3"), None);
        assert_eq!(slots_of("M3"), [Slot::M3a, Slot::M3b]);
        assert_eq!(slots_of("M8b"), [Slot::M8b]);
        assert_eq!(slots_of("completed_on"), []);
    }
}
