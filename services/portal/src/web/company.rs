//! 账号头像/企业资料: what the company says about itself, its licence, the reviews of it; and 编辑.

use askama::Template;
use axum::{extract::DefaultBodyLimit, http::StatusCode, routing::get};
use proto::{
    accounts::{
        ChangeProfileRequest, Division, GetOwnProfileRequest, OwnProfile, Profile, ResubmitRequest,
        Submission,
    },
    documents::GetFileRequest,
};
use tonic::{Response, Status};

use super::{Routes, registration};
use crate::{
    Answer, Form, Page, Refused, Role, Upload, Visitor,
    case::Fact,
    divisions::Known,
    format, ids,
    labels::{self, OPERATOR_TYPES},
    list::Filter,
    materials::Shown,
    stage::Tag,
    upload::BODY_BYTES_MAX,
};

/// Menu path.
pub const PATH: &str = "/account/company";
const EDIT: &str = "/account/company/edit";
const OPERATORS: [Role; 2] = [Role::Operator, Role::OperatorApplicant];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(PATH, get(show))
        .route(EDIT, get(edit).post(save).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// One submission of the profile, with what came of it.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Which, and by which entry.
    pub title: String,
    /// 审核通过 and so on.
    pub tag: Tag,
    /// Class of the timeline.
    pub class: &'static str,
    /// When.
    pub at: String,
    /// 审核意见; empty for none.
    pub opinion: String,
}

impl Told {
    fn of(one: &Submission) -> Told {
        let (text, tag, class) = labels::outcome(&one.outcome);
        Told {
            title: format!("第 {} 次提交（{}）", one.version, labels::entry(&one.entry)),
            tag: Tag { text: text.to_owned(), class: tag },
            class,
            at: format::moment(one.decided_at.as_ref().or(one.submitted_at.as_ref())),
            opinion: one.opinion.clone(),
        }
    }
}

/// The profile.
#[derive(Template)]
#[template(path = "company.html")]
pub struct CompanyPage {
    /// The frame.
    pub page: Page,
    /// Name of the company.
    pub name: String,
    /// Words and class of the account's state.
    pub state: Tag,
    /// Whether a change waits while the old profile stays valid.
    pub pending: bool,
    /// What the last return said; empty where none stands.
    pub opinion: String,
    /// What it says about itself.
    pub facts: Vec<Fact>,
    /// The licence; none where documents is away.
    pub licence: Option<Shown>,
    /// Every submission, the newest first.
    pub history: Vec<Told>,
}

async fn own(visitor: &Visitor) -> Result<OwnProfile, Refused> {
    visitor.only(&OPERATORS)?;
    Ok(visitor.registration().get_own_profile(GetOwnProfileRequest {}).await?.into_inner())
}

/// The licence beside the data; none where it cannot be read just now.
async fn licence(visitor: &Visitor, file_id: &str) -> Option<Shown> {
    if file_id.is_empty() {
        return None;
    }
    let answer = visitor.files().get_file(GetFileRequest { file_id: file_id.to_owned() }).await;
    answer.ok().map(|file| Shown::of(&file.into_inner()))
}

async fn show(visitor: Visitor) -> Answer {
    let (own, names) = tokio::join!(own(&visitor), visitor.portal.divisions.names());
    let own = own?;
    let profile = own.profile.clone().unwrap_or_default();
    let (page, licence) =
        tokio::join!(visitor.page(PATH, "企业资料"), licence(&visitor, &profile.licence_file_id));
    visitor.show(StatusCode::OK, &sheet(page, &own, &names, licence))
}

/// The page of a profile.
pub fn sheet(page: Page, own: &OwnProfile, names: &Known, licence: Option<Shown>) -> CompanyPage {
    let profile = own.profile.clone().unwrap_or_default();
    let (text, class) = labels::account(&own.state);
    CompanyPage {
        page,
        name: profile.company_name.clone(),
        state: Tag { text: text.to_owned(), class },
        pending: own.review_pending && own.state == "Active",
        opinion: returned(own),
        facts: facts(own, &profile, names),
        licence,
        history: own.submissions.iter().map(Told::of).collect(),
    }
}

/// What stands returned, in words.
fn returned(own: &OwnProfile) -> String {
    let last = own.submissions.first().filter(|one| one.outcome == "returned");
    last.map(|one| one.opinion.clone()).unwrap_or_default()
}

fn facts(own: &OwnProfile, profile: &Profile, names: &Known) -> Vec<Fact> {
    let fact = |name: &'static str, value: String| Fact { name, value: format::or_dash(&value) };
    let division = &profile.registered_division;
    let home = if profile.in_province {
        "省内企业".to_owned()
    } else {
        format!("省外企业 {}", profile.home_province)
    };
    vec![
        fact("公司名称", profile.company_name.clone()),
        fact("统一社会信用代码", profile.uscc.clone()),
        fact("运营商类型", labels::chosen(&OPERATOR_TYPES, &profile.operator_type)),
        fact("是否省内企业", home),
        fact("注册地", names.place(&names.city_of(division), division)),
        fact("执照住所区县", profile.licence_county.clone()),
        fact("联系人", profile.contact_name.clone()),
        fact("联系电话", profile.contact_phone.clone()),
        fact("电子邮箱", profile.contact_email.clone()),
        fact("账号名称", own.login.clone()),
    ]
}

