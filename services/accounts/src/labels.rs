//! Every Chinese text of this service for people, and how a refusal leaves it. The wording follows ui, section 6.

use chassis::Failure;

use crate::domain::{
    lifecycle::{Standing, State},
    refusal::{Field, Kind, Refusal},
    roles::Role,
    second_factor::WRONG_MAX,
    uscc::Fault,
};

/// A field's label.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::Login => "账号名称",
        Field::Password => "密码",
        Field::NewPassword => "新密码",
        Field::CompanyName => "公司名称",
        Field::Uscc => "统一社会信用代码",
        Field::OperatorType => "运营商类型",
        Field::ContactName => "联系人",
        Field::ContactPhone => "联系电话",
        Field::ContactEmail => "电子邮箱",
        Field::RegisteredDivision => "注册地",
        Field::LicenceCounty => "执照住所区县",
        Field::HomeProvince => "企业所在省份",
        Field::LicenceFileId => "营业执照",
        Field::TruthDeclared => "真实性声明",
        Field::Entry => "提交入口",
        Field::Opinion => "审核意见",
        Field::SubmissionVersion => "提交版本",
        Field::DisplayName => "姓名",
        Field::Roles => "角色",
        Field::Scope => "管辖区域",
        Field::Department => "厅委",
        Field::Office => "所属单位",
        Field::Employer => "工作单位",
        Field::Code => "验证码",
        Field::Ticket => "激活凭证",
        Field::SessionToken => "登录状态",
        Field::Audience => "目标服务",
        Field::OperatorId => "运营商",
        Field::State => "账号状态",
        Field::LastSignIn => "2.0 最近登录时间",
        Field::PasswordHash => "密码摘要",
        Field::Reason => "原因",
        Field::Text => "查询内容",
        Field::Day => "日期",
    }
}

/// A state's label.
pub fn state(state: State) -> &'static str {
    match state {
        State::Pending => "待审核",
        State::Active => "正常",
        State::Returned => "审核不通过",
        State::Suspended => "停用",
    }
}

/// A role's label.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "运营商",
        Role::OperatorApplicant => "运营商（待审核）",
        Role::County => "县级主管部门",
        Role::City => "市级主管部门",
        Role::Administrator => "平台管理员",
        Role::Expert => "专家",
        Role::Province => "省级厅委",
        Role::SystemAdministrator => "系统管理员",
        Role::SecurityAdministrator => "安全管理员",
        Role::AuditAdministrator => "审计管理员",
        Role::Ingest => "数据接入",
    }
}

/// The verb that asks for a field: text is filled in, choices are chosen, files are uploaded.
fn please(asked: Field) -> String {
    let verb = match asked {
        Field::OperatorType
        | Field::HomeProvince
        | Field::Entry
        | Field::Roles
        | Field::Scope
        | Field::Audience
        | Field::OperatorId
        | Field::Day
        | Field::State => "选择",
        Field::RegisteredDivision => return "请选择区县".to_owned(),
        Field::LicenceFileId => "上传",
        Field::TruthDeclared => "勾选",
        Field::Login
        | Field::Password
        | Field::NewPassword
        | Field::CompanyName
        | Field::Uscc
        | Field::ContactName
        | Field::ContactPhone
        | Field::ContactEmail
        | Field::LicenceCounty
        | Field::Opinion
        | Field::SubmissionVersion
        | Field::DisplayName
        | Field::Department
        | Field::Office
        | Field::Employer
        | Field::Code
        | Field::Text
        | Field::Ticket
        | Field::SessionToken
        | Field::LastSignIn
        | Field::PasswordHash
        | Field::Reason => "填写",
    };
    format!("请{verb}{}", field(asked))
}

