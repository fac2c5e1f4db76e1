//! Files at the portal: what reviewers look at, why they say they do, and what stands where nothing can be shown.
//!
//! Source: ui, section 7; reliability, section 13.
use std::io::{Cursor, Read as _};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use system_tests::{
    PASSWORD, System,
    cases::{Case, Stage},
    pages::{Browser, Shown},
};
use xtask::{driver::samples::Samples, services::Service, trial::Plan};

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

/// An application before the city, with an identity paper in its dossier; gives that file's id too.
async fn with_identity_paper(system: &System) -> Result<(Case, String)> {
    let mut case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let paper = system.place_paper(&case, "M3b").await?;
    system.advance(&mut case, Stage::CityReview).await?;
    Ok((case, paper))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_paper_is_shown_for_a_typed_reason_only_and_the_reason_is_kept() -> Result<()> {
    let system = system().await?;
    let (case, paper) = with_identity_paper(&system).await?;
    system.city("410100").await?;
    let browser = Browser::at(&system)?;
    browser.sign_in("ci_410100", PASSWORD).await?;
    let review = browser.get(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    let path = format!("/files/{paper}/preview");
    assert!(review.text.contains(&format!("href=\"{path}\"")), "no reason is given in the person's place");

    let asked = browser.get(&path).await?;
    assert!(asked.status == 200 && asked.text.contains("name=\"reason\""), "{}", asked.words());
    assert!(asked.headers.contains("frame-ancestors 'self'"), "it stands in the viewer: {}", asked.headers);
    let short = browser.get(&format!("{path}?reason=%E6%A0%B8")).await?;
    assert!(short.status == 400 || short.status == 422, "{}", short.words());
    assert!(short.text.contains("value=\"核\"") && short.text.contains("2–200 字"), "{}", short.words());
    assert_eq!(system.count(Service::Documents, "SELECT count(*) FROM downloads").await?, 0);
    let original = browser.get(&format!("/files/{paper}/original")).await?;
    assert!(original.text.contains("formaction=\"/files/"), "{}", original.words());

    let given = "reason=%E6%A0%B8%E5%AF%B9%E8%BA%AB%E4%BB%BD";
    let shown = browser.get(&format!("{path}?{given}")).await?;
    assert!(shown.status == 200 && shown.text.contains("共 3 页"), "{}", shown.words());
    assert!(shown.headers.contains("sandbox allow-same-origin"), "{}", shown.headers);
    for number in 1..=3 {
        let page = format!("/files/{paper}/pages/{number}");
        assert!(shown.text.contains(&format!("src=\"{page}?{given}\"")), "{}", shown.text);
        let picture = browser.get(&format!("{page}?{given}")).await?;
        assert!(picture.status == 200 && picture.bytes.starts_with(b"\x89PNG"), "{}", picture.headers);
        let without = browser.get(&page).await?;
        assert!(without.status != 200 && without.headers.contains("image/svg+xml"), "{}", without.headers);
    }
    let beyond = browser.get(&format!("/files/{paper}/pages/4?{given}")).await?;
    assert!(beyond.status != 200 && beyond.text.contains("此页无法在线预览"), "{}", beyond.headers);
    let kept = system.texts(Service::Documents, "SELECT reason FROM downloads").await?;
    assert_eq!(kept, ["核对身份"], "a document that is opened is one row, whatever its pages");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_city_officer_reads_on_page_and_paper_who_sold_what_to_whom_and_when() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CityReview).await?;
    let held = case.operator().dossier(case.id()).await?;
    let invoice = held.invoices.first().context("the round requires one")?;
    let (number, buyer) = (invoice.number.as_str(), case.company.profile.uscc.as_str());
    system.city("410100").await?;
    let browser = Browser::at(&system)?;
    browser.sign_in("ci_410100", PASSWORD).await?;
    for part in ["review", "print"] {
        let page = browser.get(&format!("/supervision/county-subsidies/{}/{part}", case.id())).await?;
        let words = page.words();
        for said in [number, "2024-08-01", "中原桩造示例设备有限公司", buyer] {
            assert!(words.contains(said), "{part}: {said} is not there: {words}");
        }
        assert!(words.contains("数电票（增值税专用发票）"), "{part}: {words}");
    }
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_cannot_show_says_so_in_the_viewer_and_offers_the_original() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let samples = Samples::load()?;
    let ofd = samples.upload("09_发票_最小OFD.ofd")?;
    let kept = case.operator().upload(case.id(), "M1", ofd).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let notice = browser.get(&format!("/files/{}/preview", kept.file_id)).await?;
    assert!(notice.text.contains("不能在线预览") && notice.text.contains("下载原件"), "{}", notice.words());
    assert!(notice.headers.contains("frame-ancestors 'self'"), "{}", notice.headers);
    let original = browser.get(&format!("/files/{}/original", kept.file_id)).await?;
    assert_eq!(original.bytes, ofd.content);
    let nothing = browser.get("/files/0192f7a0-0000-7000-8000-000000000000/preview").await?;
    assert!(nothing.status == 404 && !nothing.text.contains("下载原件"), "{}", nothing.words());
    assert!(nothing.headers.contains("frame-ancestors 'self'"), "{}", nothing.headers);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_holds_what_the_reader_may_see_with_hashes_and_identity_papers_for_a_reason() -> Result<()>
{
    let system = system().await?;
    let (case, paper) = with_identity_paper(&system).await?;
    system.city("410100").await?;
    let browser = Browser::at(&system)?;
    browser.sign_in("ci_410100", PASSWORD).await?;
    let path = format!("/supervision/county-subsidies/{}/package", case.id());
    let review = browser.get(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    assert!(review.text.contains(&format!("action=\"{path}\"")), "{}", review.words());

    let without = unpacked(&browser.get(&path).await?)?;
    let names: Vec<_> = without.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.iter().any(|name| name.starts_with("01-省级奖补资金项目申请函/M1-1-")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("09-发票/M9-1-")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("M3b")), "{names:?}");
    let list = index(&without)?;
    assert!(list.contains("# 未包含 03-营业执照、法人身份证/M3b-1-"), "{list}");
    let submission = &case.view.submission.as_ref().context("a submission")?.hash;
    assert!(list.contains(&format!("# 提交哈希：{submission}")), "{list}");
    for (name, bytes) in without.iter().filter(|(name, _)| name != INDEX) {
        assert!(
            list.contains(&format!("{}  {name}\n", hex::encode(Sha256::digest(bytes)))),
            "{name}: {list}"
        );
    }

    let short = browser.get(&format!("{path}?reason=%E6%A0%B8")).await?;
    assert!(short.status == 400 || short.status == 422, "{}", short.words());
    let with = unpacked(&browser.get(&format!("{path}?reason=%E6%A0%B8%E5%AF%B9%E8%BA%AB%E4%BB%BD")).await?)?;
    assert!(with.iter().any(|(name, _)| name.contains("/M3b-1-")));
    let asked = format!("SELECT reason FROM downloads WHERE file_id = '{paper}'");
    assert_eq!(system.texts(Service::Documents, &asked).await?, ["核对身份"]);

    system.city("410300").await?;
    let elsewhere = Browser::at(&system)?;
    elsewhere.sign_in("ci_410300", PASSWORD).await?;
    assert_eq!(elsewhere.get(&path).await?.status, 404);
    system.finish().await
}

/// The list inside a package.
const INDEX: &str = "00-清单.txt";

fn index(files: &[(String, Vec<u8>)]) -> Result<String> {
    let (_, bytes) = files.iter().find(|(name, _)| name == INDEX).context("a list")?;
    Ok(String::from_utf8(bytes.clone())?)
}

/// Names and content of a package.
fn unpacked(shown: &Shown) -> Result<Vec<(String, Vec<u8>)>> {
    assert!(shown.status == 200 && shown.headers.contains("application/zip"), "{}", shown.words());
    let mut package = zip::ZipArchive::new(Cursor::new(&shown.bytes))?;
    let mut files = Vec::new();
    for at in 0..package.len() {
        let mut file = package.by_index(at)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        files.push((file.name()?.into_owned(), bytes));
    }
    Ok(files)
}
