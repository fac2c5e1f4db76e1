//! Notices: who reads what, what is kept, and what two administrators at once may do.

use chassis::error::Refusal;
use proto::notifications::{
    ChangeDraftRequest, CreateDraftRequest, GetNoticeRequest, GetNoticeResponse, GetPublishedRequest,
    ListNoticesRequest, ListPublishedRequest, Notice, NoticeContent, PublishRequest, PublishedNotice,
    WithdrawRequest,
};
use tonic::{Code, Request, Status};

use crate::{
    events::id,
    setup::{Office, Person, person},
};

const NOWHERE: &str = "nats://127.0.0.1:9";

fn administrator() -> Person {
    person(1, "administrator", "410000")
}

fn content(title: &str, audiences: &[&str]) -> NoticeContent {
    NoticeContent {
        title: title.into(),
        body: "第一段\n\n第二段".into(),
        audiences: audiences.iter().map(|code| (*code).to_owned()).collect(),
        pinned_until: String::new(),
    }
}

async fn draft(office: &Office, n: u128, revises: &str, content: NoticeContent) -> Result<Notice, Status> {
    let body = CreateDraftRequest {
        request_id: id(8, n).to_string(),
        revises: revises.into(),
        content: Some(content),
    };
    Ok(office.notices().create_draft(office.by(&administrator(), body)).await?.into_inner())
}

async fn publish(office: &Office, n: u128, draft: &Notice) -> Result<Notice, Status> {
    let body = PublishRequest {
        request_id: id(9, n).to_string(),
        revision_id: draft.revision_id.clone(),
        version: draft.version,
    };
    Ok(office.notices().publish(office.by(&administrator(), body)).await?.into_inner())
}

async fn withdraw(office: &Office, n: u128, notice: &Notice, reason: &str) -> Result<Notice, Status> {
    let body = WithdrawRequest {
        request_id: id(10, n).to_string(),
        revision_id: notice.revision_id.clone(),
        version: notice.version,
        reason: reason.into(),
    };
    Ok(office.notices().withdraw(office.by(&administrator(), body)).await?.into_inner())
}

async fn stored(office: &Office, notice: &Notice) -> GetNoticeResponse {
    let body = GetNoticeRequest { revision_id: notice.revision_id.clone() };
    office.notices().get_notice(office.by(&administrator(), body)).await.expect("is kept").into_inner()
}

fn titles(notices: Vec<PublishedNotice>) -> Vec<String> {
    notices.into_iter().map(|one| one.content.unwrap_or_default().title).collect()
}

async fn read(office: &Office, person: &Person) -> Vec<String> {
    let request = office.by(person, ListPublishedRequest { page: None });
    titles(office.notices().list_published(request).await.expect("lists").into_inner().notices)
}

fn reason(status: &Status) -> String {
    Refusal::read(status).map(|refusal| refusal.reason).unwrap_or_default()
}

#[tokio::test]
async fn everybody_reads_what_is_for_him_and_strangers_what_is_public() {
    let office = Office::open(NOWHERE).await;
    for (n, title, audiences) in [
        (1, "公众", &["public"][..]),
        (2, "企业", &["operators"]),
        (3, "主管部门", &["authorities"]),
        (4, "专家和厅委", &["panels", "authorities"]),
    ] {
        let drafted = draft(&office, n, "", content(title, audiences)).await.expect("drafts");
        publish(&office, n, &drafted).await.expect("publishes");
    }
    draft(&office, 5, "", content("草稿", &["public"])).await.expect("drafts");
    let stranger = Request::new(ListPublishedRequest { page: None });
    let public = office.notices().list_published(stranger).await.expect("lists").into_inner().notices;
    assert_eq!(titles(public.clone()), ["公众"]);
    assert_eq!(read(&office, &person(2, "operator_applicant", "410105")).await, ["企业", "公众"]);
    assert_eq!(read(&office, &person(3, "county", "410122")).await, ["专家和厅委", "主管部门", "公众"]);
    assert_eq!(read(&office, &person(4, "expert", "410000")).await, ["专家和厅委", "公众"]);
    assert_eq!(read(&office, &person(5, "audit_administrator", "410000")).await, ["公众"]);
    assert_eq!(read(&office, &administrator()).await.len(), 4);

    let one = GetPublishedRequest { notice_id: public[0].notice_id.clone() };
    let shown = office.notices().get_published(Request::new(one)).await.expect("is public").into_inner();
    assert_eq!(shown.content.unwrap_or_default().body, "第一段\n\n第二段");
    let all = ListPublishedRequest { page: None };
    let all = office.notices().list_published(office.by(&administrator(), all)).await.expect("lists");
    for hidden in all.into_inner().notices.into_iter().filter(|one| one.notice_id != public[0].notice_id) {
        let asked = Request::new(GetPublishedRequest { notice_id: hidden.notice_id });
        let refused = office.notices().get_published(asked).await.expect_err("is not public");
        assert_eq!(refused.code(), Code::NotFound);
    }
    office.close().await;
}

