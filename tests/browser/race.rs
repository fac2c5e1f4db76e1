//! G8 in two browsers: one takes back what the other is deciding.
use anyhow::Result;
use system_tests::cases::Stage;

use crate::{kit::Window, system};

#[tokio::test(flavor = "multi_thread")]
async fn g08_exactly_one_of_withdrawal_and_decision_wins_and_the_other_is_told_why() -> Result<()> {
    let system = system().await?;
    let (operator, city) = (Window::before(&system).await?, Window::before(&system).await?);
    let company = system.company(system.number(), "410105").await?;
    system.city("410100").await?;
    operator.sign_in(company.actor.name()).await?;
    city.sign_in("ci_410100").await?;
    for round in ["operator first", "city first", "together"] {
        let case = system.application().of(&company).at(Stage::CityReview).await?;
        let number = &case.view.application_no;
        operator.menu("建设补贴申请").await?;
        operator.press_at(number, "查看详情").await?;
        operator.press("撤回修改").await?;
        operator.sees("确认撤回修改").await?;
        city.menu("县域充电站补贴管理").await?;
        city.press_at(number, "审核").await?;
        city.choose("总体结论", "通过").await?;
        match round {
            "operator first" => {
                operator.press("确认撤回修改").await?;
                operator.sees("已撤回，").await?;
                city.press("提交审核结论").await?;
                city.shows("race-decision-lost", "未能审核：申报企业 已于").await?;
            }
            "city first" => {
                city.press("提交审核结论").await?;
                city.sees(&format!("（{number}）已通过")).await?;
                operator.press("确认撤回修改").await?;
                operator.shows("race-withdrawal-lost", "未能撤回：郑州市主管部门 已于").await?;
            }
            _ => {
                tokio::try_join!(operator.press("确认撤回修改"), city.press("提交审核结论"))?;
                // On each page one of the outcomes comes: the first is that of whoever won.
                let passed = format!("（{number}）已通过");
                let outcomes = [passed.as_str(), "未能审核：", "未能提交，"];
                let (withdrawn, decided) = tokio::try_join!(
                    operator.sees_one(&["已撤回，", "未能撤回：", "未能提交，"]),
                    city.sees_one(&outcomes)
                )?;
                assert!((withdrawn == 0) != (decided == 0), "{withdrawn} {decided}");
            }
        }
        let steps = system.steps(case.uuid()).await?;
        let last = steps.last().map(String::as_str).unwrap_or_default();
        assert!(
            ["T10", "T11"].contains(&last) && steps[..steps.len() - 1].ends_with(&["T09".to_owned()]),
            "{steps:?}"
        );
    }
    operator.close().await?;
    city.close().await?;
    system.finish().await
}
