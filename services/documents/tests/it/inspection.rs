//! What is refused and what is kept: the sample uploads, hand-made hostile files, and random mutations.

use std::{io::Write as _, path::PathBuf};

use documents::inspect::{FILE_BYTES_MAX, Kind, Threat, inspect};
use proptest::prelude::*;

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/uploads");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("well formed")
        .map(|entry| {
            let entry = entry.expect("well formed");
            (
                entry.file_name().into_string().expect("well formed"),
                std::fs::read(entry.path()).expect("well formed"),
            )
        })
        .collect();
    found.sort();
    assert!(found.len() >= 15, "the sample folder is there");
    found
}

fn sample(start: &str) -> Vec<u8> {
    samples().into_iter().find(|(name, _)| name.starts_with(start)).expect("well formed").1
}

#[test]
fn every_good_sample_is_accepted() {
    for (name, bytes) in samples().iter().filter(|(name, _)| name.starts_with('0')) {
        let verdict = inspect(name, bytes).unwrap_or_else(|threat| panic!("{name}: {threat}"));
        match verdict.kind {
            Kind::Pdf | Kind::Ofd => assert!(verdict.pages > 0, "{name} has pages"),
            Kind::Jpeg | Kind::Png => assert!(verdict.width > 0 && verdict.height > 0, "{name} has a size"),
        }
    }
}

#[test]
fn every_bad_sample_is_refused_for_its_own_reason() {
    let expected = [
        ("bad_像素炸弹_8100万像素.png", Threat::ImagePixels),
        ("bad_空文件.pdf", Threat::Empty),
        ("bad_网页伪装.pdf", Threat::TypeMismatch),
        ("bad_截断.pdf", Threat::Truncated),
        ("bad_图片带脚本.svg", Threat::TypeUnsupported),
        ("bad_普通ZIP改名.ofd", Threat::OfdNoDocument),
        ("bad_PDF含JavaScript.pdf", Threat::PdfScript),
        ("bad_双扩展名.pdf.exe", Threat::TypeUnsupported),
    ];
    let bad: Vec<_> = samples().into_iter().filter(|(name, _)| name.starts_with("bad_")).collect();
    assert_eq!(bad.len(), expected.len(), "every bad sample has its reason here");
    for (name, bytes) in bad {
        let (_, threat) = expected.iter().find(|(known, _)| *known == name).expect("listed");
        assert_eq!(inspect(&name, &bytes), Err(*threat), "{name}");
    }
}

/// A small correct PDF whose catalog holds `extra`, with a stream object of `dict` and `data`.
fn pdf(extra: &str, dict: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let mut offsets = Vec::new();
    let objects: [Vec<u8>; 4] = [
        format!("<</Type/Catalog/Pages 2 0 R{extra}>>").into_bytes(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>".to_vec(),
        [format!("<</Length {}{dict}>>\nstream\n", data.len()).as_bytes(), data, b"\nendstream"].concat(),
    ];
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        write!(out, "{} 0 obj", index + 1).expect("well formed");
        out.extend_from_slice(object);
        out.extend_from_slice(b"endobj\n");
    }
    let xref = out.len();
    writeln!(out, "xref\n0 5\n0000000000 65535 f ").expect("well formed");
    for offset in offsets {
        writeln!(out, "{offset:010} 00000 n ").expect("well formed");
    }
    writeln!(out, "trailer<</Root 1 0 R/Size 5>>\nstartxref\n{xref}\n%%EOF").expect("well formed");
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).expect("well formed");
    encoder.finish().expect("well formed")
}

#[test]
fn a_plain_pdf_passes_and_a_remark_behind_its_end_does_no_harm() {
    let mut bytes = pdf("", "", b"BT (a /JS in a page) Tj ET");
    assert!(inspect("a.pdf", &bytes).is_ok());
    bytes.extend_from_slice(b"% copy 2\n");
    assert!(inspect("a.PDF", &bytes).is_ok());
}

