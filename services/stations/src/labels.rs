//! The Chinese words of this service: one text for each refusal, saying what is wrong and how to put it right.
//!
//! Source of the wording: ui, section 6.
use chassis::Failure;
use serde_json::Value;
use time::{Duration, OffsetDateTime, macros::offset};

use crate::domain::{
    Finding, Refusal,
    link::{Change, Deed},
};

/// Found of a turn whose link has secrets that were sealed by another key.
pub const SECRETS_UNOPENED: &str = "平台无法解开已保存的密钥：请轮换密钥并重新填写贵方系统的密钥；如多家企业同时出现，请运维人员核对密钥配置";

/// The text for people; `field` is the path of the field that it is about.
#[must_use]
pub fn text(refusal: &Refusal, field: &str) -> String {
    let name = field_name(field);
    match refusal {
        Refusal::Required => format!("请填写{name}"),
        Refusal::TooLong { max, length } => format!("{name}最多 {max} 个字符，当前 {length} 个，请缩短"),
        Refusal::ControlCharacter => format!("{name}含有不可见的控制字符，请删除后重试"),
        Refusal::Blank => format!("{name}不能含有空格，请核对编码"),
        Refusal::OutOfRange { min, max } if min == max && field.starts_with("outbound.") => {
            format!("{name}须为 {min} 个英文字母、数字或符号")
        }
        Refusal::OutOfRange { min, max } => format!("{name}应在 {min} 到 {max} 之间，请核对数值和单位"),
        Refusal::UnknownValue if field == "base_url" => {
            "接口地址须以 https:// 开头，不含空格和 ?、#、@，例如 https://host/evcs".to_owned()
        }
        Refusal::UnknownValue if field.starts_with("guide.pictures") => {
            format!("{name}须以 https:// 或 http:// 开头并写明主机，不含 @")
        }
        Refusal::UnknownValue => format!("{name}不在允许的取值内，请按 T/CEC 102 填写"),
        Refusal::BadTime => format!("{name}不是有效的日期或时间，请核对"),
        Refusal::TooMany { max } => format!("{name}最多 {max} 个，请分开提交"),
        Refusal::Repeated => format!("{name}在本次提交中重复，请核对编码"),
        Refusal::UnknownDivision => "请选择区县：该区县代码不存在".to_owned(),
        Refusal::CoordinatesOutside => "坐标不在本省范围内，请核对经纬度（GCJ-02）".to_owned(),
        Refusal::CoordinatesSwapped => "坐标不在本省范围内，请核对经纬度是否填反".to_owned(),
        Refusal::DatesOutOfOrder => "日期先后不对：完工和投运时间不能早于开工时间".to_owned(),
        Refusal::DateInFuture => "日期不能晚于今天".to_owned(),
        Refusal::PowerAboveEquipment => "接口功率不能大于所属设备的功率，请核对单位（瓦）".to_owned(),
        Refusal::VoltageOutOfOrder => "电压下限不能大于电压上限".to_owned(),
        Refusal::CodeTaken => format!("{name}已用于本企业的其他场站，请核对编码"),
        Refusal::StaleVersion { current } => format!("内容已被更新（当前第 {current} 版），请刷新后再修改"),
        Refusal::StaleSource => "平台已有更新的场站资料，本次较早的资料未采用".to_owned(),
        Refusal::StationClaimed => "该场站正在申请补贴，申请结束或终止后才能停用".to_owned(),
        Refusal::ConnectorClaimed { connector } => {
            format!("接口 {connector} 正在申请补贴，申请结束或终止后才能再次申报或移除")
        }
        Refusal::UnknownConnector => "该接口未登记，请先登记场站、设备和接口".to_owned(),
        Refusal::TimeInFuture => format!("{name}晚于平台时间 5 分钟以上，请校准系统时钟"),
        Refusal::TimeTooOld => format!("{name}过早，已超出接收期限"),
        Refusal::Contradiction => "该接口同一时刻已上报另一状态，请核对后用新的时间上报".to_owned(),
        Refusal::EndBeforeStart => "充电结束时间应晚于开始时间".to_owned(),
        Refusal::TooLongCharge => "单笔充电不能超过 48 小时，请核对起止时间".to_owned(),
        Refusal::EnergyImplausible => "电量超过接口额定功率可充电量，请核对单位（瓦时）".to_owned(),
        Refusal::AmountMismatch => "总金额应等于电费加服务费（误差不超过 2 分）".to_owned(),
        Refusal::OperatorNotActive => "该运营商尚未通过审核或已停用，不能开通互联互通".to_owned(),
        Refusal::HostedNotServed => "暂不支持代报其他运营商，请留空，并为该运营商单独开通互联互通".to_owned(),
        Refusal::HttpsRequired => {
            format!("{name}须以 https:// 开头：报文只在 TLS 上传输，请先为该系统配置证书，再填写 https 地址")
        }
        Refusal::CertificateUnreadable => {
            format!(
                "{name}无法读取，请粘贴 PEM 格式的证书（以 -----BEGIN CERTIFICATE----- 开头），不要包含私钥"
            )
        }
        Refusal::LinkExists => "该运营商的互联互通已开通，如需新密钥请轮换".to_owned(),
        Refusal::LinkRevoked => "该运营商的互联互通已撤销，请由管理员重新开通".to_owned(),
        Refusal::LinkChanged { .. } => "互联互通设置已有更新".to_owned(),
        Refusal::SecretsIssued => "本次请求的密钥已发放且只显示一次，如未收到请再次轮换".to_owned(),
        Refusal::LinksClosed => "平台尚未配置密钥保护，暂不能开通互联互通，请联系运维人员".to_owned(),
        Refusal::TestTooSoon { opens_at } => {
            format!("上次联调测试刚结束，请先按结果整改，{} 后可再次测试", moment(*opens_at))
        }
        Refusal::LeaseLost => "本轮任务已由其他进程接手，结果未记录".to_owned(),
        Refusal::OrderConflict => {
            "该订单号已有不同内容且时间不早于本次，如需更正请用更晚的时间上报".to_owned()
        }
    }
}

