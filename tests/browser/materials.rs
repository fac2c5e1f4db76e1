//! G6 with everything that a round can ask for: nine materials in their eleven places and two invoices, by clicking; at each
//! step the node is read in the operator's list and in the reviewer's.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use proto::reviews::Round;
use system_tests::{
    System,
    cases::{Case, Stage},
    eventually,
    wait::PATIENCE,
};
use xtask::services::Service;

use crate::{kit::Window, operator::enter_invoice, system};

/// What a round can ask for: everything but 其他说明材料.
const SLOTS: [&str; 11] = ["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M8a", "M8b", "M9"];
/// Every place of the nine materials but the invoices, and how many files go there.
pub const PLACES: [(&str, usize); 11] = [
    ("省级奖补资金项目申请函", 1),
    ("申请材料真实性承诺书（加盖公章）", 1),
    ("营业执照", 1),
    ("法人身份证", 2),
    ("充电桩出厂检测报告", 3),
    ("产品合格证", 1),
    ("竣工验收报告", 2),
    ("财务决算报告", 1),
    ("其他说明材料", 1),
    ("土建照片", 1),
    ("电气设备安装照片", 1),
];
/// The nine categories on paper.
pub const CATEGORIES: [&str; 9] =
    ["申请函", "承诺书", "营业执照", "检测报告", "验收报告", "决算报告", "其他说明", "照片", "发票"];

/// The persons of this walk, each at a browser of its own, and the application.
struct Walk {
    operator: Window,
    county: Window,
    city: Window,
    number: String,
}

impl Walk {
    /// The node in the list of the operator, and in that of whoever reviews.
    async fn at(&self, operator: &str, reviewer: &str) -> Result<()> {
        self.operator.lists("/subsidy/applications", &self.number, operator).await?;
        self.county.lists("/supervision/county-subsidies?tab=all", &self.number, reviewer).await
    }

    async fn county_decides(&self, conclusion: &str) -> Result<()> {
        self.county.press_at(&self.number, "审核").await?;
        self.county.choose("总体结论", conclusion).await?;
        if conclusion == "不通过" {
            self.county.fill("审批意见", "请核对场站负责人。").await?;
            self.county.choose("需修改的项目", "场站负责人").await?;
        }
        self.county.press("提交审核结论").await?;
        let done = if conclusion == "通过" { "已通过" } else { "已退回" };
        self.county.sees(&format!("（{}）{done}", self.number)).await
    }

    /// 线下初审, from the menu to the button.
    async fn papers(&self, boxes: &[&str], result: &str) -> Result<()> {
        paper_check(&self.county, &self.number).await?;
        tick(&self.county, boxes, result).await
    }
}

/// A round that asks for everything that it can. Errors: it is refused.
pub async fn full_round(system: &System) -> Result<Round> {
    system.round_with(|policy| policy.required_slots = SLOTS.map(str::to_owned).to_vec()).await
}

/// Comes to the form of 线下初审 by the menu, the row and the button. Errors: the application waits for something else.
pub async fn paper_check(window: &Window, number: &str) -> Result<()> {
    window.menu("县域充电站补贴管理").await?;
    window.press_at(number, "审核").await?;
    window.press_at("可办理的操作", "线下初审登记").await?;
    window.sees("纸质资料核对").await
}

/// Fills in the form of 线下初审 and sends it: the boxes, the result, the person. Errors: it is another page.
pub async fn tick(window: &Window, boxes: &[&str], result: &str) -> Result<()> {
    for name in boxes {
        window.choose("已收齐并核对的资料", name).await?;
    }
    window.choose("初审结果", result).await?;
    window.fill("初审人员", "李示例").await?;
    window.press("登记").await
}

/// Puts a file into its place; without scripts a button sends it. Errors: it does not come in; the message says why.
pub async fn place(window: &Window, name: &str, file: &Path) -> Result<()> {
    window.attach(&format!("{name}：选择文件"), &[file]).await?;
    if !window.scripted() {
        window.press(&format!("上传 ：{name}")).await?;
    }
    window.takes(&file.file_name().unwrap_or_default().to_string_lossy()).await
}

/// Enters two invoices, of which the station uses 60,000 and 40,000 yuan. Errors: one is refused.
pub async fn two_invoices(system: &System, window: &Window, buyer: &str) -> Result<()> {
    for used in ["60000", "40000"] {
        window.press("录入发票").await?;
        enter_invoice(system, window, buyer, "100000", used).await?;
        window.sees("本站使用金额合计").await?;
    }
    Ok(())
}

/// As many different papers as a place takes. Errors: they cannot be written.
pub fn files(system: &System, place: usize, count: usize) -> Result<Vec<PathBuf>> {
    let folder = system.folder(Service::Portal);
    fs::create_dir_all(&folder)?;
    let made = (0..count).map(|one| {
        let path = folder.join(format!("材料{:02}-{}.pdf", place + 1, one + 1));
        fs::write(&path, system.paper()?.content)?;
        Ok(path)
    });
    made.collect()
}

