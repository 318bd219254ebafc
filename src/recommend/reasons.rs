//! Why an item is offered, in codes and in words.

use super::blend::{ModelKind, Scaled};
use super::interactions::strengths;
use super::{ItemEvent, Recommender};
use crate::config::Language;

/// A reason with the customer's own numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reason {
    /// The customer had it before.
    BoughtAgain {
        /// How often.
        times: usize,
        /// Whole days that have passed since the last time, as in risk.csv; `None` without dates.
        days: Option<u32>,
    },
    /// The customer looked at it, or put it into a cart, and did not buy.
    Interest {
        /// How often.
        times: usize,
    },
    /// Bought by those who bought something the customer has.
    AlsoBought {
        /// Its name.
        because_of: String,
    },
    /// Fits everything the customer has, by no single item.
    Taste,
    /// A best seller.
    Popular,
    /// A best seller among customers with the same profile.
    PopularAlike {
        /// The profile column.
        column: String,
        /// Its category.
        group: String,
    },
}

impl Reason {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::BoughtAgain { .. } => "bought_again",
            Reason::Interest { .. } => "interest",
            Reason::AlsoBought { .. } => "also_bought",
            Reason::Taste => "taste",
            Reason::Popular => "popular",
            Reason::PopularAlike { .. } => "popular_alike",
        }
    }
    /// The words.
    pub fn in_words(&self, language: Language) -> String {
        match language {
            Language::En => self.in_english(),
            Language::Zh => self.in_chinese(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Reason::BoughtAgain { times, days: Some(0) } => format!("买过 {times} 次，最近一次在一天之内"),
            Reason::BoughtAgain { times, days: Some(days) } => format!("买过 {times} 次，最近一次在 {days} 天前"),
            Reason::BoughtAgain { times, days: None } => format!("买过 {times} 次"),
            Reason::Interest { times } => format!("关注过 {times} 次"),
            Reason::AlsoBought { because_of } => format!("买过 {because_of} 的顾客也买了它"),
            Reason::Taste => "与顾客买过的商品相近".to_string(),
            Reason::Popular => "畅销".to_string(),
            Reason::PopularAlike { column, group } => format!("在 {column} 为 {group} 的顾客中畅销"),
        }
    }

    fn in_english(&self) -> String {
        let times = |times: usize| if times == 1 { "once".to_string() } else { format!("{times} times") };
        match self {
            Reason::BoughtAgain { times: count, days: Some(days) } => match days {
                0 => format!("bought {}, last within a day", times(*count)),
                1 => format!("bought {}, last 1 day ago", times(*count)),
                _ => format!("bought {}, last {days} days ago", times(*count)),
            },
            Reason::BoughtAgain { times: count, days: None } => format!("bought {}", times(*count)),
            Reason::Interest { times: count } => format!("showed interest {}", times(*count)),
            Reason::AlsoBought { because_of } => format!("customers who bought {because_of} also bought this"),
            Reason::Taste => "fits what the customer bought".to_string(),
            Reason::Popular => "best seller".to_string(),
            Reason::PopularAlike { column, group } => format!("best seller among customers with {column} {group}"),
        }
    }
}

impl Recommender {
    /// The reason for an item: what the customer did with it, or the model that speaks for it most.
    pub(super) fn reason(&self, history: &[ItemEvent], customer: usize, item: u32, scaled: &[&Scaled<'_>]) -> Reason {
        let of_item = || history.iter().filter(|event| event.item == item && event.weight > 0.0);
        let bought = of_item().filter(|event| event.weight >= self.target_weight).count();
        if bought > 0 {
            let last = of_item().filter(|event| event.weight >= self.target_weight).map(|event| event.days_ago).fold(f32::INFINITY, f32::min);
            return Reason::BoughtAgain { times: bought, days: self.dated.then(|| last.max(0.0) as u32) };
        }
        if of_item().next().is_some() {
            return Reason::Interest { times: of_item().count() };
        }
        let mut speaker = (ModelKind::Popular, 0.0);
        for model in scaled {
            let part = self.blend.weights[model.kind as usize] * model.of(customer, item);
            if part > speaker.1 {
                speaker = (model.kind, part);
            }
        }
        match speaker.0 {
            ModelKind::Popular | ModelKind::OwnItems => Reason::Popular,
            ModelKind::Neighbours | ModelKind::Factors | ModelKind::Ease => {
                self.strongest_pull(history, item).map_or(Reason::Taste, |because| Reason::AlsoBought { because_of: self.item(because).1.to_string() })
            }
        }
    }

    /// The owned item that pulls most towards another, by the neighbours kept in the bundle; ties by item.
    fn strongest_pull(&self, history: &[ItemEvent], item: u32) -> Option<u32> {
        let neighbours = self.blend.neighbours.as_ref().or(self.blend.ease.as_ref())?;
        let mut best: Option<(u32, f32)> = None;
        for (owned, strength) in strengths(history, neighbours.half_life) {
            let pull = strength * neighbours.similarity(owned, item);
            if pull > best.map_or(0.0, |(_, other)| other) {
                best = Some((owned, pull));
            }
        }
        best.map(|(owned, _)| owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_sentences_with_the_customers_numbers() {
        assert_eq!(Reason::BoughtAgain { times: 6, days: Some(40) }.in_english(), "bought 6 times, last 40 days ago");
        assert_eq!(Reason::BoughtAgain { times: 1, days: Some(1) }.in_english(), "bought once, last 1 day ago");
        assert_eq!(Reason::BoughtAgain { times: 3, days: Some(0) }.in_english(), "bought 3 times, last within a day");
        assert_eq!(Reason::BoughtAgain { times: 2, days: None }.in_english(), "bought 2 times");
        assert_eq!(Reason::BoughtAgain { times: 6, days: Some(40) }.in_words(Language::Zh), "买过 6 次，最近一次在 40 天前");
        assert_eq!(Reason::AlsoBought { because_of: "RED TEAPOT".into() }.in_english(), "customers who bought RED TEAPOT also bought this");
        assert_eq!(Reason::Popular.code(), "popular");
    }
}