/// What people call a field; the last part of its path counts.
fn field_name(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or(path).split('[').next().unwrap_or_default() {
        "station" => "场站资料",
        "station_id" => "场站编号",
        "operator_id" => "运营商编号",
        "station_code" => "场站编码",
        "name" => "名称",
        "address" => "地址",
        "county" => "区县",
        "longitude_e6" | "latitude_e6" => "坐标",
        "station_type" => "站点类型",
        "station_status" => "站点状态",
        "construction" => "建设场所",
        "park_nums" => "车位数量",
        "start_date" => "开工时间",
        "finish_date" => "完工时间",
        "open_date" => "投运时间",
        "manager" => "场站负责人",
        "manager_phone" => "负责人电话",
        "service_phone" => "服务电话",
        "business_hours" => "营业时间",
        "electricity_fee" => "电费说明",
        "service_fee" => "服务费说明",
        "park_fee" => "停车费说明",
        "payment" => "支付方式",
        "park_info" => "停车说明",
        "directions" => "位置指引",
        "vehicles" => "适用车型",
        "station_phone" => "场站电话",
        "remark" => "备注",
        "pictures" => "图片地址",
        "equipment" => "充电设备",
        "equipment_id" => "设备编码",
        "equipment_type" => "设备类型",
        "power_watts" => "功率",
        "model" => "设备型号",
        "manufacturer" => "生产厂商",
        "manufacturer_code" => "生产厂商代码",
        "connectors" | "connector_ids" => "充电接口",
        "connector_id" => "接口编码",
        "connector_type" => "接口类型",
        "voltage_upper_volts" => "电压上限",
        "voltage_lower_volts" => "电压下限",
        "current_amps" => "电流",
        "national_standard" => "国家标准",
        "park_no" => "车位号",
        "status" => "接口状态",
        "connection" => "接入状态",
        "source_time" => "数据时间",
        "order_no" => "订单号",
        "start_time" => "开始时间",
        "end_time" => "结束时间",
        "energy_wh" => "电量",
        "electricity_fen" => "电费",
        "service_fen" => "服务费",
        "total_fen" => "总金额",
        "stop_reason" => "停止原因",
        "details" => "充电明细",
        "batch_id" => "批次号",
        "items" => "数据条目",
        "application_id" => "申请编号",
        "round_id" => "批次编号",
        "kind" => "类别",
        "base_url" => "接口地址",
        "protocol_version" => "协议版本",
        "paths" => "接口路径",
        "spellings" => "字段名称",
        "authority" => "TLS 证书",
        "operator_secret" => "运营商密钥",
        "data_secret" => "消息密钥",
        "data_secret_iv" => "消息密钥初始化向量",
        "sig_secret" => "签名密钥",
        "window_secs" => "时钟允许偏差",
        "hosted" => "代报运营商",
        "lease_id" => "任务编号",
        "state" => "接入状态",
        "text" => "关键词",
        _ => "该项",
    }
}

