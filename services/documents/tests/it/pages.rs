//! Pages of PDF files as pictures, drawn by the real worker: good files, hostile ones, and fonts that are not there.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use documents::{
    config::{Config, DEFAULTS},
    inspect::{
        Drawn, Font, Kind, Threat, Undrawn, inspect,
        worker::{self, Inspector},
    },
};
use image::{GenericImageView as _, imageops::FilterType};

use crate::paper::Paper;

/// How long a page may take at most, with what the machine needs besides.
const PATIENCE: Duration = Duration::from_secs(23);

fn inspector() -> Inspector {
    let program = Path::new(env!("CARGO_BIN_EXE_documents"));
    Inspector::new(Some(program), Duration::from_secs(60)).expect("named")
}

/// The font of the compiled-in settings, where this machine has it.
fn font() -> Font {
    let config: Config = chassis::config::load("documents", DEFAULTS).expect("settings");
    config.previews.font().expect("fonts-noto-cjk is installed")
}

async fn drawn(
    bytes: &[u8],
    page: u32,
    font: Option<&Font>,
) -> Result<(Drawn, image::DynamicImage), Undrawn> {
    let begun = Instant::now();
    let answer = inspector().page(bytes, page, 1600, font).await.expect("the worker runs");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let answer = answer?;
    let (drawn, begin) = worker::drawn(&answer).expect("an answer").expect("a picture");
    let picture = image::load_from_memory(&answer[begin..]).expect("decoded");
    assert_eq!((drawn.width, drawn.height), picture.dimensions());
    Ok((drawn, picture))
}

/// Dark pixels, of a thousand.
fn ink(picture: &image::DynamicImage) -> usize {
    let grey = picture.to_luma8();
    grey.pixels().filter(|pixel| pixel.0[0] < 128).count() * 1000 / grey.len()
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/uploads");
    let named = std::fs::read_dir(folder).expect("the samples").map(|entry| {
        let path = entry.expect("an entry").path();
        (path.file_name().expect("a name").to_string_lossy().into_owned(), path)
    });
    let pdf = |(name, _): &(String, PathBuf)| name.starts_with('0') && name.ends_with(".pdf");
    let mut found: Vec<_> =
        named.filter(pdf).map(|(name, path)| (name, std::fs::read(path).expect("read"))).collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_page_of_the_samples_is_drawn_in_its_proportions() {
    let samples = samples();
    assert_eq!(samples.len(), 3);
    for (name, bytes) in samples {
        let pages = inspect(&name, &bytes).expect("clean").pages;
        for page in 1..=pages {
            let (drawn, picture) = drawn(&bytes, page, Some(&font())).await.expect("drawn");
            assert_eq!((drawn.pages, drawn.fonts_missing), (pages, false), "{name}");
            assert_eq!(drawn.width.max(drawn.height), 1600, "{name}");
            // Every sample is on A4.
            let (long, short) =
                (f64::from(drawn.height.max(drawn.width)), f64::from(drawn.width.min(drawn.height)));
            assert!((long / short - 2_f64.sqrt()).abs() < 0.01, "{name} {page}: {drawn:?}");
            assert!((1..900).contains(&ink(&picture)), "{name} {page}: {}", ink(&picture));
        }
        let beyond = drawn(&bytes, pages + 1, None).await.map(|_| ());
        assert_eq!(beyond, Err(Undrawn::NoSuchPage { pages }), "{name}");
    }
}

#[tokio::test]
async fn each_page_is_its_own_and_what_is_exact_stays_exact() {
    let bytes = Paper::pages(3).bytes();
    for page in 1..=3 {
        let (drawn, picture) = drawn(&bytes, page, None).await.expect("drawn");
        assert_eq!((drawn.kind, drawn.pages), (Kind::Png, 3));
        let expected = 1000 * 100 * usize::try_from(page).expect("small") / 842;
        assert!(ink(&picture).abs_diff(expected) <= 2, "{page}: {}", ink(&picture));
    }
}

/// A page that is one JPEG of a noisy picture.
fn scan(width: u32, height: u32) -> Paper {
    let small = image::RgbImage::from_fn(width / 8, height / 8, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503).rotate_left(7)) >> 24;
        let tone = u8::try_from(200 + noise % 40).expect("a byte");
        image::Rgb([tone, tone.saturating_sub(9), tone.saturating_sub(20)])
    });
    let pixels = image::DynamicImage::ImageRgb8(small).resize_exact(width, height, FilterType::Triangle);
    let mut jpeg = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut jpeg, image::ImageFormat::Jpeg).expect("encoded");
    let mut paper = Paper::page("0 0 595 842", "/XObject<</I 5 0 R>>", "q 595 0 0 842 0 0 cm /I Do Q");
    let entries = format!(
        "/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
    );
    paper.stream(&entries, jpeg.get_ref());
    paper
}

