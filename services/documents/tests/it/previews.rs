//! Previews over gRPC: pictures made anew from their pixels, documents as they are, nothing for what no browser shows.

use std::path::PathBuf;

use documents::{
    domain::preview::Size,
    inspect::{Kind, Threat, shrink, size_of},
};
use futures::future::join_all;
use proto::documents::{Preview, PreviewRequest, preview_response};

use crate::harness::{Platform, Refused, Who, answer, declare, number, pdf, reason};

fn sample(start: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/uploads");
    let named = std::fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("an entry"));
    let mut found = named.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    std::fs::read(found.next().expect("a sample").path()).expect("read")
}

/// A PNG of one colour: small on disk, large in memory.
fn plain(width: u32, height: u32) -> Vec<u8> {
    let image = image::GrayImage::from_pixel(width, height, image::Luma([200]));
    let mut out = std::io::Cursor::new(Vec::new());
    image.write_to(&mut out, image::ImageFormat::Png).expect("encoded");
    out.into_inner()
}

async fn preview(
    platform: &Platform,
    who: Who,
    file_id: &str,
    size: &str,
) -> Result<(Preview, Vec<u8>), Refused> {
    let request = PreviewRequest { file_id: file_id.into(), size: size.into(), reason: String::new() };
    let mut stream = answer(platform.files(who).preview(request).await)?;
    let (mut head, mut bytes) = (None, Vec::new());
    while let Some(message) = stream.message().await.expect("the stream goes on") {
        match message.part.expect("a part") {
            preview_response::Part::Preview(preview) => head = Some(preview),
            preview_response::Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
        }
    }
    let head = head.expect("the first message");
    assert_eq!(head.size_bytes, i64::try_from(bytes.len()).expect("small"));
    Ok((head, bytes))
}

async fn uploaded(platform: &Platform, name: &str, bytes: &[u8]) -> String {
    let file =
        platform.upload_with(Who::Operator(number(1)), declare(name, bytes), bytes).await.expect("uploaded");
    assert_eq!(file.state, "clean", "{}", file.reason);
    file.file_id
}

#[test]
fn a_picture_is_upright_small_and_carries_nothing_but_pixels() {
    for start in ["08_土建", "08_电气"] {
        let bytes = sample(start);
        assert!(bytes.windows(4).any(|part| part == b"Exif"), "{start} carries EXIF");
        let (width, height) = size_of(&bytes).expect("an image");
        let (made, picture) = shrink(Kind::Jpeg, &bytes, 200).expect("a picture");
        assert_eq!(made.width.max(made.height), 200);
        assert_eq!(size_of(&picture), Ok((made.width, made.height)));
        // One of them lies on its side and says so.
        assert_eq!((made.width > made.height) != (width > height), start == "08_电气", "{start}");
        for foreign in [&b"Exif"[..], b"GPS", b"http"] {
            assert!(!picture.windows(foreign.len()).any(|part| part == foreign), "{start}");
        }
    }
    let (made, _) = shrink(Kind::Png, &plain(30, 20), 320).expect("a picture");
    assert_eq!((made.width, made.height), (30, 20), "nothing is blown up");
}

#[test]
fn what_unpacks_beyond_the_limits_is_no_picture() {
    let bomb = sample("bad_像素炸弹");
    assert_eq!(shrink(Kind::Png, &bomb, 320).map(|_| ()), Err(Threat::ImagePixels));
    let mut broken = plain(500, 500);
    let middle = broken.len() / 2;
    broken.truncate(middle);
    assert_eq!(shrink(Kind::Png, &broken, 320).map(|_| ()), Err(Threat::Damaged));
    assert_eq!(shrink(Kind::Pdf, &pdf("x"), 320).map(|_| ()), Err(Threat::TypeUnsupported));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shown_in_two_sizes_made_once() {
    let platform = Platform::start().await;
    let own = Who::Operator(number(1));
    let file = uploaded(&platform, "照片.png", &plain(3000, 2000)).await;
    let many = join_all((0..6).map(|_| preview(&platform, own, &file, ""))).await;
    for one in many {
        let (head, bytes) = one.expect("shown");
        assert_eq!((head.shown_as.as_str(), head.media_type.as_str()), ("image", "image/png"));
        assert_eq!((head.width, head.height), (1600, 1067));
        assert_eq!(head.file.expect("the file").file_name, "照片.png");
        assert!(bytes.starts_with(b"\x89PNG"));
    }
    let (small, _) = preview(&platform, own, &file, "thumbnail").await.expect("shown");
    assert_eq!((small.width, small.height), (320, 213));
    let hash = small.file.expect("the file").sha256;
    for size in Size::ALL {
        assert!(platform.blobs.preview(&hash, size).await.expect("asked").is_some(), "{size:?} is kept");
    }
    assert_eq!(platform.count("SELECT count(*) FROM downloads WHERE form = 'page'").await, 6);
    assert_eq!(platform.count("SELECT count(*) FROM downloads WHERE form = 'thumbnail'").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM files").await, 1, "a picture is no document");
    assert_eq!(reason(preview(&platform, own, &file, "poster").await), "unknown_value");
    // However old, a picture is no orphan.
    platform.age_objects();
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_shown_as_it_is_and_an_ofd_is_downloaded() {
    let platform = Platform::start().await;
    let own = Who::Operator(number(1));
    let bytes = pdf(&"page ".repeat(100_000));
    let file = uploaded(&platform, "申请函.pdf", &bytes).await;
    let (head, shown) = preview(&platform, own, &file, "page").await.expect("shown");
    assert_eq!((head.shown_as.as_str(), head.media_type.as_str()), ("document", "application/pdf"));
    assert_eq!((head.sha256.clone(), shown == bytes), (head.file.expect("the file").sha256, true));
    let (head, nothing) = preview(&platform, own, &file, "thumbnail").await.expect("answered");
    assert_eq!((head.shown_as.as_str(), nothing.len()), ("document", 0));
    let file = uploaded(&platform, "发票.ofd", &sample("09_发票")).await;
    let (head, nothing) = preview(&platform, own, &file, "").await.expect("answered");
    assert_eq!((head.shown_as.as_str(), nothing.len()), ("download_only", 0));
    assert_eq!(platform.count("SELECT count(*) FROM downloads").await, 1, "only what was shown is recorded");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_given_to_whom_a_download_is() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    let photo = platform.upload(both, "M3b", &pdf("an identity card")).await.expect("uploaded").file_id;
    let foreign = preview(&platform, Who::Operator(number(2)), &photo, "").await;
    assert_eq!(reason(foreign), "not_found");
    let city = Who::Official("city", "410100");
    assert_eq!(reason(preview(&platform, city, &photo, "").await), "not_found", "nothing is sealed yet");
    platform.place(both, "M3b", &photo, "", 0).await.expect("placed");
    platform.seal(both, 2, &["M3b"], &[]).await.expect("sealed");
    assert_eq!(reason(preview(&platform, city, &photo, "").await), "reason_required");
    let bomb = sample("bad_像素炸弹");
    let rejected = platform
        .upload_with(Who::Operator(number(1)), declare("图.png", &bomb), &bomb)
        .await
        .expect("answered");
    assert_eq!(rejected.reason, "image_too_many_pixels");
    let refused = preview(&platform, Who::Operator(number(1)), &rejected.file_id, "").await;
    assert_eq!(reason(refused), "file_not_clean");
    platform.stop().await;
}
