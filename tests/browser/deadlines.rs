//! What is done to several applications at once by boxes in a list: 催办, 延期. Never a decision.
use anyhow::Result;
use system_tests::cases::Stage;

use crate::{kit::Window, system};

#[tokio::test(flavor = "multi_thread")]
async fn a_city_reminds_the_county_of_two_by_boxes_and_its_lead_gives_one_more_time() -> Result<()> {
    let system = system().await?;
    let one = system.application().at(Stage::CountyReview).await?;
    let other = system.application().at(Stage::CountyReview).await?;
    let moved = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    system.city("410100").await?;
    let window = Window::before(&system).await?;

    window.sign_in("ci_410100").await?;
    window.visit("/supervision/county-subsidies").await?;
    for case in [&one, &other, &moved] {
        window.choose(&case.view.application_no, "选择").await?;
    }
    window.press("催办所选").await?;
    window.shows("remind", "所选申请 3 件").await?;
    county.pass(&moved.view, "同意").await?;
    window.fill("催办原因", "请本周内完成审核").await?;
    window.press("催办").await?;
    window.shows("remind-one-left", "已催办 2 件；以下 1 件未能催办").await?;
    for case in [&one, &other] {
        assert_eq!(system.deeds(case.uuid(), 2).await?, ["T26 Remind city"]);
    }

    window.sign_in_anew("co_410105").await?;
    window.visit("/supervision/county-subsidies").await?;
    window.choose(&one.view.application_no, "选择").await?;
    window.press("延期所选").await?;
    window.shows("extend", "所选申请 1 件").await?;
    window.fill("延长工作日", "41").await?;
    window.fill("延期原因", "需现场核实").await?;
    window.press("延期").await?;
    window.shows("extend-too-long", "40").await?;
    window.fill("延长工作日", "5").await?;
    window.press("延期").await?;
    window.shows("extended", "已延期 1 件").await?;
    assert_eq!(system.deeds(one.uuid(), 2).await?, ["T26 Remind city", "T26 ExtendDeadline county"]);
    window.close().await?;
    system.finish().await
}
