//! What Connect calls of this room: its descriptor and an install, handed on as the program's web does.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use host::connect::Request;
use host::{ConnectConfig, Host, HostConfig};
use kernel::{Actor, Clock, Cx, RequestId, Standing, TenantId};
use serde_json::Value;
use store::tenants;
use url::Url;

use crate::world::{World, serve};

const APP: &str = "com.steward.app";

/// The room, once it is there, and the time.
type Room = Arc<OnceLock<(Host, Arc<dyn Clock>)>>;

/// An address of ours.
pub(super) struct Ours {
    address: Url,
    room: Room,
}

impl Ours {
    pub(super) async fn listens() -> Self {
        let room = Room::default();
        let router = Router::new()
            .route("/connect/atlassian-connect.json", get(descriptor))
            .route("/connect/installed", post(installed))
            .route("/connect/enabled", post(|| async { StatusCode::NO_CONTENT }))
            .with_state(room.clone());
        let address = Url::parse(&format!("http://{}/", serve(router).await)).unwrap();
        Self { address, room }
    }

    /// The Connect app of the site that this room is told of.
    pub(super) fn app(&self, config: &HostConfig) -> ConnectConfig {
        let site = &config.sign_in;
        let mut connect = ConnectConfig::atlassian(APP.to_owned(), self.address.clone()).unwrap();
        connect.sites = vec![site.clone()];
        connect.install_keys = site.join("connect/install-keys/").unwrap();
        connect.authorization = site.clone();
        connect
    }

    /// The site installs the app.
    pub(super) async fn is_installed(&self, world: &World) {
        let room = (world.host.clone(), world.base.clock.clone());
        assert!(self.room.set(room).is_ok(), "one room");
        let descriptor = self.address.join("connect/atlassian-connect.json").unwrap();
        world.jira.connect().install(descriptor.as_str(), None).await.unwrap();
    }
}

/// The tenant of the one site that there is.
pub(super) async fn tenant(world: &World) -> TenantId {
    let all = tenants::list::<String>(&world.base.store, TenantId::SERVER, 2).await.unwrap();
    assert_eq!(all.len(), 1);
    all[0].id
}

async fn descriptor(State(room): State<Room>) -> Json<Value> {
    Json(room.get().unwrap().0.connect.as_ref().unwrap().descriptor())
}

async fn installed(State(room): State<Room>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (host, clock) = room.get().unwrap();
    let connect = host.connect.as_ref().unwrap();
    let request = Request {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        authorization: headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap()),
    };
    let installing = connect.install(&request, &body).await.unwrap();
    let actor = Actor::System("connect");
    let cx = Cx::mint(installing.tenant, actor, Standing::default(), clock.clone(), RequestId::fresh());
    connect.accept_install(&cx, &installing).await.unwrap();
    StatusCode::NO_CONTENT
}
