//! Who may be contacted, and by which channel: what the columns `consent` and `suppress` of the profiles say.
//!
//! Without a clear yes where a column of consent is, and with anything but a clear no where one of suppression is, nobody is contacted by the channel
//! that the column is about. Of several columns and several sources the strictest counts; a source that has no value for a customer says nothing.

use crate::config::{ContactColumn, ProfileSource};
use std::collections::BTreeSet;

/// Why a customer must not be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ban {
    /// No clear yes to consent.
    NoConsent,
    /// No clear no to suppression.
    Suppressed,
}

/// What is known of one channel, or of all.
#[derive(Debug, Clone, PartialEq)]
struct Right {
    /// What stands against a contact where it is not allowed.
    ban: Ban,
    channel: Option<String>,
    /// By customer; `None` where no source has a value.
    allows: Vec<Option<bool>>,
}

/// Who may be contacted, by which channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rights(Vec<Right>);

impl Rights {
    /// Takes in what a source says: of each of its [`columns`], in their order, the texts by customer.
    pub(super) fn add(&mut self, source: &ProfileSource, texts: &[Vec<String>]) {
        self.add_columns(columns(source).map(|(ban, told)| (ban, told.channel.as_deref())).zip(texts));
    }

    fn add_columns<'t>(&mut self, columns: impl Iterator<Item = ((Ban, Option<&'t str>), &'t Vec<String>)>) {
        let mut own: Vec<Right> = Vec::new();
        for ((ban, channel), texts) in columns {
            let says = |text: &String| (!text.is_empty()).then(|| is_yes(text) == Some(ban == Ban::NoConsent));
            let Some(known) = own.iter_mut().find(|right| right.ban == ban && right.channel.as_deref() == channel) else {
                own.push(Right { ban, channel: channel.map(str::to_owned), allows: texts.iter().map(says).collect() });
                continue;
            };
            // Beside a value, none is no yes: it is no consent, and no suppression either.
            let both = |one: Option<bool>, other: Option<bool>| match (one, other) {
                (None, None) => None,
                (one, other) => Some(one.unwrap_or(ban == Ban::Suppressed) && other.unwrap_or(ban == Ban::Suppressed)),
            };
            known.allows.iter_mut().zip(texts).for_each(|(allows, text)| *allows = both(*allows, says(text)));
        }
        for right in own {
            match self.0.iter_mut().find(|known| known.ban == right.ban && known.channel == right.channel) {
                None => self.0.push(right),
                Some(known) => known.allows.iter_mut().zip(right.allows).for_each(|(known, own)| {
                    *known = known.map_or(own, |known| Some(known && own.unwrap_or(true)));
                }),
            }
        }
    }

    /// Nothing but what one source says, for tests.
    #[cfg(test)]
    pub fn of(columns: &[(Ban, Option<&str>, &[&str])]) -> Rights {
        let texts: Vec<Vec<String>> = columns.iter().map(|(.., texts)| texts.iter().map(|text| (*text).to_owned()).collect()).collect();
        let mut rights = Rights::default();
        rights.add_columns(columns.iter().map(|(ban, channel, _)| (*ban, *channel)).zip(&texts));
        rights
    }

    /// Why a customer must not be contacted by a channel; `None` where nothing is against it. Consent to some channels is none to others. Where it is not
    /// known which channel it will be (an empty name), all have to be allowed.
    pub fn ban(&self, customer: u32, channel: &str) -> Option<Ban> {
        let is_about = |right: &&Right| channel.is_empty() || right.channel.as_deref().is_none_or(|about| about == channel);
        let allows = |right: &Right| right.allows[customer as usize].unwrap_or(right.ban == Ban::Suppressed);
        let told = self.0.iter().filter(is_about).filter(|right| !allows(right)).map(|right| right.ban);
        told.chain(self.is_never_consented(channel).then_some(Ban::NoConsent)).max()
    }

    /// Why a customer must not be contacted by any of these channels; `None` where one of them is allowed. Who is suppressed from one and has not
    /// consented to the other is told of as the latter.
    pub fn ban_from_all<'c>(&self, customer: u32, channels: impl IntoIterator<Item = &'c str>) -> Option<Ban> {
        channels.into_iter().map(|channel| self.ban(customer, channel)).min().flatten()
    }

    /// Why a customer must not be contacted at all, that is by none of [`Rights::channels`].
    pub fn ban_from_contact(&self, customer: u32) -> Option<Ban> {
        match self.channels() {
            channels if channels.is_empty() => self.ban(customer, ""),
            channels => self.ban_from_all(customer, channels),
        }
    }

    /// The channels that columns are about, in byte order; empty where each is about all.
    pub fn channels(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(|right| right.channel.as_deref()).collect()
    }

    /// Of these channels, those that no column of consent is about where some are about others: nobody can be contacted by them.
    pub fn never_consented<'c>(&self, channels: impl IntoIterator<Item = &'c str>) -> BTreeSet<&'c str> {
        channels.into_iter().filter(|channel| self.is_never_consented(channel)).collect()
    }

    fn is_never_consented(&self, channel: &str) -> bool {
        let mut consented = self.0.iter().filter(|right| right.ban == Ban::NoConsent).filter_map(|right| right.channel.as_deref()).peekable();
        !channel.is_empty() && consented.peek().is_some() && consented.all(|about| about != channel)
    }
}

