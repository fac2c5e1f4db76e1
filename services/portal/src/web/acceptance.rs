//! 建设补贴审核验收申请: a new application, and its form; incomplete drafts are kept by reviews.

use askama::Template;
use axum::{Json, extract::Path, http::StatusCode, response::IntoResponse as _, routing::get};
use proto::{
    common,
    reviews::{
        AnswerDraft, ApplicationView, ConnectorChoice, CreateApplicationRequest, ItemAnswer,
        ListRoundsRequest, Round, SaveAcceptanceRequest, SubmitAcceptanceRequest,
    },
    stations::{ListStationsRequest, Station},
};
use tonic::Status;

use super::{Routes, applications::LIST};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    case::{Case, Fact},
    divisions::Known,
    entry, format, frame, ids,
    labels::FIELDS,
    list::Filter,
    station::connector_kind,
};

/// Stations and rounds to choose from on one page.
const CHOICES: i32 = 200;
/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/subsidy/applications/new", get(choose).post(create))
        .route("/subsidy/applications/{id}/edit", get(show).post(save))
}

/// Round and station of a new application.
#[derive(Template)]
#[template(path = "application_new.html")]
pub struct NewApplicationPage {
    /// The frame.
    pub page: Page,
    /// What was chosen.
    pub form: Form,
    /// What the stations' names start with.
    pub search: String,
    /// Rounds: id and words.
    pub rounds: Vec<(String, String)>,
    /// Own stations: id and words.
    pub stations: Vec<(String, String)>,
    /// Whether there are more stations than these.
    pub more: bool,
}

async fn choose(visitor: Visitor, filter: Filter) -> Answer {
    let search = filter.value("q").trim().to_owned();
    let form = Form::filled([("station_id", filter.value("station").to_owned())]);
    choices(&visitor, search, form).await
}

async fn choices(visitor: &Visitor, search: String, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let page = || Some(common::Page { page_size: CHOICES, page_token: String::new() });
    let (mut rounds, mut stations) = (visitor.rounds(), visitor.registry());
    let wanted =
        ListStationsRequest { page: page(), search: search.clone(), ..ListStationsRequest::default() };
    let (frame, names, rounds, stations) = tokio::join!(
        visitor.page(LIST, "建设补贴审核验收申请"),
        visitor.portal.divisions.names(),
        rounds.list_rounds(ListRoundsRequest { page: page() }),
        stations.list_stations(wanted),
    );
    let (rounds, stations) = (rounds?.into_inner().rounds, stations?.into_inner());
    let status = form.status();
    let page = NewApplicationPage {
        page: frame,
        form,
        search,
        rounds: rounds.iter().map(round).collect(),
        stations: stations.stations.iter().map(|one| station(one, &names)).collect(),
        more: !stations.next_page_token.is_empty(),
    };
    visitor.show(status, &page)
}

fn round(round: &Round) -> (String, String) {
    let policy = round.policy.clone().unwrap_or_default();
    let until = if policy.closes_on.is_empty() { "长期" } else { &policy.closes_on };
    (round.round_id.clone(), format!("{}（受理时间 {} 至 {until}）", round.name, policy.opens_on))
}

fn station(station: &Station, names: &Known) -> (String, String) {
    let record = station.record.clone().unwrap_or_default();
    let place = names.place(&record.prefecture, &record.county);
    let words = format!(
        "{}（{place}，{} 个接口，编号 {}）",
        record.name, station.connector_count, record.station_code
    );
    (record.station_id, words)
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    let request = CreateApplicationRequest {
        request_id: form.request_id(),
        round_id: form.text("round_id"),
        station_id: form.text("station_id"),
    };
    let mut form = form;
    if request.round_id.is_empty() {
        form.mark("round_id", "请选择申报批次");
    }
    if request.station_id.is_empty() {
        form.mark("station_id", "请选择充电站");
    }
    let search = form.text("q");
    if !form.wrongs.is_empty() {
        return choices(&visitor, search, form).await;
    }
    match visitor.applications().create_application(request).await {
        Ok(answer) => {
            let id = answer.into_inner().application_id;
            visitor.done(&format!("{LIST}/{id}/edit"), "申请已创建，已带入充电站登记信息，请核对并补充")
        }
        Err(status) => choices(&visitor, search, form.refused(status)?).await,
    }
}