/// A refusal in words: what is wrong and how to mend it.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Missing(asked) => please(*asked),
        Refusal::TooLong { field: long, max } => format!("{}不能超过 {max} 个字", field(*long)),
        Refusal::ControlCharacters(odd) => format!("{}含有不可见字符，请重新输入", field(*odd)),
        Refusal::UnknownValue(odd) => format!("{}不在可选范围内，请重新选择", field(*odd)),
        Refusal::LoginForm => "账号名称为 4–20 位字母、数字或下划线".to_owned(),
        Refusal::LoginTaken => "账号名称已被使用，请更换".to_owned(),
        Refusal::Uscc(fault) => uscc(fault),
        Refusal::UsccTaken => "该企业已注册，如非本人操作请联系技术支持".to_owned(),
        Refusal::Phone { digits } => format!("应为 11 位手机号，当前 {digits} 位"),
        Refusal::MomentForm => "最近登录时间应为日期或日期时间，例如 2026-01-31 08:00:00".to_owned(),
        Refusal::HashUnreadable => "密码摘要应为 Argon2 的 PHC 字符串，且参数不超过上限".to_owned(),
        Refusal::Email => "电子邮箱格式不正确，请核对，例如 name@example.com".to_owned(),
        Refusal::DivisionNotCounty => "请选择区县".to_owned(),
        Refusal::DivisionAbolished { successor } => format!("该区划已撤并，请改选 {successor}"),
        Refusal::DivisionOutside => "省外企业请选择“郑州市-其他”".to_owned(),
        Refusal::DivisionListed { listed } => format!("执照所载区县已在列表中，请选择 {listed}"),
        Refusal::DivisionOtherExpected { .. } => "列表中没有执照所载区县，请选择该市的“其他”".to_owned(),
        Refusal::LicenceMissing => "未找到上传的营业执照，请重新上传".to_owned(),
        Refusal::LicenceNotClean => "营业执照未通过检查，请重新上传".to_owned(),
        Refusal::LicenceForeign => "该营业执照不是本企业上传的文件，请重新上传".to_owned(),
        Refusal::LicenceUsed => "该营业执照已用于注册其他账号，请重新上传".to_owned(),
        Refusal::TruthUndeclared => "请阅读并勾选真实性声明".to_owned(),
        Refusal::PasswordWeak => "密码不少于 10 位，并含大写字母、小写字母、数字、符号中的三类".to_owned(),
        Refusal::PasswordLong { max } => format!("密码不能超过 {max} 位"),
        Refusal::PasswordCommon => "密码过于常见，请更换".to_owned(),
        Refusal::PasswordLogin => "密码不能与账号名称相同".to_owned(),
        Refusal::PasswordSame => "新密码不能与原密码相同，请更换".to_owned(),
        Refusal::OpinionMissing => "审核不通过时请填写审核意见".to_owned(),
        Refusal::NotCompared(open) => {
            let name = field(*open);
            format!("请核对执照上的{name}，一致后勾选“一致”；不一致的请选择审核不通过")
        }
        Refusal::WrongState { state: found, review_pending } => {
            let waiting = if *review_pending { "，有待审核内容" } else { "" };
            format!("账号当前为“{}”{waiting}，不能进行此操作", state(*found))
        }
        Refusal::StaleVersion { current } => format!("内容已更新为第 {current} 次提交，请查看后重新审核"),
        Refusal::NothingChanged => "内容没有变化，无需提交".to_owned(),
        Refusal::RolesExclude(one, other) => {
            format!("“{}”不能与“{}”由同一人担任，请分设账号", role(*one), role(*other))
        }
        Refusal::RoleNotGrantable(one) => format!("角色“{}”只能由安全管理员授予", role(*one)),
        Refusal::ScopeMismatch(one) => format!("管辖区域与角色“{}”不符，请重新选择", role(*one)),
        Refusal::SignInFailed => "账号名称或密码不正确".to_owned(),
        Refusal::SignInLocked { seconds } => {
            format!("登录失败次数过多，已锁定 {} 分钟，请稍后再试，或用短信找回密码", (seconds + 59) / 60)
        }
        Refusal::AccountSuspended => "账号已停用，请联系技术支持".to_owned(),
        Refusal::OneTimeSpent => "初始密码已使用或已过期，请联系管理员重新发放".to_owned(),
        Refusal::SessionEnded => "登录已失效，请重新登录".to_owned(),
        Refusal::TicketEnded => "操作时间已过，请重新登录；找回密码请重新获取验证码".to_owned(),
        Refusal::FactorWrong => "动态口令不正确或已使用，请等待应用显示下一个口令后重新输入".to_owned(),
        Refusal::FactorLocked { seconds } => format!(
            "动态口令每连续输错 {WRONG_MAX} 次锁定一次，首次 15 分钟，之后逐次加倍，最长 24 小时。请 {}后再试；手机遗失或非本人操作的，请联系安全管理员重置动态口令",
            wait(*seconds)
        ),
        Refusal::FactorMissing => "尚未启用动态口令，请先在“动态口令”页面启用".to_owned(),
        Refusal::FactorEnrolled => "已启用动态口令；更换手机请先停用，再重新启用".to_owned(),
        Refusal::FactorOfOfficials => "动态口令仅用于主管部门、专家和管理员的账号".to_owned(),
        Refusal::FactorClosed => "平台尚未配置动态口令，暂不能启用，请联系技术支持".to_owned(),
        Refusal::EnrolmentUnreadable => "页面已过期，请按页面上的新密钥重新添加后输入动态口令".to_owned(),
        Refusal::EnrolmentExpired => {
            "密钥须在显示后 15 分钟内启用，现已过期；请按页面上的新密钥重新添加后输入动态口令".to_owned()
        }
        Refusal::CodeWrong => "验证码不正确或已过期，请重新获取".to_owned(),
        Refusal::CodeTooSoon { seconds } => format!("验证码刚刚发送，请 {seconds} 秒后再试"),
        Refusal::ResetTooOften { seconds } => {
            format!("短信找回过于频繁，请 {} 分钟后再试，或联系技术支持", (seconds + 59) / 60)
        }
        Refusal::NotOwner => "成员由主账号管理，请联系本企业的主账号办理".to_owned(),
        Refusal::OwnAccount => {
            "不能对自己的账号进行此操作：停用前请先转交主账号，密码请在“修改密码”中更改".to_owned()
        }
        Refusal::MembersFull { max } => format!("一个企业最多 {max} 个账号，如需更多请联系技术支持"),
        Refusal::MemberInactive => "该成员已停用，请先恢复".to_owned(),
        Refusal::MemberNotActivated => "该成员尚未设置自己的密码，请其首次登录并设置密码后再转交".to_owned(),
        Refusal::EndedByPlatform => "该成员由平台停用，不能自行恢复，请联系技术支持".to_owned(),
        Refusal::ExportNotBegun => "本次导出未经登记、已经完成或已超过 2 小时，请重新导出".to_owned(),
        Refusal::ClientRefused => "客户端编号或密钥不正确".to_owned(),
        Refusal::ClientIssued { client_id } => {
            format!("该请求已签发客户端 {client_id}，密钥只显示一次；如未保存请吊销后重新签发")
        }
    }
}

