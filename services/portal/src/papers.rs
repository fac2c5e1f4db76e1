//! What the county found on paper (线下初审), as whoever judges the files reads it beside them.

use proto::reviews::{HistoryEntry, PaperCheck};

use crate::{format, labels::CATEGORIES, stage::Tag};

/// The last check of an application.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// Whether everything was there.
    pub result: Tag,
    /// The day, who checked, and the county's office.
    pub line: String,
    ticked: Vec<String>,
    missing: Vec<String>,
}

impl Papers {
    /// The last of a history (oldest first); none before the first check.
    pub fn of(history: &[HistoryEntry]) -> Option<Papers> {
        history.iter().rev().find_map(|entry| Some(Papers::read(entry.paper_check.as_ref()?, &entry.office)))
    }

    /// One check by an office.
    pub fn read(check: &PaperCheck, office: &str) -> Papers {
        let (text, class) = if check.complete { ("资料齐全", "ok") } else { ("资料不全", "danger") };
        let parts = [office, &check.checked_on, &check.checker];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Papers {
            result: Tag { text: text.to_owned(), class },
            line: format::or_dash(&parts.join(" · ")),
            ticked: check.ticked.clone(),
            missing: check.missing.clone(),
        }
    }

    /// What was found of the category that a slot (M1, M3a …) belongs to.
    pub fn of_slot(&self, slot: &str) -> Tag {
        let category = slot.trim_end_matches(char::is_lowercase);
        let among = |those: &[String]| those.iter().any(|one| one == category);
        let (text, class) = match (among(&self.missing), among(&self.ticked)) {
            (true, _) => ("纸质缺失", "danger"),
            (false, true) => ("纸质已核对", "ok"),
            (false, false) => ("纸质未登记", ""),
        };
        Tag { text: text.to_owned(), class }
    }

    /// Every category with what was found of it.
    pub fn rows(&self) -> Vec<(&'static str, Tag)> {
        CATEGORIES.iter().map(|(id, words)| (*words, self.of_slot(id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(complete: bool, ticked: &[&str], missing: &[&str]) -> PaperCheck {
        let texts = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        PaperCheck { complete, ticked: texts(ticked), missing: texts(missing), ..PaperCheck::default() }
    }

    #[test]
    fn both_slots_of_a_pair_read_what_was_found_of_their_category() {
        let papers = Papers::read(&check(false, &["M3"], &["M4"]), "金水区主管部门");
        let words = |slot: &str| papers.of_slot(slot).text;
        assert_eq!(
            ["M3a", "M3b", "M4a", "M7"].map(words),
            ["纸质已核对", "纸质已核对", "纸质缺失", "纸质未登记"]
        );
        assert_eq!((papers.result.text.as_str(), papers.line.as_str()), ("资料不全", "金水区主管部门"));
    }

    #[test]
    fn the_last_check_counts() {
        let entry = |check| HistoryEntry { paper_check: check, ..HistoryEntry::default() };
        let history =
            [entry(Some(check(false, &[], &["M1"]))), entry(None), entry(Some(check(true, &["M1"], &[])))];
        assert_eq!(Papers::of(&history).expect("a check").result.text, "资料齐全");
        assert!(Papers::of(&history[1..2]).is_none());
    }
}