/// The acceptance form.
#[derive(Template)]
#[template(path = "acceptance.html")]
pub struct AcceptancePage {
    /// The frame.
    pub page: Page,
    /// What was entered, or what is stored.
    pub form: Form,
    /// The application.
    pub case: Case,
    /// Fields that may change now.
    pub open: Vec<&'static str>,
    /// The others as they stand.
    pub closed: Vec<Fact>,
    /// Connectors of the station: id and words.
    pub connectors: Vec<(String, String)>,
    /// What can be said to fields that the return names: name of the answer, and the field in words.
    pub answers: Vec<(String, &'static str)>,
    /// Whether it can be submitted from here; a return of materials is submitted with them.
    pub submits: bool,
    /// Who reads it next.
    pub county: String,
}

impl AcceptancePage {
    /// Whether a field may change now.
    pub fn opens(&self, field: &str) -> bool {
        self.open.contains(&field)
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, None).await
}

async fn page(visitor: &Visitor, id: &str, entered: Option<Form>) -> Answer {
    visitor.only(&[Role::Operator])?;
    let (page, case, names) = tokio::join!(
        visitor.page(LIST, "建设补贴审核验收申请"),
        Case::load(visitor, id),
        visitor.portal.divisions.names()
    );
    let case = case?;
    if case.view.open_fields.is_empty() && entered.is_none() {
        return Ok(frame::see_other(&format!("{LIST}/{id}")));
    }
    let mut form = entered.unwrap_or_else(|| stored(&case.view));
    form.name_places("coordinates", &names);
    let status = form.status();
    visitor.show(status, &acceptance(page, form, case, &names))
}

/// The page for an application as it stands.
pub fn acceptance(page: Page, form: Form, case: Case, names: &Known) -> AcceptancePage {
    let (open, closed): (Vec<_>, Vec<_>) =
        FIELDS.into_iter().partition(|(field, _)| case.view.open_fields.iter().any(|open| open == field));
    AcceptancePage {
        answers: answerable(&case.view),
        closed: closed.into_iter().map(|(field, name)| fact(&case.view, field, name)).collect(),
        open: open.into_iter().map(|(field, _)| field).collect(),
        connectors: connectors(&case.view),
        submits: matches!(case.view.stage.as_str(), "Draft" | "CountyReturned"),
        county: names.name(&case.view.county),
        page,
        form,
        case,
    }
}

fn fact(view: &ApplicationView, field: &str, name: &'static str) -> Fact {
    let form = view.form.clone().unwrap_or_default();
    let value = match field {
        "station_name" => form.station_name,
        "address" => form.address,
        "coordinates" => {
            format!("{}, {}", entry::degrees(form.longitude_e6), entry::degrees(form.latitude_e6))
        }
        "connectors" => form.connector_ids.join("、"),
        "start_date" => form.start_date,
        "finish_date" => form.finish_date,
        "manager" => form.manager,
        _ => form.manager_phone,
    };
    Fact { name, value: format::or_dash(&value) }
}

fn stored(view: &ApplicationView) -> Form {
    let form = view.form.clone().unwrap_or_default();
    let plain = [
        ("station_name", form.station_name),
        ("address", form.address),
        ("longitude", entry::degrees(form.longitude_e6)),
        ("latitude", entry::degrees(form.latitude_e6)),
        ("start_date", form.start_date),
        ("finish_date", form.finish_date),
        ("manager", form.manager),
        ("manager_phone", form.manager_phone),
    ];
    let connectors = form.connector_ids.into_iter().map(|id| ("connectors", id));
    let mut form = Form::filled(plain.into_iter().chain(connectors));
    fill_answers(&mut form, view);
    form
}

/// Puts what is kept to be said to the return into its fields; what was just entered stands.
pub fn fill_answers(form: &mut Form, view: &ApplicationView) {
    for answer in &view.answers {
        let name = format!("answer_{}", answer.item);
        let text = form.or(&name, &answer.text);
        form.set(&name, &text);
    }
}

fn connectors(view: &ApplicationView) -> Vec<(String, String)> {
    let station = view.station.clone().unwrap_or_default();
    let known = station.connectors.iter().map(|one| {
        let kind = connector_kind(one.connector_type);
        let words = format!(
            "{}（{kind} {} kW，设备 {}）",
            one.connector_id,
            format::kilowatts(one.power_watts),
            one.equipment_id
        );
        (one.connector_id.clone(), words)
    });
    known.collect()
}

/// Keeps what was entered, and hands it in where that was the button.
async fn save(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = edit(&id, &mut form);
    let submits = form.has("act", "submit");
    if submits && !form.wrongs.is_empty() {
        return page(&visitor, &id, Some(form)).await;
    }
    let view = match visitor.applications().save_acceptance(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return page(&visitor, &id, Some(form.refused(status)?)).await,
    };
    // What is refused from here on is shown on what has just been kept.
    form.set("edit_version", &view.edit_version.to_string());
    if visitor.fragment == "kept" {
        return Ok(kept(&view, &form));
    }
    match (submits, form.wrongs.is_empty()) {
        (true, _) => submit(&visitor, &id, form).await,
        (false, true) => visitor.done(&format!("{LIST}/{id}/edit"), "草稿已保存，可稍后继续填写"),
        (false, false) => {
            form.renew();
            page(&visitor, &id, Some(form)).await
        }
    }
}

/// For the script: what the next edit has to name, and what of this one was left out.
pub fn kept(view: &ApplicationView, form: &Form) -> axum::response::Response {
    let left_out = form.wrong("coordinates");
    let said = serde_json::json!({
        "edit_version": view.edit_version, "request_id": ids::fresh(), "left_out": left_out,
    });
    (StatusCode::OK, Json(said)).into_response()
}

/// The edit: only fields that the page had open; a place that is none yet is left out and marked.
fn edit(id: &str, form: &mut Form) -> SaveAcceptanceRequest {
    let mut request = SaveAcceptanceRequest {
        request_id: form.request_id(),
        application_id: id.to_owned(),
        edit_version: form.number("edit_version"),
        ..SaveAcceptanceRequest::default()
    };
    let text = |name: &str| form.has("open", name).then(|| form.text(name));
    request.station_name = text("station_name");
    request.address = text("address");
    request.start_date = text("start_date");
    request.finish_date = text("finish_date");
    request.manager = text("manager");
    request.manager_phone = text("manager_phone").map(|phone| entry::plain(&phone));
    request.answers = form.has("open", "answers").then(|| AnswerDraft { answers: answers(form) });
    if form.has("open", "connectors") {
        request.connectors = Some(ConnectorChoice { connector_ids: form.values("connectors") });
    }
    if form.has("open", "coordinates") {
        match place(&form.text("longitude"), &form.text("latitude")) {
            Ok((longitude, latitude)) => {
                request.longitude_e6 = Some(longitude);
                request.latitude_e6 = Some(latitude);
            }
            Err(text) if form.has("act", "submit") => form.mark("coordinates", text),
            Err(text) => form.mark("coordinates", &format!("其余内容已保存，经纬度暂未保存：{text}")),
        }
    }
    request
}

/// Micro-degrees; both 0 where nothing is filled in.
fn place(longitude: &str, latitude: &str) -> Result<(i64, i64), &'static str> {
    match (longitude.is_empty(), latitude.is_empty()) {
        (true, true) => Ok((0, 0)),
        (false, false) => match (entry::micro(longitude), entry::micro(latitude)) {
            (Some(longitude), Some(latitude)) => Ok((longitude, latitude)),
            (Some(_) | None, Some(_) | None) => Err("经纬度应为数字，最多六位小数，例如 113.801260"),
        },
        (true, false) | (false, true) => Err("请同时填写经度和纬度"),
    }
}