/// How long it is, in minutes, and from two hours on in hours.
fn wait(seconds: i64) -> String {
    match (seconds + 59) / 60 {
        minutes if minutes < 120 => format!("{minutes} 分钟"),
        minutes => format!("{} 小时", (minutes + 59) / 60),
    }
}

fn uscc(fault: &Fault) -> String {
    match fault {
        Fault::Length { length } => format!("统一社会信用代码应为 18 位，当前 {length} 位"),
        Fault::Alphabet { character, position } => {
            format!("统一社会信用代码第 {position} 位含有不允许的字符“{character}”，请核对")
        }
        Fault::Area => "统一社会信用代码第 3–8 位应为数字，请核对".to_owned(),
        Fault::Check => "校验位不正确，请核对第 18 位".to_owned(),
        Fault::OrganisationCheck => "校验位不正确，请核对第 17 位（组织机构代码第 9 位）".to_owned(),
    }
}

/// What a one-time password's message says.
pub fn one_time_password(login: &str, password: &str, hours: i64) -> String {
    format!(
        "您的账号 {login} 初始密码为 {password}，{hours} 小时内有效且仅可使用一次，登录后请立即设置新密码。"
    )
}

/// What a code's message says.
pub fn one_time_code(code: &str, minutes: i64) -> String {
    format!("验证码 {code}，{minutes} 分钟内有效。如非本人操作请忽略。")
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let field = refusal.field();
        answer(&refusal, field)
    }
}

/// A refusal as it leaves, about another field than its own.
pub fn refused_on(refusal: &Refusal, field: Field) -> Failure {
    answer(refusal, Some(field))
}

