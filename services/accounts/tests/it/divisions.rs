//! Loading divisions: the closure decides scope, and a list that changes closes what left it.

use accounts::{console, divisions, store};

use crate::setup::Bench;

async fn covered(bench: &Bench, ancestor: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT descendant FROM division_closure WHERE ancestor = $1 AND valid_to IS NULL ORDER BY 1",
    )
    .bind(ancestor)
    .fetch_all(&bench.pool)
    .await
    .expect("rows")
}

#[tokio::test]
async fn a_successor_covers_what_it_replaced_and_jiyuan_is_its_own_city() {
    let bench = Bench::start().await;
    assert_eq!(covered(&bench, "410308").await, ["410306", "410308", "410322"]);
    assert_eq!(covered(&bench, "419001").await, ["410881", "419001", "419099"]);
    assert_eq!(covered(&bench, "410000").await.len(), 193 + 10);
    assert!(covered(&bench, "410300").await.contains(&"410381".to_owned()));
    let mut db = bench.pool.acquire().await.unwrap();
    let scope = store::divisions::with_predecessors(&mut db, &["410308".to_owned()]).await.unwrap();
    assert_eq!(scope, ["410308", "410306", "410322"]);
    let scope = store::divisions::with_predecessors(&mut db, &["410300".to_owned()]).await.unwrap();
    assert_eq!(scope, ["410300"]);
    drop(db);
    bench.conclude().await;
}

#[tokio::test]
async fn loading_the_same_list_changes_nothing_and_a_shorter_one_closes_what_left() {
    let bench = Bench::start().await;
    assert_eq!(console::load_divisions(&bench.config, None, None).await.unwrap().changed, 0);
    let folder = std::env::temp_dir().join(&bench.database.name);
    std::fs::create_dir_all(&folder).unwrap();
    let (list, history) = (folder.join("list.csv"), folder.join("history.csv"));
    let shorter: String = divisions::HENAN
        .lines()
        .filter(|line| !line.starts_with("410106,"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&list, shorter).unwrap();
    std::fs::write(&history, format!("{}410106,上街区,410102,中原区,2026 并入\n", divisions::HENAN_HISTORY))
        .unwrap();
    console::load_divisions(&bench.config, Some(&list), Some(&history)).await.unwrap();
    assert!(covered(&bench, "410102").await.contains(&"410106".to_owned()));
    let mut db = bench.pool.acquire().await.unwrap();
    let catalogue = store::divisions::catalogue(&mut db).await.unwrap();
    assert!(catalogue.find("410106").is_none());
    assert_eq!(catalogue.successor("410106").unwrap().code, "410102");
    drop(db);
    bench.conclude().await;
}
