//! One file per area of pages; each has `routes()`. How a page is added stands at the top of the crate.

pub mod acceptance;
pub mod account_review;
pub mod accounts;
pub mod applications;
pub mod company;
pub mod county_steps;
pub mod county_subsidies;
pub mod dossiers;
pub mod endings;
pub mod export_registers;
pub mod export_settings;
pub mod exports;
pub mod extensions;
pub mod files;
pub mod interconnect;
pub mod invoices;
pub mod launch;
pub mod links;
pub mod live;
pub mod login;
pub mod machines;
pub mod messages;
pub mod order_members;
pub mod orders;
pub mod packages;
pub mod password;
pub mod print;
pub mod reassign;
pub mod registration;
pub mod reminders;
pub mod rounds;
pub mod several;
pub mod statements;
pub mod stations;
pub mod subsidies;
pub mod users;
pub mod workbench;

use std::sync::Arc;

use axum::{Router, response::Response, routing::get};

use crate::{Portal, assets, frame};

/// Routes of one area.
pub type Routes = Router<Arc<Portal>>;

/// Every page.
pub fn routes() -> Routes {
    Router::new()
        .route("/", get(home))
        .merge(assets::routes())
        .merge(login::routes())
        .merge(registration::routes())
        .merge(password::routes())
        .merge(workbench::routes())
        .merge(live::routes())
        .merge(messages::routes())
        .merge(applications::routes())
        .merge(acceptance::routes())
        .merge(endings::routes())
        .merge(dossiers::routes())
        .merge(invoices::routes())
        .merge(stations::routes())
        .merge(interconnect::routes())
        .merge(links::routes())
        .merge(company::routes())
        .merge(county_subsidies::routes())
        .merge(county_steps::routes())
        .merge(reminders::routes())
        .merge(extensions::routes())
        .merge(reassign::routes())
        .merge(subsidies::routes())
        .merge(orders::routes())
        .merge(launch::routes())
        .merge(order_members::routes())
        .merge(print::routes())
        .merge(packages::routes())
        .merge(exports::routes())
        .merge(accounts::routes())
        .merge(account_review::routes())
        .merge(users::routes())
        .merge(machines::routes())
        .merge(rounds::routes())
        .merge(files::routes())
        .merge(statements::routes())
}

async fn home() -> Response {
    frame::see_other("/workbench")
}