/// One finding as a failure: about the value (INVALID_ARGUMENT) or about what is held (FAILED_PRECONDITION).
impl From<Finding> for Failure {
    fn from(found: Finding) -> Self {
        let text = text(&found.refusal, &found.field);
        let reason = found.refusal.reason();
        if !found.refusal.about_state() {
            return Failure::invalid(reason, found.field, text);
        }
        let failure = Failure::refused(reason, text);
        let failure = if let Refusal::StaleVersion { current } = &found.refusal {
            failure.with("current_version", current)
        } else if let Refusal::LinkChanged { current, last } = &found.refusal {
            let failure = failure.with("current_version", current);
            match last {
                Some(last) => failure.overtaken(changer(last), last.at, deed(last.deed)),
                None => failure,
            }
        } else if let Refusal::ConnectorClaimed { connector } = &found.refusal {
            failure.with("connector_id", connector)
        } else if let Refusal::TestTooSoon { opens_at } = &found.refusal {
            failure.with("opens_at", opens_at.unix_timestamp())
        } else {
            failure
        };
        if found.field.is_empty() { failure } else { failure.on(found.field) }
    }
}

/// Who has changed a link.
fn changer(last: &Change) -> &str {
    match last.office.as_str() {
        _ if last.by_operator => "运营商",
        "" => "平台管理员",
        office => office,
    }
}

fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Approved => "开通了互联互通",
        Deed::PeerSet => "修改了运营商系统的接口设置",
        Deed::TermsSet => "修改了接入条件",
        Deed::Rotated => "轮换了密钥",
        Deed::Revoked => "撤销了互联互通",
    }
}

/// All findings in one failure, so that a form shows all of its errors at once; `None` where there are none.
pub fn all(findings: Vec<Finding>) -> Option<Failure> {
    findings.into_iter().map(Failure::from).reduce(Failure::and)
}

