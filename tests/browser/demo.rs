//! The demo by clicking: whoever signs in with what `cargo xtask up --demo` prints finds something to do. It takes minutes,
//! so it is walked with `YUCHONG_LONG=1` only.
use anyhow::{Result, ensure};
use xtask::{commands::test::LONG, demo};

use crate::{kit::Window, system};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_the_demo_names_signs_in_and_finds_something_to_do() -> Result<()> {
    if std::env::var(LONG).is_err() {
        return Ok(());
    }
    let system = system().await?;
    let deployment = system.fleet().deployment();
    demo::run(deployment).await?;
    let window = Window::before(&system).await?;
    let desks = demo::desks::busiest(deployment).await?;
    ensure!(desks.len() >= 6, "{desks:?}");
    for (role, login, count) in desks {
        ensure!(count > 0, "{role} has nothing to do");
        window.visit("/login").await?;
        window.client().delete_all_cookies().await?;
        window.visit("/login").await?;
        window.enter(&login, demo::roster::PASSWORD).await?;
        window.shows(&format!("demo-{login}"), "项待办").await?;
        ensure!(window.rows().await? > 0, "{role}: {login} sees no task:\n{}", window.text().await?);
    }
    window.close().await?;
    system.finish().await
}
