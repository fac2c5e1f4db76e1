//! One application as any page shows it: its state, step bar, form, history and what may be done.

use proto::reviews::{
    AllowedActionsRequest, AllowedActionsResponse, ApplicationView, GetApplicationRequest, GetHistoryRequest,
    HistoryEntry,
};

use crate::{
    Refused, Role, Visitor,
    actions::{self, Offer},
    divisions::Known,
    format,
    labels::{self, Outcome},
    papers::Papers,
    refused::Away,
    stage::{self, Step, Tag},
};

/// One line of the history.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// What the step is called.
    pub title: String,
    /// Its result; no words for none.
    pub result: Tag,
    /// `ok`, `bad` or `sys`.
    pub class: &'static str,
    /// Who, and when.
    pub who: String,
    /// 审批意见; empty for none.
    pub opinion: String,
    /// What was named, in words.
    pub items: Vec<String>,
}

/// A named value.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its value; — for none.
    pub value: String,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Case {
    /// As reviews sent it.
    pub view: ApplicationView,
    /// Where it stands.
    pub tag: Tag,
    /// The eight steps.
    pub steps: Vec<Step>,
    /// Station and form.
    pub facts: Vec<Fact>,
    /// What the last return named.
    pub return_items: Vec<String>,
    /// What the county found on paper; none before its check, and while the history cannot be read.
    pub papers: Option<Papers>,
    /// The newest first; or why not.
    pub history: Result<Vec<Past>, Away>,
    /// Why the reader has nothing to do though its party is waited for; empty elsewhere.
    pub own_state: String,
    /// What may be done; or why it cannot be said.
    pub offers: Result<Vec<Offer>, Away>,
}

impl Case {
    /// Reads an application with everything around it.
    ///
    /// # Errors
    /// Not found, also where it is foreign; reviews is away.
    pub async fn load(visitor: &Visitor, id: &str) -> Result<Case, Refused> {
        let (mut one, mut two, mut three) =
            (visitor.applications(), visitor.applications(), visitor.applications());
        let application_id = id.to_owned();
        let (names, view, history, allowed) = tokio::join!(
            visitor.portal.divisions.names(),
            one.get_application(GetApplicationRequest { application_id: application_id.clone() }),
            two.get_history(GetHistoryRequest { application_id: application_id.clone() }),
            three.allowed_actions(AllowedActionsRequest { application_id }),
        );
        let view = view?.into_inner();
        let history = Away::or(history, "审核记录")?.map(|answer| answer.into_inner().entries);
        let allowed = Away::or(allowed, "可办理的操作")?.map(tonic::Response::into_inner);
        Ok(Case::of(visitor, view, &names, history, allowed))
    }

    fn of(
        visitor: &Visitor,
        view: ApplicationView,
        names: &Known,
        history: Result<Vec<HistoryEntry>, Away>,
        allowed: Result<AllowedActionsResponse, Away>,
    ) -> Case {
        let own_turn = view.yours;
        Case {
            tag: stage::tag(&view, visitor.is(Role::Operator), own_turn),
            steps: stage::steps(&view, history.as_deref().unwrap_or_default()),
            facts: facts(&view, names, own_turn || visitor.is(Role::Operator)),
            return_items: view.return_items.iter().map(|item| labels::item(item)).collect(),
            papers: history.as_deref().ok().and_then(Papers::of),
            history: history.map(|entries| entries.iter().rev().map(past).collect()),
            own_state: allowed.as_ref().map(|answer| answer.own_state.clone()).unwrap_or_default(),
            offers: allowed.map(|answer| actions::offers(visitor, &view.application_id, &answer.actions)),
            view,
        }
    }

    /// Whether a command is allowed now.
    pub fn allows(&self, command: &str) -> bool {
        let found =
            self.offers.as_ref().ok().and_then(|offers| offers.iter().find(|one| one.command == command));
        found.is_some_and(|offer| offer.allowed)
    }

