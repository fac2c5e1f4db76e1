//! Every reason id, its field, and the Chinese text for people: what is wrong and how to mend it. Source: ui section 6.

use chassis::Failure;

use crate::{
    domain::{Refusal, Slot, slot::slots_of},
    inspect::Threat,
};

/// What is said where a file could not be looked into yet.
pub const INSPECTION_LATE: &str = "系统繁忙，文件检查尚未完成，请稍后重试";

/// How a slot is called.
#[must_use]
pub const fn slot(slot: Slot) -> &'static str {
    match slot {
        Slot::M1 => "省级奖补资金项目申请函",
        Slot::M2 => "申请材料真实性承诺书",
        Slot::M3a => "营业执照",
        Slot::M3b => "法人身份证",
        Slot::M4a => "充电桩出厂检测报告",
        Slot::M4b => "产品合格证",
        Slot::M5 => "竣工验收报告",
        Slot::M6 => "财务决算报告",
        Slot::M7 => "其他说明材料",
        Slot::M8a => "土建照片",
        Slot::M8b => "电气设备安装照片",
        Slot::M9 => "发票",
    }
}

/// How an item of a return is called: its slots, or the item itself.
#[must_use]
pub fn item(item: &str) -> String {
    let names: Vec<_> = slots_of(item).into_iter().map(slot).collect();
    if names.is_empty() { item.to_owned() } else { names.join("、") }
}

/// Fen as yuan with thousands and two decimals, e.g. `20,000.00`.
#[must_use]
pub fn yuan(fen: i64) -> String {
    let digits = (fen / 100).unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{text}.{:02}", (fen % 100).unsigned_abs())
}

/// Why a file was refused.
#[must_use]
pub const fn threat(threat: Threat) -> &'static str {
    match threat {
        Threat::TypeUnsupported => "不支持该类型，请上传 PDF、OFD、JPG 或 PNG",
        Threat::TypeMismatch => "文件内容与扩展名不符，请核对后重新上传",
        Threat::Empty => "文件为空或已损坏，请重新导出后上传",
        Threat::TooLarge => "超过 20 MB，请压缩后上传",
        Threat::Damaged => "文件为空或已损坏，请重新导出后上传",
        Threat::Truncated => "文件不完整，请重新导出后上传",
        Threat::Virus => "含危险内容，已拦截：检出病毒特征",
        Threat::Limits => "文件过于复杂，检查未能完成，请重新导出后上传",
        Threat::PdfScript => "含危险内容，已拦截：PDF 含脚本，请打印为新的 PDF 后上传",
        Threat::PdfLaunch => "含危险内容，已拦截：PDF 会启动其他程序，请打印为新的 PDF 后上传",
        Threat::PdfEmbeddedFile => "含危险内容，已拦截：PDF 内嵌其他文件，请打印为新的 PDF 后上传",
        Threat::PdfEncrypted => "PDF 已加密，无法检查，请解除密码后上传",
        Threat::PdfUnreadable => "PDF 结构无法检查，请打印为新的 PDF 后上传",
        Threat::OfdNoDocument => "文件内容与扩展名不符：不是 OFD 版式文件",
        Threat::ArchiveEntries => "OFD 文件内条目超过 200 个，请拆分后上传",
        Threat::ArchiveUnpacked => "含危险内容，已拦截：解压后超过 100 MB",
        Threat::ArchiveNested => "含危险内容，已拦截：文件内嵌压缩包或程序",
        Threat::ArchivePath => "含危险内容，已拦截：文件内路径异常",
        Threat::ArchiveLink => "含危险内容，已拦截：文件内含链接",
        Threat::ArchiveOverlap => "含危险内容，已拦截：文件内条目重叠",
        Threat::ArchiveEncrypted => "OFD 文件已加密，无法检查，请解除密码后上传",
        Threat::XmlDtd => "含危险内容，已拦截：文件内含外部定义",
        Threat::XmlDamaged => "文件为空或已损坏，请重新导出后上传",
        Threat::ImagePixels => "图片超过 4000 万像素，请缩小后上传",
        Threat::ImageTrailing => "图片后附有其他内容，请关闭“动态照片”或另存后上传",
    }
}

