//! What comes from another region: kept, compared, served once it is whole, or removed. It must never write a row of another tenant than
//! the move's, nor anything of a tenant that is served.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use kernel::{Cx, Fault, Result, TenantId};
use store::realm::{Move, NewMove, Stage, Way, moves, rows};
use store::shelf::{SaltRow, WrappedKey};
use store::tenants::State;
use store::{ObjectId, Scoped, TenantFiles, shelf, sweep};

use super::peer::Heard;
use super::said::{Answer, Ask, KeySaid, SaltSaid, ShelfSaid, class_of};
use super::{AFTER_THE_WINDOW, CARRY_ON, Realm, enqueue, later, note};

/// What stays of a tenant that left, and gives way when it comes back.
const STAYED: [&str; 3] = ["tenant", "ledger", "job"];

impl Realm {
    /// Does what another region asks.
    pub(super) async fn receive(
        &self,
        cx_of: impl Fn(TenantId) -> Cx,
        heard: &Heard,
        ask: Ask,
        behind: &[u8],
    ) -> Result<Answer> {
        match &ask {
            Ask::Hello { site, .. } | Ask::Begin { site, .. } => {
                let cx = cx_of(TenantId(*site));
                return self.comes(&cx, heard, ask).await;
            }
            _ => {}
        }
        let Some(found) = moves::by_id(self.store(), heard.id).await?.filter(|one| one.region == heard.region) else {
            // Nothing of it is here: what was to be removed is.
            return Ok(if matches!(ask, Ask::Remove) { Answer::Done } else { Answer::refused("unknown_move") });
        };
        let cx = &cx_of(found.site);
        match ask {
            Ask::Keys { keys } => self.keys(cx, heard, keys).await,
            Ask::Salts { first, salts } => self.salts(cx, heard, first, salts).await,
            Ask::Rows { table, rows } => self.rows(cx, heard, &table, &rows).await,
            Ask::Object { id } => {
                if !self.hear(cx, heard).await? {
                    return Ok(over());
                }
                self.0.room.blobs.put_as_it_lay(cx, ObjectId(id), Bytes::copy_from_slice(behind)).await?;
                Ok(Answer::Done)
            }
            Ask::Sum { table } => {
                let table = rows::table(self.store().registry(), &table);
                let Some(table) = table else { return Ok(Answer::refused("unknown_table")) };
                let sum = rows::sum(&mut self.store().read(cx).await?, table).await?;
                Ok(Answer::Sum { rows: sum.rows, hash: sum.text() })
            }
            Ask::Shelf => Ok(Answer::Shelf(self.shelf_sum(found.site).await?)),
            Ask::Activate { change_seq, ledger_seq } => self.activate(cx, &found, (change_seq, ledger_seq)).await,
            Ask::Remove => self.remove(cx, &found).await,
            Ask::Hello { .. } | Ask::Begin { .. } => Err(Fault::broken("realm_said", "asked twice")),
        }
    }

