//! 充电设施建设补贴申请审核表: an application on paper, A4 by the print style sheet. For everybody who may see it.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};

use super::{Routes, applications, county_subsidies, orders};
use crate::{Answer, Page, Role, Visitor, case::Case, format, refused::Away, standing::Standing};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/subsidy/applications/{id}/print", get(operator))
        .route("/supervision/county-subsidies/{id}/print", get(authority))
        .route("/supervision/subsidies/{id}/print", get(joint))
}

/// The sheet.
#[derive(Template)]
#[template(path = "print.html")]
pub struct PrintPage {
    /// The frame; left out on paper.
    pub page: Page,
    /// State, form, history.
    pub case: Case,
    /// What stands; or why not.
    pub standing: Result<Standing, Away>,
    /// When it was made.
    pub printed_at: String,
    /// The page that it belongs to.
    pub back: String,
}

impl PrintPage {
    /// Offices that sign on paper.
    pub fn signatures(&self) -> [&'static str; 4] {
        ["县级主管部门", "市级主管部门", "专家组组长", "省级厅委"]
    }
}

async fn sheet(visitor: &Visitor, menu_path: &str, id: &str) -> Answer {
    let (page, case) = tokio::join!(visitor.page(menu_path, "打印审核表"), Case::load(visitor, id));
    let case = case?;
    let standing = Standing::load(visitor, &case.view).await?;
    let printed_at = format::moment_of_now();
    let back = visitor.application_path(id);
    visitor.show(StatusCode::OK, &PrintPage { page, case, standing, printed_at, back })
}

async fn operator(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Operator])?;
    sheet(&visitor, applications::LIST, &id).await
}

async fn authority(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&county_subsidies::AUTHORITIES)?;
    sheet(&visitor, county_subsidies::LIST, &id).await
}

async fn joint(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&orders::JOINT)?;
    sheet(&visitor, orders::LIST, &id).await
}