#[test]
fn hostile_pdf_names_are_found_in_every_disguise() {
    let action = "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>";
    let escaped = "/OpenAction<</S/#4aava#53cript/J#53(app.alert\\(1\\))>>";
    let short = "/OpenAction<</S/#4A#61vaScrip/JS 4 0 R>>";
    for extra in [action, escaped, short] {
        assert_eq!(inspect("a.pdf", &pdf(extra, "", b"")), Err(Threat::PdfScript), "{extra}");
    }
    assert_eq!(inspect("a.pdf", &pdf("/OpenAction<</S/La#75nch/F(x)>>", "", b"")), Err(Threat::PdfLaunch));
    assert_eq!(
        inspect("a.pdf", &pdf("/Names<</EmbeddedFiles 4 0 R>>", "", b"")),
        Err(Threat::PdfEmbeddedFile)
    );
    assert_eq!(inspect("a.pdf", &pdf("", "/Type/EmbeddedFile", b"x")), Err(Threat::PdfEmbeddedFile));
    assert_eq!(inspect("a.pdf", &pdf("/X<</EF<</F 4 0 R>>>>", "", b"x")), Err(Threat::PdfEmbeddedFile));
    assert_eq!(inspect("a.pdf", &pdf("/Encrypt 4 0 R", "", b"x")), Err(Threat::PdfEncrypted));
}

#[test]
fn script_inside_object_streams_strings_and_streams_is_found() {
    let inner = b"5 0 <</S/#4a#53/JS(x)>>";
    let object_stream = "/Type/ObjStm/N 1/First 4/Filter/FlateDecode";
    assert_eq!(inspect("a.pdf", &pdf("", object_stream, &deflated(inner))), Err(Threat::PdfScript));
    assert_eq!(inspect("a.pdf", &pdf("", "/Type/Obj#53tm/N 1/First 4", inner)), Err(Threat::PdfScript));
    let odd = "/Type/ObjStm/N 1/First 4/Filter[/ASCIIHexDecode/FlateDecode]";
    assert_eq!(inspect("a.pdf", &pdf("", odd, &deflated(inner))), Err(Threat::PdfUnreadable));
    let indirect = "/Type/ObjStm/N 1/First 4/Filter 9 0 R";
    assert_eq!(inspect("a.pdf", &pdf("", indirect, &deflated(inner))), Err(Threat::PdfUnreadable));
    let good = deflated(b"5 0 <</Type/Font>>");
    assert!(inspect("a.pdf", &pdf("", object_stream, &good)).is_ok());
    let hidden = b"7 0 obj<</S/X/JS(x)>>endobj";
    assert_eq!(inspect("a.pdf", &pdf("", "", hidden)), Err(Threat::PdfScript), "an object inside a stream");
    assert_eq!(inspect("a.pdf", &pdf("/T(7 0 obj<</JS 4 0 R>>endobj)", "", b"")), Err(Threat::PdfScript));
    let decoy = "/T(stream)/OpenAction<</JS 4 0 R>>";
    assert_eq!(inspect("a.pdf", &pdf(decoy, "", b"")), Err(Threat::PdfScript), "a decoy keyword in a string");
}

#[test]
fn an_object_stream_that_unpacks_without_end_is_refused() {
    let bomb = deflated(&vec![b' '; 101 * 1024 * 1024]);
    let dict = "/Type/ObjStm/N 1/First 4/Filter/FlateDecode";
    assert_eq!(inspect("a.pdf", &pdf("", dict, &bomb)), Err(Threat::ArchiveUnpacked));
}

