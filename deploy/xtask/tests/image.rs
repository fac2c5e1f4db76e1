//! The image of a program: the same bytes twice, every digest right, and it runs as nobody on a root that cannot be written.
use std::{fs, path::PathBuf, time::Duration};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use xtask::{
    checkout::{binaries, root_user},
    image::{self, Recipe, USER, confined},
    keys::Keys,
    ports,
    probe::{eventually, get},
    process::Signal,
    report::not_run,
    services::Service,
};

/// A folder that is removed at the end, also of a failed test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("yuchong-image-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn recipe() -> Result<Recipe> {
    Ok(Recipe {
        name: "interconnect".into(),
        program: binaries()?.join("interconnect"),
        epoch: 1_764_000_000,
    })
}

#[test]
fn the_same_program_gives_the_same_image_and_every_digest_is_right() -> Result<()> {
    let scratch = Scratch::new("twice")?;
    let first = image::write(&recipe()?, &scratch.0.join("first"))?;
    let again = image::write(&recipe()?, &scratch.0.join("again"))?;
    assert_eq!(first, again);
    let later = image::write(&Recipe { epoch: 1, ..recipe()? }, &scratch.0.join("later"))?;
    assert_ne!(first, later);
    for file in ["index.json", "oci-layout"] {
        assert_eq!(
            fs::read(scratch.0.join("first").join(file))?,
            fs::read(scratch.0.join("again").join(file))?
        );
    }
    let mut blobs = 0;
    for blob in fs::read_dir(scratch.0.join("first/blobs/sha256"))? {
        let blob = blob?;
        assert_eq!(hex::encode(Sha256::digest(fs::read(blob.path())?)), blob.file_name().to_string_lossy());
        blobs += 1;
    }
    assert_eq!(blobs, 3);
    assert!(image::write(&recipe()?, &scratch.0.join("first")).is_err());
    Ok(())
}

#[tokio::test]
async fn an_image_runs_as_nobody_without_capabilities_on_a_root_that_cannot_be_written() -> Result<()> {
    if !root_user() {
        return not_run("an image runs confined", "only root may make the namespaces");
    }
    let scratch = Scratch::new("runs")?;
    image::write(&recipe()?, &scratch.0.join("layout"))?;
    let root = scratch.0.join("root");
    confined::unpack(&scratch.0.join("layout"), &root)?;
    let keys = Keys::load_or_make(&scratch.0)?;
    let (inlet, admin) = (ports::free()?, ports::free()?);
    let set = |key: &str, value: String| (Service::Interconnect.variable(key), value);
    let environment = vec![
        set("SERVER__HTTP_ADDR", format!("127.0.0.1:{inlet}")),
        set("SERVER__ADMIN_ADDR", format!("127.0.0.1:{admin}")),
        set("IDENTITY__SIGNING_KEY", STANDARD.encode(keys.seed(Service::Interconnect))),
        set("IDENTITY__VERIFYING_KEYS", keys.verifying_keys()),
    ];
    let mut running = confined::start(&root, &["serve"], environment, &scratch.0.join("log"))?;
    let address = format!("127.0.0.1:{admin}");
    let ready = eventually(Duration::from_secs(30), "the image is ready", || {
        let (dead, address) = (running.check(), address.clone());
        async move {
            dead?;
            Ok(matches!(get(&address, "/ready").await, Ok((200, _))).then_some(()))
        }
    });
    ready.await?;
    assert_eq!(get(&address, "/live").await?.0, 200);
    assert_eq!(
        confined::confinement(running.id())?,
        confined::Confinement { user: USER, capabilities: 0, no_new_privileges: true, writable_root: false }
    );
    running.stop(Signal::Terminate, Duration::from_secs(30)).await
}
