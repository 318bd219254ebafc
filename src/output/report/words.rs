//! The words of the reports, in English and Chinese: one small table.

use crate::config::Language;
use crate::snapshot::exported;

/// Defines the table: one line per phrase, English and Chinese side by side.
macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// A phrase of the reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word {
            $($name),*
        }

        impl Word {
            #[cfg(test)]
            pub(super) const ALL: &[Word] = &[$(Word::$name),*];

            /// The phrase in a language.
            pub(super) fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Word::$name, Language::En) => $en, (Word::$name, Language::Zh) => $zh,)*
                }
            }
        }
    };
}

words! {
    RunTitle: "Customers at risk", "流失风险报告";
    TrainTitle: "Training report", "训练报告";
    AsOf: "as of", "截至";
    TrainedUntil: "trained until", "训练数据截至";
    Bundle: "bundle", "模型包";
    Version: "holdfast", "holdfast";
    Seed: "seed", "随机种子";
    Model: "model", "模型";
    ModelColumn: "Model", "模型";
    Customers: "Customers", "客户数";
    ExpectedLeaving: "Expected to leave", "预计流失";
    WithinDays: "within {} days", "未来 {} 天内";
    OfAll: "{} of all", "占全部的 {}";
    ValueAtRisk: "Value at risk", "风险价值";
    ValueAtRiskHint: "last year's payments × probability", "近一年消费 × 流失概率";
    Offers: "Offers and items", "优惠与推荐数";
    OffersHint: "for {} customers", "面向 {} 位客户";
    Tiers: "Who to act on", "分级行动名单";
    TiersHint: "Tiers by churn probability, without any contact", "按不联系时的流失概率分级";
    Tier: "Tier", "级别";
    From: "From", "起始概率";
    NoTier: "no tier", "未分级";
    Value: "Value", "价值";
    MeanProbability: "Mean probability", "平均流失概率";
    Histogram: "How the risk is spread", "风险分布";
    HistogramHint: "Customers by churn probability; dashed: where a tier begins, dotted: the average in training", "按流失概率统计客户数；虚线：级别起点，点线：训练时的平均流失率";
    ChurnProbability: "churn probability", "流失概率";
    Statuses: "Where customers stand", "客户状态";
    Segments: "Segments", "客户分群";
    Segment: "Segment", "分群";
    Reasons: "Why: the most frequent first reasons", "主要流失原因";
    Items: "What is offered most", "推荐最多的商品";
    Decided: "What is to be sent", "将发送的优惠";
    DecidedHint: "Worth: added margin and what staying is worth, less all costs. Controls are kept out, so that the effect can be measured", "价值：增加的毛利与留存价值，减去全部成本。对照组不发送，以便衡量效果";
    Offer: "Offer", "优惠";
    ToBeSent: "To be sent", "发送";
    KeptOut: "Controls", "对照组";
    Cost: "Cost", "成本";
    Net: "Worth", "净价值";
    Budgets: "Budgets and capacities", "预算与容量";
    Budget: "Budget", "预算";
    Used: "Used", "已用";
    Limit: "Limit", "上限";
    OneMore: "One more returns", "再加一单位的回报";
    KeptBack: "Offers not given, by rule", "未发放的优惠（按规则）";
    KeptBackHint: "Pairs of customer and offer; the first rule that failed counts", "客户与优惠的组合；按首个未通过的规则计";
    Excluded: "Left out, by rule", "未列入的客户（按规则）";
    Rejects: "Rows refused, by class", "被拒绝的行（按类别）";
    Files: "What was read", "读取的数据";
    File: "File", "文件";
    Read: "Read", "读取";
    Accepted: "Accepted", "接受";
    Rejected: "Rejected", "拒绝";
    Duplicates: "Duplicates", "重复";
    Skipped: "Skipped", "跳过";
    Notes: "Notes", "说明";
    Warnings: "Warnings", "警告";
    None: "None", "无";
    SmallGroups: "Groups of fewer than {} customers are not shown", "不足 {} 位客户的组不显示";
    NoChurnModel: "The bundle has no churn model, so nothing is said about risk", "模型包中没有流失模型，因此不给出风险";
    RunSummary: "Of {} customers, {} are expected to leave", "在 {} 位客户中，预计有 {} 位流失";
    RunSummaryPlain: "{} customers were scored", "共评分 {} 位客户";
    Definition: "What leaving means", "流失定义";
    Base: "Customers tested", "测试客户";
    ChurnRate: "Left", "流失率";
    Auc: "AUC", "AUC";
    AucHint: "chance that who left was ranked above who stayed", "流失者排在留存者之前的概率";
    AucAgainst: "the best rule without a model: {}", "无模型的最佳规则：{}";
    TopDecile: "Riskiest tenth", "风险最高的十分之一";
    TopDecileHint: "times the average churn rate", "倍于平均流失率";
    Gap: "Calibration gap", "校准误差";
    GapHint: "mean distance between foretold and observed", "预测与实际的平均差距";
    Season: "Season", "季节";
    SeasonHint: "odds of leaving in the test window, told by the year before it", "测试窗口的流失几率，按其上一年同期得出";
    TrainSummary: "On customers it had not seen, the model put who left above who stayed in {} of pairs; the best rule without a model did so in {}", "在未见过的客户上，模型在 {} 的配对中把流失者排在留存者之前；无模型的最佳规则为 {}";
    TrainSummaryAlone: "On customers it had not seen, the model put who left above who stayed in {} of pairs", "在未见过的客户上，模型在 {} 的配对中把流失者排在留存者之前";
    TrainSummaryPlain: "No churn model was trained", "未训练流失模型";
    Windows: "Windows", "时间窗口";
    WindowsHint: "Newest first. The test window touched nothing that was learnt before measuring", "由新到旧。测量前，测试窗口未参与任何学习";
    Role: "Role", "用途";
    Cutoff: "Cut-off", "截止日";
    LabelsUntil: "Labels until", "标签截至";
    Models: "Models side by side", "模型比较";
    ModelsHint: "On rows that none of them was fitted on. AUC: higher is better; log loss and Brier score: lower is better", "在未参与拟合的数据上。AUC 越高越好；对数损失与 Brier 分数越低越好";
    Chosen: "in the bundle", "已采用";
    Baseline: "to be beaten", "基准";
    LogLoss: "Log loss", "对数损失";
    Brier: "Brier", "Brier";
    Reliability: "Do the probabilities hold?", "概率是否可信？";
    ReliabilityHint: "Test customers in ten groups by probability, riskiest first. Bars: share that left, with 95 % interval. Dots: what was foretold", "测试客户按概率分为十组，风险最高者在前。柱：实际流失率及 95% 区间；点：预测值";
    Observed: "observed", "实际";
    Foretold: "foretold", "预测";
    Group: "group, riskiest first", "组（风险由高到低）";
    Gains: "How many leavers does a list reach?", "名单能覆盖多少流失客户？";
    GainsHint: "The riskiest {} of customers hold {} of those who left", "风险最高的 {} 客户中包含 {} 的流失者";
    ShareContacted: "share of customers, riskiest first", "客户占比（风险由高到低）";
    ShareReached: "share of leavers reached", "覆盖的流失者占比";
    ByLot: "by lot", "随机";
    Perfect: "perfect", "完美";
    Recommender: "What would each want next?", "下一步推荐";
    RecommenderHint: "{} customers with something later to find, {} items. Higher is better", "{} 位有后续行为的客户，{} 件商品。越高越好";
    Families: "What the model looks at", "模型关注的特征";
    FamiliesHint: "Share of what moves the probability, by family of features", "各类特征对概率变化的贡献";
    Drivers: "What moves the probability most", "影响最大的特征";
    DriversHint: "Share of all that moves it; and where the probability of an average customer goes with it", "占全部影响的比例；以及该特征使一般客户的流失概率变为多少";
    Effects: "What past offers did", "以往优惠的效果";
    EffectsHint: "Change of the share that responded, in points, beside customers of the same wave who got nothing; a bundle keeps this, and runs decide by it", "响应率的变化（百分点），与同一批次中未收到优惠的客户相比；保存于模型包中，评分时据此决策";
    Journey: "The way to a purchase", "购买路径";
    JourneyHint: "{} purchases came after touches of the {} days before, {} without any. Credit: the share of them that would be lost without the touchpoint, if customers otherwise went on as they do. It is no effect: who opens an e-mail might have bought without it", "{} 次购买之前 {} 天内有接触点，{} 次没有。贡献：若没有该接触点而其余照旧，将会失去的购买所占比例。这不是因果效果：打开邮件的客户可能本来就会购买";
    Touchpoint: "Touchpoint", "接触点";
    Touches: "Times", "次数";
    Passed: "Customers", "客户数";
    EndsInPurchase: "Ends in a purchase", "以购买结束";
    Credit: "Credit", "贡献";
    FirstTouch: "First touch", "首次接触";
    LastTouch: "Last touch", "末次接触";
    Worth: "Worth", "价值";
    UsualWays: "Usual ways: ", "常见路径：";
    WayTaken: "{} ({} times, {} bought)", "{}（{} 次，{} 购买）";
    Contacts: "Sent", "已发送";
    Responded: "Responded", "响应率";
    Change: "Change", "变化";
    Interval: "95 % interval", "95% 区间";
    Differs: "differs by customer", "因客户而异";
    RiskGroups: "Who leaves", "哪些客户会流失";
    RiskGroupsHint: "Groups found without the test rows and counted on them; one simple tree, beside the model that scores", "分群未使用测试数据，在测试数据上计数；由一棵简单的树得出，与评分模型并列";
    GroupBelow: "{} of {} left; 95 % interval {} to {}", "{} / {} 流失；95% 区间 {} 至 {}";
    Backtest: "Did it hold before?", "过去是否同样准确？";
    BacktestHint: "Older windows, each with what was known before it", "较早的窗口，各只使用其之前的数据";
    Accuracy: "Accuracy", "准确率";
    Profit: "What contacting would have brought", "联系客户的收益";
    ProfitHint: "It pays from a probability of {}: {} of customers, {}", "概率达到 {} 起有收益：{} 的客户，共 {}";
    Riskiest: "the riskiest {}", "风险最高的 {}";
    Grade: "Grade", "等级";
    GradeHint: "beside {}: log loss better by {}", "与 {} 相比，对数损失改善 {}";
    Features: "Features", "特征数";
    Missing: "What is missing, and why", "缺失部分及原因";
    Counts: "What was learnt from", "训练数据";
    Footer: "This page is complete in itself: nothing is loaded from elsewhere", "本页自成一体，不加载任何外部资源";
}

