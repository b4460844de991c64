//! Where the stand-in Jira and the frames of its apps are: what they listen on, and how others reach them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{anyhow, bail};
use url::Url;

use crate::{demo, listen};

/// Options of `steward sandbox` about it.
#[derive(clap::Args)]
pub(super) struct Addresses {
    /// The port of the site
    #[arg(long, env = "PORT")]
    port: Option<u16>,
    /// The address that it listens on. Beyond loopback, whoever reaches it is whom they like, administrators too
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The site's address as others reach it, such as http://jira:7800
    #[arg(long, value_name = "URL", value_parser = origin)]
    url: Option<Url>,
    /// The port of apps' frames, which are of another origin
    #[arg(long, value_name = "PORT")]
    frames_port: Option<u16>,
}

/// Addresses that are free.
pub(super) struct Chosen {
    pub(super) site: SocketAddr,
    /// Where it is not what it listens on.
    pub(super) site_url: Option<String>,
    pub(super) frames: SocketAddr,
    /// Likewise.
    pub(super) frames_url: Option<String>,
}

impl Addresses {
    /// Refuses what nobody could reach.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.listen.is_unspecified() && self.url.is_none() {
            bail!("--listen {} is no address that others can ask for: give --url too", self.listen);
        }
        Ok(())
    }

    /// What whoever starts it must hear, if it is reachable from elsewhere.
    pub(super) fn warning(&self) -> Option<String> {
        (!self.listen.is_loopback()).then(|| {
            format!(
                "LISTENING ON {}, NOT ON LOOPBACK ALONE: there are no passwords. Whoever reaches it is whom they like, administrators \
                 too, and may have it call addresses of its network. For a network of tests and nothing else.",
                self.listen
            )
        })
    }

    /// Finds free ports where none were asked for.
    pub(super) fn choose(&self) -> anyhow::Result<Chosen> {
        self.check()?;
        // Both are held until both are known, or one could be found twice.
        let site = demo::bind(self.listen, self.port, demo::JIRA_PORT)?;
        let frames = listen::bind(SocketAddr::new(self.listen, self.frames_port.unwrap_or_default()))?;
        let (site, frames) = (site.local_addr()?, frames.local_addr()?);
        let mut chosen = Chosen { site, site_url: None, frames, frames_url: None };
        if let Some(url) = &self.url {
            let mut beside = url.clone();
            beside.set_port(Some(frames.port())).map_err(|()| anyhow!("--url: {url} has no port"))?;
            chosen.site_url = Some(url.origin().ascii_serialization());
            chosen.frames_url = Some(beside.origin().ascii_serialization());
        }
        Ok(chosen)
    }
}

/// An origin, and no more than that.
fn origin(given: &str) -> Result<Url, String> {
    let wrong = || "write an origin, as http://jira:7800".to_owned();
    let url = Url::parse(given).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && bare && nobody { Ok(url) } else { Err(wrong()) }
}