/// Everything that is wrong, as one failure with all fields; the first gives reason and text.
pub fn all(refusals: Vec<Refusal>) -> Failure {
    let mut rest = refusals.into_iter().map(Failure::from);
    let first = rest.next().unwrap_or_else(|| Failure::internal("refused without a refusal"));
    rest.fold(first, Failure::and)
}

fn answer(refusal: &Refusal, field: Option<Field>) -> Failure {
    let (reason, text) = (refusal.reason(), self::refusal(refusal));
    let failure = match refusal.kind() {
        Kind::Invalid => {
            return facts(Failure::invalid(reason, field.map_or("", Field::name), text), refusal);
        }
        Kind::Refused => Failure::refused(reason, text),
        Kind::Unauthenticated => Failure::unauthenticated(reason, text),
        Kind::Forbidden => Failure::forbidden(reason, text),
        Kind::Busy => Failure::busy(reason, text),
    };
    let failure = facts(failure, refusal);
    match field {
        Some(field) => failure.on(field.name()),
        None => failure,
    }
}

/// What the last step has made of an account, for whoever came too late.
pub fn deed(standing: Standing) -> &'static str {
    match (standing.state, standing.review_pending) {
        (State::Pending, _) | (State::Active, true) => "提交了新的资料",
        (State::Active, false) => "办结审核，账号状态为“正常”",
        (State::Returned, _) => "将账号审核为“不通过”",
        (State::Suspended, _) => "停用了账号",
    }
}

/// Facts for programs.
fn facts(failure: Failure, refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::StaleVersion { current } => failure.with("current", current),
        Refusal::WrongState { state, review_pending } => {
            failure.with("state", state.name()).with("review_pending", review_pending)
        }
        Refusal::SignInLocked { seconds }
        | Refusal::FactorLocked { seconds }
        | Refusal::CodeTooSoon { seconds }
        | Refusal::ResetTooOften { seconds } => {
            let wait = u64::try_from(*seconds).unwrap_or(0);
            failure.with("seconds", seconds).after(std::time::Duration::from_secs(wait))
        }
        Refusal::DivisionAbolished { successor } => failure.with("successor", successor),
        Refusal::DivisionListed { listed } => failure.with("division", listed),
        Refusal::DivisionOtherExpected { other } => failure.with("division", other),
        Refusal::ClientIssued { client_id } => failure.with("client_id", client_id),
        Refusal::Missing(_)
        | Refusal::TooLong { .. }
        | Refusal::ControlCharacters(_)
        | Refusal::UnknownValue(_)
        | Refusal::LoginForm
        | Refusal::LoginTaken
        | Refusal::Uscc(_)
        | Refusal::UsccTaken
        | Refusal::Phone { .. }
        | Refusal::MomentForm
        | Refusal::HashUnreadable
        | Refusal::Email
        | Refusal::DivisionNotCounty
        | Refusal::DivisionOutside
        | Refusal::LicenceMissing
        | Refusal::LicenceNotClean
        | Refusal::LicenceForeign
        | Refusal::LicenceUsed
        | Refusal::TruthUndeclared
        | Refusal::PasswordWeak
        | Refusal::PasswordLong { .. }
        | Refusal::PasswordCommon
        | Refusal::PasswordLogin
        | Refusal::PasswordSame
        | Refusal::OpinionMissing
        | Refusal::NotCompared(_)
        | Refusal::NothingChanged
        | Refusal::RolesExclude(..)
        | Refusal::RoleNotGrantable(_)
        | Refusal::ScopeMismatch(_)
        | Refusal::SignInFailed
        | Refusal::AccountSuspended
        | Refusal::OneTimeSpent
        | Refusal::SessionEnded
        | Refusal::TicketEnded
        | Refusal::FactorWrong
        | Refusal::FactorMissing
        | Refusal::FactorEnrolled
        | Refusal::FactorOfOfficials
        | Refusal::FactorClosed
        | Refusal::EnrolmentUnreadable
        | Refusal::EnrolmentExpired
        | Refusal::CodeWrong
        | Refusal::NotOwner
        | Refusal::OwnAccount
        | Refusal::MembersFull { .. }
        | Refusal::MemberInactive
        | Refusal::MemberNotActivated
        | Refusal::EndedByPlatform
        | Refusal::ExportNotBegun
        | Refusal::ClientRefused => failure,
    }
}
