//! What features mean, in Chinese: for the reasons of a project with `language = "zh"`.
//!
//! A bundle keeps the English sentence; this one is told from the feature's name and family, so that no bundle has to be learnt anew for it.

use super::{FeatureSpec, exported};

/// Features without a number of days in their names.
const NAMED: [(&str, &str); 48] = [
    ("days_since_last", "距上次下单的时间"),
    ("tenure", "距首次下单的时间"),
    ("recency_share", "距上次下单的时间占首次下单至今的比例"),
    ("orders", "累计订单数"),
    ("orders_per_30d", "首次下单以来平均每 30 天的订单数"),
    ("active_months", "有订单的月数（每月按 30 天计）"),
    ("active_months_share", "首次下单以来有订单的月份占比"),
    ("gap_mean", "平均下单间隔"),
    ("gap_spread", "下单间隔的标准差"),
    ("gap_median", "下单间隔的中位数"),
    ("gap_longest", "最长的下单间隔"),
    ("gap_last", "最近两次下单的间隔"),
    ("gap_usual", "通常的下单间隔"),
    ("overdue", "距上次下单的时间与通常间隔之比"),
    ("overdue_days", "超过通常下单时间的天数"),
    ("gaps_as_long", "以往间隔中不短于当前间隔的比例"),
    ("gap_irregularity", "下单间隔的不规律程度（0 为完全规律，1 为随机）"),
    ("gap_stretch", "最近三次间隔与全部间隔的平均值之比"),
    ("silence_chance", "按通常频率沉默这么久的概率"),
    ("orders_fading", "近期与长期加权订单数之比"),
    ("orders_same_season", "去年同期（即将到来的这段日子）的订单数"),
    ("amount_same_season", "去年同期（即将到来的这段日子）的消费额"),
    ("amount", "累计消费额"),
    ("amount_per_order", "每单消费额"),
    ("amount_last_order", "最近一单的消费额"),
    ("amount_last_share", "最近一单的消费额与平均每单之比"),
    ("amount_variation", "每单消费额的离散程度"),
    ("items", "累计购买的不同商品数"),
    ("repeat_share", "购买的商品中曾经买过的比例"),
    ("categories", "累计购买的不同类别数"),
    ("lines_per_order", "每单的商品行数"),
    ("lines_last_share", "最近一单的商品行数与平均每单之比"),
    ("pieces_per_order", "每单的件数"),
    ("returns", "累计退货行数"),
    ("returned_share", "退货金额占消费额的比例"),
    ("days_since_return", "距上次退货的时间"),
    ("discount_share", "累计折扣占折前价格的比例"),
    ("discounted_orders", "有折扣的订单占比"),
    ("score_last", "最近一次满意度评分"),
    ("score_mean", "平均满意度评分"),
    ("score_change", "最近一次满意度评分与此前平均值之差"),
    ("days_since_score", "距上次满意度评分的时间"),
    ("channel_entropy", "渠道使用的均匀程度（0 为只用一个渠道）"),
    ("weekend_share", "周六和周日的订单占比"),
    ("weekday_entropy", "订单在一周各天的均匀程度（0 为只在一天）"),
    ("morning_share", "6 点至 12 点的订单占比"),
    ("afternoon_share", "12 点至 18 点的订单占比"),
    ("evening_share", "18 点至 24 点的订单占比"),
];

/// Kinds of event, by the names that the program knows.
const KINDS: [(&str, &str); 11] = [
    ("view", "浏览"),
    ("cart", "加入购物车"),
    ("open", "打开邮件"),
    ("click", "点击"),
    ("support", "联系客服"),
    ("redeem", "兑换"),
    ("survey", "填写问卷"),
    ("contact", "被联系"),
    ("visit", "到访"),
    ("renew", "续订"),
    ("return", "退货"),
];

/// Features over a number of days, by what stands before it.
const OVER_DAYS: [(&str, &str); 11] = [
    ("orders_", "最近 {} 天的订单数"),
    ("orders_decayed_", "累计订单数（每过 {} 天权重减半）"),
    ("orders_change_", "最近 {} 天与此前同样长时间的订单数之差"),
    ("amount_shift_", "消费落在最近 {} 天而非此前同样长时间的比例"),
    ("amount_", "最近 {} 天的消费额"),
    ("amount_decayed_", "累计消费额（每过 {} 天权重减半）"),
    ("items_", "最近 {} 天购买的不同商品数"),
    ("categories_", "最近 {} 天购买的不同类别数"),
    ("returns_", "最近 {} 天的退货行数"),
    ("discount_share_", "最近 {} 天的折扣占折前价格的比例"),
    ("score_lowest_", "最近 {} 天最低的满意度评分"),
];

