//! `steward rekey`: all keys under the root key that the configuration names. It changes no setting; it may be stopped
//! anywhere and run again, and a server that knows both root keys goes on beside it.

#![expect(clippy::print_stdout, reason = "this is the program's voice on a terminal")]

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Clock, SystemClock};
use vault::Rewrap;

use crate::cli::{stores, told};
use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::RootKeys;

/// Wraps anew what lies under another root key than the current one, or under an older version of it.
pub(crate) async fn run(file: &Path) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = RootKeys::open(&config.data, &clock)?;
    let (store, shelf) = stores(&config).await?;
    let rewrap = Rewrap::new(Arc::new(StoreShelf { shelf: shelf.clone(), store: store.clone() }), keys.roots.clone());
    let before = rewrap.census().await.map_err(told)?;
    println!("The keys move to {}.", keys.roots.current_name());
    let bar = progress(before.values().sum());
    let done = rewrap.run(u64::MAX, |so_far| bar.set_position(so_far.seen)).await;
    bar.finish_and_clear();
    let after = rewrap.census().await.map_err(told)?;
    for opened in [store, shelf] {
        opened.close().await;
    }
    let done = done.map_err(|fault| anyhow!("{}\nWhat is moved stays moved: run it again.", told(fault)))?;
    println!("{} of {} keys were wrapped anew.", done.moved, done.seen);
    for (name, count) in &after {
        println!("{count} under {}", name.as_deref().unwrap_or("a root key that they do not name"));
    }
    if done.shut > 0 {
        return Err(anyhow!(
            "{} keys open under no root key that the configuration names. Name the one that wrapped them as \
             data.former_root_key or [data.former_root_key_service], and run this again.",
            done.shut
        ));
    }
    if config.data.former_root_key().is_some() {
        println!(
            "Now take former_root_key out of the configuration and start the servers anew. Copies of the shelf from \
             before still open under the former root key: keep it as long as you keep them, and no longer."
        );
    }
    Ok(())
}

/// A bar on a terminal, and nothing in a script's log.
fn progress(keys: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} keys, {eta} left");
    ProgressBar::new(keys).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
