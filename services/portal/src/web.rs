//! One file per area of pages; each has `routes()`. How a page is added stands at the top of the crate.

pub mod acceptance;
pub mod account_review;
pub mod accounts;
pub mod applications;
pub mod audit;
pub mod charge_orders;
pub mod company;
pub mod connectors;
pub mod county_steps;
pub mod county_subsidies;
pub mod defects;
pub mod divisions;
pub mod dossier_files;
pub mod dossiers;
pub mod endings;
pub mod export_registers;
pub mod export_settings;
pub mod exports;
pub mod extensions;
pub mod files;
pub mod interconnect;
pub mod invoices;
pub mod large;
pub mod launch;
pub mod leaves;
pub mod link_list;
pub mod link_settings;
pub mod links;
pub mod live;
pub mod login;
pub mod machines;
pub mod members;
pub mod messages;
pub mod notice_desk;
pub mod notices;
pub mod order_members;
pub mod orders;
pub mod overview;
pub mod packages;
pub mod password;
pub mod print;
pub mod profile;
pub mod reassign;
pub mod registration;
pub mod reminders;
pub mod rounds;
pub mod second_factor;
pub mod several;
pub mod statements;
pub mod stations;
pub mod statistics;
pub mod subscriptions;
pub mod subsidies;
pub mod tiles;
pub mod users;
pub mod webhook_deliveries;
pub mod workbench;

use std::sync::Arc;

use axum::{
    Router,
    extract::RawPathParams,
    response::Response,
    routing::{MethodRouter, get},
};

use crate::{Portal, assets, frame, list::encoded};

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
        .merge(second_factor::routes())
        .merge(workbench::routes())
        .merge(live::routes())
        .merge(large::routes())
        .merge(messages::routes())
        .merge(notices::routes())
        .merge(applications::routes())
        .merge(acceptance::routes())
        .merge(endings::routes())
        .merge(dossiers::routes())
        .merge(invoices::routes())
        .merge(stations::routes())
        .merge(interconnect::routes())
        .merge(link_list::routes())
        .merge(links::routes())
        .merge(link_settings::routes())
        .merge(defects::routes())
        .merge(charge_orders::routes())
        .merge(statistics::routes())
        .merge(connectors::routes())
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
        .merge(members::routes())
        .merge(profile::routes())
        .merge(audit::routes())
        .merge(machines::routes())
        .merge(subscriptions::routes())
        .merge(rounds::routes())
        .merge(divisions::routes())
        .merge(notice_desk::routes())
        .merge(files::routes())
        .merge(leaves::routes())
        .merge(statements::routes())
}

async fn home() -> Response {
    frame::see_other("/workbench")
}

/// The address of a form that stands on another page: a refusal is shown there, and whoever asks for it again by GET (a
/// refresh, a link of the page to itself) is led back to `page`, the other page's route with the same parts.
fn back_to(page: &'static str) -> MethodRouter<Arc<Portal>> {
    get(async move |parts: RawPathParams| {
        let filled = |path: String, (name, value)| path.replace(&format!("{{{name}}}"), &encoded(value));
        frame::see_other(&parts.iter().fold(page.to_owned(), filled))
    })
}