/// Fields that the return names, each with the name of its answer.
pub fn answerable(view: &ApplicationView) -> Vec<(String, &'static str)> {
    let returned = |field: &&(&str, &str)| view.return_items.iter().any(|item| item == field.0);
    FIELDS.iter().filter(returned).map(|(field, name)| (format!("answer_{field}"), *name)).collect()
}

/// What the page's answer fields say to a return.
pub fn answers(form: &Form) -> Vec<ItemAnswer> {
    let said = FIELDS.iter().map(|(field, _)| ItemAnswer {
        item: (*field).to_owned(),
        text: form.text(&format!("answer_{field}")),
    });
    said.filter(|answer| !answer.text.is_empty()).collect()
}

/// Keeps what is said to the return, where the page asked for it: should the submission be refused, or be withdrawn, it is
/// still there. Nothing else of the form is touched.
///
/// # Errors
/// What reviews refuses.
pub async fn keep_answers(visitor: &Visitor, id: &str, form: &mut Form) -> Result<ApplicationView, Status> {
    if !form.has("open", "answers") {
        return Ok(ApplicationView::default());
    }
    let request = SaveAcceptanceRequest {
        request_id: ids::derived(&form.request_id(), &format!("answers {}", form.value("edit_version"))),
        application_id: id.to_owned(),
        edit_version: form.number("edit_version"),
        answers: Some(AnswerDraft { answers: answers(form) }),
        ..SaveAcceptanceRequest::default()
    };
    let view = visitor.applications().save_acceptance(request).await?.into_inner();
    form.set("edit_version", &view.edit_version.to_string());
    Ok(view)
}

