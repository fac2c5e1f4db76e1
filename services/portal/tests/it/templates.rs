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

/// The walks in a browser lay out what was rendered here: `target/tmp/portal-samples/<template>-<number>.html`.
#[test]
fn the_longest_samples_are_kept_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal-samples");
    fs::create_dir_all(&folder).expect("a folder");
    let longest = samples::all().into_iter().filter(|sample| sample.kind == Kind::Longest);
    for (number, sample) in longest.enumerate() {
        fs::write(folder.join(format!("{}-{number}.html", sample.template)), sample.html).expect("a sample");
    }
}

#[test]
fn no_page_has_inline_script_or_style_and_hostile_texts_are_inert() {
    for sample in samples::all() {
        let at = format!("{} {:?}", sample.template, sample.kind);
        assert!(!sample.html.contains("<script>"), "{at}");
        // The pages of a document are shown where no script runs.
        let own = usize::from(sample.template != "leaves.html");
        assert_eq!(sample.html.matches("<script ").count(), own, "{at}: only the portal's own");
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
        for icon in values(&sample.html, "<use href=\"#") {
            assert!(ids.contains(icon), "{at}: there is no picture {icon}");
        }
    }
}

fn values<'a>(html: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).filter_map(|rest| rest.split('"').next())
}
