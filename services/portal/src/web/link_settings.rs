//! 信息服务/数据互联互通/接口设置: what makes a link by T/CEC 102 speak. Administrators open it, set its terms and end it; they
//! and the operator set how its system is called, and change the platform's secrets, which are shown once.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::stations::{
    ApproveLinkRequest, GetLinkRequest, IssuedSecrets, Link, RevokeLinkRequest, RotateSecretsRequest,
    Secrets, SetPeerRequest, SetTermsRequest,
};

use super::{Routes, back_to, links};
use crate::{Answer, Form, Page, Refused, Role, Visitor, case::Fact, format, stage::Tag};

/// An operator's own link.
pub const OWN: &str = "/interconnect/link/settings";
/// The link of an operator, for administrators.
const ONE: &str = "/system/links/{id}/settings";
/// The four secrets of one direction, as the form and the service name them; no form shows one again.
const SECRETS: [&str; 4] = ["operator_secret", "data_secret", "data_secret_iv", "sig_secret"];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(OWN, get(own).post(save_own))
        .route("/interconnect/link/settings/secrets", back_to(OWN).post(rotate_own))
        .route(ONE, get(one).post(save_one))
        .route("/system/links/{id}/settings/secrets", back_to(ONE).post(rotate_one))
        .route("/system/links/{id}/settings/approve", back_to(ONE).post(approve))
        .route("/system/links/{id}/settings/terms", back_to(ONE).post(terms))
        .route("/system/links/{id}/settings/revoke", back_to(ONE).post(revoke))
}

/// The page.
#[derive(Template)]
#[template(path = "link_settings.html")]
pub struct LinkSettingsPage {
    /// The frame.
    pub page: Page,
    /// Whose link an administrator looks at; empty for the own one, and while it cannot be read.
    pub company: String,
    /// The same by id; empty for the own one.
    pub operator_id: String,
    /// What was entered, or what is held.
    pub form: Form,
    /// This page.
    pub path: String,
    /// The page of joint tests.
    pub back: String,
    /// Words and class.
    pub state: Tag,
    /// Whether the link is approved and not revoked.
    pub active: bool,
    /// What is missing before data can come.
    pub missing: Vec<&'static str>,
    /// Identity, and the secrets of the platform without their texts.
    pub facts: Vec<Fact>,
    /// Whether the secrets of the operator's system stay: value and words.
    pub outbound: [(&'static str, &'static str); 2],
}

/// Secrets that have just been issued, shown this once.
#[derive(Template)]
#[template(path = "link_secrets.html")]
pub struct LinkSecretsPage {
    /// The frame.
    pub page: Page,
    /// What has happened.
    pub title: &'static str,
    /// What becomes of the secrets before.
    pub before: &'static str,
    /// Whose link it is; empty for the own one.
    pub company: String,
    /// OperatorID and the four secrets.
    pub secrets: Vec<Fact>,
    /// The page of settings.
    pub path: String,
}

/// The page of settings of an operator's link; of the own one where `operator_id` is empty.
pub(super) fn path(operator_id: &str) -> String {
    format!("{}/settings", links::path(operator_id))
}

/// `标准名称=对方名称`, one a line.
fn lines(pairs: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = pairs.iter().map(|(from, to)| format!("{from}={to}")).collect();
    lines.join("\n")
}

/// The same read again; nothing where a line is no pair, or a name stands twice.
fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (from, to) = line.split_once('=')?;
        if pairs.insert(from.trim().to_owned(), to.trim().to_owned()).is_some() {
            return None;
        }
    }
    Some(pairs)
}

/// Puts what is held where nothing was entered.
fn fill(form: &mut Form, link: &Link) {
    let held = [
        ("base_url", link.base_url.clone()),
        ("protocol_version", link.protocol_version.clone()),
        ("outbound", if link.callable { "keep" } else { "replace" }.to_owned()),
        ("authority", link.authority.clone()),
        ("paths", lines(&link.paths)),
        ("spellings", lines(&link.spellings)),
        ("open", if link.open { "yes" } else { "no" }.to_owned()),
        ("window_secs", link.window_secs.to_string()),
        ("version", link.version.to_string()),
    ];
    for (name, held) in held {
        let text = form.or(name, held);
        form.set(name, &text);
    }
}

fn facts(link: &Link) -> Vec<Fact> {
    let newest = link.inbound.first().and_then(|set| set.issued_at.as_ref());
    let until = link.inbound.iter().find_map(|set| set.retires_at.as_ref());
    vec![
        Fact { name: "OperatorID", value: format::or_dash(&link.organisation_code) },
        Fact { name: "有效密钥", value: format!("{} 组", link.inbound.len()) },
        Fact { name: "最近签发", value: format::moment(newest) },
        Fact { name: "旧密钥有效至", value: format::moment(until) },
    ]
}