/// The text of a kept quality item, from its reason id.
#[must_use]
pub fn kept(reason: &str) -> &'static str {
    match reason {
        "unknown_connector" => "接口未登记",
        "contradiction" => "同一时刻上报了不同状态",
        "same_second" => "同一秒内上报了不同状态，已按后到的状态接收",
        "order_conflict" => "订单号重复且内容不同",
        "order_corrected" => "订单已按更晚的上报更正",
        "order_superseded" => "该订单内容此前已被更正，未恢复",
        "time_in_future" => "数据时间晚于平台时间",
        "time_too_old" => "数据时间过早",
        "energy_implausible" => "电量超过额定功率可充电量",
        "amount_mismatch" => "金额合计不符",
        "end_before_start" => "结束时间早于开始时间",
        "charge_too_long" => "单笔充电超过 48 小时",
        "unknown_value" => "取值不在标准内",
        "bad_time" => "时间格式不正确",
        "out_of_range" => "数值超出范围",
        "statistics_differ" => "日电量统计与当日订单合计相差超过 1%",
        "order_unknown_to_operator" => "运营商系统没有该订单",
        "order_amount_disputed" => "运营商系统认为订单金额有误",
        "order_energy_disputed" => "运营商系统认为订单电量有误",
        "order_disputed" => "运营商系统对订单有异议",
        "order_not_listed" => "运营商对账清单未列出该订单",
        "order_not_held" => "平台没有收到该订单，请补报",
        "day_not_compared" => "7 天内未能与运营商系统核对当日数据，请检查互联互通地址和接口",
        "far_from_county" => "场站已接收，但坐标不在所填区县附近，请核对经纬度是否填反",
        "refused_signature" => "签名错误，报文未接收（Ret 4001），请核对签名密钥和签名内容",
        "refused_token" => "Token 缺失、错误或已过期，报文未接收（Ret 4002），请重新获取后再发",
        "refused_clock" => "报文时间与平台时间相差过大，未接收（Ret 4003），请校准系统时钟",
        "refused_envelope" => "报文参数不合法，未接收（Ret 4003），请按提示更正",
        "refused_content" => "业务参数不合法，未接收（Ret 4004），请按提示更正后再发",
        _ => "内容不符合要求",
    }
}

/// What was compared in a quality item of statistics or of an order check, with both sides; of a station, where it is said to
/// be, or what is wrong with it; of a refused message, what was answered; empty for others.
#[must_use]
pub fn example(reason: &str, content: &Value) -> String {
    let number = |value: &Value, name: &str| value[name].as_i64().unwrap_or_default();
    let text = |name: &str| content[name].as_str().unwrap_or_default();
    if reason == "statistics_differ" {
        let sides = |value: &Value| {
            let (told, ended) = (energy(number(value, "told_wh")), energy(number(value, "ended_wh")));
            let started = energy(number(value, "started_wh"));
            let (orders, by_start) = (number(value, "orders"), format!("（按开始时间计 {started}）"));
            let by_start = if started == ended { "" } else { &by_start };
            format!("运营商统计 {told}，平台订单 {orders} 笔 {ended}{by_start}")
        };
        let station =
            format!("{} 场站 {}：{}", text("day"), text("station_code"), sides(&content["station"]));
        let connector = &content["connector"];
        if connector.is_null() {
            return station;
        }
        return format!("{station}；相差最大的接口：{}", sides(connector));
    }
    if reason == "day_not_compared" {
        let tries = number(content, "tries");
        let last = if tries == 0 {
            "期间未能调用运营商系统".to_owned()
        } else {
            format!("请求 {tries} 次未成功，最近一次：{}", text("found"))
        };
        return format!("{}：{last}", text("day"));
    }
    if reason.starts_with("refused_") {
        let station = match text("station_code") {
            "" => String::new(),
            code => format!("场站 {code} "),
        };
        let method = match text("method") {
            "" => "未开放的接口",
            method => method,
        };
        return format!("{method}：{station}{}", text("text"));
    }
    if reason == "far_from_county" {
        let (longitude, latitude) = (number(content, "longitude_e6"), number(content, "latitude_e6"));
        return format!("场站 {}（{}, {}）", text("station_code"), degrees(longitude), degrees(latitude));
    }
    if !content["station_code"].is_null() {
        return format!("场站 {}：{}", text("station_code"), text("text"));
    }
    let side = |value: &Value| {
        format!("{}、{} 元", energy(number(value, "energy_wh")), yuan(number(value, "total_fen")))
    };
    let (told, held) = (&content["told"], &content["held"]);
    match (told.is_null(), held.is_null()) {
        (true, true) => String::new(),
        (false, true) => format!("运营商 {}", side(told)),
        (true, false) => format!("平台 {}", side(held)),
        (false, false) => format!("运营商应答 {}，平台 {}", side(told), side(held)),
    }
}