/// The form.
#[derive(Template)]
#[template(path = "company_edit.html")]
pub struct CompanyEditPage {
    /// The frame.
    pub page: Page,
    /// What was entered, or what stands.
    pub form: Form,
    /// 地市.
    pub cities: Vec<Division>,
    /// 区县 of the city that is chosen.
    pub counties: Vec<Division>,
    /// 运营商类型.
    pub types: Vec<(&'static str, &'static str)>,
    /// The licence that goes with it.
    pub licence: Option<Shown>,
    /// What the last return said; empty where none stands.
    pub opinion: String,
    /// Whether the account is in use: some changes then wait for review.
    pub active: bool,
}

async fn edit(visitor: Visitor, filter: Filter) -> Answer {
    let own = own(&visitor).await?;
    let names = visitor.portal.divisions.names().await;
    let entry = if filter.has("entry", "workbench") { "workbench" } else { "company_profile" };
    let form = stored(&own, &names, entry);
    page(&visitor, &own, form).await
}

/// The newest of what was submitted: a return is mended from what was returned.
fn stored(own: &OwnProfile, names: &Known, entry: &str) -> Form {
    let newest = own.submissions.first().filter(|one| matches!(one.outcome.as_str(), "returned" | "waiting"));
    let profile =
        newest.and_then(|one| one.profile.clone()).or_else(|| own.profile.clone()).unwrap_or_default();
    let city = names.city_of(&profile.registered_division);
    let in_province = if profile.in_province { "yes" } else { "no" };
    Form::filled([
        ("entry", entry.to_owned()),
        ("company_name", profile.company_name),
        ("uscc", profile.uscc),
        ("operator_type", profile.operator_type),
        ("in_province", in_province.to_owned()),
        ("city", city),
        ("registered_division", profile.registered_division),
        ("licence_county", profile.licence_county),
        ("home_province", profile.home_province),
        ("contact_name", profile.contact_name),
        ("contact_phone", profile.contact_phone),
        ("contact_email", profile.contact_email),
        ("licence_file_id", profile.licence_file_id),
    ])
}

async fn page(visitor: &Visitor, own: &OwnProfile, form: Form) -> Answer {
    let names = visitor.portal.divisions.list().await?;
    let licence_id = form.text("licence_file_id");
    let (frame, licence) = tokio::join!(visitor.page(PATH, "编辑"), licence(visitor, &licence_id));
    let status = form.status();
    let page = CompanyEditPage {
        page: frame,
        cities: names.cities(),
        counties: names.counties(&form.text("city")),
        form,
        types: OPERATOR_TYPES.to_vec(),
        licence,
        opinion: returned(own),
        active: own.state == "Active",
    };
    visitor.show(status, &page)
}

async fn save(visitor: Visitor, upload: Upload) -> Answer {
    let own = own(&visitor).await?;
    let Upload { mut form, file } = upload;
    if let Some(file) = file {
        let request_id = ids::derived(&form.request_id(), "licence");
        match file.send_licence(&visitor, request_id).await.map_err(Refused::from) {
            Ok(kept) if kept.state == "clean" => form.set("licence_file_id", &kept.file_id),
            Ok(kept) => form.mark("licence", &kept.reason_text),
            Err(refused) => form.mark("licence", &refused.text),
        }
    }
    if form.has("step", "counties") || !form.wrongs.is_empty() {
        form.renew();
        return page(&visitor, &own, form).await;
    }
    match submit(&visitor, &own, &form).await {
        Ok(answer) => {
            let now = answer.into_inner();
            let said = match (now.state.as_str(), now.review_pending) {
                ("Active", false) => "企业资料已保存",
                ("Active", true) => "变更已提交审核；审核通过前仍使用原资料",
                _ => "企业资料已提交，由平台管理员审核，一般 3 个工作日内完成",
            };
            visitor.done(PATH, said)
        }
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("licence_file_id", "licence");
            let names = visitor.portal.divisions.names().await;
            form.name_places("registered_division", &names);
            page(&visitor, &own, form).await
        }
    }
}

/// A change of an account in use, or a registration handed in again.
async fn submit(visitor: &Visitor, own: &OwnProfile, form: &Form) -> Result<Response<OwnProfile>, Status> {
    let profile = Some(registration::profile(&visitor.portal, form));
    let (request_id, truth_declared) = (form.request_id(), form.has("truth_declared", "yes"));
    let mut client = visitor.registration();
    if own.state == "Active" {
        return client.change_profile(ChangeProfileRequest { request_id, profile, truth_declared }).await;
    }
    let entry = if form.has("entry", "workbench") { "workbench" } else { "company_profile" };
    client.resubmit(ResubmitRequest { request_id, entry: entry.to_owned(), profile, truth_declared }).await
}
