//! The whole program against a real sandbox: one file a concern. `world` starts it; helpers speak the domain.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops where it is wrong"
)]

#[path = "../../../store/tests/databases/mod.rs"]
mod databases;

#[path = "../../../sandbox/tests/foreign/mod.rs"]
mod foreign;

#[path = "../../../sandbox/tests/kept_keys/mod.rs"]
mod kept_keys;

#[path = "../openbao/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of the program's own parts, which use all of it")]
mod openbao;

/// Tests of one world each, on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let world = crate::world::World::start().await;
                super::$name(&world).await;
                world.end().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(world) = crate::world::World::start_on_postgres().await {
                    super::$name(&world).await;
                    world.end().await;
                }
            })*
        }
    };
}

mod adding;
mod api_docs;
mod bounds;
mod bulk;
mod bulk_actions;
mod changes;
mod chart;
mod comments;
mod connect;
mod context_path;
mod copies;
mod customer_sign_in;
mod customers;
mod data_center;
mod demo;
mod departure;
mod doors;
mod entitlements;
mod erased;
mod generated;
mod hosts;
mod http;
mod idempotency;
mod import_command;
mod import_making;
mod import_owners;
mod import_people;
mod imports;
mod issue_hooks;
mod issues;
mod killed;
mod leaks;
mod limits;
mod merges;
mod moving;
mod nodes;
mod object_settings;
mod objects;
mod operator;
mod own_organizations;
mod person;
mod phones;
mod probes;
mod queries;
mod raised_by;
mod realm;
mod rekey;
mod sandbox_command;
mod scoped_tokens;
mod search;
mod sessions;
mod silence;
mod site;
mod tokens;
mod traces;
mod type_changes;
mod views;
mod walls;
mod webhooks;
mod workbook;
mod world;
