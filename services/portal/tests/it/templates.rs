//! Rules that hold for every page, whatever it shows; and no page without samples.

use std::{collections::BTreeSet, fs, path::Path};

use crate::samples::{self, Kind};

/// Frames that no page is by itself.
const FRAMES: [&str; 2] = ["base.html", "public.html"];

#[test]
fn every_template_has_samples_with_nothing_one_many_and_the_longest() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("templates")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".html") && !FRAMES.contains(&name.as_str()))
        .collect();
    let samples = samples::all();
    for kind in Kind::ALL {
        let shown: BTreeSet<String> = samples
            .iter()
            .filter(|sample| sample.kind == kind)
            .map(|sample| sample.template.to_owned())
            .collect();
        assert_eq!(shown, files, "{kind:?}");
    }
}

/// The walks in a browser lay out and judge what was rendered here: `target/tmp/portal-samples/<template>-<kind>-<number>.html`.
#[test]
fn the_samples_are_kept_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal-samples");
    // Of a run before nothing is left.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    for (number, sample) in samples::all().into_iter().enumerate() {
        let name = format!("{}-{:?}-{number}.html", sample.template, sample.kind);
        fs::write(folder.join(name), sample.html).expect("a sample");
    }
}

#[test]
fn no_page_has_inline_script_or_style_and_hostile_texts_are_inert() {
    for sample in samples::all() {
        let at = format!("{} {:?}", sample.template, sample.kind);
        assert!(!sample.html.contains("<script>"), "{at}");
        // The pages of a document, and a notice in their place, are shown where no script runs.
        let framed = sample.template == "file_notice.html" && !sample.html.contains("<header ");
        let own = usize::from(sample.template != "leaves.html" && !framed);
        assert_eq!(sample.html.matches("<script ").count(), own, "{at}: only the portal's own");
        let frames = sample.html.matches("<iframe ").count();
        assert_eq!(
            sample.html.matches(" sandbox=\"allow-same-origin ").count(),
            frames,
            "{at}: a frame is a sandbox"
        );
        assert!(!sample.html.contains(" style=") && !sample.html.contains("<style"), "{at}");
        for handler in [" onclick=", " onload=", " onerror=", " onsubmit=", " onchange="] {
            assert!(!sample.html.contains(handler), "{at}");
        }
        for attribute in
            [" src=\"", " href=\"", " action=\"", " formaction=\"", " srcset=\"", " data=\"", " poster=\""]
        {
            let elsewhere = |to: &str| to.starts_with("//") || to.contains("://");
            assert!(!values(&sample.html, attribute).any(elsewhere), "{at}: another host");
        }
    }
}

#[test]
fn every_page_has_one_heading_of_the_first_order_and_one_main_part() {
    for sample in samples::all() {
        let at = format!("{} {:?}", sample.template, sample.kind);
        assert_eq!(sample.html.matches("<h1").count(), 1, "{at}");
        assert_eq!(sample.html.matches("<main ").count(), 1, "{at}");
        assert!(sample.html.contains("lang=\"zh-CN\"") && sample.html.contains("href=\"#main\""), "{at}");
    }
}

#[test]
fn every_form_that_posts_carries_its_token() {
    for sample in samples::all() {
        for form in sample.html.split("method=\"post\"").skip(1) {
            let body = form.split("</form>").next().unwrap_or_default();
            assert!(body.contains("name=\"form_token\""), "{} {:?}", sample.template, sample.kind);
        }
    }
}

#[test]
fn every_label_error_and_description_finds_its_field() {
    for sample in samples::all() {
        let ids: BTreeSet<&str> = values(&sample.html, " id=\"").collect();
        let at = format!("{} {:?}", sample.template, sample.kind);
        let mut given = BTreeSet::new();
        let twice: BTreeSet<_> = values(&sample.html, " id=\"").filter(|id| !given.insert(*id)).collect();
        assert!(twice.is_empty(), "{at}: ids are given twice: {twice:?}");
        for target in values(&sample.html, "<label for=\"") {
            assert!(ids.contains(target), "{at}: a label for {target}");
        }
        for target in values(&sample.html, "aria-describedby=\"").flat_map(|text| text.split(' ')) {
            assert!(ids.contains(target), "{at}: described by {target}");
        }
        for target in values(&sample.html, "<li><a href=\"#") {
            assert!(ids.contains(target), "{at}: the summary leads to {target}");
        }
        // What is wrong is read with the field, or with the group of fields, that it is about.
        let described: BTreeSet<&str> =
            values(&sample.html, "aria-describedby=\"").flat_map(|text| text.split(' ')).collect();
        for wrong in ids.iter().filter(|id| id.ends_with("-wrong")) {
            assert!(described.contains(wrong), "{at}: no field is described by {wrong}");
        }
        assert!(!sample.html.contains("<p class=\"msg\">"), "{at}: a message that no field can refer to");
        for icon in values(&sample.html, "<use href=\"#") {
            assert!(ids.contains(icon), "{at}: there is no picture {icon}");
        }
    }
}

#[test]
fn a_box_of_a_list_is_called_by_station_and_number() {
    let mut called = 0;
    for sample in samples::all().iter().filter(|sample| sample.kind == Kind::One) {
        for name in values(&sample.html, "name=\"item\" value=\"7.3\" aria-label=\"") {
            assert_eq!(name, "选择 示例充电站 BT-2026-410105-0001", "{}", sample.template);
            called += 1;
        }
    }
    assert!(called > 0);
}

#[test]
fn what_changes_without_a_new_page_is_announced() {
    let samples = samples::all();
    for (template, place) in [
        ("county_review.html", "data-viewing role=\"status\""),
        ("order_member.html", "data-viewing role=\"status\""),
        ("dossier.html", "role=\"status\" data-said"),
    ] {
        let shown = samples.iter().filter(|sample| sample.template == template && sample.kind == Kind::Many);
        for sample in shown {
            assert!(sample.html.contains(place), "{template}: {place}");
        }
    }
}

#[test]
fn a_choice_that_is_cut_says_so_and_has_a_search_that_works_without_scripts() {
    for template in ["dossier.html", "invoice.html"] {
        for kind in [Kind::Many, Kind::One] {
            let samples = samples::all();
            let page = samples.iter().find(|sample| sample.template == template && sample.kind == kind);
            let html = page.map(|page| page.html.as_str()).unwrap_or_default();
            assert_eq!(html.contains("仅列出前 200 "), kind == Kind::Many, "{template} {kind:?}");
            let sealed = template == "dossier.html" && kind == Kind::One;
            assert_eq!(html.contains("name=\"q\" value=\""), !sealed, "{template} {kind:?}");
        }
    }
}

#[test]
fn keys_of_single_letters_can_be_switched_off_wherever_there_are_any() {
    let mut found = 0;
    for sample in samples::all().iter().filter(|sample| sample.html.contains("id=\"keys\"")) {
        let help = sample.html.split("id=\"keys\"").nth(1).and_then(|rest| rest.split("</details>").next());
        let help = help.unwrap_or_default();
        assert!(help.contains("<input type=\"checkbox\">"), "{} {:?}", sample.template, sample.kind);
        found += 1;
    }
    assert!(found > 0);
}

fn values<'a>(html: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).filter_map(|rest| rest.split('"').next())
}
