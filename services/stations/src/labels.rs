//! The Chinese words of this service: one text for each refusal, saying what is wrong and how to put it right.
//!
//! Source of the wording: ui, section 6.
use chassis::Failure;

use crate::domain::{Finding, Refusal};

/// The text for people; `field` is the path of the field that it is about.
#[must_use]
pub fn text(refusal: &Refusal, field: &str) -> String {
    let name = field_name(field);
    match refusal {
        Refusal::Required => format!("请填写{name}"),
        Refusal::TooLong { max, length } => format!("{name}最多 {max} 个字符，当前 {length} 个，请缩短"),
        Refusal::ControlCharacter => format!("{name}含有不可见的控制字符，请删除后重试"),
        Refusal::Blank => format!("{name}不能含有空格，请核对编码"),
        Refusal::OutOfRange { min, max } => format!("{name}应在 {min} 到 {max} 之间，请核对数值和单位"),
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
        Refusal::LinkExists => "该运营商的互联互通已开通，如需新密钥请轮换".to_owned(),
        Refusal::LinkRevoked => "该运营商的互联互通已撤销，请由管理员重新开通".to_owned(),
        Refusal::SecretsIssued => "本次请求的密钥已发放且只显示一次，如未收到请再次轮换".to_owned(),
        Refusal::LinksClosed => "平台尚未配置密钥保护，暂不能开通互联互通，请联系运维人员".to_owned(),
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
        "equipment" => "充电设备",
        "equipment_id" => "设备编码",
        "equipment_type" => "设备类型",
        "power_watts" => "功率",
        "model" => "设备型号",
        "manufacturer" => "生产厂商",
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
        "batch_id" => "批次号",
        "items" => "数据条目",
        "application_id" => "申请编号",
        "round_id" => "批次编号",
        "kind" => "类别",
        "base_url" => "接口地址",
        "protocol_version" => "协议版本",
        "paths" => "接口路径",
        "spellings" => "字段名称",
        "operator_secret" => "运营商密钥",
        "data_secret" => "消息密钥",
        "data_secret_iv" => "消息密钥初始化向量",
        "sig_secret" => "签名密钥",
        "window_secs" => "时钟允许偏差",
        "hosted" => "代报运营商",
        "lease_id" => "任务编号",
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
        } else if let Refusal::ConnectorClaimed { connector } = &found.refusal {
            failure.with("connector_id", connector)
        } else {
            failure
        };
        if found.field.is_empty() { failure } else { failure.on(found.field) }
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
        "order_conflict" => "订单号重复且内容不同",
        "order_corrected" => "订单已按更晚的上报更正",
        "time_in_future" => "数据时间晚于平台时间",
        "time_too_old" => "数据时间过早",
        "energy_implausible" => "电量超过额定功率可充电量",
        "amount_mismatch" => "金额合计不符",
        "end_before_start" => "结束时间早于开始时间",
        "charge_too_long" => "单笔充电超过 48 小时",
        "unknown_value" => "取值不在标准内",
        "bad_time" => "时间格式不正确",
        "out_of_range" => "数值超出范围",
        _ => "内容不符合要求",
    }
}
