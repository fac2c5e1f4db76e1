//! A link by T/CEC 102 at the portal, by forms alone: opened by an administrator, completed by the operator, and ended.
//!
//! What is spoken over it: `interconnect`. Source: ui, section 3; interconnect protocol, section 17.
use anyhow::{Context as _, Result, ensure};
use proto::stations::Secrets;
use system_tests::{
    PASSWORD, System, eventually,
    pages::{Browser, Shown},
    tcec::Simulator,
    wait::PATIENCE,
};
use xtask::{services::Service, trial::Plan};

const OWN: &str = "/interconnect/link/settings";

async fn signed_in(system: &System, login: &str) -> Result<Browser> {
    let browser = Browser::at(system)?;
    browser.sign_in(login, PASSWORD).await?;
    Ok(browser)
}

/// The operator's system with what a page has shown once.
fn shown_once(system: &System, page: &Shown) -> Result<Simulator> {
    ensure!(page.status == 200 && page.text.contains("密钥只在此显示一次"), "{}", page.words());
    ensure!(page.headers.to_lowercase().contains("cache-control: no-store"), "{}", page.headers);
    let value = |name: &str| {
        let rest = page.text.split(&format!("<dt>{name}</dt><dd class=\"strong\">")).nth(1);
        rest.and_then(|rest| rest.split('<').next()).map(str::to_owned).context("it is not shown")
    };
    let secrets = Secrets {
        operator_secret: value("运营商密钥")?,
        data_secret: value("消息密钥")?,
        data_secret_iv: value("消息密钥初始化向量")?,
        sig_secret: value("签名密钥")?,
    };
    Simulator::at(system, &value("OperatorID")?, secrets)
}