/// The first disagreement of a comparison: about what, what is wrong, both sides.
#[must_use]
pub fn told(order_no: &str, reason: &str, content: &Value) -> String {
    let order = if order_no.is_empty() { String::new() } else { format!("订单 {order_no} ") };
    format!("{order}{}：{}", kept(reason), example(reason, content))
}

/// Time of day in Asia/Shanghai by whole minutes, rounded up: at it the time has come.
fn moment(at: OffsetDateTime) -> String {
    let at = (at + Duration::MINUTE - Duration::NANOSECOND).to_offset(offset!(+8));
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// kWh with two digits.
fn energy(wh: i64) -> String {
    let hundredths = wh.saturating_add(5).div_euclid(10);
    format!("{}.{:02} 千瓦时", hundredths / 100, hundredths % 100)
}

/// Degrees with six digits; no province lies south of the equator or west of Greenwich.
fn degrees(micro: i64) -> String {
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// Yuan with two digits.
fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    #[test]
    fn a_time_of_day_is_one_at_which_it_has_come() {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).expect("a moment");
        assert_eq!(moment(at("2026-11-25T15:59:00Z")), "2026-11-25 23:59");
        assert_eq!(moment(at("2026-11-25T15:59:00.5Z")), "2026-11-26 00:00");
    }

    #[test]
    fn an_example_names_both_sides() {
        let sums = |told: i64, ended: i64, started: i64| json!({ "told_wh": told, "orders": 2, "ended_wh": ended, "started_wh": started });
        let station = json!({
            "day": "2026-11-26", "station_code": "S1", "station": sums(30_000, 20_000, 20_000), "connector": null,
        });
        assert_eq!(
            example("statistics_differ", &station),
            "2026-11-26 场站 S1：运营商统计 30.00 千瓦时，平台订单 2 笔 20.00 千瓦时"
        );
        let connector = json!({
            "day": "2026-11-26", "station_code": "S1", "station": sums(30_000, 20_000, 0), "connector": sums(1, 2, 3),
        });
        assert!(
            example("statistics_differ", &connector)
                .contains("（按开始时间计 0.00 千瓦时）；相差最大的接口：")
        );
        let side = json!({ "energy_wh": 30_254, "total_fen": 3_015 });
        let order = json!({ "told": side, "held": side });
        assert_eq!(
            example("order_amount_disputed", &order),
            "运营商应答 30.25 千瓦时、30.15 元，平台 30.25 千瓦时、30.15 元"
        );
        assert_eq!(
            told("O1", "order_not_held", &json!({ "told": side, "held": null })),
            "订单 O1 平台没有收到该订单，请补报：运营商 30.25 千瓦时、30.15 元"
        );
        let unlisted = json!({ "held": side });
        assert_eq!(example("order_not_listed", &unlisted), "平台 30.25 千瓦时、30.15 元");
        assert_eq!(example("unknown_connector", &json!({ "status": 1 })), "");
        let refused =
            json!({ "method": "notification_stationInfo", "station_code": "S1", "text": "请填写地址" });
        assert_eq!(example("refused_content", &refused), "notification_stationInfo：场站 S1 请填写地址");
        let rejected = json!({ "station_code": "S1", "text": "请填写地址；请填写名称" });
        assert_eq!(example("required", &rejected), "场站 S1：请填写地址；请填写名称");
        let missed = json!({ "day": "2026-11-18", "tries": 3, "reason": "unreachable", "found": "没有应答" });
        assert_eq!(example("day_not_compared", &missed), "2026-11-18：请求 3 次未成功，最近一次：没有应答");
    }
}