#[tokio::test]
async fn a_revision_takes_the_place_of_the_one_before_it_which_stays_as_it_was_published() {
    let office = Office::open(NOWHERE).await;
    let first = draft(&office, 1, "", content("第一版", &["public"])).await.expect("drafts");
    let first = publish(&office, 1, &first).await.expect("publishes");
    let second = draft(&office, 2, &first.notice_id, content("第二版", &["public"])).await.expect("revises");
    assert_eq!((second.revision, second.notice_id.as_str()), (2, first.notice_id.as_str()));
    let twice = draft(&office, 3, &first.notice_id, content("又一版", &["public"])).await;
    assert_eq!(reason(&twice.expect_err("one draft a notice")), "draft_exists");
    let visitor = person(2, "operator", "410105");
    assert_eq!(read(&office, &visitor).await, ["第一版"], "until the second is published");
    publish(&office, 2, &second).await.expect("publishes");
    assert_eq!(read(&office, &visitor).await, ["第二版"]);

    let kept = stored(&office, &first).await;
    let notice = kept.notice.expect("is kept");
    assert_eq!(
        (notice.state.as_str(), notice.content.unwrap_or_default().title.as_str()),
        ("Replaced", "第一版")
    );
    assert_eq!(notice.published_at, first.published_at);
    let acts: Vec<_> = kept.acts.iter().map(|act| (act.act.as_str(), act.by_user_id.as_str())).collect();
    let by = administrator().user.to_string();
    assert_eq!(acts, ["drafted", "published", "replaced"].map(|act| (act, by.as_str())));
    for statement in [
        "UPDATE notices SET body = '改' WHERE state = 'Replaced'",
        "UPDATE notices SET published_at = now() WHERE state = 'Published'",
        "DELETE FROM notices",
        "UPDATE notice_acts SET office = ''",
        "DELETE FROM notice_acts",
    ] {
        sqlx::query(statement).execute(&office.desk.process.pool).await.expect_err(statement);
    }
    office.close().await;
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_for_readers_and_kept_with_its_reason() {
    let office = Office::open(NOWHERE).await;
    let drafted = draft(&office, 1, "", content("通知", &["operators"])).await.expect("drafts");
    let early = withdraw(&office, 1, &drafted, "内容有误").await.expect_err("a draft");
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "not_published"));
    let published = publish(&office, 1, &drafted).await.expect("publishes");
    assert_eq!(publish(&office, 1, &drafted).await.expect("replays"), published);
    let silent = withdraw(&office, 2, &published, " ").await.expect_err("no reason");
    assert_eq!(reason(&silent), "reason_missing");
    let edited = ChangeDraftRequest {
        request_id: id(11, 1).to_string(),
        revision_id: published.revision_id.clone(),
        version: published.version,
        content: Some(content("改过", &["operators"])),
    };
    let edited = office.notices().change_draft(office.by(&administrator(), edited)).await;
    assert_eq!(reason(&edited.expect_err("is published")), "not_a_draft");
    withdraw(&office, 3, &published, "内容有误").await.expect("withdraws");
    assert!(read(&office, &person(2, "operator", "410105")).await.is_empty());
    let kept = stored(&office, &published).await;
    assert_eq!(kept.acts.last().map(|act| act.reason.as_str()), Some("内容有误"));
    let again = draft(&office, 4, &published.notice_id, content("更正", &["operators"])).await;
    assert_eq!(again.expect("revises").revision, 2);
    office.close().await;
}

#[tokio::test]
async fn the_second_of_two_administrators_is_told_that_it_has_changed() {
    let office = Office::open(NOWHERE).await;
    let drafted = draft(&office, 1, "", content("通知", &["public"])).await.expect("drafts");
    let change = |n| ChangeDraftRequest {
        request_id: id(11, n).to_string(),
        revision_id: drafted.revision_id.clone(),
        version: drafted.version,
        content: Some(content("改过", &["public"])),
    };
    office.notices().change_draft(office.by(&administrator(), change(1))).await.expect("changes");
    let late = office.notices().change_draft(office.by(&administrator(), change(2))).await;
    let late = late.expect_err("has changed");
    assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "stale_version"));
    let late = publish(&office, 1, &drafted).await.expect_err("has changed");
    assert_eq!(reason(&late), "stale_version");
    let wrong = NoticeContent { pinned_until: "明天".into(), ..content("", &[]) };
    let wrong = draft(&office, 2, "", wrong).await.expect_err("is wrong");
    assert_eq!(reason(&wrong), "date_form");
    let empty = draft(&office, 3, "", NoticeContent::default()).await.expect_err("is empty");
    let fields = Refusal::read(&empty).expect("details").fields;
    assert_eq!(
        fields.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
        ["title", "body", "audiences"]
    );
    office.close().await;
}

#[tokio::test]
async fn pinned_notices_stand_above_later_ones_page_by_page_until_their_day_has_passed() {
    let office = Office::open(NOWHERE).await;
    for n in 1..=5 {
        let pinned = NoticeContent { pinned_until: "2999-12-31".into(), ..content("置顶", &["public"]) };
        let content = if n == 2 { pinned } else { content(&format!("第{n}"), &["public"]) };
        let drafted = draft(&office, n, "", content).await.expect("drafts");
        publish(&office, n, &drafted).await.expect("publishes");
    }
    let passed = NoticeContent { pinned_until: "2020-01-01".into(), ..content("过期", &["public"]) };
    let passed = draft(&office, 6, "", passed).await.expect("drafts");
    assert_eq!(reason(&publish(&office, 6, &passed).await.expect_err("has passed")), "pin_passed");
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(proto::common::Page { page_size: 2, page_token: token });
        let request = Request::new(ListPublishedRequest { page });
        let answer = office.notices().list_published(request).await.expect("lists").into_inner();
        found.extend(titles(answer.notices));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ["置顶", "第5", "第4", "第3", "第1"]);
    let drafts = ListNoticesRequest { page: None, state: "Draft".into() };
    let drafts = office.notices().list_notices(office.by(&administrator(), drafts)).await.expect("lists");
    assert_eq!(drafts.into_inner().notices.len(), 1);
    let outsider = ListNoticesRequest { page: None, state: String::new() };
    let refused = office.notices().list_notices(office.by(&person(2, "city", "410100"), outsider)).await;
    assert_eq!(refused.expect_err("administrators only").code(), Code::PermissionDenied);
    office.close().await;
}