async fn uploads(system: &System, window: &Window) -> Result<()> {
    for (place, (name, count)) in PLACES.into_iter().enumerate() {
        let files = files(system, place, count)?;
        let paths: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        window.attach(&format!("{name}：选择文件"), &paths).await?;
        for one in 1..=count {
            window.sees(&format!("材料{:02}-{one}.pdf", place + 1)).await?;
        }
        // The list is shown anew once everything has come in.
        eventually(PATIENCE, "no upload is under way", || async {
            let left =
                window.client().execute("return document.querySelectorAll('.uploading').length", vec![]);
            Ok((left.await? == 0).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// 审核表 on paper: data, files, the lines for signatures and the hash of what was handed in.
async fn prints(window: &Window, case: &Case) -> Result<()> {
    window.visit(&format!("/subsidy/applications/{}/print", case.id())).await?;
    window.sees("充电设施建设补贴申请审核表").await?;
    let view = case.operator().application(case.id()).await?;
    let hash = view.submission.context("it was handed in")?.hash;
    let (text, sheets) = window.print().await?;
    ensure!((1..=4).contains(&sheets), "{sheets} sheets");
    ensure!(
        text.matches("（盖章）：").count() >= 3 && text.contains("签字："),
        "no lines to sign on\n{text}"
    );
    for part in [&view.application_no, &hash, &"材料11-1.pdf".to_owned(), &"审核记录".to_owned()] {
        ensure!(text.contains(part.as_str()), "{part} is not printed\n{text}");
    }
    // What only helps on a screen stays there.
    ensure!(!text.contains("大字版") && !text.contains("返回"), "buttons are printed\n{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn g06_all_nine_materials_and_two_invoices_go_from_the_county_to_the_joint_review() -> Result<()> {
    let system = system().await?;
    let round = full_round(&system).await?;
    let case = system.application().in_round(&round).at(Stage::CountyReview).await?;
    system.county("410105").await?;
    system.city("410100").await?;
    let (operator, county, city) =
        tokio::try_join!(Window::before(&system), Window::before(&system), Window::before(&system))?;
    tokio::try_join!(
        operator.sign_in(case.operator().name()),
        county.sign_in("co_410105"),
        city.sign_in("ci_410100")
    )?;
    let walk = Walk { operator, county, city, number: case.view.application_no.clone() };
    let Walk { operator, county, city, number } = &walk;

    walk.at("县级审核中", "县级审核").await?;
    walk.county_decides("不通过").await?;
    walk.at("需修改", "县级审核未通过").await?;
    operator.press_at(number, "修改").await?;
    operator.fill("场站负责人", "新站长").await?;
    operator.press("提交至").await?;
    operator.sees("回执编号").await?;
    walk.at("县级审核中", "县级审核").await?;
    walk.county_decides("通过").await?;
    walk.at("待线下初审", "验收申请审核通过（待线下初审）").await?;
    walk.papers(&CATEGORIES[..8], "资料不全").await?;
    county.sees("线下初审已登记为资料不全").await?;
    walk.at("待线下初审", "验收申请审核通过（待线下初审）").await?;
    walk.papers(&CATEGORIES, "资料齐全").await?;
    county.sees("线下初审已登记为齐全").await?;
    walk.at("待上传初审资料", "待提交初审资料").await?;

    system.dossier_opens(&case).await?;
    operator.press_at(number, "初审资料提交").await?;
    operator.sees("还有 11 项未完成").await?;
    uploads(&system, operator).await?;
    two_invoices(&system, operator, &case.company.profile.uscc).await?;
    operator.shows("dossier-full", "材料检查通过").await?;
    operator.sees("100,000.00").await?;
    operator.press("提交至").await?;
    operator.sees("回执编号").await?;
    walk.at("市级审核中", "市级审核").await?;
    city.lists("/supervision/county-subsidies", number, "市级审核").await?;
    city.press_at(number, "审核").await?;
    city.shows("city-review-full", "材料11-1.pdf").await?;
    city.choose("总体结论", "通过").await?;
    city.press("提交审核结论").await?;
    city.sees(&format!("（{number}）已通过")).await?;
    walk.at("待联合审核", "待发起联合审核").await?;
    city.lists("/supervision/county-subsidies?tab=all", number, "待发起联合审核").await?;
    let steps = ["T01", "T02", "T05", "T02", "T04", "T07", "T06", "T09", "T11"];
    assert_eq!(system.steps(case.uuid()).await?, steps);
    let placed = "SELECT count(DISTINCT slot) FROM placements";
    assert_eq!(system.count(Service::Documents, placed).await?, 11);
    prints(operator, &case).await?;
    let Walk { operator, county, city, .. } = walk;
    for window in [operator, county, city] {
        window.close().await?;
    }
    system.finish().await
}
