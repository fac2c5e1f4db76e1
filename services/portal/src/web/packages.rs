//! 打包下载材料: the sealed materials of an application as one file. Each file is fetched in the reader's name, so that nobody
//! gets more than file by file; identity papers are inside only where a reason is typed, and each fetch is on record. The package
//! itself is begun and recorded as an export is. Decision 43.

use axum::{extract::Path, response::IntoResponse as _, routing::get};
use chassis::error::Kind;
use proto::{
    documents::{DownloadRequest, GetRevisionRequest, Revision, download_response::Part as Piece},
    reviews::{ApplicationView, GetApplicationRequest},
};
use tokio::sync::mpsc;

use super::{Routes, county_subsidies, exports, orders};
use crate::{
    Answer, Refused, Role, Visitor, format,
    list::Filter,
    package::{self, Entry, Part, Passing},
    pipe,
};

/// Slots whose files ask reviewers for a reason. Source: documents, Files/Download.
const PERSONAL: [&str; 2] = ["M3a", "M3b"];
/// Characters of a reason. Source: documents, DownloadRequest.
pub(super) const REASON_CHARS: std::ops::RangeInclusive<usize> = 2..=200;
/// Pieces between reading and packing.
const AHEAD: usize = 4;

/// Routes of this area: one for each desk, as for printing.
pub fn routes() -> Routes {
    Routes::new()
        .route("/subsidy/applications/{id}/package", get(operator))
        .route("/supervision/county-subsidies/{id}/package", get(authority))
        .route("/supervision/subsidies/{id}/package", get(joint))
}

async fn operator(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    packed(visitor, id, &filter).await
}

async fn authority(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&county_subsidies::AUTHORITIES)?;
    packed(visitor, id, &filter).await
}

async fn joint(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&orders::JOINT)?;
    packed(visitor, id, &filter).await
}

async fn packed(visitor: Visitor, id: String, filter: &Filter) -> Answer {
    let reason = filter.value("reason").trim().to_owned();
    if !reason.is_empty() && !REASON_CHARS.contains(&reason.chars().count()) {
        return Err(Refused::unreadable("查看事由应为 2–200 字；不需要证照类材料时请留空"));
    }
    let (mut one, mut two) = (visitor.applications(), visitor.dossiers());
    let view = one.get_application(GetApplicationRequest { application_id: id.clone() }).await?.into_inner();
    // What stands is the submission's; a revision that is being worked on is not sealed yet.
    let revision = two.get_revision(GetRevisionRequest { application_id: id, revision: 0 }).await;
    let revision = match revision.map_err(Refused::from) {
        Ok(revision) => revision.into_inner(),
        Err(refused) if refused.kind == Kind::NotFound => {
            return Err(Refused::unreadable("该申请尚未提交初审资料，没有可打包的材料"));
        }
        Err(refused) => return Err(refused),
    };
    let turn = visitor.portal.downloads.turn(&visitor.view.user_id)?;
    let visitor = exports::begun(&visitor, filter).await?;
    let entries = package::entries(&revision);
    // Some may be left out; the list inside says which.
    visitor.exported(i64::try_from(entries.len()).unwrap_or(i64::MAX)).await?;
    let name = exports::file_name(&package::title(&view.application_no, &view.station_name), "zip");
    let (to, from) = mpsc::channel(AHEAD);
    let (pipe, body) = pipe::pipe();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        package::pack(from, pipe);
    });
    tokio::spawn(async move {
        let wanted = Wanted { head: head(&visitor, &view, &revision, &reason), reason, to };
        let last = match wanted.fetched(visitor, &entries).await {
            Ok(Some(index)) => Part::Index(index),
            // The browser has left.
            Ok(None) => return,
            Err(refused) => Part::Broken(refused.text),
        };
        let _ = wanted.to.send(last).await;
    });
    Ok(exports::attached(body.into_response(), "application/zip", &name))
}

fn head(
    visitor: &Visitor,
    view: &ApplicationView,
    revision: &Revision,
    reason: &str,
) -> [(&'static str, String); 9] {
    let sealed = revision.summary.clone().unwrap_or_default();
    let submission = view.submission.clone().unwrap_or_default();
    [
        ("申请编号", format::or_dash(&view.application_no)),
        ("充电站", view.station_name.clone()),
        ("申报企业", view.operator_name.clone()),
        (
            "材料版本",
            format!("第 {} 版，封存于 {}", sealed.revision, format::moment(sealed.sealed_at.as_ref())),
        ),
        ("材料哈希", sealed.dossier_hash),
        ("提交", format!("第 {} 次提交，回执编号 {}", submission.version, format::or_dash(&view.receipt_no))),
        ("提交哈希", format::or_dash(&submission.hash)),
        ("查看事由", format::or_dash(reason)),
        ("打包", format!("{} {}（北京时间）", visitor.view.display_name, format::moment_of_now())),
    ]
}

/// A package on its way.
struct Wanted {
    head: [(&'static str, String); 9],
    reason: String,
    to: mpsc::Sender<Part>,
}

impl Wanted {
    /// Sends every file that the reader may have; gives the list of them. None: nobody takes them any more.
    async fn fetched(&self, visitor: Visitor, entries: &[Entry]) -> Result<Option<String>, Refused> {
        let (mut inside, mut left_out) = (Vec::new(), Vec::new());
        let reviews = !visitor.is(Role::Operator);
        for entry in entries {
            let personal = PERSONAL.contains(&entry.slot);
            if reviews && personal && self.reason.is_empty() {
                left_out.push((entry.path.clone(), "证照类材料，打包时未填写查看事由".to_owned()));
                continue;
            }
            // A long package outlives a token.
            let visitor = visitor.again().await?;
            match self.file(&visitor, entry).await {
                Ok(Some(hash)) => inside.push((entry.path.clone(), hash)),
                Ok(None) => return Ok(None),
                Err(refused) if matches!(refused.kind, Kind::NotFound | Kind::Forbidden) => {
                    left_out.push((entry.path.clone(), "您的账号没有查看此文件的权限".to_owned()));
                }
                Err(refused) if refused.kind == Kind::Invalid => {
                    left_out.push((entry.path.clone(), refused.text));
                }
                Err(refused) => return Err(refused),
            }
        }
        Ok(Some(package::index(&self.head, &inside, &left_out)))
    }

    async fn file(&self, visitor: &Visitor, entry: &Entry) -> Result<Option<String>, Refused> {
        let request = DownloadRequest { file_id: entry.file.file_id.clone(), reason: self.reason.clone() };
        let mut stream = visitor.files().download(request).await?.into_inner();
        let mut passing = Passing::default();
        while let Some(message) = stream.message().await? {
            let part = match message.part {
                Some(Piece::File(_)) => Part::File(entry.path.clone()),
                Some(Piece::Chunk(bytes)) => {
                    passing.see(&bytes);
                    Part::Bytes(bytes)
                }
                None => continue,
            };
            if self.to.send(part).await.is_err() {
                return Ok(None);
            }
        }
        let hash = passing.hash();
        if hash == entry.file.sha256 {
            Ok(Some(hash))
        } else {
            Err(Refused::fault(&std::io::Error::other(format!(
                "{} is not what was sealed",
                entry.file.file_id
            ))))
        }
    }
}
