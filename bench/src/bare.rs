//! The second limit of what is served over HTTP: the framework that Steward stands on, which looks at nothing and answers the
//! same bytes to everybody. It runs in a process of its own, so that its time is counted alone.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result};

use crate::serving::Running;

/// Serves a body of so many bytes on this port until it is ended.
pub(crate) fn serve(port: u16, bytes: usize) -> Result<()> {
    let body = axum::body::Bytes::from(vec![b'x'; bytes]);
    let router = axum::Router::new().fallback(move || std::future::ready(body.clone()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        axum::serve(listener, router).await
    })?;
    Ok(())
}

/// Starts it as a process.
pub(crate) fn start(port: u16, bytes: usize) -> Result<Running> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(["--bare-port", &port.to_string(), "--bare-bytes", &bytes.to_string()]);
    program.spawn().map(Running::of).context("this program cannot be started once more")
}