/// Reason id, field (empty where none is meant) and text.
#[must_use]
pub fn refusal(refusal: &Refusal) -> (&'static str, String, String) {
    let said = |id: &'static str, field: &str, text: &str| (id, field.to_owned(), text.to_owned());
    match refusal {
        Refusal::DossierClosed => said("dossier_closed", "", "线下初审通过后方可上传初审资料"),
        Refusal::DossierLocked => {
            said("dossier_locked", "", "材料已提交，审核期间不能修改；如需修改请先撤回")
        }
        Refusal::DossierReleased => said("dossier_released", "", "该申请已删除或终止，材料不能再修改"),
        Refusal::ItemNotEditable(named) => {
            ("item_not_editable", named.clone(), format!("本次只能修改被退回的内容，{}不在其中", item(named)))
        }
        Refusal::DossierChanged { .. } => {
            said("dossier_changed", "edits", "材料已被他人更新，请刷新查看最新内容后再操作")
        }
        Refusal::SlotNotPlaceable => {
            said("slot_not_placeable", "slot", "发票请在“发票”中录入，不能直接放入文件")
        }
        Refusal::FileNotClean => said("file_not_clean", "file_id", "该文件未通过检查，请重新上传"),
        Refusal::FileDuplicate => said("file_duplicate", "sha256", "该文件已上传过，请勿重复上传"),
        Refusal::FileNotPlaced => said("file_not_placed", "file_id", "该文件不在材料中，请刷新后再操作"),
        Refusal::ExplanationTooLong => said("explanation_too_long", "text", "说明不超过 500 字"),
        Refusal::ItemUnknown => said("unknown_value", "item", "不支持的内容，请从材料或表单项中选择"),
        Refusal::ControlCharacters(field) => {
            said("control_characters", field, "含有无法显示的控制字符，请删除后重新填写")
        }
        Refusal::MaterialMissing(missing) => {
            ("material_missing", missing.id().to_owned(), format!("请上传{}", slot(*missing)))
        }
        Refusal::MaterialNotClean(named) => {
            ("material_not_clean", named.clone(), format!("{}未通过检查，请重新上传", item(named)))
        }
        Refusal::InvoiceMissing => said("invoice_missing", "M9", "请至少录入一张发票并填写本站使用金额"),
        Refusal::InvoiceUnbalanced(id) => {
            ("invoice_unbalanced", id.to_string(), "发票使用金额与台账不符，请删除后重新录入".to_owned())
        }
        Refusal::ItemUnanswered(named) => {
            ("item_unanswered", named.clone(), format!("{}被退回，请修改或填写说明", item(named)))
        }
        Refusal::SealLost => said("seal_lost", "", "材料与已提交的版本不符，请联系技术支持"),
        Refusal::FileNameInvalid => said(
            "file_name_invalid",
            "file_name",
            "文件名为 1–200 个字符，不能含路径或控制字符，请改名后上传",
        ),
        Refusal::FileTypeUnsupported => {
            said("file_type_unsupported", "file_name", threat(Threat::TypeUnsupported))
        }
        Refusal::FileEmpty => said("file_empty", "size_bytes", threat(Threat::Empty)),
        Refusal::FileTooLarge { limit } => (
            "file_too_large",
            "size_bytes".to_owned(),
            format!("超过 {} MB，请压缩后上传", limit / (1024 * 1024)),
        ),
        Refusal::HashInvalid => said("hash_invalid", "sha256", "文件摘要应为 64 位十六进制数"),
        Refusal::TooManyFiles { limit } => {
            ("too_many_files", String::new(), format!("文件数量已达上限 {limit} 个，请删除不需要的文件"))
        }
        Refusal::FilesTooLarge => {
            said("files_too_large", "size_bytes", "该申请的文件合计超过 300 MB，请压缩或删除不需要的文件")
        }
        Refusal::FileSizeMismatch => {
            said("file_size_mismatch", "size_bytes", "收到的内容与文件大小不符，请重新上传")
        }
        Refusal::FileHashMismatch => {
            said("file_hash_mismatch", "sha256", "收到的内容与文件摘要不符，请重新上传")
        }
        Refusal::UploadIncomplete => said("upload_incomplete", "", "上传中断，请重试"),
        Refusal::PartMisshapen => said("part_misshapen", "chunk", "上传分片不完整，请刷新页面后重新上传"),
        Refusal::UploadBusy => said("upload_busy", "", "同时上传的文件较多，请稍后重试"),
        Refusal::PreviewBusy => said("preview_busy", "", "同时预览的文件较多，请稍后重试"),
        Refusal::PreviewImpossible(_) => said("preview_impossible", "file_id", "无法在线预览，请下载原件"),
        Refusal::PageOutOfRange { pages: 0 } => said("page_out_of_range", "page", "页码从 1 开始"),
        Refusal::PageOutOfRange { pages } => {
            ("page_out_of_range", "page".to_owned(), format!("该文件共 {pages} 页，没有所请求的页"))
        }
        Refusal::ReasonRequired => said("reason_required", "reason", "查看证照类材料请填写事由（2–200 字）"),
        Refusal::InvoiceNumberDigits => said("invoice_number_digits", "number", "数电票号码应为 20 位数字"),
        Refusal::InvoiceCodeAndNumber => {
            said("invoice_code_and_number", "code", "请填写发票代码和号码：代码 10 或 12 位，号码 8 位")
        }
        Refusal::InvoiceDateFuture => said("invoice_date_future", "issued_on", "开票日期不能晚于今天"),
        Refusal::InvoiceDateInvalid => said("invoice_date_invalid", "issued_on", "请选择开票日期"),
        Refusal::AmountNotPositive => said("amount_not_positive", "amount_fen", "发票金额应为大于 0 的数字"),
        Refusal::SellerMissing => said("seller_missing", "seller", "请填写销售方名称（不超过 200 字）"),
        Refusal::InvoiceBuyerMismatch => {
            said("invoice_buyer_mismatch", "buyer_uscc", "发票购买方与申报企业不一致")
        }
        Refusal::InvoiceTaken => said("invoice_taken", "number", "该发票已被其他企业录入，请核对号码"),
        Refusal::InvoiceTakenByOwner(_) => {
            said("invoice_taken", "number", "该发票已录入，请直接填写本站使用金额")
        }
        Refusal::OperatorNotActive => said("operator_not_active", "", "企业账号审核通过后方可录入发票"),
        Refusal::UsedNotPositive => said("used_not_positive", "used_fen", "使用金额必须大于 0"),
        Refusal::UsedOverAmount => said("used_over_amount", "used_fen", "使用金额不能大于发票金额"),
        Refusal::InvoiceOverdrawn { remaining_fen } => (
            "invoice_overdrawn",
            "used_fen".to_owned(),
            format!("该发票剩余可用 {} 元", yuan(*remaining_fen)),
        ),
        Refusal::InvoiceAlreadyAllocated => {
            said("invoice_already_allocated", "invoice_id", "本站已录入该发票")
        }
        Refusal::AllocationMissing => {
            said("allocation_missing", "invoice_id", "本站未使用该发票，请刷新后再操作")
        }
        Refusal::InvoiceLocked => {
            said("invoice_locked", "invoice_id", "使用该发票的材料正在审核，不能修改或删除")
        }
        Refusal::InvoiceChanged { .. } => {
            said("invoice_changed", "version", "发票已被他人更新，请刷新查看最新内容后再操作")
        }
    }
}