async fn submit(visitor: &Visitor, id: &str, form: Form) -> Answer {
    let request = SubmitAcceptanceRequest {
        request_id: ids::derived(&form.request_id(), "submit"),
        application_id: id.to_owned(),
        version: form.number("version"),
        answers: answers(&form),
    };
    match visitor.applications().submit_acceptance(request).await {
        Ok(answer) => done(visitor, &answer.into_inner()).await,
        Err(status) => page(visitor, id, Some(form.refused(status)?)).await,
    }
}

/// To the application, which says what happened: receipt, and who is next.
///
/// # Errors
/// None; the type is a handler's.
pub async fn done(visitor: &Visitor, view: &ApplicationView) -> Result<axum::response::Response, Refused> {
    let names = visitor.portal.divisions.names().await;
    let next = match view.waits_for.as_str() {
        "county" => format!("{}主管部门", names.name(&view.county)),
        "city" => format!("{}主管部门", names.name(&view.prefecture)),
        party => crate::labels::party(party).to_owned(),
    };
    let said = format!("已提交，回执编号 {}；下一步由{next}办理", view.receipt_no);
    visitor.done(&format!("{LIST}/{}", view.application_id), &said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(act: &str, longitude: &str, latitude: &str) -> Form {
        let fields = [("open", "manager"), ("open", "coordinates"), ("manager", "张三"), ("act", act)];
        let place = [("longitude", longitude), ("latitude", latitude)];
        Form::filled(fields.into_iter().chain(place).map(|(name, text)| (name, text.to_owned())))
    }

    #[test]
    fn a_half_typed_place_is_left_out_of_a_draft_and_everything_else_is_kept() {
        for (longitude, latitude) in [("113.8", ""), ("113.80126x", "34.802115")] {
            let mut form = typed("save", longitude, latitude);
            let request = edit("7", &mut form);
            assert_eq!((request.longitude_e6, request.latitude_e6), (None, None));
            assert_eq!(request.manager.as_deref(), Some("张三"));
            assert!(form.wrong("coordinates").starts_with("其余内容已保存，经纬度暂未保存："));
            assert_eq!(form.value("longitude"), longitude, "what was typed stays in the field");
        }
        let mut form = typed("save", "113.801260", "34.802115");
        assert_eq!(edit("7", &mut form).longitude_e6, Some(113_801_260));
        assert_eq!(form.wrong("coordinates"), "");
        let mut form = typed("submit", "113.8", "");
        edit("7", &mut form);
        assert_eq!(form.wrong("coordinates"), "请同时填写经度和纬度");
    }

    #[test]
    fn what_is_said_to_a_return_is_kept_where_the_page_asked_for_it_and_comes_back_into_its_field() {
        let fields = [("answer_manager", "仍由本人负责".to_owned()), ("answer_address", " ".to_owned())];
        let mut elsewhere = Form::filled(fields.clone());
        assert_eq!(edit("7", &mut elsewhere).answers, None, "a page without the fields changes nothing");
        let mut form = Form::filled(fields.into_iter().chain([("open", "answers".to_owned())]));
        let answers = edit("7", &mut form).answers.unwrap_or_default().answers;
        let said: Vec<_> = answers.iter().map(|one| (one.item.as_str(), one.text.as_str())).collect();
        assert_eq!(said, [("manager", "仍由本人负责")]);

        let view = ApplicationView { answers, ..ApplicationView::default() };
        assert_eq!(stored(&view).value("answer_manager"), "仍由本人负责");
        let mut entered = Form::filled([("answer_manager", "已更换".to_owned())]);
        fill_answers(&mut entered, &view);
        assert_eq!(entered.value("answer_manager"), "已更换");
    }
}
