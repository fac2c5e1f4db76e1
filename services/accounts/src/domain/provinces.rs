//! The names of the country's provinces: the home of a company from outside is one of them.

use super::refusal::{Field, Refusal};

/// The full name of another province by its name, short name or code.
///
/// Errors: [`Refusal::Missing`], [`Refusal::UnknownValue`] also for the platform's own province.
pub fn home_province(input: &str, own: &str) -> Result<&'static str, Refusal> {
    let input = input.trim();
    if input.is_empty() {
        return Err(Refusal::Missing(Field::HomeProvince));
    }
    PROVINCES
        .iter()
        .find(|(code, short, full)| [*code, *short, *full].contains(&input))
        .filter(|(code, ..)| *code != own)
        .map(|(.., full)| *full)
        .ok_or(Refusal::UnknownValue(Field::HomeProvince))
}

/// Code, short name and name of the provinces. Source: GB/T 2260.
const PROVINCES: [(&str, &str, &str); 34] = [
    ("110000", "北京", "北京市"),
    ("120000", "天津", "天津市"),
    ("130000", "河北", "河北省"),
    ("140000", "山西", "山西省"),
    ("150000", "内蒙古", "内蒙古自治区"),
    ("210000", "辽宁", "辽宁省"),
    ("220000", "吉林", "吉林省"),
    ("230000", "黑龙江", "黑龙江省"),
    ("310000", "上海", "上海市"),
    ("320000", "江苏", "江苏省"),
    ("330000", "浙江", "浙江省"),
    ("340000", "安徽", "安徽省"),
    ("350000", "福建", "福建省"),
    ("360000", "江西", "江西省"),
    ("370000", "山东", "山东省"),
    ("410000", "河南", "河南省"),
    ("420000", "湖北", "湖北省"),
    ("430000", "湖南", "湖南省"),
    ("440000", "广东", "广东省"),
    ("450000", "广西", "广西壮族自治区"),
    ("460000", "海南", "海南省"),
    ("500000", "重庆", "重庆市"),
    ("510000", "四川", "四川省"),
    ("520000", "贵州", "贵州省"),
    ("530000", "云南", "云南省"),
    ("540000", "西藏", "西藏自治区"),
    ("610000", "陕西", "陕西省"),
    ("620000", "甘肃", "甘肃省"),
    ("630000", "青海", "青海省"),
    ("640000", "宁夏", "宁夏回族自治区"),
    ("650000", "新疆", "新疆维吾尔自治区"),
    ("710000", "台湾", "台湾省"),
    ("810000", "香港", "香港特别行政区"),
    ("820000", "澳门", "澳门特别行政区"),
];