/// Whether it is the request itself that is wrong, and not the state of things.
const fn about_input(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::SlotNotPlaceable
        | Refusal::ExplanationTooLong
        | Refusal::ItemUnknown
        | Refusal::ControlCharacters(_)
        | Refusal::FileNameInvalid
        | Refusal::FileTypeUnsupported
        | Refusal::FileEmpty
        | Refusal::FileTooLarge { .. }
        | Refusal::HashInvalid
        | Refusal::FileSizeMismatch
        | Refusal::FileHashMismatch
        | Refusal::UploadIncomplete
        | Refusal::PartMisshapen
        | Refusal::PageOutOfRange { .. }
        | Refusal::ReasonRequired
        | Refusal::InvoiceNumberDigits
        | Refusal::InvoiceCodeAndNumber
        | Refusal::InvoiceDateFuture
        | Refusal::InvoiceDateInvalid
        | Refusal::AmountNotPositive
        | Refusal::SellerMissing
        | Refusal::InvoiceBuyerMismatch
        | Refusal::UsedNotPositive
        | Refusal::UsedOverAmount => true,
        Refusal::DossierClosed
        | Refusal::DossierLocked
        | Refusal::DossierReleased
        | Refusal::ItemNotEditable(_)
        | Refusal::DossierChanged { .. }
        | Refusal::FileNotClean
        | Refusal::FileDuplicate
        | Refusal::FileNotPlaced
        | Refusal::MaterialMissing(_)
        | Refusal::MaterialNotClean(_)
        | Refusal::InvoiceMissing
        | Refusal::InvoiceUnbalanced(_)
        | Refusal::ItemUnanswered(_)
        | Refusal::SealLost
        | Refusal::TooManyFiles { .. }
        | Refusal::FilesTooLarge
        | Refusal::UploadBusy
        | Refusal::PreviewBusy
        | Refusal::PreviewImpossible(_)
        | Refusal::InvoiceTaken
        | Refusal::InvoiceTakenByOwner(_)
        | Refusal::OperatorNotActive
        | Refusal::InvoiceOverdrawn { .. }
        | Refusal::InvoiceAlreadyAllocated
        | Refusal::AllocationMissing
        | Refusal::InvoiceLocked
        | Refusal::InvoiceChanged { .. } => false,
    }
}