    /// Whether a site may come; and its first row.
    async fn comes(&self, cx: &Cx, heard: &Heard, ask: Ask) -> Result<Answer> {
        let (installation, schema) = match &ask {
            Ask::Hello { installation, schema, .. } | Ask::Begin { installation, schema, .. } => (installation, schema),
            _ => return Err(Fault::broken("realm_said", "neither a question nor a beginning")),
        };
        if *schema != rows::schema(self.store().registry()) {
            return Ok(Answer::refused("other_version"));
        }
        let mut scoped = self.store().beyond(cx).await?;
        if let Some(found) = moves::by_id(self.store(), heard.id).await? {
            let same = found.site == cx.tenant() && found.region == heard.region && found.stage == Stage::Arriving;
            return Ok(if same { Answer::Done } else { over() });
        }
        if !rows::may_come(&mut scoped, installation).await? {
            return Ok(Answer::refused("site_here"));
        }
        let Ask::Begin { migration, row, ends_at, .. } = ask else { return Ok(Answer::Done) };
        let left = sweep::tenant_row_count(self.store(), cx.tenant()).await?;
        if left.iter().any(|(table, count)| *count > 0 && !STAYED.contains(table)) {
            return Err(Fault::busy("site_leaving", "What was here of this site is still being removed.", None));
        }
        let ends_at = kernel::from_micros(ends_at);
        let new = NewMove {
            id: heard.id,
            way: Way::In,
            migration: &migration,
            region: &heard.region,
            stage: Stage::Arriving,
            ends_at,
            heard_at: heard.at,
        };
        if !moves::insert(&mut scoped, cx, &new).await? {
            return Err(Fault::busy("region_unavailable", "Asked twice at once.", None));
        }
        rows::tenant_comes(self.store(), &mut scoped, &row, &self.regions()?.own).await?;
        enqueue(&mut scoped, cx, CARRY_ON, heard.id, "end", later(ends_at, AFTER_THE_WINDOW)).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        tracing::info!(event = "site_arriving", site = %cx.tenant(), from = heard.region);
        Ok(Answer::Done)
    }

    /// Whether this is news, and the site still on its way here.
    async fn hear(&self, cx: &Cx, heard: &Heard) -> Result<bool> {
        let mut scoped = self.store().beyond(cx).await?;
        let news = moves::hear(&mut scoped, heard.id, heard.at, Stage::Arriving).await?;
        scoped.commit().await?;
        Ok(news)
    }

    async fn rows(&self, cx: &Cx, heard: &Heard, table: &str, some: &[Vec<serde_json::Value>]) -> Result<Answer> {
        let Some(table) = rows::table(self.store().registry(), table) else {
            return Ok(Answer::refused("unknown_table"));
        };
        let mut scoped = self.store().beyond(cx).await?;
        if !moves::hear(&mut scoped, heard.id, heard.at, Stage::Arriving).await? {
            return Ok(over());
        }
        rows::put(&mut scoped, table, some).await?;
        scoped.commit().await?;
        Ok(Answer::Done)
    }

    async fn keys(&self, cx: &Cx, heard: &Heard, keys: Vec<KeySaid>) -> Result<Answer> {
        if !self.hear(cx, heard).await? {
            return Ok(over());
        }
        let mut wrapped = Vec::with_capacity(keys.len());
        for key in keys {
            let class = class_of(&key.class)?;
            let handed = decoded(&key.handed)?;
            let place = (cx.tenant(), class, key.version);
            wrapped.push((
                class,
                WrappedKey {
                    version: key.version,
                    wrapped: self.0.room.vault.take_over(&heard.line, place, &handed).await?,
                    created_at: kernel::from_micros(key.created_at),
                    retired_at: key.retired_at.map(kernel::from_micros),
                },
            ));
        }
        shelf::keys_come(&self.0.shelf, cx.tenant(), &wrapped).await?;
        self.0.room.vault.forget(cx.tenant()).await;
        Ok(Answer::Done)
    }

    async fn salts(&self, cx: &Cx, heard: &Heard, first: bool, salts: Vec<SaltSaid>) -> Result<Answer> {
        if !self.hear(cx, heard).await? {
            return Ok(over());
        }
        let read = |salt: SaltSaid| {
            let created_at = kernel::from_micros(salt.created_at);
            Ok(SaltRow { subject: salt.subject, salt: decoded(&salt.salt)?, created_at })
        };
        let salts = salts.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        shelf::salts_come(&self.0.shelf, cx.tenant(), first, &salts).await?;
        self.0.room.vault.forget(cx.tenant()).await;
        Ok(Answer::Done)
    }