/// The operator says where its system is; what is wrong stands with its field, and secrets are not shown again.
async fn completes(browser: &Browser, system: &System) -> Result<()> {
    let form =
        browser.get(OWN).await?.form(OWN)?.with("base_url", "ftp://host").with("sig_secret", "s1gn1ng");
    let wrong = browser.post(&form).await?;
    for field in ["base_url", "operator_secret", "data_secret", "data_secret_iv"] {
        assert!(wrong.text.contains(&format!("href=\"#{field}\"")), "{field}: {}", wrong.words());
    }
    assert!(wrong.status == 422 && wrong.text.contains("ftp://host") && !wrong.text.contains("s1gn1ng"));
    let left = wrong.form(OWN)?.with("outbound", "keep").with("sig_secret", "s1gn1ng");
    let left = browser.post(&left.with("paths", "query_token")).await?;
    for field in ["outbound", "paths"] {
        assert!(left.text.contains(&format!("href=\"#{field}\"")), "{field}: {}", left.words());
    }
    let form = left
        .form(OWN)?
        .with("base_url", "https://evcs.example.invalid/evcs")
        .with("outbound", "replace")
        .with("operator_secret", "theirs")
        .with("data_secret", "0123456789abcdef")
        .with("data_secret_iv", "fedcba9876543210")
        .with("sig_secret", "s1gn1ng")
        .with("paths", "query_token=get_token");
    let done = browser.post(&form).await?;
    assert_eq!((done.status, done.location.as_str()), (303, "/interconnect/link"), "{}", done.words());
    let link = browser.get(&done.location).await?;
    assert!(link.text.contains("https://evcs.example.invalid/evcs") && !link.text.contains("尚需完成"));
    let settings = browser.get(OWN).await?;
    assert!(settings.text.contains("query_token=get_token") && settings.text.contains("保持现有密钥"));
    let kept = "SELECT paths ->> 'query_token' FROM links";
    assert_eq!(system.texts(Service::Stations, kept).await?, ["get_token"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_opens_a_link_its_operator_completes_it_and_it_ends_when_it_is_revoked() -> Result<()>
{
    let plan = Plan::quick().with(Service::Interconnect).with(Service::Portal);
    // Asked again and again until interconnect looks at the link anew.
    let system = System::planned(plan.set(Service::Interconnect, "TOKENS__PER_MINUTE", 1_000)).await?;
    let company = system.company(1, "410105").await?;
    system.official("desk01", "administrator", &["410000"]).await?;
    let desk = signed_in(&system, "desk01").await?;
    let own = signed_in(&system, company.actor.name()).await?;
    let link = format!("/system/links/{}", company.operator_id);
    let settings = format!("{link}/settings");
    let listed = desk.get("/system/accounts?state=active").await?;
    assert!(listed.text.contains(&format!("href=\"{link}\"")), "{}", listed.words());
    let before = own.get(OWN).await?;
    assert!(before.text.contains("尚未开通") && before.form(OWN).is_err(), "{}", before.words());
    assert_eq!(own.get(&settings).await?.status, 404);
    let nobody = "/system/links/0190a5c1-7b1e-7c3d-8e4f-5a6b7c8d9e0f";
    for below in ["", "/settings", "/orders", "/orders?order_no=7", "/defects", "/defects/export"] {
        assert_eq!(desk.get(&format!("{nobody}{below}")).await?.status, 404, "{below}");
    }

    let approval = desk.get(&settings).await?.form(&format!("{settings}/approve"))?;
    let opened = shown_once(&system, &desk.post(&approval).await?)?;
    opened.login().await?;
    let again = desk.post(&approval).await?;
    assert!(again.status == 409 && !again.text.contains(&opened.secrets.sig_secret), "{}", again.words());

    let terms = format!("{settings}/terms");
    let before = desk.get(&settings).await?.form(&terms)?;
    completes(&own, &system).await?;
    let late = desk.post(&before.with("open", "no").with("window_secs", "900")).await?;
    let told = late.text.contains("运营商 已于") && late.text.contains("修改了运营商系统的接口设置");
    assert!(late.status == 409 && told && late.text.contains("value=\"900\""), "{}", late.words());
    let rotation = own.get(OWN).await?.form(&format!("{OWN}/secrets"))?;
    let rotated = shown_once(&system, &own.post(&rotation).await?)?;
    eventually(PATIENCE, "the new secrets serve", || async { Ok(rotated.login().await.ok()) }).await?;
    opened.login().await.context("the secrets before serve for a day")?;

    let form = desk.get(&settings).await?.form(&terms)?;
    let wrong = desk.post(&form.clone().with("window_secs", "0")).await?;
    assert!(wrong.status == 422 && wrong.text.contains("href=\"#window_secs\""), "{}", wrong.words());
    assert_eq!(desk.post(&form.with("open", "no").with("window_secs", "600")).await?.status, 303);
    let row = format!("href=\"{link}\"");
    for (filter, listed) in [
        ("?state=closed", true),
        ("?state=closed&q=EVCS.example", true),
        ("?state=closed&q=other.example", false),
        ("?state=open", false),
    ] {
        let list = desk.get(&format!("/system/links{filter}")).await?;
        assert_eq!(list.text.contains(&row), listed, "{filter}: {}", list.words());
    }
    assert_eq!(own.get("/system/links").await?.status, 404);
    let closed = own.get("/interconnect/link").await?;
    assert!(closed.text.contains("已暂停") && closed.text.contains("600 秒"), "{}", closed.words());

    let reopened = desk.get(&settings).await?.form(&terms)?.with("open", "yes");
    assert_eq!(desk.post(&reopened).await?.status, 303);
    eventually(PATIENCE, "it speaks again", || async { Ok(rotated.login().await.ok()) }).await?;
    let page = desk.get(&settings).await?;
    let (revocation, stale) =
        (page.form(&format!("{settings}/revoke"))?, page.form(&format!("{settings}/secrets"))?);
    assert_eq!(desk.post(&revocation).await?.status, 303);
    eventually(PATIENCE, "the secrets end", || async { Ok(rotated.login().await.err()) }).await?;
    let stale = desk.post(&stale).await?;
    assert!(stale.status == 409 && stale.text.contains("请由管理员重新开通"), "{}", stale.words());
    assert!(own.get(OWN).await?.text.contains("已撤销"));
    system.finish().await
}
