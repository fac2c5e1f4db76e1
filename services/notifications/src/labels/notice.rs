//! What is said to an administrator whose notice is refused.

use chassis::Failure;

use crate::domain::notice::{self, Refusal, State};

fn state(state: State) -> &'static str {
    match state {
        State::Draft => "草稿",
        State::Published => "已发布",
        State::Replaced => "已被修订",
        State::Withdrawn => "已撤回",
    }
}

/// The refusal as every audience reads it.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::TitleMissing => Failure::invalid("title_missing", "title", "请填写标题"),
            Refusal::TitleTooLong(chars) => {
                let text = format!("标题不超过 {} 个字，当前 {chars} 个字", notice::TITLE_CHARS_MAX);
                Failure::invalid("title_too_long", "title", text)
            }
            Refusal::TitleOdd => {
                Failure::invalid("title_odd", "title", "标题应为一行文字，请去掉换行和不可见字符")
            }
            Refusal::BodyMissing => Failure::invalid("body_missing", "body", "请填写正文"),
            Refusal::BodyTooLong(chars) => {
                let text = format!("正文不超过 {} 个字，当前 {chars} 个字", notice::BODY_CHARS_MAX);
                Failure::invalid("body_too_long", "body", text)
            }
            Refusal::BodyOdd => {
                Failure::invalid("body_odd", "body", "正文含有不可见的控制字符，请粘贴为纯文本")
            }
            Refusal::AudienceMissing => {
                Failure::invalid("audience_missing", "audiences", "请选择至少一类发布对象")
            }
            Refusal::PinPassed(day) => Failure::refused(
                "pin_passed",
                format!("置顶截止日 {day} 已过，请先编辑草稿，改为今天或以后的日期，或取消置顶"),
            ),
            Refusal::ReasonMissing => Failure::invalid("reason_missing", "reason", "请填写撤回原因"),
            Refusal::ReasonTooLong(chars) => {
                let text = format!("撤回原因不超过 {} 个字，当前 {chars} 个字", notice::REASON_CHARS_MAX);
                Failure::invalid("reason_too_long", "reason", text)
            }
            Refusal::Stale { version, office, at } => {
                let who = if office.is_empty() { "平台管理员" } else { &office };
                Failure::refused("stale_version", "公告已有更新")
                    .overtaken(who, at, "办理")
                    .with("version", version)
            }
            Refusal::NotADraft(found) => Failure::refused(
                "not_a_draft",
                format!("公告当前为“{}”，发布过的内容不能直接修改，请用“修订”另起一版", state(found)),
            ),
            Refusal::NotPublished(found) => {
                Failure::refused("not_published", format!("公告当前为“{}”，没有可撤回的内容", state(found)))
            }
            Refusal::DraftExists => {
                Failure::refused("draft_exists", "该公告已有一份草稿，请在草稿中继续编辑")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chassis::error;
    use time::macros::{date, datetime};
    use tonic::Status;

    use super::*;

    fn text(refusal: Refusal) -> String {
        error::Refusal::read(&Status::from(Failure::from(refusal))).expect("it has details").text
    }

    #[test]
    fn every_refusal_says_in_chinese_what_to_do() {
        let at = datetime!(2026-11-27 02:05 UTC);
        for refusal in [
            Refusal::TitleMissing,
            Refusal::TitleTooLong(61),
            Refusal::TitleOdd,
            Refusal::BodyMissing,
            Refusal::BodyTooLong(10_001),
            Refusal::BodyOdd,
            Refusal::AudienceMissing,
            Refusal::PinPassed(date!(2026 - 11 - 26)),
            Refusal::ReasonMissing,
            Refusal::ReasonTooLong(501),
            Refusal::Stale { version: 2, office: "省平台".into(), at },
            Refusal::NotADraft(State::Published),
            Refusal::NotPublished(State::Draft),
            Refusal::DraftExists,
        ] {
            let text = text(refusal);
            assert!(!text.is_ascii() && !text.contains('{'), "{text}");
        }
        let stale = text(Refusal::Stale { version: 2, office: "省平台".into(), at });
        assert!(stale.contains("2026-11-27 10:05"), "{stale}");
    }
}
