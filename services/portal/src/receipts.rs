//! Receipts (回执) of outside systems: what they sign at this address is passed on to notifications, which knows them by it. No
//! page: programs call it, without session and form. Source: decision record 48.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        DefaultBodyLimit, Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use bytes::Bytes;
use proto::notifications::{Receipt, ReportReceiptRequest, receipts_client::ReceiptsClient};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::Semaphore;
use tonic::Status;

use crate::{Portal, Refused, guard::Proved, web::Routes};

/// Bytes of a receipt: five short fields.
const BYTES_MAX: usize = 16 * 1024;
/// Receipts that are judged at a time in this process: anybody may send what looks like one, and people need notifications too.
static PLACES: Semaphore = Semaphore::const_new(8);

/// The address.
pub fn routes() -> Routes {
    Routes::new()
        .route("/webhooks/{subscription}/receipts", post(report))
        .layer(DefaultBodyLimit::max(BYTES_MAX))
}

async fn report(
    State(portal): State<Arc<Portal>>,
    subscription: Result<Path<String>, PathRejection>,
    Extension(proved): Extension<Proved>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    // The signature stands in the place of a form's token: no browser has its secret.
    proved.now();
    let Ok(Path(subscription_id)) = subscription else {
        return said(StatusCode::NOT_FOUND, "not_found", "没有该订阅", &[]);
    };
    let body = match body {
        Ok(body) => body,
        Err(refused) => return said(refused.status(), "receipt_unreadable", "回执正文过长或不完整", &[]),
    };
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let Ok(_place) = PLACES.try_acquire() else {
        return said(StatusCode::SERVICE_UNAVAILABLE, "too_many_requests", "当前回执较多，请稍后重发", &[]);
    };
    let request = ReportReceiptRequest {
        subscription_id,
        webhook_id: header("webhook-id"),
        webhook_timestamp: header("webhook-timestamp"),
        webhook_signature: header("webhook-signature"),
        body,
    };
    match ReceiptsClient::new(portal.peer("notifications")).report_receipt(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            Json(json!({ "result": answer.result, "live": live(&answer.live.unwrap_or_default()) }))
                .into_response()
        }
        Err(status) => refused(status),
    }
}

fn live(receipt: &Receipt) -> Value {
    let at = receipt.at.and_then(|at| OffsetDateTime::from_unix_timestamp_nanos(nanos(at)).ok());
    let at = at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    json!({ "kind": receipt.kind, "status": receipt.status, "code": receipt.code, "at": at })
}

fn nanos(at: prost_types::Timestamp) -> i128 {
    i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos)
}

fn refused(status: Status) -> Response {
    let refused = Refused::from(status);
    let text = match refused.status() {
        StatusCode::NOT_FOUND => "没有向该订阅推送过此事件，或投递记录已满保存期",
        _ => refused.text.as_str(),
    };
    said(refused.status(), &refused.reason, text, &refused.fields)
}

/// An answer for programs; `reason` is stable, the words are for whoever reads their log.
fn said(status: StatusCode, reason: &str, text: &str, fields: &[(String, String)]) -> Response {
    let fields: Map<String, Value> =
        fields.iter().map(|(field, text)| (field.clone(), Value::String(text.clone()))).collect();
    (status, Json(json!({ "reason": reason, "text": text, "fields": fields }))).into_response()
}