#[tokio::test]
async fn a_scan_is_a_photo_and_one_that_cannot_be_decoded_is_no_empty_page() {
    // A4 at 300 dpi.
    let bytes = scan(2480, 3508).bytes();
    assert!(inspect("a.pdf", &bytes).is_ok());
    let (page, _) = drawn(&bytes, 1, None).await.expect("drawn");
    assert_eq!((page.kind, page.width, page.height), (Kind::Jpeg, 1131, 1600));
    let broken = scan(200, 300).with(5, {
        let entries =
            "/Type/XObject/Subtype/Image/Width 200/Height 300/ColorSpace/DeviceRGB/BitsPerComponent 8";
        format!("<</Length 9{entries}/Filter/DCTDecode>>\nstream\nno photo.\nendstream")
    });
    assert_eq!(drawn(&broken.bytes(), 1, None).await.map(|_| ()), Err(Threat::Damaged.into()));
}

#[tokio::test]
async fn text_in_a_font_that_is_not_there_is_shown_in_another_or_said_to_be_missing() {
    // 真实性 in GB 18030, as a printer driver writes it.
    let text = "BT /F 72 Tf 100 400 Td <D5E6CAB5D0D4> Tj ET";
    let font_of = |encoding: &str, ordering: &str| {
        let mut paper = Paper::page("0 0 595 842", "/Font<</F 5 0 R>>", text);
        paper.object(format!(
            "<</Type/Font/Subtype/Type0/BaseFont/SimSun/Encoding/{encoding}/DescendantFonts[6 0 R]>>"
        ));
        paper.object(format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/SimSun/CIDSystemInfo<</Registry(Adobe)/Ordering({ordering})/Supplement 2>>/FontDescriptor 7 0 R>>"
        ));
        paper.object("<</Type/FontDescriptor/FontName/SimSun/Flags 4/FontBBox[0 -141 1000 859]/ItalicAngle 0/Ascent 859/Descent -141/CapHeight 683/StemV 80>>");
        paper.bytes()
    };
    let chinese = font_of("GBK-EUC-H", "GB1");
    let (with, shown) = drawn(&chinese, 1, Some(&font())).await.expect("drawn");
    assert!(!with.fonts_missing && ink(&shown) >= 5, "{with:?}: {}", ink(&shown));
    let (without, empty) = drawn(&chinese, 1, None).await.expect("drawn");
    assert!(without.fonts_missing && ink(&empty) == 0, "{without:?}: {}", ink(&empty));
    let gone = Font { path: "/no/font.ttc".into(), face: 2 };
    assert!(drawn(&chinese, 1, Some(&gone)).await.expect("drawn").0.fonts_missing);
    let (untold, _) = drawn(&font_of("Identity-H", "Identity"), 1, Some(&font())).await.expect("drawn");
    assert!(untold.fonts_missing, "nothing says which characters these are");
}

