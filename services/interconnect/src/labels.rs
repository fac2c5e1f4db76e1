//! The Chinese words of this service: the Msg of each answer, and what is said of operators' systems. They name the member,
//! the rule and the way out.
use std::collections::BTreeSet;

use crate::domain::{
    answer::Trouble,
    bodies::{past::Dispute, pulled::Operator},
    envelope::{Malformed, Undecodable},
    fields::{Fault, Rule},
    json::{self, Flaw},
    ret::Ret,
    script::{Listed, Step},
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
/// An order comes again as it was before its correction.
pub const SUPERSEDED: &str = "该订单内容此前已被更正，平台保留更正后的订单；如更正有误，请人工核对";
/// A fault of ours.
pub const INTERNAL: &str = "系统错误，请稍后重试";
/// The body is no object.
pub const NO_OBJECT: &str = "业务数据不是 JSON 对象";

/// The clocks differ too much.
#[must_use]
pub fn clock(window_secs: i64) -> String {
    format!("参数 TimeStamp 与平台时间相差超过 {window_secs} 秒，请校准系统时钟")
}

/// Characters of a Msg of an operator's system that are shown.
const MSG_SHOWN: usize = 100;

/// What an operator's system answered.
#[must_use]
pub fn answered(ret: Ret, msg: &str) -> String {
    let msg: String = msg.chars().take(MSG_SHOWN).collect();
    let msg = if msg.is_empty() { String::new() } else { format!("：{msg}") };
    format!("应答 Ret {}{msg}", ret.code())
}

/// Why a call of an operator's system brought no answer.
#[must_use]
pub fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Address => {
            "接口地址无效、不是 https 或为内网地址，平台不能访问，请改填公网的 https 地址".to_owned()
        }
        Trouble::Unreachable => "无法连接对方系统，请检查接口地址、端口、防火墙和证书".to_owned(),
        Trouble::TimedOut => "对方系统未在规定时间内应答".to_owned(),
        Trouble::Status(status) => format!("对方系统应答 HTTP {status}，应为 200"),
        Trouble::TooLarge => "应答超过 16 MiB，请减少每页条数".to_owned(),
        Trouble::Envelope => "应答不是含 Ret、Msg、Data、Sig 的 JSON 对象".to_owned(),
        Trouble::Signature => "应答签名错误，请核对签名密钥和签名内容（Ret、Msg、Data 依次拼接）".to_owned(),
        Trouble::UnknownRet => "应答的 Ret 不在标准内".to_owned(),
        Trouble::Data => "应答的 Data 无法解密为 JSON 对象，请核对消息密钥和初始化向量".to_owned(),
        Trouble::Refused { ret, msg } => answered(*ret, msg),
        Trouble::Login { reason } => format!("未取得 Token，FailReason {reason}"),
        Trouble::Body(found) => format!("应答内容不符合要求：{}", faults(found)),
        Trouble::Incomplete => "应答的页数或条数与实际不符，未取全".to_owned(),
        Trouble::Mismatched => "应答中的编号或日期与请求不一致，请核对应答与请求的对应关系".to_owned(),
        Trouble::Platform => "平台暂时不能接收，稍后自动重试".to_owned(),
        Trouble::Overdue => "对方系统应答过慢，本轮任务已到时限，已取得的数据有效，稍后再试".to_owned(),
        Trouble::LeaseLost => "本轮任务已由其他进程接手".to_owned(),
    }
}

/// What a step of a joint test tries.
#[must_use]
pub fn step(step: Step) -> String {
    let text = match step {
        Step::Token => "用正确的密钥获取 Token",
        Step::WrongSecret => "用错误的密钥不能获取 Token",
        Step::NoToken => "不带 Token 的请求应答 4002",
        Step::WrongToken => "Token 错误的请求应答 4002",
        Step::WrongSignature => "签名错误的请求应答 4001",
        Step::Missing(name) => return format!("缺少 {name} 的请求应答 4003 并指明参数"),
        Step::BadBody => "业务参数错误的请求应答 4004",
        Step::Callable => "平台可以调用运营商系统",
        Step::Pages => "分页查询全部场站，条数一致且不重复",
        Step::OneByOne => "每页一条查询场站，页数等于总条数",
        Step::PageBeyond => "查询超出末页时没有数据",
        Step::Fields => "场站、设备、接口字段符合标准",
        Step::Changes => "按上次查询时间只返回变化的场站",
        Step::Status => "查询接口状态，每个接口均有状态",
        Step::Statistics => "查询前一日场站统计",
        Step::OrderCheck => "核对近 24 小时充电订单，运营商系统均有且一致",
        Step::Operator => "查询运营商信息，与接入的运营商一致",
        Step::Deadline => "在规定时间内完成全部步骤",
        Step::ReceivedStatus => "平台一日内收到接口状态",
        Step::ReceivedOrder => "平台七日内收到充电订单",
    };
    text.to_owned()
}