/// The page of settings; `operator_id` is empty for the own ones.
async fn show(visitor: &Visitor, operator_id: &str, mut form: Form) -> Answer {
    let mut links = visitor.links();
    let (page, company, link) = tokio::join!(
        visitor.page(links::menu(operator_id), "接口设置"),
        links::company(visitor, operator_id),
        links.get_link(GetLinkRequest { operator_id: operator_id.to_owned() }),
    );
    let (company, link) = (company?, links::held(link)?);
    let active = link.as_ref().is_some_and(|link| link.state == "active");
    if let Some(link) = link.as_ref().filter(|_| active) {
        fill(&mut form, link);
        // What the service says of these stands at no field of the page.
        for field in ["request_id", "operator_id", "hosted"] {
            form.about(field, "");
        }
    } else {
        // The fields are not there any more.
        for wrong in &mut form.wrongs {
            wrong.field.clear();
        }
    }
    let stay =
        if link.as_ref().is_some_and(|link| link.callable) { "保持现有密钥" } else { "暂不填写" };
    let status = form.status();
    let page = LinkSettingsPage {
        page,
        company,
        operator_id: operator_id.to_owned(),
        form,
        path: path(operator_id),
        back: links::path(operator_id),
        state: links::state(link.as_ref()),
        active,
        missing: links::missing(link.as_ref()),
        facts: link.as_ref().filter(|_| active).map(facts).unwrap_or_default(),
        outbound: [("keep", stay), ("replace", "使用下列密钥")],
    };
    visitor.show(status, &page)
}

/// Shows what was issued, whatever else cannot be read: it is not shown again.
async fn issued(
    visitor: &Visitor,
    operator_id: &str,
    title: &'static str,
    before: &'static str,
    answer: IssuedSecrets,
) -> Answer {
    let link = answer.link.unwrap_or_default();
    let secrets = answer.inbound.unwrap_or_default();
    let secrets = vec![
        Fact { name: "OperatorID", value: link.organisation_code },
        Fact { name: "运营商密钥", value: secrets.operator_secret },
        Fact { name: "消息密钥", value: secrets.data_secret },
        Fact { name: "消息密钥初始化向量", value: secrets.data_secret_iv },
        Fact { name: "签名密钥", value: secrets.sig_secret },
    ];
    let page = LinkSecretsPage {
        page: visitor.page(links::menu(operator_id), title).await,
        title,
        before,
        company: links::company(visitor, operator_id).await.unwrap_or_default(),
        secrets,
        path: path(operator_id),
    };
    visitor.show(StatusCode::OK, &page)
}

/// Reads one of the two dialects; marks one that is none.
fn dialect(form: &mut Form, field: &str) -> BTreeMap<String, String> {
    let read = pairs(form.value(field));
    if read.is_none() {
        form.mark(field, "每行一项，格式为“标准名称=对方名称”，同一名称只写一次");
    }
    read.unwrap_or_default()
}

/// What was entered; nothing where it cannot be sent, which is marked then.
fn peer(form: &mut Form, operator_id: &str) -> Option<SetPeerRequest> {
    let replaced = form.has("outbound", "replace");
    // Nobody is to believe that secrets serve that were left behind.
    if !replaced && SECRETS.iter().any(|name| !form.text(name).is_empty()) {
        form.mark("outbound", "填写了密钥但未选择使用，请选择“使用下列密钥”并重新填写，或保持不变");
    }
    let (paths, spellings) = (dialect(form, "paths"), dialect(form, "spellings"));
    (!form.is_refused()).then(|| SetPeerRequest {
        request_id: form.request_id(),
        operator_id: operator_id.to_owned(),
        base_url: form.text("base_url"),
        protocol_version: form.text("protocol_version"),
        outbound: replaced.then(|| Secrets {
            operator_secret: form.value("operator_secret").to_owned(),
            data_secret: form.value("data_secret").to_owned(),
            data_secret_iv: form.value("data_secret_iv").to_owned(),
            sig_secret: form.value("sig_secret").to_owned(),
        }),
        paths,
        spellings,
        authority: Some(form.text("authority").replace("\r\n", "\n")),
        expected_version: form.number("version"),
    })
}