/// What a table says of a name.
fn found(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What comes before a number of days at the end of a name, and that number.
fn over_days(name: &str) -> Option<(&str, &str)> {
    let (before, days) = name.strip_suffix('d')?.rsplit_once('_')?;
    (!days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')).then(|| (&name[..before.len() + 1], days))
}

/// What a feature says; the name of what is not known here.
pub fn meaning(spec: &FeatureSpec) -> String {
    let name = spec.name.as_str();
    let of_kind = |kind: &String| {
        let word = found(&KINDS, kind).unwrap_or(kind);
        if name == format!("days_since_{kind}") {
            return Some(format!("距上次{word}的时间"));
        }
        let (before, days) = over_days(name)?;
        match before.strip_prefix(kind.as_str())? {
            "_" => Some(format!("最近 {days} 天{word}的次数")),
            "_decayed_" => Some(format!("累计{word}的次数（每过 {days} 天权重减半）")),
            "_change_" => Some(format!("最近 {days} 天与此前同样长时间{word}的次数之差")),
            _ => None,
        }
    };
    let of_column = || {
        let own = |end: &str, text: &str| name.strip_suffix(end).map(|column| format!("{column}{text}"));
        let ends = own("_distinct", "的不同取值数").or_else(|| own("_main_share", "最常见取值的占比"));
        let ends = ends.or_else(|| own("_mean", "的平均值")).or_else(|| own("_last", "的最近值"));
        ends.or_else(|| over_days(name).map(|(before, days)| format!("最近 {days} 天{}之和", before.trim_end_matches('_'))))
    };
    let of_all = |name: &str| {
        found(&NAMED, name).map(String::from).or_else(|| {
            let (before, days) = over_days(name)?;
            found(&OVER_DAYS, before).map(|text| text.replace("{}", days))
        })
    };
    let of_score = |kind: &String| {
        let own = name.strip_prefix(kind.as_str())?.strip_prefix('_')?;
        let kinds: Vec<&str> = spec.kinds.iter().map(|kind| found(&KINDS, kind).unwrap_or(kind)).collect();
        Some(format!("{}：{}", kinds.join("、"), of_all(own)?))
    };
    let text = match spec.family.as_str() {
        "profile" if spec.unit == "days" => Some(format!("距 {} 的时间", exported(name))),
        "profile" => None,
        "columns" => of_column(),
        "channel" if name != "channel_entropy" => name.strip_prefix("channel_").map(|channel| format!("通过 {channel} 的占比")),
        family if spec.kinds.len() == 1 && spec.kinds[0] == family => of_kind(&spec.kinds[0]),
        "satisfaction" => spec.kinds.first().and_then(of_score).or_else(|| of_all(name)),
        _ => of_all(name),
    };
    text.unwrap_or_else(|| exported(name).to_string())
}

/// A unit after its number; a currency stays as it is.
pub fn unit(unit: &str) -> &str {
    match unit {
        "days" => "天",
        "orders" => "单",
        "months" => "个月",
        "items" => "种",
        "categories" => "个",
        "lines" => "行",
        "pieces" => "件",
        "events" => "次",
        "points" => "分",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::features::{ACTING, list};
    use crate::snapshot::learned::{EventColumns, ProfileFeature, ProfileKind, Reading};

    #[test]
    fn every_feature_of_the_list_has_a_sentence_of_its_own() {
        let has = EventColumns { events: true, amount: true, discount: true, item: true, item_category: true, ..EventColumns::default() };
        let reading = Reading {
            alive: vec!["purchase".into()],
            others: vec!["view".into(), "丙".into()],
            scored: vec![vec!["survey".into()], vec!["丙".into()]],
            channels: vec!["丁".into()],
            categories: vec![("甲".into(), vec!["other".into()])],
            numbers: vec!["乙".into()],
            profiles: vec![ProfileFeature { name: "戊".into(), kind: ProfileKind::Date }],
            windows: vec![30.0, 90.0, 180.0, 365.0],
            half_lives: vec![7.0, 30.0, 120.0, 365.0],
            horizon: 90.0,
            currency: "CNY".into(),
            has: EventColumns { returns: true, lines: true, clock: true, ..has },
        };
        let mut seen = Vec::new();
        for spec in list(&reading).iter().filter(|spec| spec.family != ACTING) {
            let text = meaning(spec);
            assert!(!text.bytes().any(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'{'), "{}: {text}", spec.name);
            assert!(!seen.contains(&text), "{}: {text} is said of another", spec.name);
            seen.push(text);
        }
        let only = list(&Reading { scored: vec![vec!["survey".into()]], ..reading });
        let only: Vec<String> = only.iter().filter(|spec| spec.family == "satisfaction").map(meaning).collect();
        assert!(only.len() == 5 && only.iter().all(|text| text.contains("评分") && !text.contains("问卷")), "{only:?}");
        assert!(seen.len() > 80 && seen.contains(&"最近 90 天的订单数".to_string()) && seen.contains(&"最近 90 天浏览的次数".to_string()));
    }
}