    /// Why a command is not allowed now; empty where it is, or where that cannot be read.
    pub fn refusal(&self, command: &str) -> String {
        let found =
            self.offers.as_ref().ok().and_then(|offers| offers.iter().find(|one| one.command == command));
        match (&self.offers, found) {
            (Err(_), _) => String::new(),
            (Ok(_), Some(offer)) => offer.why.clone(),
            (Ok(_), None) => "当前不能办理".to_owned(),
        }
    }

    /// The first action that is allowed and has a page: the main button.
    pub fn main_offer(&self) -> Option<&Offer> {
        self.offers.as_ref().ok()?.iter().find(|offer| offer.allowed && !offer.post)
    }

    /// Whether nobody can do anything with it any more.
    pub fn ended(&self) -> bool {
        matches!(self.view.stage.as_str(), "Approved" | "Deleted" | "Terminated")
    }

    /// The application's number; — while it has none.
    pub fn number(&self) -> String {
        format::or_dash(&self.view.application_no)
    }

    /// What the last return said, where one stands.
    pub fn last_return(&self) -> Option<&Past> {
        let history = self.history.as_ref().ok().filter(|_| !self.view.return_items.is_empty())?;
        history.iter().find(|past| past.class == "bad")
    }

    /// Version of the submission that is looked at; 0 before the first.
    pub fn submission_version(&self) -> i32 {
        self.view.submission.as_ref().map_or(0, |submission| submission.version)
    }

    /// Its hash; empty before the first.
    pub fn submission_hash(&self) -> &str {
        self.view.submission.as_ref().map_or("", |submission| &submission.hash)
    }

    /// Kind of the submission that stands: acceptance, materials, supplement; empty before the first.
    pub fn submission_kind(&self) -> &str {
        self.view.submission.as_ref().map_or("", |submission| &submission.kind)
    }

    /// When it came to its present node.
    pub fn since(&self) -> String {
        format::moment(self.view.entered_at.as_ref())
    }
}

/// `handles`: the reader handles the case and sees the whole phone number.
fn facts(view: &ApplicationView, names: &Known, handles: bool) -> Vec<Fact> {
    let form = view.form.clone().unwrap_or_default();
    let station = view.station.clone().unwrap_or_default();
    let fact = |name: &'static str, value: String| Fact { name, value: format::or_dash(&value) };
    let place = match (form.longitude_e6, form.latitude_e6) {
        (0, 0) => String::new(),
        (longitude, latitude) => format!("{}, {}", format::degrees(longitude), format::degrees(latitude)),
    };
    let phone = if handles { form.manager_phone.clone() } else { format::masked_phone(&form.manager_phone) };
    vec![
        fact("充电站名称", form.station_name.clone()),
        fact("所在区县", names.place(&view.prefecture, &view.county)),
        fact("申报企业", view.operator_name.clone()),
        fact("详细地址", form.address.clone()),
        fact("经纬度（GCJ-02）", place),
        fact(
            "充电接口",
            format!("申报 {} 个，场站共 {} 个", form.connector_ids.len(), station.connectors.len()),
        ),
        fact("总功率", format!("{} kW", format::kilowatts(station.total_power_watts))),
        fact("开工时间", form.start_date.clone()),
        fact("完工时间", form.finish_date.clone()),
        fact("场站负责人", form.manager.clone()),
        fact("负责人电话", phone),
        fact("回执编号", view.receipt_no.clone()),
    ]
}

fn past(entry: &HistoryEntry) -> Past {
    let words = labels::transition(&entry.transition);
    let (class, tag) = match words.outcome {
        Outcome::Passed => ("ok", "ok"),
        Outcome::Returned => ("bad", "danger"),
        Outcome::Noted => ("sys", ""),
    };
    let office = if entry.office.is_empty() { labels::actor(&entry.actor_role) } else { &entry.office };
    Past {
        // What follows from a declaration is no opinion of anybody.
        title: if entry.command == "HeedInterest" {
            "利益冲突声明后调整评审人"
        } else {
            words.title
        }
        .to_owned(),
        result: Tag { text: words.result.to_owned(), class: tag },
        class,
        who: format!("{office} · {}", format::moment(entry.occurred_at.as_ref())),
        opinion: entry.opinion.clone(),
        items: entry.items.iter().map(|item| labels::item(item)).collect(),
    }
}
