//! The Chinese words of this service: the Msg of each answer. They name the member, the rule and the way out.
use crate::domain::{
    envelope::{Malformed, Undecodable},
    fields::{Fault, Rule},
    json::{self, Flaw},
};

/// Faults that one Msg lists. Source: interconnect protocol, section 7.
const LISTED_MAX: usize = 20;

/// Why a body is no envelope.
#[must_use]
pub fn malformed(fault: &Malformed) -> String {
    match fault {
        Malformed::NotAnObject => "请求体不是 UTF-8 编码的 JSON 对象".to_owned(),
        Malformed::Json(fault) => format!("请求体不符合要求：{}", json(fault)),
        Malformed::Missing(name) => format!("缺少参数 {name}"),
        Malformed::Wrong(name) => format!("参数 {name} 的类型、长度或字符不正确"),
    }
}

/// Why Data gives no text; padding, length and encoding are not told apart.
#[must_use]
pub fn undecodable(fault: Undecodable) -> &'static str {
    match fault {
        Undecodable::Blank => "Data 中含有空格：请求体可能按表单编码发送，“+”被替换为空格",
        Undecodable::Base64 => "Data 不是标准 Base64",
        Undecodable::Cipher => "Data 无法解密",
    }
}

/// Why a text is not JSON that may be taken.
#[must_use]
pub fn json(fault: &json::Fault) -> String {
    let what = match fault.flaw {
        Flaw::Syntax => "不是有效的 JSON",
        Flaw::Depth => "嵌套层数过多",
        Flaw::Duplicate => "字段重复",
        Flaw::Surrogate => "含有不完整的字符",
    };
    if fault.path.is_empty() { what.to_owned() } else { format!("{} {what}", fault.path) }
}

/// Every fault of a message with its path, at most twenty.
#[must_use]
pub fn faults(faults: &[Fault]) -> String {
    let one = |fault: &Fault| format!("{} {}", fault.path, rule(fault.rule));
    let mut texts: Vec<String> = faults.iter().take(LISTED_MAX).map(one).collect();
    if faults.len() > LISTED_MAX {
        texts.push(format!("等共 {} 处", faults.len()));
    }
    texts.join("；")
}

fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Required => "必填",
        Rule::Type => "类型不正确",
        Rule::Time => "不是有效时间（yyyy-MM-dd HH:mm:ss）",
        Rule::Digits => "小数位过多或数值过大",
        Rule::Length => "过长",
        Rule::Control => "含有控制字符",
        Rule::Enumeration => "取值不在标准内",
        Rule::Count => "条数过多",
        Rule::Operator => "与接入的运营商不一致",
    }
}

/// The operator is not known.
pub const UNKNOWN_OPERATOR: &str = "OperatorID 未开通互联互通";
/// The signature does not fit.
pub const SIGNATURE: &str = "签名错误";
/// The link may not speak.
pub const CLOSED: &str = "该运营商的互联互通已暂停或运营商已停用，请联系平台管理员";
/// The method is not served.
pub const METHOD: &str = "接口不存在或未开放";
/// The token is missing, wrong or expired.
pub const TOKEN: &str = "Token 缺失、错误或已过期，请重新获取";
/// The TimeStamp is no date.
pub const NO_DATE: &str = "参数 TimeStamp 不是有效时间";
/// Too much at once.
pub const BUSY: &str = "系统繁忙，请稍后重试";
/// A fault of ours.
pub const INTERNAL: &str = "系统错误，请稍后重试";
/// The body is no object.
pub const NO_OBJECT: &str = "业务数据不是 JSON 对象";

/// The clocks differ too much.
#[must_use]
pub fn clock(window_secs: i64) -> String {
    format!("参数 TimeStamp 与平台时间相差超过 {window_secs} 秒，请校准系统时钟")
}