/// Files that would cost more than a page may.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let rows = "0 0 m 595 842 l S ".repeat(1_000);
    let mut nested = Paper::page("0 0 595 842", "/XObject<</X 5 0 R>>", "/X Do");
    for at in 0..100_000 {
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X {} 0 R>>>>",
            at + 6
        );
        nested.stream(&entries, b"/X Do");
    }
    let mut fanned = Paper::page("0 0 595 842", "/XObject<</X 5 0 R>>", "/X Do");
    for at in 0..12 {
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X {} 0 R>>>>",
            at + 6
        );
        fanned.stream(&entries, "/X Do ".repeat(10).as_bytes());
    }
    fanned.stream("/Type/XObject/Subtype/Form/BBox[0 0 595 842]", rows.as_bytes());
    let image = "/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode";
    let mut large = Paper::page("0 0 595 842", "/XObject<</I 5 0 R>>", "q 595 0 0 842 0 0 cm /I Do Q");
    large.stream(image, &deflated(&vec![0; 64 * 1024 * 1024]));
    let mut unpacked = Paper::page("0 0 595 842", "", "");
    let spaces = deflated(&vec![b' '; 512 * 1024 * 1024]);
    let head = format!("<</Length {}/Filter/FlateDecode>>\nstream\n", spaces.len());
    unpacked = unpacked.with(4, [head.as_bytes(), &spaces, b"\nendstream"].concat());
    vec![
        ("a box that is a line", Paper::page("0 0 1 100000", "", "0 0 1 1 re f").bytes()),
        ("forms within forms", nested.bytes()),
        ("forms that repeat forms", fanned.bytes()),
        ("an image beyond memory", large.bytes()),
        ("content beyond memory", unpacked.bytes()),
        ("no pages", crate::harness::pdf("none")),
    ]
}

fn deflated(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("written");
    encoder.finish().expect("written")
}

/// Of these, what has no picture on any machine; from the others the library takes what it can before it stops.
const REFUSED: [&str; 3] = ["a box that is a line", "forms that repeat forms", "no pages"];

#[tokio::test]
async fn a_hostile_file_ends_in_time_and_costs_no_more_than_a_page_may() {
    for (what, bytes) in hostile() {
        assert!(inspect("a.pdf", &bytes).is_ok(), "{what} passes the inspection");
        let refused = match drawn(&bytes, 1, None).await {
            Ok(_) => false,
            Err(Undrawn::Impossible(Threat::Limits | Threat::Damaged)) => true,
            Err(other) => panic!("{what}: {other}"),
        };
        assert!(refused || !REFUSED.contains(&what), "{what} is drawn");
    }
}

#[tokio::test]
async fn a_box_as_large_as_a_city_a_count_that_lies_and_a_pattern_without_end_are_drawn() {
    let city = Paper::page("0 0 1000000 2000000", "", "0 0 1000000 1000000 re f");
    let (page, picture) = drawn(&city.bytes(), 1, None).await.expect("drawn");
    assert_eq!((page.width, page.height), (800, 1600));
    assert!(ink(&picture).abs_diff(500) <= 2);
    let lies = Paper::page("0 0 595 842", "", "").with(2, "<</Type/Pages/Kids[3 0 R]/Count 2000000000>>");
    assert_eq!(drawn(&lies.bytes(), 1, None).await.expect("drawn").0.pages, 1);
    assert_eq!(drawn(&lies.bytes(), 2, None).await.map(|_| ()), Err(Undrawn::NoSuchPage { pages: 1 }));
    let mut pattern =
        Paper::page("0 0 595 842", "/Pattern<</P 5 0 R>>", "/Pattern cs /P scn 0 0 595 842 re f");
    pattern.stream(
        "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 595 842]/XStep 0.001/YStep 0.001/Resources<<>>",
        b"0 0 m 595 842 l S",
    );
    assert!(drawn(&pattern.bytes(), 1, None).await.is_ok(), "a pattern whose step is nothing is drawn once");
    let endless =
        Paper::page("0 0 595 842", "", "").with(2, "<</Type/Pages/Kids[3 0 R 2 0 R 3 0 R]/Count 9>>");
    assert_eq!(drawn(&endless.bytes(), 1, None).await.expect("drawn").0.pages, 1);
}