impl From<Refusal> for Failure {
    fn from(refused: Refusal) -> Self {
        let (reason, field, text) = refusal(&refused);
        if about_input(&refused) {
            return Failure::invalid(reason, field, text);
        }
        let busy = matches!(refused, Refusal::UploadBusy | Refusal::PreviewBusy);
        let failure = if busy { Failure::busy(reason, text) } else { Failure::refused(reason, text) };
        let failure = if field.is_empty() { failure } else { failure.on(field) };
        if let Refusal::DossierChanged { now } = refused {
            failure.with("edits", now)
        } else if let Refusal::InvoiceChanged { now } = refused {
            failure.with("version", now)
        } else if let Refusal::InvoiceOverdrawn { remaining_fen } = refused {
            failure.with("remaining_fen", remaining_fen)
        } else if let Refusal::InvoiceTakenByOwner(id) = refused {
            failure.with("invoice_id", id)
        } else if let Refusal::PreviewImpossible(threat) = refused {
            failure.with("threat", threat)
        } else {
            failure
        }
    }
}

/// Several refusals as one failure: the first one's reason, everybody's field and text.
///
/// `None` where there are none.
#[must_use]
pub fn all(refusals: Vec<Refusal>) -> Option<Failure> {
    refusals.into_iter().map(Failure::from).reduce(Failure::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_has_thousands_and_two_decimals() {
        assert_eq!(yuan(2_000_000), "20,000.00");
        assert_eq!(yuan(0), "0.00");
        assert_eq!(yuan(5), "0.05");
        assert_eq!(yuan(12_345_678_901), "123,456,789.01");
    }

    #[test]
    fn every_threat_has_words() {
        for one in Threat::ALL {
            assert!(!threat(*one).is_empty());
        }
    }
}
