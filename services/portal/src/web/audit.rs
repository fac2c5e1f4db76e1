//! 系统管理/操作日志: the audit log of accounts, and the proof of its chains. accounts decides what of it a person reads.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::accounts::{AuditEntry, ListEntriesRequest, ProveChainRequest};

use uuid::Uuid;

use super::{Routes, exports::workbook};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    case::Fact,
    format,
    labels::{self, trail},
    list::{Filter, Pager},
    sheet::{Cell, Column, text},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/audit";
const READERS: [Role; 3] = [Role::AuditAdministrator, Role::SecurityAdministrator, Role::Administrator];
/// Chains of a log. Source: reliability section 12.
const CHAINS: i32 = 64;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/audit/export", get(export))
        .route("/system/audit/chains/{shard}", get(chain))
}

/// One row of the log.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// When.
    pub at: String,
    /// Who acted.
    pub actor: String,
    /// As what.
    pub roles: String,
    /// What was done.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// More, in codes.
    pub detail: String,
    /// Whether it was done, and why not.
    pub outcome: Tag,
    /// Chain and place in it.
    pub place: String,
    /// The proof of that chain.
    pub chain: String,
    /// First letters of its hash.
    pub hash: String,
}

impl Row {
    fn of(entry: &AuditEntry) -> Row {
        Row {
            at: format::moment(entry.at.as_ref()),
            actor: actor(entry),
            roles: entry.actor_roles.iter().map(|id| labels::role(id)).collect::<Vec<_>>().join("、"),
            act: labels::audit_act(&entry.act),
            subject: subject(entry),
            detail: detail(&entry.act, &entry.detail),
            outcome: outcome(entry),
            place: format!("{}-{}", entry.shard, entry.position),
            chain: format!("{LIST}/chains/{}", entry.shard),
            hash: entry.hash.chars().take(12).collect(),
        }
    }
}

/// A login; what is no person by its kind.
fn actor(entry: &AuditEntry) -> String {
    if !entry.actor_name.is_empty() {
        return entry.actor_name.clone();
    }
    match entry.actor.split_once(':') {
        Some(("anonymous", _)) => "未登录者".to_owned(),
        Some(("system", name)) => format!("系统 {}", trail::program(name)),
        Some(("service", name)) => format!("服务 {name}"),
        Some(("machine", name)) => format!("接口账号 {name}"),
        Some((_, name)) => name.to_owned(),
        None => entry.actor.clone(),
    }
}

/// A login, a company or a list; a login that is nobody's by its fingerprint, since people type passwords into the wrong
/// field.
fn subject(entry: &AuditEntry) -> String {
    if entry.act == "export_list" {
        return trail::list(&entry.subject);
    }
    match (entry.subject_name.as_str(), entry.subject.split_once(':')) {
        ("", Some(("login", hash))) => format!("未确认的账号名称（指纹 {hash}）"),
        ("", _) => format::or_dash(&entry.subject),
        (name, _) => name.to_owned(),
    }
}

/// In words; the id of a session says nothing to people and stands in the workbook.
fn detail(act: &str, codes: &str) -> String {
    let rows = codes.strip_prefix("rows=").map(|more| more.split(' ').next().unwrap_or_default());
    match rows {
        Some(rows) => format!("共 {rows} 条"),
        None if codes.is_empty() || Uuid::parse_str(codes).is_ok() => String::new(),
        None => trail::detail(act, codes),
    }
}

fn outcome(entry: &AuditEntry) -> Tag {
    if entry.refusal.is_empty() {
        return Tag { text: "已完成".to_owned(), class: "ok" };
    }
    Tag { text: format!("未完成：{}", labels::audit_refusal(&entry.refusal)), class: "danger" }
}

/// What is asked of accounts; what is no day or no act narrows nothing there either.
fn wanted(filter: &Filter) -> ListEntriesRequest {
    let piece = |name: &str| filter.value(name).trim().chars().take(64).collect::<String>();
    ListEntriesRequest {
        page: filter.page(),
        actor_login: piece("actor"),
        act: piece("act"),
        subject: piece("subject"),
        from_day: piece("since"),
        to_day: piece("until"),
        refused_only: filter.has("refused", "1"),
    }
}

