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
#[expect(dead_code, reason = "shared with the store's tests, which use all of it")]
mod databases;

/// Makes each test run on both databases. A test is an `async fn(&World)`.
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

mod api_docs;
mod bulk;
mod customers;
mod departure;
mod generated;
mod http;
mod idempotency;
mod killed;
mod leaks;
mod sessions;
mod tokens;
mod walls;
mod world;
