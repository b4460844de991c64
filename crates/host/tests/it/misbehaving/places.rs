//! Where runs are made: on a site with the Forge app, on one with the Connect app, on one that was joined by an account's token, and on a
//! Data Center whose administrator set a limit.

use std::sync::Arc;

use sandbox::{DataCenter, RateLimit};

use super::connected::Ours;
use super::front::Front;
use crate::data_center::is_one;
use crate::databases::Database;
use crate::world::World;

/// What one account may ask of the Data Center, over all endpoints. More than joining it takes, and what comes back is less than runs ask,
/// so that most of them come to its end.
const BUDGET: RateLimit = RateLimit { limit: 60, fill: 3, interval_s: 600 };

/// How the site of a shard is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Forge,
    Connect,
    CloudToken,
    DataCenter,
}

impl Place {
    /// Of each five shards, two with the Forge app and one of each other kind.
    pub(super) fn of(shard: u64) -> Self {
        match shard % 5 {
            2 => Self::Connect,
            3 => Self::CloudToken,
            4 => Self::DataCenter,
            _ => Self::Forge,
        }
    }

    /// A world of this kind, that nobody entered or joined yet, and what stands before its Jira. Connect's has its app.
    pub(super) async fn world(self, database: &Database, seed: u64) -> (World, Arc<Front>) {
        let change = |config: &mut sandbox::Config| match self {
            Self::Forge => {}
            Self::Connect | Self::CloudToken => config.forge.apps = Vec::new(),
            Self::DataCenter => is_one(config, DataCenter { rate_limit: Some(BUDGET), ..DataCenter::default() }),
        };
        if self != Self::Connect {
            return Box::pin(Front::before(database, seed, change, |_| {})).await;
        }
        let ours = Ours::listens().await;
        let tell_of = |config: &mut host::HostConfig| config.connect = Some(ours.app(config));
        let (world, front) = Box::pin(Front::before(database, seed, change, tell_of)).await;
        Box::pin(ours.is_installed(&world)).await;
        (world, front)
    }
}
