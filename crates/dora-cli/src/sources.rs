//! Where history is read: a profile of the AWS CLI, and a Region if it is not the profile's. The
//! functions' roles trust the functions alone, so an operator goes there by credentials of their own.

use std::fmt;
use std::str::FromStr;

use aws_config::SdkConfig;
use dora_core::identity::{AccountId, Region};
use dora_core::incident::Place;

use crate::cli::Aws;
use crate::deployed::{account, sdk_config};
use crate::failure::Failure;

/// What a user names as `PROFILE` or `PROFILE@REGION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    profile: String,
    region: Option<String>,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (profile, region) = match text.rsplit_once('@') {
            Some((profile, region)) => (profile, Some(region)),
            None => (text, None),
        };
        if profile.is_empty() || region.is_some_and(|region| Region::parse(region).is_none()) {
            return Err("it must be a profile, or PROFILE@REGION".to_owned());
        }
        Ok(Self { profile: profile.to_owned(), region: region.map(str::to_owned) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            None => write!(f, "{}", self.profile),
            Some(region) => write!(f, "{}@{region}", self.profile),
        }
    }
}

/// A source with its credentials, and whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    pub(crate) sdk: SdkConfig,
    pub(crate) place: Place,
}

impl Source {
    /// Asks AWS whose credentials these are.
    ///
    /// # Errors
    /// If there is no such profile, it has no Region, or its credentials are not valid.
    pub(crate) async fn reach(&self) -> Result<Reached, Failure> {
        let aws = Aws { profile: Some(self.profile.clone()), region: self.region.clone() };
        Reached::of(sdk_config(&aws).await?).await
    }
}

impl Reached {
    /// The place that credentials lead to.
    ///
    /// # Errors
    /// As STS fails.
    pub(crate) async fn of(sdk: SdkConfig) -> Result<Self, Failure> {
        let id = account(&sdk).await?;
        let region = sdk.region().and_then(|region| Region::parse(region.as_ref()));
        match (AccountId::parse(&id), region) {
            (Some(account), Some(region)) => Ok(Self { sdk, place: Place { account, region } }),
            _ => Err(Failure::new(
                format!(
                    "STS says that these credentials are of account {id:?}, and the Region is {:?}",
                    sdk.region()
                ),
                "name a profile with a Region of AWS",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_profile_and_maybe_a_region() {
        for (text, profile, region) in [
            ("tooling", "tooling", None),
            ("tooling@eu-west-1", "tooling", Some("eu-west-1")),
            ("ana@acme@us-east-1", "ana@acme", Some("us-east-1")),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!((source.profile.as_str(), source.region.as_deref()), (profile, region));
            assert_eq!(source.to_string(), text);
        }
        for text in ["", "@eu-west-1", "tooling@", "tooling@Ireland"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