async fn save(visitor: &Visitor, operator_id: &str, mut form: Form) -> Answer {
    let Some(request) = peer(&mut form, operator_id) else {
        return show(visitor, operator_id, form).await;
    };
    match visitor.links().set_peer(request).await {
        Ok(_) => visitor.done(&links::path(operator_id), "接口设置已保存"),
        Err(status) => {
            let mut form = form.refused(status)?;
            for name in SECRETS {
                form.about(&format!("outbound.{name}"), name);
            }
            show(visitor, operator_id, form).await
        }
    }
}

async fn rotate(visitor: &Visitor, operator_id: &str, form: Form) -> Answer {
    let request = RotateSecretsRequest {
        request_id: form.request_id(),
        operator_id: operator_id.to_owned(),
        expected_version: form.number("version"),
    };
    match visitor.links().rotate_secrets(request).await {
        Ok(answer) => {
            let before = "此前使用的密钥继续有效 24 小时，请在此期间换用新密钥。";
            issued(visitor, operator_id, "密钥已轮换", before, answer.into_inner()).await
        }
        Err(status) => {
            let refused = Refused::from(status);
            // This very form has changed the link: its own deed is not what somebody else did meanwhile.
            let own = refused.reason == "secrets_issued";
            let mut form = form.refused(refused)?;
            if own {
                form.forget("version");
            }
            show(visitor, operator_id, form).await
        }
    }
}

async fn own(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Operator])?;
    show(&visitor, "", Form::default()).await
}

async fn save_own(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    save(&visitor, "", form).await
}

async fn rotate_own(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    rotate(&visitor, "", form).await
}

async fn one(visitor: Visitor, Path(operator_id): Path<String>) -> Answer {
    visitor.only(&[Role::Administrator])?;
    show(&visitor, &operator_id, Form::default()).await
}

async fn save_one(visitor: Visitor, Path(operator_id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    save(&visitor, &operator_id, form).await
}

async fn rotate_one(visitor: Visitor, Path(operator_id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    rotate(&visitor, &operator_id, form).await
}

async fn approve(visitor: Visitor, Path(operator_id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = ApproveLinkRequest { request_id: form.request_id(), operator_id: operator_id.clone() };
    match visitor.links().approve_link(request).await {
        Ok(answer) => issued(&visitor, &operator_id, "互联互通已开通", "", answer.into_inner()).await,
        Err(status) => show(&visitor, &operator_id, form.refused(status)?).await,
    }
}

async fn terms(visitor: Visitor, Path(operator_id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    if form.value("open").is_empty() {
        form.mark("open", "请选择接入状态");
        return show(&visitor, &operator_id, form).await;
    }
    let request = SetTermsRequest {
        request_id: form.request_id(),
        operator_id: operator_id.clone(),
        open: form.has("open", "yes"),
        window_secs: i32::try_from(form.number("window_secs")).unwrap_or(0),
        hosted: Vec::new(),
        expected_version: form.number("version"),
    };
    match visitor.links().set_terms(request).await {
        Ok(_) => visitor.done(&path(&operator_id), "接入条件已保存"),
        Err(status) => show(&visitor, &operator_id, form.refused(status)?).await,
    }
}

async fn revoke(visitor: Visitor, Path(operator_id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = RevokeLinkRequest {
        request_id: form.request_id(),
        operator_id: operator_id.clone(),
        // It only takes away: whoever changes the link meanwhile must not hold it up.
        expected_version: 0,
    };
    match visitor.links().revoke_link(request).await {
        Ok(_) => visitor.done(&path(&operator_id), "互联互通已撤销，全部密钥已失效"),
        Err(status) => show(&visitor, &operator_id, form.refused(status)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_one_pair_a_line_and_comes_back_sorted() {
        let read = pairs(" query_token = get_token \r\n\r\ncheck_charge_orders=-").unwrap();
        assert_eq!(lines(&read), "check_charge_orders=-\nquery_token=get_token");
        assert_eq!(pairs(""), Some(BTreeMap::new()));
        for wrong in ["query_token", "a=b\na=c"] {
            assert_eq!(pairs(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_sent_only_where_they_are_to_be_used_and_never_left_behind_silently() {
        let form = |outbound: &str, secret: &str| {
            Form::filled([("outbound", outbound.to_owned()), ("sig_secret", secret.to_owned())])
        };
        let sent = |mut form: Form| peer(&mut form, "").map(|request| request.outbound.is_some());
        assert_eq!(sent(form("keep", "")), Some(false));
        assert_eq!(sent(form("replace", "")), Some(true));
        assert_eq!(sent(form("keep", "typed")), None);
    }
}
