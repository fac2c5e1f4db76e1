//! Previews over gRPC: pictures made anew from their pixels, pages of documents, nothing for what no browser shows.

use std::path::PathBuf;

use documents::{
    blob::content_key,
    domain::preview::Size,
    inspect::{Kind, Threat, shrink},
};
use futures::future::join_all;
use proto::documents::{Preview, PreviewRequest, preview_response};
use sha2::{Digest as _, Sha256};

use crate::{
    harness::{Platform, Refused, Who, answer, declare, number, pdf, reason},
    paper::Paper,
};

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

fn size_of(bytes: &[u8]) -> (u32, u32) {
    use image::GenericImageView as _;
    image::load_from_memory(bytes).expect("an image").dimensions()
}

async fn preview(
    platform: &Platform,
    who: Who,
    file_id: &str,
    size: &str,
) -> Result<(Preview, Vec<u8>), Refused> {
    page(platform, who, file_id, size, (0, "")).await
}

async fn page(
    platform: &Platform,
    who: Who,
    file_id: &str,
    size: &str,
    (page, reason): (i32, &str),
) -> Result<(Preview, Vec<u8>), Refused> {
    let (file_id, size, reason) = (file_id.into(), size.into(), reason.into());
    let request = PreviewRequest { file_id, size, reason, page };
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
        let (width, height) = size_of(&bytes);
        let (made, picture) = shrink(Kind::Jpeg, &bytes, 200).expect("a picture");
        assert_eq!(made.width.max(made.height), 200);
        assert_eq!(size_of(&picture), (made.width, made.height));
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
        assert!(platform.blobs.preview(&hash, size, 1).await.expect("asked").is_some(), "{size:?} is kept");
    }
    assert_eq!(platform.count("SELECT count(*) FROM downloads WHERE form = 'page'").await, 6);
    assert_eq!(platform.count("SELECT count(*) FROM downloads WHERE form = 'thumbnail'").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM files").await, 1, "a picture is no document");
    assert_eq!(reason(preview(&platform, own, &file, "poster").await), "unknown_value");
    assert_eq!(reason(page(&platform, own, &file, "", (2, "")).await), "page_out_of_range");
    // However old, a picture is no orphan.
    platform.age_objects();
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_shown_page_by_page_and_each_is_made_once() {
    let platform = Platform::start().await;
    let own = Who::Operator(number(1));
    let file = uploaded(&platform, "申请函.pdf", &Paper::pages(3).bytes()).await;
    let (first, opened) = preview(&platform, own, &file, "").await.expect("shown");
    assert_eq!((first.shown_as.as_str(), first.media_type.as_str()), ("document", "image/png"));
    assert_eq!((first.pages, first.width, first.height, first.fonts_missing), (3, 1131, 1600, false));
    let (_, second) = page(&platform, own, &file, "", (2, "")).await.expect("shown");
    let (small, _) = preview(&platform, own, &file, "thumbnail").await.expect("shown");
    assert_eq!((small.pages, small.height, small.shown_as.as_str()), (3, 320, "document"));
    let refused = page(&platform, own, &file, "", (4, "")).await.expect_err("refused");
    assert_eq!(
        (refused.reason.as_str(), refused.text.as_str()),
        ("page_out_of_range", "该文件共 3 页，没有所请求的页")
    );
    assert_eq!(reason(page(&platform, own, &file, "", (-1, "")).await), "page_out_of_range");
    // Without the original nothing can be made: what is shown now was kept.
    let hash = first.file.expect("the file").sha256;
    let original = std::path::Path::new(&platform.config.storage.folder).join(content_key(&hash).as_ref());
    let aside = original.with_extension("aside");
    std::fs::rename(&original, &aside).expect("put aside");
    for (number, kept) in [(0, &opened), (1, &opened), (2, &second)] {
        assert_eq!(&page(&platform, own, &file, "", (number, "")).await.expect("shown").1, kept);
    }
    assert!(page(&platform, own, &file, "", (3, "")).await.is_err(), "this one was never made");
    std::fs::rename(&aside, &original).expect("put back");
    platform.age_objects();
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_drawn_is_refused_and_the_service_goes_on() {
    let platform = Platform::start().await;
    let own = Who::Operator(number(1));
    let mut nested = Paper::page("0 0 595 842", "/XObject<</X 5 0 R>>", "/X Do");
    nested.stream("/Type/XObject/Subtype/Image/Width 9/Height 9/Filter/DCTDecode", b"no photo");
    let broken = uploaded(&platform, "坏.pdf", &nested.bytes()).await;
    let refused = preview(&platform, own, &broken, "").await.expect_err("refused");
    assert_eq!(
        (refused.reason.as_str(), refused.text.as_str()),
        ("preview_impossible", "无法在线预览，请下载原件")
    );
    // Without the original nothing can be drawn: the refusal itself was kept.
    let hash = hex::encode(Sha256::digest(nested.bytes()));
    let original = std::path::Path::new(&platform.config.storage.folder).join(content_key(&hash).as_ref());
    let aside = original.with_extension("aside");
    std::fs::rename(&original, &aside).expect("put aside");
    assert_eq!(reason(preview(&platform, own, &broken, "").await), "preview_impossible");
    std::fs::rename(&aside, &original).expect("put back");
    let good = uploaded(&platform, "好.pdf", &Paper::pages(1).bytes()).await;
    assert_eq!(preview(&platform, own, &good, "").await.expect("shown").0.pages, 1);
    let ofd = uploaded(&platform, "发票.ofd", &sample("09_发票")).await;
    let (head, nothing) = preview(&platform, own, &ofd, "").await.expect("answered");
    assert_eq!((head.shown_as.as_str(), nothing.len()), ("download_only", 0));
    let counted = platform.count("SELECT count(*) FROM downloads").await;
    assert_eq!(counted, 3, "what was tried is recorded, and what nothing shows is not");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_recorded_once_for_each_time_it_is_opened() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    let paper = platform.upload(both, "M3b", &Paper::pages(4).bytes()).await.expect("uploaded").file_id;
    platform.place(both, "M3b", &paper, "", 0).await.expect("placed");
    platform.seal(both, 2, &["M3b"], &[]).await.expect("sealed");
    let city = Who::Official("city", "410100");
    let rows = || platform.count("SELECT count(*) FROM downloads");
    let see = async |number, reason| page(&platform, city, &paper, "", (number, reason)).await;
    assert_eq!(reason(see(2, "").await), "reason_required", "each page asks for the reason");
    assert_eq!(rows().await, 0);
    see(0, "核对身份").await.expect("shown");
    for number in 1..=4 {
        see(number, "核对身份").await.expect("shown");
    }
    assert_eq!(rows().await, 1, "the pages of one opening");
    see(0, "核对身份").await.expect("shown");
    assert_eq!(rows().await, 2, "opened again");
    see(3, "再看一次").await.expect("shown");
    assert_eq!(rows().await, 3, "for another reason");
    page(&platform, city, &paper, "thumbnail", (1, "核对身份")).await.expect("shown");
    assert_eq!(rows().await, 4, "in another form");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_document_that_was_opened_long_ago_or_never_is_recorded() {
    let platform = Platform::start().await;
    let own = Who::Operator(number(1));
    let file = uploaded(&platform, "申请函.pdf", &Paper::pages(2).bytes()).await;
    let caller = format!("person:{}", number(1));
    let rows = || platform.count("SELECT count(*) FROM downloads");
    for (ago, expected) in [(61, 2), (59, 3)] {
        sqlx::query(
            "INSERT INTO downloads (id, file_id, caller, roles, session_id, reason, downloaded_at, form)
             VALUES (gen_random_uuid(), $1::uuid, $2, 'operator', '', $3, now() - make_interval(mins => $4), 'page')",
        )
        .bind(&file)
        .bind(&caller)
        .bind(format!("{ago} 分钟前"))
        .bind(ago)
        .execute(&platform.pool)
        .await
        .expect("recorded");
        let reason = format!("{ago} 分钟前");
        page(&platform, own, &file, "", (2, &reason)).await.expect("shown");
        assert_eq!(rows().await, expected, "{ago}");
    }
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
