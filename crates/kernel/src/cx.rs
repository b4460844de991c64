//! The context that every action takes first: for whom, by whom, when.
//!
//! Only the callers' extractors (`web`) and the job runner (`jobs`) mint one; the tidy test holds
//! them to it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{AccountId, Claim, Clock, TenantId, Token};

/// Names one request in answers, logs and the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// A new one.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, proven by the host.
    Person(AccountId),
    /// An API token, for itself.
    Token(Token),
    /// The program itself: a job's or schedule's name.
    System(&'static str),
}

/// What the host says of the person: facts, from which each room decides by its own rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Administers Jira.
    pub admin: bool,
    /// Works as an agent in at least one service project.
    pub agent: bool,
    /// Group ids.
    pub groups: BTreeSet<String>,
    /// Project-role ids held in any service project.
    pub roles: BTreeSet<String>,
}

/// The context of one request or job.
#[derive(Clone)]
pub struct Cx {
    tenant: TenantId,
    actor: Actor,
    standing: Arc<Standing>,
    clock: Arc<dyn Clock>,
    request: RequestId,
    claim: Option<Arc<Claim>>,
}

impl Cx {
    /// Mints a context. Callers: the extractors of `web` and the runner of `jobs`, no one else.
    pub fn mint(tenant: TenantId, actor: Actor, standing: Standing, clock: Arc<dyn Clock>, request: RequestId) -> Self {
        Self { tenant, actor, standing: Arc::new(standing), clock, request, claim: None }
    }

    /// The same, for a request that is to be done once: its first change writes the claim.
    #[must_use]
    pub fn claiming(self, claim: Arc<Claim>) -> Self {
        Self { claim: Some(claim), ..self }
    }

    /// What a request that is to be done once writes with its change.
    pub fn claim(&self) -> Option<&Arc<Claim>> {
        self.claim.as_ref()
    }

    /// The tenant that every statement and key is bound to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The acting person, if it is one.
    pub fn person(&self) -> Option<&AccountId> {
        match &self.actor {
            Actor::Person(id) => Some(id),
            Actor::Token(_) | Actor::System(_) => None,
        }
    }

    /// The acting token, if it is one.
    pub fn token(&self) -> Option<&Token> {
        match &self.actor {
            Actor::Token(token) => Some(token),
            Actor::Person(_) | Actor::System(_) => None,
        }
    }

    /// What the host says of the actor.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The request's id.
    pub fn request(&self) -> RequestId {
        self.request
    }
}
