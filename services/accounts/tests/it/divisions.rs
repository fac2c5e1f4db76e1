//! Loading divisions: the closure decides scope, and a list that changes closes what left it.

use accounts::{console, divisions, store};
use proto::accounts::{CreateOfficialRequest, DeactivateUserRequest, ListJurisdictionsRequest};

use crate::setup::{Bench, by, request_id};

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
    assert_eq!(console::load_divisions(&bench.config, None, None, None).await.unwrap().changed, 0);
    let mut db = bench.pool.acquire().await.unwrap();
    assert_eq!(store::division_seats::list(&mut db).await.unwrap()["410105"], (113_660_000, 34_800_000));
    drop(db);
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
    console::load_divisions(&bench.config, Some(&list), Some(&history), None).await.unwrap();
    assert!(covered(&bench, "410102").await.contains(&"410106".to_owned()));
    let mut db = bench.pool.acquire().await.unwrap();
    let catalogue = store::divisions::catalogue(&mut db).await.unwrap();
    assert!(catalogue.find("410106").is_none());
    assert_eq!(catalogue.successor("410106").unwrap().code, "410102");
    let ended = store::divisions::ended(&mut db).await.unwrap();
    let left = ended.iter().find(|one| one.code == "410106").unwrap();
    assert_eq!((left.name.as_str(), left.city_code.as_str()), ("上街区", "410100"));
    assert!(store::division_seats::list(&mut db).await.unwrap().is_empty(), "the other list brought none");
    drop(db);
    bench.conclude().await;
}

#[tokio::test]
async fn each_division_is_listed_with_those_who_act_for_it_while_they_may() {
    let bench = Bench::start().await;
    let administrator = bench.official("admin01", "administrator").await;
    let official = |login: &str, role: &str, scope: &[&str]| CreateOfficialRequest {
        request_id: request_id(),
        login: login.into(),
        display_name: "李示例".into(),
        roles: vec![role.into()],
        scope: scope.iter().map(|code| (*code).to_owned()).collect(),
        office: "主管部门".into(),
        phone: "19900000041".into(),
        ..CreateOfficialRequest::default()
    };
    let mut users = bench.users();
    for body in [
        official("county01", "county", &["410105", "419001"]),
        official("county02", "county", &["410105"]),
        official("city01", "city", &["419001"]),
    ] {
        users.create_official(by(&administrator, body)).await.unwrap();
    }
    let gone = official("county03", "county", &["410122"]);
    let gone = users.create_official(by(&administrator, gone)).await.unwrap().into_inner().user_id;
    let gone = DeactivateUserRequest { request_id: request_id(), user_id: gone };
    users.deactivate(by(&administrator, gone)).await.unwrap();

    let answer = users.list_jurisdictions(by(&administrator, ListJurisdictionsRequest {})).await.unwrap();
    let all = answer.into_inner().jurisdictions;
    assert_eq!(all.len(), 193 + 10);
    let of = |code: &str| {
        let one = all.iter().find(|one| one.code == code).unwrap();
        let desks = (one.needs_county_officials, one.needs_city_officials);
        (one.kind.as_str(), (one.county_officials, one.city_officials), desks)
    };
    assert_eq!(of("410105"), ("real", (2, 0), (true, false)));
    assert_eq!(of("410122"), ("real", (0, 0), (true, false)), "who has left acts for nobody");
    assert_eq!(of("410100"), ("real", (0, 0), (false, true)));
    assert_eq!(of("410199"), ("other", (0, 0), (false, false)));
    assert_eq!(of("419001"), ("real", (1, 1), (true, true)));
    assert_eq!(of("410306"), ("former", (0, 0), (false, false)));
    assert_eq!(all.iter().find(|one| one.code == "410306").unwrap().successor_code, "410308");
    let expert = bench.official("expert01", "expert").await;
    let refused = users.list_jurisdictions(by(&expert, ListJurisdictionsRequest {})).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
    bench.conclude().await;
}
