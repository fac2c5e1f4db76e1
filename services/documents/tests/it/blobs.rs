//! The object store: quarantine, content under its hash, and what is not there.

use bytes::Bytes;
use documents::{
    blob::Blobs,
    config::{Config, DEFAULTS, Storage},
};
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::harness::id;

/// What every store must do.
async fn keeps_what_it_is_given(storage: &Storage) {
    let blobs = Blobs::open(storage).expect("opens");
    let (file, bytes) = (id(), Bytes::from(format!("content of {}", id())));
    let hash = hex::encode(Sha256::digest(&bytes));
    assert_eq!(blobs.waiting(file).await.expect("asked"), None);
    assert_eq!(blobs.measure(&hash).await.expect("asked"), None);
    blobs.quarantine(file, bytes.clone()).await.expect("written");
    assert_eq!(blobs.waiting(file).await.expect("asked"), Some(bytes.clone()));
    blobs.keep(file, &hash).await.expect("kept");
    blobs.keep(file, &hash).await.expect("the same again");
    blobs.clear(file).await.expect("cleared");
    blobs.clear(file).await.expect("nothing left to clear");
    assert_eq!(blobs.waiting(file).await.expect("asked"), None);
    let size = i64::try_from(bytes.len()).expect("small");
    assert_eq!(blobs.measure(&hash).await.expect("asked"), Some((size, hash.clone())));
    let read: Vec<Bytes> = blobs.read(&hash).await.expect("there").try_collect().await.expect("read");
    assert_eq!(read.concat(), bytes);
    let listed: Vec<_> = blobs.list().try_collect().await.expect("listed");
    assert!(listed.iter().any(|object| object.location.as_ref().ends_with(&hash)));
}

fn storage() -> Storage {
    chassis::config::load::<Config>("documents", DEFAULTS).expect("settings").storage
}

#[tokio::test]
async fn a_folder_keeps_what_it_is_given() {
    let folder = std::env::temp_dir().join(format!("blobs-{}", id()));
    let mut storage = storage();
    storage.folder = folder.to_str().expect("a plain name").to_owned();
    keeps_what_it_is_given(&storage).await;
    std::fs::remove_dir_all(folder).expect("the folder was there");
}

#[test]
fn every_build_opens_the_storage_that_production_sets() {
    let mut config = chassis::config::load::<Config>("documents", DEFAULTS).expect("settings");
    config.profile = chassis::config::Profile::Production;
    config.storage.kind = documents::config::StorageKind::S3;
    config.storage.s3.endpoint = "https://objects.example.gov.cn".into();
    config.storage.s3.bucket = "yuchong-documents".into();
    config.storage.s3.access_key = "test".into();
    config.storage.s3.secret_key = "test".to_owned().into();
    config.validate().expect("production accepts it");
    Blobs::open(&config.storage).expect("it is asked at its first use, not before");
}

/// Against the storage that `YUCHONG_TEST_S3` names (`http://host:port/bucket`, any credentials).
#[tokio::test]
async fn s3_keeps_what_it_is_given() {
    let Ok(address) = std::env::var("YUCHONG_TEST_S3") else {
        let why = "YUCHONG_TEST_S3 names no bucket, http://host:port/bucket";
        return chassis::testing::not_run("documents against an object storage of one's own", why);
    };
    let (endpoint, bucket) = address.rsplit_once('/').expect("a bucket behind the last slash");
    let mut storage = storage();
    storage.kind = documents::config::StorageKind::S3;
    storage.s3.endpoint = endpoint.to_owned();
    storage.s3.bucket = bucket.to_owned();
    storage.s3.access_key = "test".into();
    storage.s3.secret_key = "test".to_owned().into();
    keeps_what_it_is_given(&storage).await;
}
