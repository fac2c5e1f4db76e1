//! The nine materials of an application as pages show them: slots, files, what is missing, what came back.

use proto::documents::{Dossier, File, Problem, Slot};

use crate::{
    format,
    labels::{self, SLOTS},
    stage::Tag,
    web::files::{original_path, preview_path},
};

/// One of the nine, as the table knows it.
struct Category {
    id: &'static str,
    name: &'static str,
    hint: &'static str,
    slots: &'static [&'static str],
}

const fn category(
    id: &'static str,
    name: &'static str,
    hint: &'static str,
    slots: &'static [&'static str],
) -> Category {
    Category { id, name, hint, slots }
}

/// The table. Source: workflow, Materials; hints: ui, materials-submit.
#[rustfmt::skip]
const CATEGORIES: [Category; 9] = [
    category("M1", "省级奖补资金项目申请函", "加盖公章后扫描为 PDF", &["M1"]),
    category("M2", "申请材料真实性承诺书（加盖公章）", "加盖公章后扫描为 PDF", &["M2"]),
    category("M3", "营业执照、法人身份证", "身份证须正反面，仅审核人员说明事由后可见", &["M3a", "M3b"]),
    category("M4", "充电桩出厂检测报告及产品合格证", "按桩编号命名，每台桩一份", &["M4a", "M4b"]),
    category("M5", "竣工验收报告", "须含建设、施工、监理三方签字页", &["M5"]),
    category("M6", "财务决算报告", "", &["M6"]),
    category("M7", "其他说明材料", "选传", &["M7"]),
    category("M8", "土建照片、电气设备安装照片", "JPG 或 PNG；展示前会去除照片中的拍摄定位信息", &["M8a", "M8b"]),
    category("M9", "发票", "录入发票并填写本站使用金额", &["M9"]),
];

/// One of the nine materials.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// M1 … M9; also the anchor.
    pub id: &'static str,
    /// 1..=9.
    pub number: usize,
    /// What it is called.
    pub name: &'static str,
    /// How it should be.
    pub hint: &'static str,
    /// 已上传, 未上传, 需补充 …
    pub tag: Tag,
    /// Whether it is needed.
    pub required: bool,
    /// One place, or the two of a pair.
    pub places: Vec<Place>,
}

impl Material {
    /// Whether the last return names it.
    pub fn returned(&self) -> bool {
        self.places.iter().any(|place| place.returned)
    }

    /// Whether there is neither a file nor a word about it.
    pub fn bare(&self) -> bool {
        self.places.iter().all(|place| place.files.is_empty() && place.explanation.is_empty())
    }
}

/// A slot.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// M1, M3a …
    pub id: String,
    /// Its name within a pair; empty where the material is one place.
    pub name: String,
    /// Whether it may change now.
    pub editable: bool,
    /// Whether files go there; invoices have their own table.
    pub takes_files: bool,
    /// Whether the last return names it.
    pub returned: bool,
    /// What the operator says to the return.
    pub explanation: String,
    /// What keeps it from being submitted; empty for nothing.
    pub problem: String,
    /// What is there.
    pub files: Vec<Shown>,
}

/// A file in a list.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its name, as the operator called it.
    pub name: String,
    /// PDF, OFD, JPG, PNG.
    pub kind: &'static str,
    /// Colour of the kind.
    pub class: &'static str,
    /// Pages or pixels, size, time.
    pub facts: String,
    /// 已上传 and so on.
    pub tag: Tag,
    /// What a browser shows of it, or why it cannot.
    pub path: String,
    /// The original.
    pub original: String,
}

impl Shown {
    /// A file as documents knows it.
    pub fn of(file: &File) -> Shown {
        let (kind, class) = match file.media_type.as_str() {
            "application/pdf" => ("PDF", ""),
            "application/ofd" => ("OFD", "ofd"),
            "image/jpeg" => ("JPG", "img"),
            "image/png" => ("PNG", "img"),
            _ => ("文件", ""),
        };
        let mut facts = Vec::new();
        match (class, file.pages, file.width) {
            ("img", _, 1..) => facts.push(format!("{}×{}", file.width, file.height)),
            ("", 1.., _) | ("ofd", 1.., _) => facts.push(format!("{} 页", file.pages)),
            _ => {}
        }
        facts.push(format::bytes(file.size_bytes));
        if file.uploaded_at.is_some() {
            facts.push(format::short(file.uploaded_at.as_ref()));
        }
        let (text, class_of_tag) = match file.state.as_str() {
            "clean" => ("已上传", "ok"),
            "rejected" => ("未通过检查", "danger"),
            _ => ("检查中", "info"),
        };
        Shown {
            id: file.file_id.clone(),
            name: file.file_name.clone(),
            kind,
            class,
            facts: facts.join(" · "),
            tag: Tag { text: text.to_owned(), class: class_of_tag },
            path: preview_path(&file.file_id, ""),
            original: original_path(&file.file_id, ""),
        }
    }
}