/// What to do about a step that did not pass; `own`: at this platform's door.
#[must_use]
pub fn way_out(step: Step, own: bool) -> &'static str {
    if own {
        return "请确认互联互通已开通且未暂停；仍不通过请联系平台管理员";
    }
    match step {
        Step::Token => "请核对接口地址、协议版本和四项密钥，并实现 query_token",
        Step::WrongSecret => "密钥错误时请应答 SuccStat 1 和 FailReason 2，不要发放 Token",
        Step::NoToken | Step::WrongToken => {
            "请校验 Authorization 中的 Token，缺失、错误或过期时应答 Ret 4002"
        }
        Step::WrongSignature => "请先校验签名再解密，签名错误时应答 Ret 4001",
        Step::Missing(_) => "请检查五个参数，缺少时应答 Ret 4003，并在 Msg 中写明参数名",
        Step::BadBody => "请检查业务参数，必填缺失或类型不符时应答 Ret 4004",
        Step::Callable => "请填写接口地址、协议版本和平台调用运营商系统所用的密钥",
        Step::Pages => "请核对 PageCount、ItemSize 与实际返回，排序须固定，场站编码不能重复",
        Step::OneByOne => "请按 PageSize 分页，PageCount 应为总条数除以每页条数并向上取整",
        Step::PageBeyond => "页码超出末页时请返回空的 StationInfos",
        Step::Fields => "请按提示逐项更正场站资料",
        Step::Changes => "请支持 LastQueryTime，只返回该时间之后变化的场站",
        Step::Status => "请为所查场站的每个接口各返回一条状态，编码与场站资料一致",
        Step::Statistics => "请实现 query_station_stats，返回所查场站的 StationStats",
        Step::OrderCheck => {
            "请实现 check_charge_orders，按订单号逐笔核对电量和金额，不一致时补推订单或更正本方数据；不提供该接口时请在互联互通设置中填 -"
        }
        Step::Operator => {
            "请返回本企业的 OperatorID、OperatorName 和 OperatorUSCID（统一社会信用代码），并与平台登记一致"
        }
        Step::Deadline => "请缩短各接口的应答时间，再重新测试",
        Step::ReceivedStatus => "请推送接口状态（notification_stationStatus），或等待平台拉取",
        Step::ReceivedOrder => "请在充电结束后推送订单（notification_charge_order_info）",
    }
}

/// The operator's system is not to be called.
pub const NOT_CALLABLE: &str = "尚未填写运营商系统的接口地址或密钥";
/// A step that needs a token.
pub const WITHOUT_TOKEN: &str = "未取得 Token，未执行";
/// A step for a method that the link leaves out.
pub const NOT_SERVED: &str = "该接口在互联互通设置中为不提供，不检查";
/// A method that nobody serves at the operator's address.
pub const NOT_OFFERED: &str = "运营商系统没有该接口，不检查";
/// A step that needs stations.
pub const WITHOUT_STATIONS: &str = "未取得场站，未执行";
/// A token for a wrong secret.
pub const TOKEN_FOR_WRONG_SECRET: &str = "错误的密钥也取得了 Token";
/// Stations are registered, and nothing came.
pub const NOTHING_RECEIVED: &str = "尚未收到";
/// Nothing could come.
pub const NOTHING_REGISTERED: &str = "尚未收到，且没有已登记的场站";

/// When the latest came.
#[must_use]
pub fn latest(at: &str) -> String {
    format!("最近一条 {at}")
}

/// How long a token is good for.
#[must_use]
pub fn life(secs: i64) -> String {
    format!("有效期 {secs} 秒")
}

/// How many stations came.
#[must_use]
pub fn stations(count: usize) -> String {
    format!("返回场站 {count} 个")
}

/// Which operators came.
#[must_use]
pub fn operators(operators: &[Operator]) -> String {
    let first = operators.first().map_or(String::new(), |one| format!("（如 {} {}）", one.code, one.uscc));
    format!("返回运营商 {} 个{first}", operators.len())
}

/// How many stations changed.
#[must_use]
pub fn changed(items: i64) -> String {
    format!("当前时间之后变化的场站 {items} 个")
}

/// What a walk over the pages brought.
#[must_use]
pub fn listed(listed: &Listed) -> String {
    let cut = if listed.cut { "，仅检查前 50 页" } else { "" };
    let twice = listed.twice.first().map_or(String::new(), |code| format!("，{code} 等编码重复"));
    let (pages, items, came) = (listed.pages, listed.items, listed.stations.len());
    format!("共 {pages} 页，ItemSize {items}，实际返回场站 {came} 个{twice}{cut}")
}

/// What came one by one.
#[must_use]
pub fn one_by_one(pages: i64, came: usize) -> String {
    format!("PageCount {pages}，末页返回场站 {came} 个")
}

/// Which statuses came.
#[must_use]
pub fn statuses(came: usize, missing: &BTreeSet<String>, foreign: &BTreeSet<String>) -> String {
    let named = |what: &str, codes: &BTreeSet<String>| match codes.first() {
        Some(code) => format!("，{what} {} 个（如 {code}）", codes.len()),
        None => String::new(),
    };
    format!("返回状态 {came} 条{}{}", named("缺少接口", missing), named("未登记接口", foreign))
}

/// What came of a check of orders, with the first one that is disputed.
#[must_use]
pub fn checked(listed: usize, disputed: Option<&Dispute>) -> String {
    match disputed {
        None if listed == 0 => "平台近 24 小时没有收到订单，空清单已正确应答".to_owned(),
        None => format!("订单 {listed} 笔，均一致"),
        Some(one) => {
            format!("订单 {listed} 笔，运营商系统有异议：{}（DisputeReason {}）", one.order_no, one.reason)
        }
    }
}

/// The energy of a day, in tenths of a kilowatt-hour.
#[must_use]
pub fn statistics(day: &str, tenths: i64) -> String {
    format!("{day} 电量 {}.{} 千瓦时", tenths / 10, tenths % 10)
}