/// A phrase with its `{}` filled in, in order.
pub(super) fn filled(word: Word, language: Language, values: &[&str]) -> String {
    let mut parts = word.text(language).split("{}");
    let mut text = parts.next().unwrap_or_default().to_string();
    for (index, part) in parts.enumerate() {
        text.push_str(values.get(index).copied().unwrap_or_default());
        text.push_str(part);
    }
    text
}

/// A code of ours (status, rule, class of reject, learner) in words; codes that the table does not know with blanks for underscores.
pub(super) fn code(code: &str, language: Language) -> String {
    let both = match code {
        "new" => ("new", "新客户"),
        "active" => ("active", "活跃"),
        "slowing" => ("slowing down", "放缓"),
        "returned" => ("returned", "回流"),
        "dormant" => ("dormant", "沉睡"),
        "lost" => ("lost", "已流失"),
        "already_inactive" => ("already inactive: for win-back", "已不活跃（适合召回）"),
        "already_left" => ("already left", "已离开"),
        "no_history" => ("no history before the date", "此日期前无记录"),
        "recency" => ("time since the last order", "距上次购买时间"),
        "frequency" => ("how often they order", "订单频次"),
        "money" => ("what is spent", "消费金额"),
        "tenure" => ("how long a customer", "客户年限"),
        "rhythm" => ("how regularly they order", "下单规律"),
        "profile" => ("what the profile says", "客户资料"),
        "trend" => ("change of orders over time", "订单趋势"),
        "view" => ("items looked at", "浏览商品"),
        "cart" => ("items put into the cart", "加入购物车"),
        "open" => ("e-mails opened", "打开邮件"),
        "click" => ("links clicked", "点击链接"),
        "redeem" => ("points redeemed", "兑换积分"),
        "support" => ("calls to support", "联系客服"),
        "survey" => ("surveys answered", "填写问卷"),
        "contact" => ("contacts by the business", "被联系"),
        "acting" => ("contacts within the horizon", "预测期内的联系"),
        "season" => ("the same season a year ago", "去年同期"),
        "basket" => ("what an order holds", "单次购买"),
        "returns" => ("goods sent back", "退货"),
        "discount" => ("buying at a discount", "折扣购买"),
        "channel" => ("the channels used", "渠道"),
        "habits" => ("hours and days of buying", "购买时段"),
        "satisfaction" => ("satisfaction and support", "满意度与客服"),
        "variety" => ("how many different items", "商品种类"),
        "columns" => ("further columns of the events", "事件的其他列"),
        "no_consent" => ("no consent to contact", "未同意联系"),
        "suppressed" => ("on a suppression list", "在禁止联系名单中"),
        "not_valid" => ("the offer is not valid on this day", "优惠当日无效"),
        "who" => ("the offer is for others", "不符合优惠条件"),
        "contact_limit" => ("contacted often enough", "已达联系上限"),
        "min_gap" => ("the same offer too recently", "近期已发过同一优惠"),
        "no_gain" => ("worth no more than it costs", "价值不高于成本"),
        "encoding" => ("not valid UTF-8", "不是有效的 UTF-8"),
        "nul_byte" => ("a NUL byte in the record", "记录中有 NUL 字节"),
        "unterminated_quote" => ("a quote that never ends", "引号未闭合"),
        "quote_in_field" => ("a stray quote in a field", "字段中有多余引号"),
        "too_few_fields" => ("fewer fields than the header", "字段数少于表头"),
        "too_many_fields" => ("more fields than the header", "字段数多于表头"),
        "line_too_long" => ("a record too long", "记录过长"),
        "field_too_long" => ("a field too long", "字段过长"),
        "bad_date" => ("a date that cannot be read", "日期无法解析"),
        "ambiguous_date" => ("day and month could be either", "日月顺序不明"),
        "non_finite" => ("a number that is not finite", "数值非有限"),
        "missing_id" => ("no customer id", "缺少客户编号"),
        "duplicate_id" => ("an id a second time", "编号重复"),
        "future_event" => ("an event after the date", "事件晚于截止日"),
        "out_of_range" => ("a value out of range", "数值超出范围"),
        "bad_number" => ("a number that cannot be read", "数值无法解析"),
        "recency_rule" => ("rule: days since the last activity", "规则：距上次活动天数"),
        "base_rate" => ("rule: the same probability for all", "规则：统一概率"),
        "logistic" => ("logistic regression", "逻辑回归"),
        "tree" => ("decision tree", "决策树"),
        "forest" => ("random forest", "随机森林"),
        "boosted" => ("boosted trees", "提升树"),
        "symmetric" => ("symmetric trees", "对称树"),
        "blend" => ("blend", "融合模型"),
        "popular" => ("best sellers", "畅销商品"),
        "own purchases" => ("own purchases", "自己买过的商品"),
        "neighbours" => ("neighbours", "关联商品"),
        "factors" => ("factors", "矩阵分解"),
        "regression" => ("regression", "商品回归"),
        "by demand" => ("by demand", "需求"),
        "by place" => ("by place", "地点"),
        "by season" => ("by season", "季节"),
        "lowest quarter" => ("lowest quarter", "最低四分之一"),
        "highest quarter" => ("highest quarter", "最高四分之一"),
        "test" => ("test", "测试"),
        "choose" => ("choose", "选择"),
        "fit" => ("fit", "拟合"),
        "refit" => ("fit for the bundle, after measuring", "评估后用于最终模型"),
        "churn" => ("churn model", "流失模型"),
        "recommend" => ("recommender", "推荐模型"),
        "segments" => ("segments", "客户分群"),
        // Reasons that lower the risk, and columns of the profiles.
        other if let Some(family) = other.strip_prefix("keeps_") => {
            let kept = self::code(family, language);
            return if language == Language::Zh { format!("有利：{kept}") } else { format!("speaks for staying: {kept}") };
        }
        other if language == Language::Zh && (other.starts_with(BLEND_OF) || other.contains(LIFTED)) => return recommender_in_chinese(other),
        other => return exported(other).replace('_', " "),
    };
    match language {
        Language::En => both.0.to_string(),
        Language::Zh => both.1.to_string(),
    }
}

/// How a recommender is called that several models make up, and one whose scores are lifted.
const BLEND_OF: &str = "blend of ";
const LIFTED: &str = ", lifted ";

fn recommender_in_chinese(name: &str) -> String {
    let (models, lifts) = name.split_once(LIFTED).unwrap_or((name, ""));
    let listed = |names: &str| {
        let names = names.split(", ").flat_map(|part| part.split(" and ")).filter(|name| !name.is_empty());
        names.map(|name| code(name, Language::Zh)).collect::<Vec<_>>().join("、")
    };
    let models = models.strip_prefix(BLEND_OF).map_or_else(|| listed(models), |models| format!("{}：{}", code("blend", Language::Zh), listed(models)));
    if lifts.is_empty() { models } else { format!("{models}，按{}调整", listed(lifts)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recommender_is_called_in_the_language_of_the_page() {
        let name = "blend of popular, own purchases, lifted by demand, by place and by season";
        assert_eq!(code(name, Language::Zh), "融合模型：畅销商品、自己买过的商品，按需求、地点、季节调整");
        assert_eq!(code("neighbours, lifted by season", Language::Zh), "关联商品，按季节调整");
        assert_eq!(code(name, Language::En), name);
    }
}
