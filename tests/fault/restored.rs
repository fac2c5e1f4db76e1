//! What is left of the platform is a backup: it is restored, and everybody goes on from there.
//!
//! Source: reliability, sections 3 and 5.2, 9, 15 (RTO 30 min); decision record 26; `deploy/backup/README.md`.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use system_tests::{System, cases::Stage, traffic::Acknowledged};
use tokio::process::Command;
use xtask::{servers::Tools, services::Service, trial::Plan};

use super::replacements::decide;

/// Runs a program of `deploy/backup` or of PostgreSQL; its words are in the error.
async fn run(program: &str, arguments: &[&str], url: &str) -> Result<()> {
    let tools = Tools::find_or_install()?.postgres_folder;
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let program = match program.ends_with(".sh") {
        true => format!("{}/../deploy/backup/{program}", env!("CARGO_MANIFEST_DIR")),
        false => program.to_owned(),
    };
    let mut command = Command::new(&program);
    command.args(arguments).env("PATH", path).env("YUCHONG_BACKUP_URL", url);
    let output = command.output().await.with_context(|| format!("{program} cannot be started"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path in UTF-8")
}

fn objects(system: &System) -> PathBuf {
    system.folder(Service::Documents).join(".yuchong/objects")
}

/// The lineage of each service's database.
async fn lineages(system: &System) -> Result<BTreeMap<Service, Vec<String>>> {
    let mut all = BTreeMap::new();
    for service in Service::WITH_DATABASE {
        all.insert(service, system.texts(service, "SELECT lineage_id::text FROM lineage").await?);
    }
    Ok(all)
}

/// Decisions that the history holds.
async fn decided(system: &System) -> Result<usize> {
    let sql = "SELECT count(*) FROM history WHERE transition = 'T07'";
    Ok(usize::try_from(system.count(Service::Reviews, sql).await?)?)
}

/// Decides on these applications, from where they stand now, until so many more are answered.
async fn decide_more(system: &System, cases: &[super::Case], more: usize) -> Result<Acknowledged> {
    let mut views = Vec::new();
    for case in cases {
        views.push(case.operator().application(case.id()).await?);
    }
    let (decisions, acknowledged) = decide(&system.county("410105").await?, views, &system.today());
    decisions.answered(more).await?;
    let ended = decisions.stop().await?;
    ensure!(ended.failed.is_empty(), "{:#?}", ended.failed);
    Ok(acknowledged)
}

/// Where documents keeps its objects.
enum Objects {
    /// In a folder, which is backed up and lost with everything else.
    Folder,
    /// In a bucket that keeps what it has: it is neither backed up nor lost.
    Bucket,
}

impl Objects {
    /// What `backup.sh` and `restore.sh` are told.
    fn argument(&self, system: &System) -> Result<String> {
        match self {
            Self::Folder => Ok(text(&objects(system))?.to_owned()),
            Self::Bucket => Ok("-".to_owned()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a drill; `cargo xtask test --long` runs it"]
async fn a_backup_made_while_people_decide_is_restored_with_all_that_was_answered_before_it() -> Result<()> {
    restored(Plan::durable(), &Objects::Folder).await
}

/// Against the bucket that `YUCHONG_TEST_S3` names, `http://host:port/bucket`, with any credentials. Objects in it that are older than
/// a day and not of this run would be found by the audit: take one that is empty or of today.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a drill; `cargo xtask test --long` runs it"]
async fn databases_that_were_restored_find_their_objects_in_the_bucket_that_stayed() -> Result<()> {
    let Ok(address) = std::env::var("YUCHONG_TEST_S3") else {
        let why = "YUCHONG_TEST_S3 names no bucket, http://host:port/bucket";
        return xtask::report::not_run("the restore with objects in a bucket", why);
    };
    let (endpoint, bucket) = address.rsplit_once('/').context("a bucket behind the last slash")?;
    let settings = [
        ("STORAGE__KIND", "s3"),
        ("STORAGE__S3__ENDPOINT", endpoint),
        ("STORAGE__S3__BUCKET", bucket),
        ("STORAGE__S3__ACCESS_KEY", "test"),
        ("STORAGE__S3__SECRET_KEY", "test"),
    ];
    let plan = settings
        .into_iter()
        .fold(Plan::durable(), |plan, (key, value)| plan.set(Service::Documents, key, value));
    restored(plan, &Objects::Bucket).await
}

async fn restored(plan: Plan, kept: &Objects) -> Result<()> {
    let mut system = System::planned(plan).await?;
    let cases = super::cases_at(&system, 20, Stage::PaperCheck).await?;
    let mut filed = system.application().of(&cases[0].company).at(Stage::CityReview).await?;
    let first = lineages(&system).await?;

    let views = cases.iter().map(|case| case.view.clone()).collect();
    let (decisions, acknowledged) = decide(&system.county("410105").await?, views, &system.today());
    decisions.answered(100).await?;
    let before = acknowledged.so_far();
    let backup = system.trial().folder().join("backup");
    let started = Instant::now();
    let url = system.trial().cluster.admin_url().to_owned();
    let place = kept.argument(&system)?;
    run("backup.sh", &[place.as_str(), text(&backup)?], &url).await?;
    let took = started.elapsed();
    decisions.answered(100).await?;
    let ended = decisions.stop().await?;
    assert!(ended.failed.is_empty(), "{:#?}", ended.failed);
    println!("backed up in {took:?} at {:.1} decisions/s, p99 {:?}", ended.rate, ended.p99());

    // Everything else is gone.
    system.fleet().stop().await?;
    let data = system.trial().folder().join("postgres/data");
    system.trial_mut().postgres.as_mut().context("a durable trial has its own")?.stop().await?;
    fs::remove_dir_all(&data)?;
    if let Objects::Folder = kept {
        fs::remove_dir_all(&place)?;
    }
    let started = Instant::now();
    run("restore.sh", &[text(&backup)?, text(&data)?, place.as_str()], "").await?;
    let again = run("restore.sh", &[text(&backup)?, text(&data)?, place.as_str()], "").await;
    let again = again.err().context("a full place was restored into")?;
    assert!(again.to_string().contains("is not empty; nothing was changed"), "{again}");
    system.trial_mut().postgres.as_mut().context("a durable trial has its own")?.start_again().await?;
    system.trial_mut().lose_broker_data().await?;
    for service in Service::WITH_DATABASE {
        system.platform().command(service, &["outbox", "restored"]).await?;
    }
    for service in Service::WITH_DATABASE {
        system.fleet().start_again(service).await?;
    }
    let up = started.elapsed();
    system.calm().await?;
    println!("restored and ready in {up:?}, every queue empty after {:?}", started.elapsed());

    // What was answered before the backup began is there; what came after it is lost, and that is all.
    system.nothing_acknowledged_is_missing(&before).await?;
    let kept = decided(&system).await?;
    assert!(kept >= before.count() && kept < acknowledged.count());
    println!(
        "{} decisions answered, {} of them before the backup; {kept} are there, {} made after it are lost",
        acknowledged.count(),
        before.count(),
        acknowledged.count() - kept
    );
    for (service, now) in lineages(&system).await? {
        assert_ne!(now, first[&service], "{service} has the lineage of before");
    }
    let reviews = &lineages(&system).await?[&Service::Reviews][0];
    let unfollowed = format!(
        "SELECT count(*) FROM consumer_versions
         WHERE aggregate_type = 'application' AND version > 0 AND lineage_id IS DISTINCT FROM '{reviews}'"
    );
    for service in [Service::Notifications, Service::Documents, Service::Stations] {
        assert_eq!(system.count(service, &unfollowed).await?, 0, "{service} follows the lineage of before");
    }

    let more = decide_more(&system, &cases, 100).await?;
    system.nothing_acknowledged_is_missing(&more).await?;
    system.advance(&mut filed, Stage::AwaitingJointReview).await?;
    system.finish_after_faults().await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a drill; `cargo xtask test --long` runs it"]
async fn services_that_know_more_than_a_restored_one_begin_its_applications_anew() -> Result<()> {
    let plan = Plan::durable().set(Service::Documents, "SWEEP__INTERVAL_SECS", 1);
    let mut system = System::planned(plan).await?;
    let cases = super::cases_at(&system, 20, Stage::PaperCheck).await?;
    let company = &cases[0].company;
    let mut passed = system.application().of(company).at(Stage::CountyReview).await?;
    let mut submitted = system.application().of(company).at(Stage::MaterialsDue).await?;
    system.fill_dossier(&submitted).await?;
    system.drained().await?;
    let dump = system.trial().folder().join("reviews.dump");
    let url = system.trial().database_url(Service::Reviews)?;
    run("pg_dump", &["--format=custom", "--file", text(&dump)?, &url], "").await?;
    let before = decided(&system).await?;

    decide_more(&system, &cases, 100).await?;
    system.advance(&mut passed, Stage::MaterialsDue).await?;
    system.advance(&mut submitted, Stage::CityReview).await?;
    system.drained().await?;
    let lost = decided(&system).await? - before;

    system.fleet().stop_one(Service::Reviews).await?;
    let name = url.rsplit('/').next().context("an address names its database")?;
    system.trial().cluster.drop_database(name).await?;
    system.trial().cluster.create_database(name, Service::Reviews).await?;
    run("pg_restore", &["--dbname", &url, text(&dump)?], "").await?;
    system.platform().command(Service::Reviews, &["outbox", "restored"]).await?;
    system.trial_mut().lose_broker_data().await?;
    let started = Instant::now();
    system.fleet().start_again(Service::Reviews).await?;
    system.drained().await?;
    let anew = system.fleet().metrics(Service::Notifications).await?;
    let anew = anew.lines().find(|line| line.starts_with("aggregates_begun_anew_total"));
    println!("{lost} decisions lost; followed after {:?}; notifications: {anew:?}", started.elapsed());
    system.worklists_equal_nodes().await?;
    system.calm().await?;

    // The people who had gone on do so again.
    for case in [&mut passed, &mut submitted] {
        case.look().await?;
    }
    assert_eq!((passed.view.stage.as_str(), submitted.view.stage.as_str()), ("CountyReview", "MaterialsDue"));
    system.advance(&mut passed, Stage::MaterialsDue).await?;
    // Of the seal documents asks reviews after two minutes, and opens the dossier again.
    let later = "UPDATE revisions SET held_at = held_at - interval '2 minutes' WHERE held_at IS NOT NULL";
    sqlx::query(later).execute(system.database(Service::Documents)?).await?;
    system.dossier_opens(&submitted).await?;
    system.advance(&mut submitted, Stage::AwaitingJointReview).await?;
    let more = decide_more(&system, &cases, 100).await?;
    system.nothing_acknowledged_is_missing(&more).await?;
    system.finish_after_faults().await
}
