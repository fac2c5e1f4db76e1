//! The release before and the next one run side by side: schemas are brought forward first, then one service after the other.
//!
//! Source: reliability R1 to R3; `deploy/upgrade.md`. The folder of the release before is `YUCHONG_PREVIOUS`; without it the
//! present programs stand in for both, and what the next release adds is added here: columns, tables, and a field in every event.
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use sqlx::AssertSqlSafe;
use system_tests::{System, cases::Stage};
use xtask::{report::not_run, services::Service, trial::Plan};

use super::replacements::decide;

/// Names the folder with the programs of the release before.
const PREVIOUS: &str = "YUCHONG_PREVIOUS";

/// What a next release may add to every database (`deploy/upgrade.md`, "Expand"); and a field that the release before does not
/// know, 1000 with three bytes, in each event and in the message inside it.
///
/// Each statement is a transaction of its own, as each migration has to be: two locks in one could wait for each other.
const NEXT: [&str; 7] = [
    "CREATE TABLE of_the_next_release (id uuid PRIMARY KEY, said text NOT NULL DEFAULT '')",
    "ALTER TABLE requests ADD COLUMN of_the_next_release text",
    "ALTER TABLE outbox ADD COLUMN of_the_next_release text NOT NULL DEFAULT 'yes'",
    "ALTER TABLE inbox ADD COLUMN of_the_next_release bigint",
    "ALTER TABLE consumer_versions ADD COLUMN of_the_next_release bigint",
    "CREATE FUNCTION say_more() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.payload := NEW.payload || '\\xc23e03616263'::bytea; RETURN NEW; END $$",
    "CREATE TRIGGER say_more BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION say_more()",
];

/// The tables of each service that its statements write most, with a column more.
const TABLES: [(Service, &[&str]); 5] = [
    (Service::Accounts, &["operators", "users", "sessions"]),
    (Service::Stations, &["stations", "connectors", "charge_orders", "claims"]),
    (Service::Documents, &["files", "dossiers", "invoices"]),
    (Service::Reviews, &["applications", "history", "work_orders", "rounds"]),
    (Service::Notifications, &["worklist", "messages", "work_orders"]),
];

/// The folder of the release before, where it is another release; what is not shown without it is said at the end of the run.
fn release_before(next: &Path) -> Result<Option<PathBuf>> {
    let check = "the upgrade from the release before: the present programs stood in for both releases, with what a next one may add";
    let Some(folder) = env::var_os(PREVIOUS).map(PathBuf::from) else {
        not_run(check, &format!("{PREVIOUS} names no folder with its programs (deploy/upgrade.md)"))?;
        return Ok(None);
    };
    let mut same = true;
    for service in Service::ALL {
        let program = folder.join(service.name());
        ensure!(program.is_file(), "{PREVIOUS}: there is no program {}", program.display());
        same = same && fs::read(&program)? == fs::read(next.join(service.name()))?;
    }
    if same {
        not_run(check, &format!("the programs in {} are the present ones", folder.display()))?;
    }
    Ok(Some(folder))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a drill; `cargo xtask test --long` runs it"]
async fn two_releases_side_by_side_fail_no_request_and_lose_no_effect() -> Result<()> {
    let next = xtask::checkout::binaries()?;
    let previous = release_before(&next)?;
    println!("the release before: {}", previous.as_deref().unwrap_or(&next).display());
    let plan = Plan { binaries: previous, ..Plan::durable() };
    let mut system =
        System::planned(plan.with(Service::Portal).with(Service::Interconnect).behind_fronts()).await?;
    let cases = super::cases_at(&system, 20, Stage::PaperCheck).await?;
    let mut filed = system.application().of(&cases[0].company).at(Stage::MaterialsDue).await?;
    let before = system.platform().repeated();
    let views = cases.iter().map(|case| case.view.clone()).collect();
    let (decisions, acknowledged) = decide(&system.county("410105").await?, views, &system.today());
    decisions.answered(50).await?;

    system.trial_mut().fleet.bring_binaries(next);
    for (service, tables) in TABLES {
        system.fleet().deployment().migrate(service).await?;
        let columns =
            tables.iter().map(|table| format!("ALTER TABLE {table} ADD COLUMN of_the_next_release text"));
        for statement in NEXT.map(str::to_owned).into_iter().chain(columns) {
            let done =
                sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(system.database(service)?).await;
            done.with_context(|| format!("{service}: {statement}"))?;
        }
    }
    // The release before goes on with the schemas of the next one, and follows what the next one announces.
    decisions.answered(100).await?;
    system.advance(&mut filed, Stage::CityReview).await?;
    system.advance(&mut filed, Stage::AwaitingJointReview).await?;
    for service in Service::ALL {
        decisions.answered(25).await?;
        let drained = system.fleet().replace(service).await?;
        println!("{service} is the next release; the old process ended within {drained:?}");
    }
    decisions.answered(50).await?;
    let ended = decisions.stop().await?;
    println!(
        "{} decisions at {:.1}/s, p99 {:?}; {} requests were sent again",
        ended.took.len(),
        ended.rate,
        ended.p99(),
        system.platform().repeated() - before
    );
    assert!(ended.failed.is_empty(), "decisions failed: {:#?}", ended.failed);
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    let decided =
        system.count(Service::Reviews, "SELECT count(*) FROM history WHERE transition = 'T07'").await?;
    assert_eq!(usize::try_from(decided)?, acknowledged.count());
    let said = "SELECT count(*) FROM outbox WHERE position('\\xc23e03616263'::bytea IN payload) > 0";
    assert!(system.count(Service::Reviews, said).await? > 100, "events carry a field more");
    system.advance(&mut filed, Stage::ExpertReview).await?;
    system.finish_after_faults().await
}
