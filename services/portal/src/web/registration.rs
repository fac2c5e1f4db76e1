//! 立即注册: a company registers; accounts judges every field, documents inspects the licence.

use askama::Template;
use axum::{Json, extract::DefaultBodyLimit, http::StatusCode, response::IntoResponse as _, routing::get};
use futures::stream;
use proto::{
    accounts::{Division, Profile, RegisterRequest, registration_client::RegistrationClient},
    documents::{File, UploadDeclaration, UploadRequest, files_client::FilesClient, upload_request::Part},
};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::Routes;
use crate::{
    Answer, Form, Guest, Page, Portal, Refused, form::Attached, ids, labels::OPERATOR_TYPES, list::Filter,
};

/// The largest licence is 5 MiB (documents); the form around it is small.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Pieces of an upload; one message may have 1 MiB.
const PIECE_BYTES: usize = 512 * 1024;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/register", get(show).post(register).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
        .route("/divisions", get(divisions))
}

/// The form.
#[derive(Template)]
#[template(path = "register.html")]
pub struct RegisterPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// 地市.
    pub cities: Vec<Division>,
    /// 区县 of the city that is chosen.
    pub counties: Vec<Division>,
    /// 运营商类型.
    pub types: Vec<(&'static str, &'static str)>,
}

async fn page(guest: &Guest, mut form: Form) -> Answer {
    let names = guest.portal.divisions.list().await?;
    if !ids::is_id(form.value("registration_id")) {
        form.set("registration_id", &ids::fresh());
    }
    let city = form.text("city");
    let status = form.status();
    let page = RegisterPage {
        page: guest.page("运营商账号注册"),
        form,
        cities: names.cities(),
        counties: names.counties(&city),
        types: OPERATOR_TYPES.to_vec(),
    };
    guest.show(status, &page)
}

async fn show(guest: Guest) -> Answer {
    page(&guest, Form::filled([("in_province", "yes".to_owned())])).await
}

async fn register(guest: Guest, mut form: Form) -> Answer {
    let listing = form.has("step", "counties");
    // Listing counties is no try, unless a file comes with it.
    if (!listing || !form.files.is_empty())
        && let Err(refused) = guest.portal.limits.registration(guest.address)
    {
        let again = form.refused(refused.clone())?;
        return page(&guest, again).await.or(Err(refused));
    }
    attach_licence(&guest, &mut form).await;
    if listing {
        return page(&guest, form).await;
    }
    let client = RegistrationClient::new(guest.portal.peer("accounts"));
    match { client }.register(request(&guest, &form)).await {
        Ok(_) => guest.done("/login", "注册成功，企业资料已提交审核；可先登录查看审核进度", &[]),
        Err(status) => {
            let spoken = form.wrong("licence").to_owned();
            let mut form = form.refused(status)?;
            form.about("licence_file_id", "licence");
            let names = guest.portal.divisions.names().await;
            form.name_places("registered_division", &names);
            if !spoken.is_empty() {
                form.wrongs.retain(|wrong| wrong.field != "licence" || wrong.text == spoken);
            }
            page(&guest, form).await
        }
    }
}

/// What the form says about the company. Fills in nothing but what the page says it fills in: outside the province the
/// place is fixed.
pub fn profile(portal: &Portal, form: &Form) -> Profile {
    let in_province = form.has("in_province", "yes");
    let chosen = form.text("registered_division");
    let fixed = !in_province && chosen.is_empty();
    Profile {
        company_name: form.text("company_name"),
        uscc: form.text("uscc"),
        operator_type: form.text("operator_type"),
        contact_name: form.text("contact_name"),
        contact_phone: form.text("contact_phone"),
        contact_email: form.text("contact_email"),
        in_province,
        registered_division: if fixed { portal.config.site.outside_division.clone() } else { chosen },
        home_province: form.text("home_province"),
        licence_county: form.text("licence_county"),
        licence_file_id: form.text("licence_file_id"),
    }
}

fn request(guest: &Guest, form: &Form) -> RegisterRequest {
    RegisterRequest {
        request_id: form.request_id(),
        login: form.text("login"),
        password: form.value("password").to_owned(),
        profile: Some(profile(&guest.portal, form)),
        truth_declared: form.has("truth_declared", "yes"),
    }
}

/// Uploads a licence that came with the form; the form then carries its id, so it need not be chosen again.
async fn attach_licence(guest: &Guest, form: &mut Form) {
    let Some(file) = form.files.iter().find(|file| file.field == "licence").cloned() else { return };
    let registration_id = form.text("registration_id");
    match upload(guest, &registration_id, &file).await.map_err(Refused::from) {
        Ok(kept) if kept.state == "clean" => {
            form.set("licence_file_id", &kept.file_id);
            form.set("licence_name", &kept.file_name);
        }
        Ok(kept) => form.mark("licence", &kept.reason_text),
        Err(refused) => form.mark("licence", &refused.text),
    }
}

async fn upload(guest: &Guest, registration_id: &str, file: &Attached) -> Result<File, Status> {
    let declaration = UploadDeclaration {
        request_id: ids::fresh(),
        purpose: "business_licence".to_owned(),
        file_name: file.file_name.clone(),
        size_bytes: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
        sha256: hex::encode(Sha256::digest(&file.bytes)),
        registration_id: registration_id.to_owned(),
        ..UploadDeclaration::default()
    };
    let first = UploadRequest { part: Some(Part::Declaration(declaration)) };
    let pieces: Vec<_> = file
        .bytes
        .chunks(PIECE_BYTES)
        .map(|piece| UploadRequest { part: Some(Part::Chunk(piece.to_vec().into())) })
        .collect();
    let parts = stream::iter([first].into_iter().chain(pieces));
    let mut files = FilesClient::new(guest.portal.peer("documents"));
    Ok(files.upload_licence(parts).await?.into_inner())
}

/// For the script: the counties of a city.
async fn divisions(guest: Guest, filter: Filter) -> Answer {
    let names = guest.portal.divisions.list().await?;
    let rows: Vec<_> = names
        .counties(filter.value("parent"))
        .iter()
        .map(|one| serde_json::json!({ "code": one.code, "name": one.name }))
        .collect();
    Ok((StatusCode::OK, Json(rows)).into_response())
}