#[test]
fn every_cut_of_a_good_file_is_refused() {
    for start in ["01", "03", "08_土", "09"] {
        let bytes = sample(start);
        let name = match start {
            "01" => "a.pdf",
            "03" => "a.png",
            "09" => "a.ofd",
            _ => "a.jpg",
        };
        for part in 1..16 {
            let cut = bytes.len() * part / 16;
            assert!(inspect(name, &bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
        assert!(inspect("a.jpg", &bytes).is_err() || name == "a.jpg", "{name} under another extension");
    }
}

#[test]
fn the_test_virus_and_an_oversized_file_are_refused() {
    let virus = [&b"X5O!P%@AP[4\\PZX54(P^)7CC)7}"[..], b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    assert_eq!(inspect("a.pdf", &virus), Err(Threat::Virus));
    assert_eq!(inspect("a.pdf", &pdf("", "", &virus)), Err(Threat::Virus));
    assert_eq!(inspect("a.pdf", &vec![b'%'; FILE_BYTES_MAX + 1]), Err(Threat::TooLarge));
}

#[test]
fn what_follows_an_image_must_be_an_image() {
    let photo = sample("08_土");
    let with = |tail: &[u8]| [&photo[..], tail].concat();
    assert!(inspect("a.jpg", &with(&[0; 32])).is_ok());
    assert!(inspect("a.jpg", &with(&photo)).is_ok(), "phones append previews");
    assert_eq!(inspect("a.jpg", &with(b"PK\x03\x04")), Err(Threat::ImageTrailing));
    let licence = [&sample("03")[..], b"<script>"].concat();
    assert_eq!(inspect("a.png", &licence), Err(Threat::ImageTrailing));
}

const OFD_ROOT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0"><ofd:DocBody/></ofd:OFD>"#;

/// An OFD of `OFD.xml` = `root` and the given entries.
fn ofd(root: &str, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in [("OFD.xml", root.as_bytes())].iter().chain(entries) {
        writer.start_file(*name, options).expect("well formed");
        writer.write_all(content).expect("well formed");
    }
    writer.finish().expect("well formed").into_inner()
}

#[test]
fn hostile_containers_are_refused() {
    assert!(inspect("a.ofd", &ofd(OFD_ROOT, &[("Doc_0/Pages/Page_0/Content.xml", b"<a/>")])).is_ok());
    let refused = |bytes: Vec<u8>| inspect("a.ofd", &bytes).unwrap_err();
    assert_eq!(refused(ofd(OFD_ROOT, &[("../x.xml", b"<a/>")])), Threat::ArchivePath);
    assert_eq!(refused(ofd(OFD_ROOT, &[("/x.xml", b"<a/>")])), Threat::ArchivePath);
    assert_eq!(refused(ofd(OFD_ROOT, &[("x.bin", b"PK\x03\x04")])), Threat::ArchiveNested);
    let dtd = b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
    assert_eq!(refused(ofd(OFD_ROOT, &[("x.xml", dtd)])), Threat::XmlDtd);
    assert_eq!(refused(ofd(OFD_ROOT, &[("x.xml", b"<a><b></a>")])), Threat::XmlDamaged);
    assert_eq!(refused(ofd(OFD_ROOT, &[("x.xml", b"\xff\xfe<\0a\0/\0>\0")])), Threat::XmlDamaged);
    assert_eq!(refused(ofd("<OFD/>", &[])), Threat::OfdNoDocument);
    let many: Vec<String> = (0..200).map(|n| format!("{n}.bin")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    assert_eq!(refused(ofd(OFD_ROOT, &many)), Threat::ArchiveEntries);
    let bomb = vec![b'x'; 101 * 1024 * 1024];
    assert_eq!(refused(ofd(OFD_ROOT, &[("x.bin", &bomb)])), Threat::ArchiveUnpacked);
}

#[test]
fn a_link_in_a_container_is_refused() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file("OFD.xml", options).expect("well formed");
    writer.write_all(OFD_ROOT.as_bytes()).expect("well formed");
    writer.add_symlink("link", "/etc/passwd", options).expect("well formed");
    let bytes = writer.finish().expect("well formed").into_inner();
    assert_eq!(inspect("a.ofd", &bytes), Err(Threat::ArchiveLink));
}

#[test]
fn every_reason_id_reads_back() {
    for threat in Threat::ALL {
        assert_eq!(Threat::of_id(threat.id()), Some(*threat));
        assert_eq!(serde_json::to_string(threat).expect("well formed"), format!("\"{}\"", threat.id()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(kind in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let (name, head): (&str, &[u8]) = [
            ("a.pdf", &b"%PDF-1.7\n"[..]), ("a.ofd", b"PK\x03\x04"), ("a.jpg", b"\xff\xd8\xff\xe0"), ("a.png", b"\x89PNG\r\n\x1a\n"),
        ][kind];
        let _ = inspect(name, &[head, &bytes].concat());
    }

    #[test]
    fn mutated_samples_never_panic(which in 0_usize..7, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24), cut in any::<prop::sample::Index>()) {
        let (name, mut bytes) = samples().into_iter().filter(|(name, _)| name.starts_with('0')).nth(which).expect("well formed");
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = inspect(&name, &bytes);
        let _ = inspect(&name, &bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn mutated_structure_never_panics(text in "[()<>\\[\\]/%a-z0-9 \n#]{0,400}") {
        let _ = inspect("a.pdf", &pdf(&text, &text, text.as_bytes()));
    }
}
