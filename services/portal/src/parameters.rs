//! 参数: limits, deadlines, thresholds, shares and the calendar in force, each as the service that applies it says it.

use proto::{
    common,
    documents::{GetUploadLimitsRequest, UploadLimits},
    reviews::{CalendarYear, GetCalendarRequest, ListRoundsRequest},
};

use crate::{Refused, Visitor, case::Fact, format, policy, refused::Away};

/// Parameters of one service.
#[derive(Debug)]
pub struct Group {
    /// Its heading.
    pub title: String,
    /// What holds.
    pub facts: Result<Vec<Fact>, Away>,
    /// What stands there where nothing is laid down yet.
    pub none: &'static str,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Parameters {
    /// By service.
    pub groups: Vec<Group>,
    /// What has to be mended soon, and by whom.
    pub warnings: Vec<String>,
}

impl Parameters {
    /// Asks reviews and documents; what cannot be read just now says so.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn read(visitor: &Visitor) -> Result<Parameters, Refused> {
        let newest = common::Page { page_size: 1, page_token: String::new() };
        let (mut rounds, mut deadlines, mut files) = (visitor.rounds(), visitor.deadlines(), visitor.files());
        let (round, calendar, uploads) = tokio::join!(
            rounds.list_rounds(ListRoundsRequest { page: Some(newest) }),
            deadlines.get_calendar(GetCalendarRequest {}),
            files.get_upload_limits(GetUploadLimitsRequest {}),
        );
        let round = Away::or(round, "批次规则")?.map(|answer| answer.into_inner().rounds.into_iter().next());
        let calendar = Away::or(calendar, "工作日历")?.map(|answer| answer.into_inner().years);
        let uploads = Away::or(uploads, "上传限制")?.map(tonic::Response::into_inner);
        let title = match &round {
            Ok(Some(round)) => format!("审核时限、黄牌红牌与抽查（按最新批次“{}”）", round.name),
            Ok(None) | Err(_) => "审核时限、黄牌红牌与抽查".to_owned(),
        };
        let laid_down = |round: Option<proto::reviews::Round>| {
            round.and_then(|round| round.policy).map(|policy| policy::facts(&policy)).unwrap_or_default()
        };
        let warnings = calendar.as_ref().map(|years| warnings(years, this_year())).unwrap_or_default();
        let group = |title: &str, facts, none| Group { title: title.to_owned(), facts, none };
        Ok(Parameters {
            groups: vec![
                Group { title, facts: round.map(laid_down), none: "还没有批次" },
                group("工作日历", calendar.map(|years| covered(&years)), "没有任何年度的节假日安排"),
                group("上传限制", uploads.map(|limits| allowed(&limits)), "没有限制"),
            ],
            warnings,
        })
    }
}

fn this_year() -> i32 {
    format::date_of_today().get(..4).and_then(|year| year.parse().ok()).unwrap_or_default()
}

fn covered(years: &[CalendarYear]) -> Vec<Fact> {
    let fact = |year: &CalendarYear| Fact {
        name: "年度",
        value: format!(
            "{} 年：放假 {} 天，调休上班 {} 天（{}）",
            year.year,
            year.holidays.len(),
            year.made_up_days.len(),
            format::or_dash(&year.source)
        ),
    };
    years.iter().map(fact).collect()
}

/// Years that are missing: this one, and the next, into which deadlines reach.
fn warnings(years: &[CalendarYear], this: i32) -> Vec<String> {
    let missing = |year: &i32| !years.iter().any(|known| known.year == *year);
    let text = |year| {
        format!(
            "缺少 {year} 年的节假日安排，该年度的时限暂按周一至周五计算。国务院公布后，请系统运维人员在审核服务的设置 [calendar] 中补充。"
        )
    };
    [this, this + 1].into_iter().filter(missing).map(text).collect()
}

fn allowed(limits: &UploadLimits) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value };
    let kinds: Vec<_> = limits.extensions.iter().map(|one| one.to_uppercase()).collect();
    vec![
        fact("文件类型", kinds.join("、")),
        fact("申报材料、发票单个文件", format!("不超过 {}", format::bytes(limits.file_bytes_max))),
        fact("营业执照（注册）", format!("不超过 {}", format::bytes(limits.licence_bytes_max))),
        fact("每份申请的文件", format!("不超过 {} 个", limits.application_files_max)),
        fact("每份申请的文件合计", format!("不超过 {}", format::bytes(limits.application_bytes_max))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_that_deadlines_reach_into_is_missed_before_it_begins() {
        let year = |year| CalendarYear { year, ..CalendarYear::default() };
        assert!(warnings(&[year(2026), year(2027)], 2026).is_empty());
        let told = warnings(&[year(2026)], 2026);
        assert!(told.len() == 1 && told[0].contains("缺少 2027 年"), "{told:?}");
        assert_eq!(warnings(&[year(2025)], 2026).len(), 2);
    }
}
