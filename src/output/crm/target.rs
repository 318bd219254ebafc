//! The file rules of each system that lists go to: what its identifier is called, what an empty cell does there, how large a file may be.
//!
//! The rules are those of the vendors' own documentation, read in November 2026: Salesforce Help, "Prepare CSV files"; HubSpot
//! Developers, "Imports"; Braze, "CSV import"; Optimizely Data Platform, "CSV"; Brevo, "Import contacts"; SendGrid, "Import contacts"; Klaviyo, "SFTP";
//! Tealium, "File import"; Google Ads, "Customer Match formatting".

/// Rows become files for one of these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// As `[output] crm` names it.
    pub name: &'static str,
    /// Header of the identifier where it is the customer id.
    pub customer_header: &'static str,
    /// Header of the identifier where it is an e-mail address.
    pub email_header: &'static str,
    /// Ends the name of each of our columns.
    pub suffix: &'static str,
    /// What an empty cell does.
    pub empty: Empty,
    /// Whether a byte order mark may begin the file.
    pub takes_bom: bool,
    /// Most rows in a file, without the header.
    pub most_rows: Option<usize>,
    /// Most bytes in a file.
    pub most_bytes: Option<usize>,
    /// One file per audience that holds hashed addresses only, instead of a row of attributes per customer.
    pub is_audience: bool,
}

/// What an empty cell does to the value that the system holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// It removes the value.
    Removes,
    /// It leaves the value, or the system does not say: what does not apply is written as a word, so that nothing outdated stays.
    Keeps,
}

const MB: usize = 1_000_000;

const PLAIN: Target = Target {
    name: "generic",
    customer_header: "customer_id",
    email_header: "email",
    suffix: "",
    empty: Empty::Removes,
    takes_bom: true,
    most_rows: None,
    most_bytes: None,
    is_audience: false,
};

/// Every target. The first is the one of a config that names none.
pub const TARGETS: [Target; 10] = [
    PLAIN,
    // Base64 makes half as much again of a file, and 150 MB is the limit. A byte order mark has become part of the first header there.
    Target {
        name: "salesforce",
        customer_header: "customer_id__c",
        email_header: "Email",
        suffix: "__c",
        empty: Empty::Keeps,
        takes_bom: false,
        most_bytes: Some(100 * MB),
        ..PLAIN
    },
    Target { name: "hubspot", email_header: "Email", empty: Empty::Keeps, takes_bom: false, most_rows: Some(1_048_575), most_bytes: Some(512 * MB), ..PLAIN },
    // Headers are case-sensitive, and one that is not known makes a new attribute.
    Target { name: "braze", customer_header: "external_id", empty: Empty::Keeps, takes_bom: false, most_bytes: Some(500 * MB), ..PLAIN },
    Target { name: "optimizely_odp", takes_bom: false, ..PLAIN },
    // 10 MB are the limit, 8 MB are advised.
    Target { name: "brevo", customer_header: "EXT_ID", email_header: "EMAIL", empty: Empty::Keeps, takes_bom: false, most_bytes: Some(8 * MB), ..PLAIN },
    Target {
        name: "sendgrid",
        customer_header: "external_id",
        empty: Empty::Keeps,
        takes_bom: false,
        most_rows: Some(1_000_000),
        most_bytes: Some(5_000 * MB),
        ..PLAIN
    },
    Target { name: "klaviyo", customer_header: "External ID", email_header: "Email", empty: Empty::Keeps, takes_bom: false, ..PLAIN },
    Target { name: "tealium", empty: Empty::Keeps, takes_bom: false, most_rows: Some(100_000), most_bytes: Some(50 * MB), ..PLAIN },
    Target { name: "google_customer_match", email_header: "Email", takes_bom: false, is_audience: true, ..PLAIN },
];

impl Target {
    /// The target of a config: the plain one where none is named.
    pub fn named(name: Option<&str>) -> Option<Target> {
        TARGETS.into_iter().find(|target| target.name == name.unwrap_or(PLAIN.name))
    }

    /// The header of an identifier: the customer id, or a carried column.
    pub fn identifier<'a>(&'a self, column: Option<&'a str>) -> &'a str {
        match column {
            None => self.customer_header,
            Some(column) if is_email(column) => self.email_header,
            Some(column) => column,
        }
    }
}

/// Whether a column holds addresses, by its name.
pub fn is_email(column: &str) -> bool {
    matches!(column.to_lowercase().replace(['-', '_', ' '], "").as_str(), "email" | "emailaddress" | "mail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_found_by_its_name_and_none_means_plain_files() {
        for target in TARGETS {
            assert_eq!(Target::named(Some(target.name)), Some(target));
        }
        assert_eq!(Target::named(None), Some(PLAIN));
        assert_eq!(Target::named(Some("sales force")), None);
    }

    #[test]
    fn the_identifier_has_the_header_that_the_system_knows() {
        let header = |name: &str, column: Option<&str>| Target::named(Some(name)).map(|target| target.identifier(column).to_owned());
        assert_eq!(header("braze", None).as_deref(), Some("external_id"));
        assert_eq!(header("brevo", Some("e-mail")).as_deref(), Some("EMAIL"));
        assert_eq!(header("hubspot", Some("contact_key")).as_deref(), Some("contact_key"));
    }
}
