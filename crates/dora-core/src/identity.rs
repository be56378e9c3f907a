//! Names by which AWS identifies things. Each type holds only what AWS would have issued, so that
//! a forged event can put nothing else into an endpoint, an ARN, a request or a key of the ledger.

use std::collections::BTreeSet;
use std::fmt;

/// Declares a checked string: `parse` is the only way in, `as_str` and `Display` the ways out.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $allowed:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What a value must look like, in words that complete "must be …".
            pub const ALLOWED: &'static str = $allowed;

            /// Takes the text if it has the form that AWS issues.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let check: fn(&str) -> bool = $check;
                check(text).then(|| Self(text.to_owned()))
            }

            /// The text as it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// An AWS account.
    AccountId,
    "an AWS account id of 12 digits",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);

identifier!(
    /// An AWS Region, such as `eu-west-1` or `us-gov-east-1`.
    Region,
    "the code of an AWS Region, such as eu-west-1",
    |text| {
        let parts: Vec<&str> = text.split('-').collect();
        text.len() <= 32
            && parts.len() >= 3
            && parts.iter().all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            })
    }
);

impl Region {
    /// The partition that the Region belongs to, as the second field of an ARN.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
            ("eusc-", "aws-eusc"),
        ]
        .into_iter()
        .find(|(prefix, _)| self.0.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
    }
}

identifier!(
    /// The name of a pipeline.
    PipelineName,
    "a pipeline name of at most 100 letters, digits and .@-_",
    |text| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".@-_".contains(&b))
    }
);

identifier!(
    /// The id of a pipeline execution: a UUID in lower case.
    ExecutionId,
    "a pipeline execution id, a UUID in lower case",
    |text| {
        text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            })
    }
);

identifier!(
    /// The id of an OpsItem in lower case: `oi-` and twelve hexadecimal digits.
    OpsItemId,
    "an OpsItem's id: oi- and twelve hexadecimal digits",
    |text| {
        text.strip_prefix("oi-").is_some_and(|digits| {
            digits.len() == 12
                && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
);

impl OpsItemId {
    /// The ids that a text contains, in whatever case, each once and in alphabetical order. One
    /// that is part of a longer word or number is none.
    #[must_use]
    pub fn all_in(text: &str) -> BTreeSet<Self> {
        let lower = text.to_ascii_lowercase();
        let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words
            .flat_map(|word| word.match_indices("oi-").map(move |(at, _)| (word, at)))
            .filter_map(|(word, at)| {
                let before = word.get(..at)?.chars().next_back();
                let after = word.get(at + 15..)?.chars().next();
                let is_apart = |c: Option<char>| c.is_none_or(|c| c == '-');
                let id = Self::parse(word.get(at..at + 15)?)?;
                (is_apart(before) && is_apart(after)).then_some(id)
            })
            .collect()
    }
}

/// An OpsItem, in whatever account and Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpsItem {
    /// The account that it was created in.
    pub account: AccountId,
    /// The Region that it was created in.
    pub region: Region,
    /// Which it is.
    pub id: OpsItemId,
}

impl fmt::Display for OpsItem {
    /// As messages name it: `OpsItem oi-0123456789ab (444455556666, eu-west-1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, id } = self;
        write!(f, "OpsItem {id} ({account}, {region})")
    }
}

impl ExecutionId {
    /// The id before all others, which no execution has.
    pub(crate) fn first() -> Self {
        Self("00000000-0000-0000-0000-000000000000".to_owned())
    }
}

/// A pipeline, in whatever account and Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pipeline {
    /// The account that it runs in.
    pub account: AccountId,
    /// The Region that it runs in.
    pub region: Region,
    /// Its name.
    pub name: PipelineName,
}

impl Pipeline {
    /// A run of this pipeline.
    #[must_use]
    pub fn execution(&self, id: ExecutionId) -> Execution {
        let Self { account, region, name } = self.clone();
        Execution { account, region, pipeline: name, id }
    }
}

impl fmt::Display for Pipeline {
    /// As messages name it: `pipeline web (111122223333, eu-west-1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, name } = self;
        write!(f, "pipeline {name} ({account}, {region})")
    }
}

/// One run of a pipeline: the identity of a deployment, whatever number of events tell of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Execution {
    /// The account that the pipeline runs in.
    pub account: AccountId,
    /// The Region that the pipeline runs in.
    pub region: Region,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The run of it.
    pub id: ExecutionId,
}

impl Execution {
    /// The pipeline that ran.
    #[must_use]
    pub fn of(&self) -> Pipeline {
        let Self { account, region, pipeline, .. } = self.clone();
        Pipeline { account, region, name: pipeline }
    }
}

impl fmt::Display for Execution {
    /// As messages name it: `pipeline web, execution 6f1d… (111122223333, eu-west-1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, pipeline, id } = self;
        write!(f, "pipeline {pipeline}, execution {id} ({account}, {region})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_take_what_aws_issues() {
        assert!(AccountId::parse("012345678901").is_some());
        for region in ["eu-west-1", "us-gov-east-1", "ap-southeast-7", "us-iso-east-1"] {
            assert!(Region::parse(region).is_some(), "{region}");
        }
        assert!(PipelineName::parse("Web_App-1.prod@eu").is_some());
        assert!(ExecutionId::parse("6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77").is_some());
    }

    #[test]
    fn ops_items_are_found_in_branches_and_messages() {
        for (text, expected) in [
            ("hotfix/oi-0123456789ab", &["oi-0123456789ab"][..]),
            ("fix/oi-0123456789ab/hotfix", &["oi-0123456789ab"]),
            ("Merge pull request #12 from acme/fix/OI-0123456789AB", &["oi-0123456789ab"]),
            (
                "oi-0123456789ab, oi-fa9876543210 (oi-0123456789ab)",
                &["oi-0123456789ab", "oi-fa9876543210"],
            ),
            (
                "fix-oi-0123456789ab-now fix_oi-fa9876543210_now",
                &["oi-0123456789ab", "oi-fa9876543210"],
            ),
            ("Änderung für oi-0123456789ab–endlich", &["oi-0123456789ab"]),
            (
                "oi-0123456789abc oi-0123456789a foi-0123456789ab oi-0123456789ag oi_0123456789ab",
                &[],
            ),
            ("oi-", &[]),
            ("", &[]),
        ] {
            let found = OpsItemId::all_in(text);
            let found: Vec<_> = found.iter().map(OpsItemId::as_str).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn identifiers_refuse_anything_else() {
        for account in
            ["", "12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２"]
        {
            assert_eq!(AccountId::parse(account), None, "{account}");
        }
        for region in
            ["", "eu", "eu-west", "eu-west-1.evil.example/", "EU-WEST-1", "eu--1", "eu-wést-1"]
        {
            assert_eq!(Region::parse(region), None, "{region}");
        }
        for pipeline in ["", "a#b", "a/b", "a b", "naïve", &"x".repeat(101)] {
            assert_eq!(PipelineName::parse(pipeline), None, "{pipeline}");
        }
        for id in [
            "",
            "6F1D2C0A-7B1E-4D0F-9A53-2F0F4C8E1A77",
            "6f1d2c0a",
            "6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a7é",
        ] {
            assert_eq!(ExecutionId::parse(id), None, "{id}");
        }
    }

    #[test]
    fn partition_follows_the_region() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(Region::parse(region).unwrap().partition(), partition);
        }
    }
}
