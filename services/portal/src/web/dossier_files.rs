//! The files of a dossier: each comes whole or part by part, is placed in its slot, replaced, taken away, or explained.

use axum::{
    extract::{DefaultBodyLimit, Path},
    http::StatusCode,
    response::IntoResponse as _,
};
use proto::documents::{
    ExplainRequest, File, PlaceFileRequest, RemoveFileRequest, UploadDeclaration, UploadPartRequest,
};

use super::{
    Routes, back_to,
    dossiers::{LIST, ONE, page, to_its_end},
};
use crate::{Answer, Form, Role, Upload, Visitor, ids, upload::BODY_BYTES_MAX};

/// Routes of this area.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/subsidy/dossiers/{id}/files",
            back_to(ONE).post(upload).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .route("/subsidy/dossiers/{id}/parts", back_to(ONE).post(part))
        .route("/subsidy/dossiers/{id}/remove", back_to(ONE).post(remove))
        .route("/subsidy/dossiers/{id}/explain", back_to(ONE).post(explain))
}

/// One file into one slot. A script gets words instead of a page.
async fn upload(visitor: Visitor, Path(id): Path<String>, upload: Upload) -> Answer {
    visitor.only(&[Role::Operator])?;
    to_its_end(take(visitor, id, upload)).await
}

async fn take(visitor: Visitor, id: String, upload: Upload) -> Answer {
    let Upload { mut form, file } = upload;
    let slot = form.text("slot");
    let Some(file) = file else {
        let spoken = form.wrong("file").to_owned();
        form.mark(&slot, if spoken.is_empty() { "请选择文件" } else { &spoken });
        form.wrongs.retain(|wrong| wrong.field != "file");
        return not_placed(&visitor, &id, form).await;
    };
    let name = file.file_name.clone();
    let kept = match file.send(&visitor, declaration(&id, &form)).await {
        Ok(kept) => kept,
        Err(status) => return not_placed(&visitor, &id, about(form.refused(status)?, &slot)).await,
    };
    place(&visitor, &id, form, &name, kept).await
}

fn declaration(id: &str, form: &Form) -> UploadDeclaration {
    UploadDeclaration {
        request_id: form.request_id(),
        purpose: "material".to_owned(),
        application_id: id.to_owned(),
        slot: form.text("slot"),
        ..UploadDeclaration::default()
    }
}

/// One part of a file, as the script sends it: it is told how much is there, and goes on from there after a lost
/// connection. With the last part the file is placed.
async fn part(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    to_its_end(take_part(visitor, id, form)).await
}

async fn take_part(visitor: Visitor, id: String, form: Form) -> Answer {
    let name = form.text("file_name");
    let declaration = UploadDeclaration {
        file_name: name.clone(),
        size_bytes: form.number("size_bytes"),
        sha256: form.text("sha256"),
        ..declaration(&id, &form)
    };
    let chunk = form.files.first().map(|part| part.bytes.clone()).unwrap_or_default();
    let request = UploadPartRequest { declaration: Some(declaration), offset: form.number("offset"), chunk };
    let answer = match visitor.files().upload_part(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return not_placed(&visitor, &id, form.refused(status)?).await,
    };
    let kept = answer.file.unwrap_or_default();
    if kept.state == "pending" {
        return Ok((StatusCode::ACCEPTED, answer.received_bytes.to_string()).into_response());
    }
    place(&visitor, &id, form, &name, kept).await
}

/// Puts a file that has come whole into its slot.
async fn place(visitor: &Visitor, id: &str, mut form: Form, name: &str, kept: File) -> Answer {
    let slot = form.text("slot");
    if kept.state != "clean" {
        form.mark(&slot, &format!("{name}：{}", kept.reason_text));
        form.renew();
        return not_placed(visitor, id, form).await;
    }
    let request = PlaceFileRequest {
        request_id: ids::derived(&form.request_id(), "place"),
        application_id: id.to_owned(),
        slot: slot.clone(),
        file_id: kept.file_id,
        // A file that is added stands beside whatever others have added meanwhile.
        edits: 0,
        replaces_file_id: form.text("replaces"),
    };
    match visitor.dossiers().place_file(request).await {
        Ok(_) if visitor.fragment == "upload" => Ok((StatusCode::OK, "已上传").into_response()),
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{slot}"), &format!("已上传：{name}")),
        Err(status) => not_placed(visitor, id, about(form.refused(status)?, &slot)).await,
    }
}

async fn not_placed(visitor: &Visitor, id: &str, form: Form) -> Answer {
    if visitor.fragment != "upload" {
        return page(visitor, id, form).await;
    }
    let words: Vec<_> = form.wrongs.iter().map(|wrong| wrong.text.as_str()).collect();
    let words = if words.is_empty() { "上传未成功，请重试".to_owned() } else { words.join("；") };
    Ok((form.status(), words).into_response())
}

/// Whatever the service calls the field, the page shows it at the slot.
fn about(mut form: Form, slot: &str) -> Form {
    for wrong in &mut form.wrongs {
        slot.clone_into(&mut wrong.field);
    }
    form
}

async fn remove(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = RemoveFileRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        file_id: form.text("file_id"),
        edits: form.number("edits"),
    };
    let slot = form.text("slot");
    match visitor.dossiers().remove_file(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{slot}"), "文件已移除；已提交过的版本仍可查看"),
        Err(status) => page(&visitor, &id, about(form.refused(status)?, &slot)).await,
    }
}

async fn explain(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let item = form.text("item");
    let request = ExplainRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        item: item.clone(),
        text: form.text("text"),
        edits: form.number("edits"),
    };
    match visitor.dossiers().explain(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{item}"), "说明已保存"),
        Err(status) => {
            let form = about(form.refused(status)?, &format!("explain-{item}"));
            page(&visitor, &id, form).await
        }
    }
}