/// The columns of a source that say who may be contacted: those of consent, then those of suppression.
pub(super) fn columns(source: &ProfileSource) -> impl Iterator<Item = (Ban, &ContactColumn)> {
    source.consent.iter().map(|told| (Ban::NoConsent, told)).chain(source.suppress.iter().map(|told| (Ban::Suppressed, told)))
}

/// Under which name a column's texts are passed on to the files: `consent`, or `consent.email` for one channel.
pub(super) fn name((ban, told): (Ban, &ContactColumn)) -> String {
    let key = if ban == Ban::NoConsent { "consent" } else { "suppress" };
    told.channel.as_ref().map_or(key.to_owned(), |channel| format!("{key}.{channel}"))
}

/// Whether a word of a consent or suppression column means yes; `None` for a word that is not known.
pub fn is_yes(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().replace(['_', '-'], " ").as_str() {
        "1" | "y" | "yes" | "true" | "t" | "on" | "opt in" | "optin" | "opted in" | "subscribed" | "granted" | "ja" | "oui" | "si" | "sí" | "sim" | "是" => {
            Some(true)
        }
        "" | "0" | "n" | "no" | "false" | "f" | "off" | "opt out" | "optout" | "opted out" | "unsubscribed" | "denied" | "nein" | "nee" | "non" | "não"
        | "否" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ban::{NoConsent, Suppressed};

    #[test]
    fn without_a_clear_yes_nobody_is_contacted_and_with_anything_but_a_clear_no_the_suppressed_are_not() {
        let with = |ban: Ban, text: &str| Rights::of(&[(ban, None, &[text])]).ban(0, "email");
        assert_eq!([with(NoConsent, "Yes"), with(NoConsent, "1"), with(Suppressed, "no"), with(Suppressed, "")], [None; 4]);
        assert_eq!([with(NoConsent, "opted_in"), with(NoConsent, "Opt-In"), with(Suppressed, "OPTED-OUT")], [None; 3]);
        assert_eq!([with(NoConsent, ""), with(NoConsent, "perhaps")], [Some(NoConsent); 2]);
        assert_eq!([with(Suppressed, "1"), with(Suppressed, "deceased")], [Some(Suppressed); 2]);
        assert_eq!(Rights::default().ban(0, ""), None, "where nothing is said of it, all may be contacted");
    }

    #[test]
    fn who_opted_out_in_any_of_several_columns_is_not_contacted() {
        let opted_out = Rights::of(&[(Suppressed, None, &["no", "no", "", ""]), (Suppressed, None, &["no", "yes", "", "2024-03-01"])]);
        assert_eq!([0, 1, 2, 3].map(|customer| opted_out.ban(customer, "email")), [None, Some(Suppressed), None, Some(Suppressed)]);
        let opted_in = Rights::of(&[(NoConsent, None, &["yes", "yes", ""]), (NoConsent, None, &["yes", "", "yes"])]);
        assert_eq!([0, 1, 2].map(|customer| opted_in.ban(customer, "email")), [None, Some(NoConsent), Some(NoConsent)]);
    }

    #[test]
    fn each_channel_needs_its_own_consent_and_an_unknown_one_that_of_all() {
        let rights = Rights::of(&[(NoConsent, Some("email"), &["yes", "no", "yes"]), (NoConsent, Some("sms"), &["no", "no", "yes"])]);
        let bans = |channel: &str| [0, 1, 2].map(|customer| rights.ban(customer, channel));
        assert_eq!(bans("email"), [None, Some(NoConsent), None]);
        assert_eq!(bans("sms"), [Some(NoConsent), Some(NoConsent), None]);
        assert_eq!(bans("post"), [Some(NoConsent); 3], "nobody consented to letters");
        assert_eq!(bans(""), [Some(NoConsent), Some(NoConsent), None]);
        assert_eq!([0, 1, 2].map(|customer| rights.ban_from_contact(customer)), [None, Some(NoConsent), None]);
        assert_eq!(rights.never_consented(["email", "post", ""]), BTreeSet::from(["post"]));
    }

    #[test]
    fn an_opt_out_of_one_channel_leaves_the_others_and_one_of_all_leaves_none() {
        let rights = Rights::of(&[(Suppressed, Some("sms"), &["yes", "no"]), (Suppressed, None, &["no", "yes"]), (NoConsent, Some("email"), &["yes", "yes"])]);
        assert_eq!([0, 1].map(|customer| rights.ban(customer, "email")), [None, Some(Suppressed)]);
        assert_eq!(rights.ban(0, "sms"), Some(Suppressed), "said before that no consent is known");
        assert_eq!(rights.ban_from_all(0, ["email", "sms"]), None);
        assert_eq!(rights.ban_from_contact(1), Some(Suppressed));
    }

    #[test]
    fn of_two_sources_one_that_has_no_value_for_a_customer_says_nothing() {
        let columns = |texts: [&str; 4]| vec![texts.map(str::to_owned).to_vec()];
        let mut rights = Rights::default();
        for texts in [columns(["yes", "", "yes", ""]), columns(["", "yes", "no", ""])] {
            rights.add_columns(std::iter::once((NoConsent, None)).zip(&texts));
        }
        assert_eq!([0, 1, 2, 3].map(|customer| rights.ban(customer, "email")), [None, None, Some(NoConsent), Some(NoConsent)]);
    }
}