    /// What the shelf has of a tenant.
    pub(super) async fn shelf_sum(&self, tenant: TenantId) -> Result<ShelfSaid> {
        let mut keys = Vec::new();
        for class in kernel::KeyClass::ALL {
            let versions = shelf::keys(&self.0.shelf, tenant, class).await?;
            keys.extend(versions.iter().map(|key| (class.name().to_owned(), key.version)));
        }
        let (mut salts, mut sum, mut after) = (0, [0u64; 4], String::new());
        loop {
            let some = shelf::salt_rows(&self.0.shelf, tenant, &after, super::send::SALTS_AT_ONCE).await?;
            let Some(last) = some.last() else { break };
            after.clone_from(&last.subject);
            for row in &some {
                let whole = [&(row.subject.len() as u64).to_be_bytes(), row.subject.as_bytes(), &row.salt].concat();
                let made = vault::fingerprint(&whole);
                let (words, _) = made.as_chunks::<8>();
                for (sum, word) in sum.iter_mut().zip(words) {
                    *sum = sum.wrapping_add(u64::from_be_bytes(*word));
                }
                salts += 1;
            }
        }
        let hash = sum.iter().map(|word| format!("{word:016x}")).collect();
        Ok(ShelfSaid { keys, salts, hash })
    }

    /// Serves the site from now on.
    async fn activate(&self, cx: &Cx, found: &Move, said: (i64, i64)) -> Result<Answer> {
        if found.stage == Stage::Arrived {
            return Ok(Answer::Done);
        }
        let mut scoped = self.store().beyond(cx).await?;
        let state = moves::hold(&mut scoped).await?;
        if state != Some(State::Arriving)
            || !moves::step(&mut scoped, cx, found.id, Stage::Arriving, Stage::Arrived, None).await?
        {
            return Ok(over());
        }
        if moves::marks(&mut scoped).await? != said {
            return Ok(Answer::refused("differs"));
        }
        moves::turn(&mut scoped, cx, State::Arriving, State::Active).await?;
        note(&mut scoped, cx, "tenant.moved_here", &format!("from {}", found.region)).await?;
        let marks = moves::marks(&mut scoped).await?;
        moves::mark(&mut scoped, found.id, marks).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        tracing::info!(event = "site_arrived", site = %cx.tenant(), from = found.region);
        Ok(Answer::Done)
    }

    /// Removes what came. A site that is served already goes only if nothing happened since.
    async fn remove(&self, cx: &Cx, found: &Move) -> Result<Answer> {
        let mut scoped = self.store().beyond(cx).await?;
        match found.stage {
            Stage::Arriving => {}
            Stage::Arrived => {
                moves::hold(&mut scoped).await?;
                let untouched = Some(moves::marks(&mut scoped).await?) == found.marks;
                if !untouched || !moves::turn(&mut scoped, cx, State::Active, State::Arriving).await? {
                    return Ok(Answer::refused("in_use"));
                }
            }
            _ => return Ok(Answer::Done),
        }
        if !moves::step(&mut scoped, cx, found.id, found.stage, Stage::Leaving, None).await? {
            return Err(Fault::busy("region_unavailable", "Asked twice at once.", None));
        }
        enqueue(&mut scoped, cx, CARRY_ON, found.id, "remove", cx.now()).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        Ok(Answer::Done)
    }

    /// Takes away all that came, keys first. Repeatable; what is cut before it is done again.
    pub(super) async fn removed(&self, cx: &Cx, found: &Move) -> Result<()> {
        let room = &self.0.room;
        room.vault.destroy_tenant(cx.tenant()).await?;
        room.blobs.remove(cx.tenant()).await?;
        for place in &room.files {
            place.remove(cx.tenant()).await?;
        }
        sweep::tenant_rows(self.store(), cx.tenant()).await?;
        let mut scoped: Scoped = self.store().beyond(cx).await?;
        rows::forget_rest(&mut scoped).await?;
        moves::step(&mut scoped, cx, found.id, Stage::Leaving, Stage::Removed, None).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        tracing::info!(event = "site_removed", site = %cx.tenant(), from = found.region);
        Ok(())
    }
}

fn over() -> Answer {
    Answer::refused("move_over")
}

fn decoded(text: &str) -> Result<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).map_err(|error| Fault::broken("realm_said", error))
}
