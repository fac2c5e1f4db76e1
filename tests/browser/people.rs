//! People of one company by clicking: added, first signed in, made the owner; and the own sign-ins.
use anyhow::Result;

use crate::{accounts::set_first_password, kit::Window, system};

const PHONE: &str = "19844440001";

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_adds_a_member_who_signs_in_and_is_made_the_owner() -> Result<()> {
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    let owner = company.actor.name();
    let window = Window::before(&system).await?;
    window.sign_in(owner).await?;
    window.menu("成员与登录").await?;
    window.shows("members-one", "主账号").await?;
    window.press("添加成员").await?;
    window.fill("账号名称", owner).await?;
    window.fill("姓名", "乙示例").await?;
    window.fill("手机号", PHONE).await?;
    window.press_at("成员本人的手机号", "添加成员").await?;
    window.shows("member-new-refused", "账号名称已被使用").await?;
    window.fill("账号名称", "second_01").await?;
    let mark = system.platform().mail_mark()?;
    window.press_at("成员本人的手机号", "添加成员").await?;
    window.shows("members", "一次性密码已发送至 198****0001").await?;
    let one_time = system.platform().one_time_password_after(mark, PHONE).await?;

    window.client().delete_all_cookies().await?;
    window.visit("/login").await?;
    window.enter("second_01", &one_time).await?;
    set_first_password(&system, &window, PHONE, "password-first-member").await?;
    window.sign_in("second_01").await?;
    window.menu("成员与登录").await?;
    window.shows("members-of-another", "成员由主账号管理").await?;
    window.visit("/account/members/new").await?;
    window.fill("账号名称", "third_01").await?;
    window.fill("姓名", "丙示例").await?;
    window.fill("手机号", PHONE).await?;
    window.press_at("成员本人的手机号", "添加成员").await?;
    window.shows("members-forbidden", "请联系本企业的主账号办理").await?;

    window.sign_in_anew(owner).await?;
    window.menu("成员与登录").await?;
    window.press("乙示例").await?;
    window.press("转交主账号").await?;
    window.shows("member-sure", "请勾选确认").await?;
    window.choose("", "我已确认将主账号转交给该成员").await?;
    window.press("转交主账号").await?;
    window.shows("member-handed-over", "已成为主账号").await?;
    window.visit("/account/password").await?;
    window.shows("own-sign-ins", "本次登录").await?;
    window.close().await?;
    system.finish().await
}