/// What the materials are judged by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judged<'a> {
    /// Slots that the round needs; none where it is not known.
    pub required: &'a [String],
    /// Items of the last return.
    pub returned: &'a [String],
    /// What documents says is missing.
    pub problems: &'a [Problem],
}

/// The nine of an open dossier, or of the sealed one while it is locked.
pub fn of_dossier(dossier: &Dossier, judged: Judged<'_>) -> Vec<Material> {
    let said = |item: &str| {
        let found = dossier.explanations.iter().find(|one| one.item == item);
        found.map(|one| one.text.clone()).unwrap_or_default()
    };
    let slot = |id: &str| dossier.slots.iter().find(|slot| slot.slot == id);
    // A round that names no slots leaves it at what documents needs.
    let needed = |id: &str| match judged.required {
        [] => slot(id).is_some_and(|slot| slot.required),
        required => required.iter().any(|one| one == id),
    };
    let mut materials = Vec::new();
    for (index, row) in CATEGORIES.iter().enumerate() {
        let places: Vec<_> = row.slots.iter().map(|id| place(row, id, slot(id), &said, judged)).collect();
        let required = row.slots.iter().any(|id| needed(id));
        let count = if row.id == "M9" {
            dossier.invoices.len()
        } else {
            places.iter().map(|place| place.files.len()).sum()
        };
        materials.push(Material {
            id: row.id,
            number: index + 1,
            name: row.name,
            hint: row.hint,
            tag: tag(&places, count, required),
            required,
            places,
        });
    }
    materials
}

fn place(
    row: &Category,
    id: &str,
    slot: Option<&Slot>,
    said: &impl Fn(&str) -> String,
    judged: Judged<'_>,
) -> Place {
    let named = |item: &str| item == id || item == row.id;
    let problem = judged.problems.iter().find(|problem| named(&problem.item));
    let own = said(id);
    Place {
        id: id.to_owned(),
        name: if row.slots.len() > 1 { name(id) } else { String::new() },
        editable: slot.is_some_and(|slot| slot.editable),
        takes_files: id != "M9",
        returned: judged.returned.iter().any(|item| named(item)),
        explanation: if own.is_empty() { said(row.id) } else { own },
        problem: problem.map(|problem| problem.text.clone()).unwrap_or_default(),
        files: slot.map(|slot| slot.files.iter().map(Shown::of).collect()).unwrap_or_default(),
    }
}

fn name(id: &str) -> String {
    SLOTS
        .iter()
        .find(|(slot, _)| *slot == id)
        .map_or_else(|| labels::item(id), |(_, name)| (*name).to_owned())
}

fn tag(places: &[Place], count: usize, required: bool) -> Tag {
    let (text, class) = if places.iter().any(|place| !place.problem.is_empty() && place.returned) {
        ("需补充".to_owned(), "danger")
    } else if places.iter().any(|place| !place.problem.is_empty()) {
        ("未完成".to_owned(), "danger")
    } else if count > 0 {
        (format!("已上传 {count} 份"), "ok")
    } else if required {
        ("未上传".to_owned(), "draft")
    } else {
        ("无需上传".to_owned(), "draft")
    };
    Tag { text, class }
}

/// Why nothing of a dossier in this state can change; empty while it can.
pub fn locked(state: &str) -> &'static str {
    match state {
        "open" => "",
        "closed" => "线下初审通过后方可上传初审资料。",
        "sealed" => "材料已提交，审核期间不能修改；如需修改请先撤回。",
        _ => "该申请已删除或终止，材料不能再修改。",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_belongs_to_one_material_and_the_pairs_have_two_places() {
        let slots: Vec<_> = CATEGORIES.iter().flat_map(|row| row.slots).copied().collect();
        assert_eq!(slots, SLOTS.map(|(id, _)| id));
        let materials = of_dossier(&Dossier::default(), Judged::default());
        let pairs: Vec<_> = materials.iter().filter(|one| one.places.len() == 2).map(|one| one.id).collect();
        assert_eq!(pairs, ["M3", "M4", "M8"]);
    }

    #[test]
    fn what_came_back_says_so_and_what_is_missing_says_what() {
        let problem =
            |item: &str, text: &str| Problem { item: item.into(), text: text.into(), ..Problem::default() };
        let (required, returned) = (["M1".to_owned(), "M5".to_owned()], ["M3".to_owned()]);
        let problems = [problem("M5", "请上传竣工验收报告"), problem("M3", "被退回")];
        let judged = Judged { required: &required, returned: &returned, problems: &problems };
        let materials = of_dossier(&Dossier::default(), judged);
        let tags: Vec<_> = materials.iter().map(|one| one.tag.text.as_str()).collect();
        assert_eq!(
            tags,
            [
                "未上传",
                "无需上传",
                "需补充",
                "无需上传",
                "未完成",
                "无需上传",
                "无需上传",
                "无需上传",
                "无需上传"
            ]
        );
        assert_eq!(materials[4].places[0].problem, "请上传竣工验收报告");
    }
}