/// The list.
#[derive(Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// The frame.
    pub page: Page,
    /// The URL's filter.
    pub filter: Filter,
    /// Acts, to choose from.
    pub acts: Vec<(&'static str, &'static str)>,
    /// Rows of this page of the list.
    pub rows: Vec<Row>,
    /// Rows of the whole log.
    pub total: i64,
    /// One hash over the heads of all chains.
    pub digest: String,
    /// Ways on and back.
    pub pager: Pager,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&READERS)?;
    let mut client = visitor.audit_log();
    let (page, answer) = tokio::join!(visitor.page(LIST, "操作日志"), client.list_entries(wanted(&filter)));
    let answer = answer?.into_inner();
    let pager = filter.pager(&answer.next_page_token, answer.entries.len());
    let page = AuditPage {
        page,
        acts: labels::AUDIT_ACTS.to_vec(),
        rows: answer.entries.iter().map(Row::of).collect(),
        total: answer.rows,
        digest: answer.heads_digest,
        // Reliability, section 10: the audit administrator exports.
        pager: if visitor.is(Role::AuditAdministrator) { pager.exported(&filter) } else { pager },
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

/// Columns of the log.
const COLUMNS: &[Column] = &[
    ("时间", 20.0),
    ("操作人", 20.0),
    ("操作人编号", 44.0),
    ("角色", 20.0),
    ("操作", 22.0),
    ("操作代码", 22.0),
    ("对象", 28.0),
    ("对象编号", 40.0),
    ("结果", 30.0),
    ("补充", 30.0),
    ("链号", 8.0),
    ("链位", 10.0),
    ("摘要", 68.0),
];

async fn export(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::AuditAdministrator])?;
    let request = wanted(&filter);
    workbook(&visitor, &filter, ("操作日志", String::new()), COLUMNS, |reader, page| {
        let request = ListEntriesRequest { page, ..request.clone() };
        async move {
            let answer = reader.audit_log().list_entries(request).await?.into_inner();
            let row = |entry: &AuditEntry| {
                let shown = Row::of(entry);
                let cells = vec![
                    Cell::Moment(entry.at),
                    text(shown.actor),
                    text(&*entry.actor),
                    text(shown.roles),
                    text(shown.act),
                    text(&*entry.act),
                    text(shown.subject),
                    text(&*entry.subject),
                    text(shown.outcome.text),
                    text(&*entry.detail),
                    Cell::Count(entry.shard.into()),
                    Cell::Count(entry.position),
                    text(&*entry.hash),
                ];
                (shown.place, cells)
            };
            Ok((answer.entries.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// The proof of one chain.
#[derive(Template)]
#[template(path = "audit_chain.html")]
pub struct ChainPage {
    /// The frame.
    pub page: Page,
    /// Which one.
    pub shard: i32,
    /// What the check found.
    pub outcome: Tag,
    /// Head, rows, when it was checked.
    pub facts: Vec<Fact>,
    /// The chain before; empty at the first.
    pub previous: String,
    /// The chain after; empty at the last.
    pub next: String,
}

async fn chain(visitor: Visitor, Path(shard): Path<String>) -> Answer {
    visitor.only(&READERS)?;
    let shard: i32 = shard.parse().map_err(|_| Refused::not_found())?;
    let mut client = visitor.audit_log();
    let (page, proof) =
        tokio::join!(visitor.page(LIST, "链条校验"), client.prove_chain(ProveChainRequest { shard }));
    let proof = proof?.into_inner();
    let outcome = match proof.broken {
        0 => Tag { text: "链条完整".to_owned(), class: "ok" },
        broken => Tag { text: format!("{broken} 处不符，请立即上报"), class: "danger" },
    };
    let fact = |name, value: String| Fact { name, value };
    let to = |shard: i32| match shard {
        0..CHAINS => format!("{LIST}/chains/{shard}"),
        _ => String::new(),
    };
    let page = ChainPage {
        page,
        shard,
        outcome,
        facts: vec![
            fact("链号", format!("{shard}（共 {CHAINS} 条）")),
            fact("已校验记录", format!("{} 条", proof.position)),
            fact("链头位置", proof.position.to_string()),
            fact("链头摘要（SHA-256）", proof.head_hash),
            fact("校验时间", format::moment(proof.checked_at.as_ref())),
        ],
        previous: to(shard - 1),
        next: to(shard + 1),
    };
    visitor.show(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_and_what_was_typed_as_a_login_is_not_shown() {
        let entry = AuditEntry {
            actor: "anonymous:".into(),
            act: "sign_in".into(),
            subject: "login:00ff".into(),
            refusal: "sign_in_failed".into(),
            ..AuditEntry::default()
        };
        let row = Row::of(&entry);
        assert_eq!((row.actor.as_str(), row.act.as_str()), ("未登录者", "登录"));
        assert_eq!(row.subject, "未确认的账号名称（指纹 00ff）");
        assert_eq!(row.outcome.text, "未完成：账号名称或密码不正确");
        let known = AuditEntry { actor_name: "admin01".into(), subject_name: "op01".into(), ..entry };
        let row = Row::of(&known);
        assert_eq!((row.actor.as_str(), row.subject.as_str()), ("admin01", "op01"));
        let export = AuditEntry {
            actor: "system:housekeeping".into(),
            act: "export_list".into(),
            subject: "system/users".into(),
            detail: "rows=3 q=sha256:00".into(),
            ..AuditEntry::default()
        };
        let row = Row::of(&export);
        assert_eq!((row.actor.as_str(), row.subject.as_str()), ("系统 定时清理", "全部账号"));
        assert_eq!(row.detail, "共 3 条");
    }
}
