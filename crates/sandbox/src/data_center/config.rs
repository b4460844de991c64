//! Which Jira a site is, and which Data Center.

use std::{fmt, str::FromStr};

/// Cloud or Data Center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deployment {
    /// Jira Cloud.
    #[default]
    Cloud,
    /// Jira Data Center with service management.
    DataCenter(DataCenter),
}

impl Deployment {
    /// What Data Center it is, if one.
    #[must_use]
    pub fn data_center(self) -> Option<DataCenter> {
        match self {
            Self::Cloud => None,
            Self::DataCenter(given) => Some(given),
        }
    }
}

/// A Data Center: its version decides what it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataCenter {
    /// The version that it says it is, and behaves as.
    pub version: Version,
    /// Its limit of requests, which is off unless an administrator sets one.
    pub rate_limit: Option<RateLimit>,
}

/// A bucket of requests for each person, filled again as time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Most requests that somebody may have saved.
    pub limit: u32,
    /// Requests that come back in each interval.
    pub fill: u32,
    /// The interval, in seconds.
    pub interval_s: u32,
}

/// A version of Jira.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// The third.
    pub patch: u16,
}

impl Version {
    /// With a third number of zero.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// The version of service management that goes with it: four lower, until both were one.
    pub(crate) fn of_service_management(self) -> Self {
        if self.major >= 10 { self } else { Self { major: self.major.saturating_sub(4), ..self } }
    }
}

impl Default for Version {
    /// A long-term support release.
    fn default() -> Self {
        Self::new(10, 3)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no version; write it as 10.3 or 9.12.4");
        let numbers: Vec<u16> =
            text.split('.').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        match *numbers.as_slice() {
            [major, minor] => Ok(Self::new(major, minor)),
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(wrong()),
        }
    }
}
