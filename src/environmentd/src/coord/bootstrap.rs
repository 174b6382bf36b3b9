//! From stores to a running environment: takes the epoch, reads the catalog, and derives from it what controllers and services do.

use super::committer::Committer;
use super::dataflows::Maintained;
use super::ddl::{TABLE_CLOCK, ingestion, service_name, source_clock, view_clock};
use super::time::{Oracle, now_ms, now_us};
use super::{Environment, EnvironmentInfo, Inner, maintenance, read, write};
use crate::catalog::record::Record;
use crate::catalog::secrets::SecretStore;
use crate::catalog::sizes::ReplicaSizes;
use crate::catalog::store::{CatalogStore, StoreError};
use crate::catalog::{Catalog, DEFAULT_CLUSTER, DEFAULT_DATABASE, DEFAULT_ROLE, Role, replay};
use crate::controller::{Controller, DataflowKind};
use crate::orchestrator::{Orchestrator, ServiceKind, ServiceSpec};
use persist::{ClockWriter, Commit, CommitOutcome, PersistClient, PersistError};
use proto::Hello;
use proto::push::PushClient;
use repr::{Frontier, GlobalId, ShardId, SqlError, Timestamp};
use sql::catalog::ItemDetails;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

/// How far the wall clock may lag the environment's clock.
const CLOCK_LAG_MAX_MS: u64 = 60_000;
/// The name of storaged's service.
const STORAGE_SERVICE: &str = "storage";
/// The setting with the environment's identifier.
const ENVIRONMENT_ID: &str = "environment_id";

/// What an environment is made from.
pub struct EnvironmentConfig {
    /// The stores.
    pub persist: PersistClient,
    /// Where secrets are.
    pub secrets: SecretStore,
    /// The sizes that replicas can have.
    pub sizes: ReplicaSizes,
    /// The identifier that is expected; the one on record if none.
    pub environment_id: Option<String>,
    /// Who starts computed and storaged; without one nothing runs but what environmentd does itself.
    pub orchestrator: Option<Arc<dyn Orchestrator>>,
    /// Shared by all processes of the environment.
    pub token: String,
    /// The largest result of a SELECT, in bytes.
    pub max_result_bytes: u64,
}

/// Why an environment does not start: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stores cannot be used.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An item of the catalog cannot be planned.
    #[error(transparent)]
    Replay(#[from] replay::ReplayError),
    /// Something that SQL would report.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The wall clock is wrong.
    #[error("the wall clock is {lag_s} s behind the environment's clock: set it right and start again")]
    ClockBehind {
        /// By how much.
        lag_s: u64,
    },
    /// The stores are another environment's.
    #[error("the stores belong to environment {found}, not {expected}: leave out --environment-id or use other stores")]
    OtherEnvironment {
        /// Whose they are.
        found: String,
        /// Whose they should be.
        expected: String,
    },
    /// A shard of the catalog is not in the stores.
    #[error("the data of {0} is missing from the metadata store")]
    MissingShard(GlobalId),
    /// Another environmentd starts at the same time.
    #[error("another environmentd has taken over this environment")]
    Overtaken,
}

impl Environment {
    /// Takes over the stores and runs what the catalog says.
    pub async fn open(config: EnvironmentConfig) -> Result<Environment, StartError> {
        let (mut writer, epoch) = take_epoch(&config.persist).await?;
        let mut store = CatalogStore::open(config.persist.consensus()).await?;
        if store.is_empty() {
            initialize(&mut store, &mut writer, &config).await?;
        }
        let environment_id = store.setting(ENVIRONMENT_ID).unwrap_or_default().to_string();
        if let Some(expected) = config.environment_id.filter(|expected| *expected != environment_id) {
            return Err(StartError::OtherEnvironment { found: environment_id, expected });
        }
        let catalog = replay::replay(store.records())?;
        config.secrets.retain(&|id| catalog.entry(id).is_some())?;
        let catalog = Arc::new(arc_swap::ArcSwap::from_pointee(catalog));
        let oracle = Arc::new(Oracle::new(writer.upper()));
        let controller = Controller::new(config.persist.clone(), epoch);
        let (fatal_sender, fatal) = watch::channel(None);
        let committer = Committer::spawn(config.persist.clone(), writer, oracle.clone(), catalog.clone(), fatal_sender);
        let env = Environment(Arc::new(Inner {
            info: EnvironmentInfo { environment_id, started_us: now_us() },
            epoch,
            catalog,
            sessions: Default::default(),
            oracle,
            committer,
            controller,
            persist: config.persist,
            secrets: config.secrets,
            sizes: config.sizes,
            turns: write::Turns::default(),
            store: tokio::sync::Mutex::new(store),
            orchestrator: config.orchestrator,
            hello: Hello::new(config.token, epoch),
            push: std::sync::OnceLock::new(),
            fatal,
            max_result_bytes: config.max_result_bytes,
        }));
        env.start().await?;
        Ok(env)
    }

    /// Derives from the catalog all that runs.
    async fn start(&self) -> Result<(), StartError> {
        let catalog = self.catalog();
        self.add_shards(&catalog).await?;
        self.drop_orphans(&catalog).await?;
        self.add_dataflows(&catalog).await?;
        for entry in catalog.user_entries() {
            if let Some(source) = ingestion::describe(&catalog, entry.item.id, &self.0.secrets, self.0.epoch)? {
                self.0.controller.run_ingestion(source);
            }
        }
        self.start_services(&catalog).await;
        self.drop_temporary(&replay::system_context(), None).await?;
        maintenance::spawn(&self.0);
        Ok(())
    }

    async fn add_shards(&self, catalog: &Catalog) -> Result<(), StartError> {
        for entry in catalog.user_entries() {
            let Some(shard) = entry.shard else { continue };
            let id = entry.item.id;
            let state = self.0.persist.shard_state(shard).await?.ok_or(StartError::MissingShard(id))?;
            let clock = match &entry.item.details {
                ItemDetails::SourceTable { source, .. } => source_clock(*source),
                ItemDetails::Source { .. } => source_clock(id),
                ItemDetails::MaterializedView { .. } => view_clock(id),
                _ => TABLE_CLOCK.to_string(),
            };
            self.0.controller.add_shard(id, shard, &clock, state.since, state.upper);
        }
        Ok(())
    }

    /// Frees shards that no catalog names: of statements that a crash cut short.
    async fn drop_orphans(&self, catalog: &Catalog) -> Result<(), StartError> {
        const PREFIX: &str = "shard/";
        let named: BTreeSet<_> = catalog.user_entries().filter_map(|entry| entry.shard).collect();
        let keys = self.0.persist.consensus().keys(PREFIX).await.map_err(PersistError::from)?;
        let shards = keys.iter().filter_map(|key| key.strip_prefix(PREFIX)?.parse::<ShardId>().ok());
        for orphan in shards.filter(|shard| !named.contains(shard)) {
            let live = self.0.persist.shard_state(orphan).await?.is_some_and(|state| !state.since.is_done());
            if live {
                tracing::info!(shard = %orphan, "freeing a shard that nothing names");
                self.0.persist.downgrade_since(&[(orphan, Frontier::DONE)]).await?;
            }
        }
        Ok(())
    }

    /// Runs the dataflows of all indexes and materialized views: views from the last time they know, indexes from the last time they can.
    async fn add_dataflows(&self, catalog: &Catalog) -> Result<(), StartError> {
        let is_maintained =
            |details: &ItemDetails| matches!(details, ItemDetails::Index { .. } | ItemDetails::MaterializedView { .. });
        let mut planned: BTreeMap<GlobalId, Maintained> = BTreeMap::new();
        for entry in catalog.user_entries().filter(|entry| is_maintained(&entry.item.details)) {
            planned.insert(entry.item.id, self.plan_maintained(catalog, entry.item.id)?);
        }
        let mut as_ofs: BTreeMap<GlobalId, Timestamp> = BTreeMap::new();
        // Newer ones first: an index must begin no later than what was built on it.
        for id in planned.keys().rev() {
            let as_of = match catalog.entry(*id).and_then(|entry| entry.shard) {
                Some(shard) => self.view_as_of(catalog, *id, shard).await?,
                None => {
                    let users = planned.iter().filter(|(_, user)| user.inputs.contains(id));
                    let users = users.filter_map(|(user, _)| as_ofs.get(user).copied()).min();
                    self.index_as_of(catalog, *id, users)
                }
            };
            as_ofs.insert(*id, as_of);
        }
        for (id, maintained) in planned {
            let view = catalog.entry(id).is_some_and(|entry| entry.shard.is_some());
            let kind = if view { DataflowKind::MaterializedView } else { DataflowKind::Index };
            let as_of = as_ofs.get(&id).copied().unwrap_or_default();
            self.0.controller.create_dataflow(maintained.cluster, kind, maintained.at(as_of));
        }
        Ok(())
    }

    /// The last time that the view's shard has, if its inputs can still be read at it.
    async fn view_as_of(&self, catalog: &Catalog, id: GlobalId, shard: ShardId) -> Result<Timestamp, StartError> {
        let upper = self.0.persist.shard_state(shard).await?.map_or(Frontier::MIN, |state| state.upper);
        let since = self.0.controller.since(id).time().unwrap_or(0);
        let (inputs_since, _) = self.readable(catalog, id);
        let as_of = match upper.time() {
            Some(upper) => upper.saturating_sub(1).max(since).max(inputs_since),
            // Complete for ever: computed again only to find nothing to repair.
            None => since.max(inputs_since),
        };
        if !upper.is_beyond(as_of) && as_of > since {
            // Nothing before it will ever be known.
            self.0.persist.downgrade_since(&[(shard, Frontier::at(as_of))]).await?;
            self.0.controller.add_shard(id, shard, &view_clock(id), Frontier::at(as_of), upper);
        }
        Ok(as_of)
    }

    /// The latest time at which the index's inputs can be read, but no later than its users need it.
    fn index_as_of(&self, catalog: &Catalog, id: GlobalId, users: Option<Timestamp>) -> Timestamp {
        let (since, upper) = self.readable(catalog, id);
        let latest = upper.last_complete().unwrap_or(0).min(self.0.oracle.last());
        latest.min(users.unwrap_or(Timestamp::MAX)).max(since)
    }

    /// From when on, and up to when, the shards below an item can be read.
    fn readable(&self, catalog: &Catalog, id: GlobalId) -> (Timestamp, Frontier) {
        let reads = match catalog.item(id).map(|item| &item.details) {
            Some(ItemDetails::Index { on, .. }) => BTreeSet::from([*on]),
            Some(ItemDetails::MaterializedView { expr, .. }) => expr.depends_on(),
            _ => BTreeSet::new(),
        };
        let shards = read::inputs(catalog, reads);
        let since = shards.iter().filter_map(|shard| self.0.controller.since(*shard).time()).max().unwrap_or(0);
        let upper = shards.iter().map(|shard| self.0.controller.upper(*shard)).min().unwrap_or(Frontier::DONE);
        (since, upper)
    }

    /// Lets storaged and every replica run, and joins the push of changes.
    async fn start_services(&self, catalog: &Catalog) {
        let Some(orchestrator) = &self.0.orchestrator else { return };
        let wanted = wanted_services(catalog);
        for left in orchestrator.list_services().into_iter().filter(|name| !wanted.contains(name)) {
            orchestrator.drop_service(&left).await;
        }
        let spec = ServiceSpec { name: STORAGE_SERVICE.to_string(), kind: ServiceKind::Storage };
        let mut storage = orchestrator.ensure_service(spec);
        self.0.controller.start_storage(storage.clone(), self.0.hello.clone());
        let (addr, hub) = watch::channel(storage.borrow().storage_addr.clone());
        tokio::spawn(async move {
            while storage.changed().await.is_ok() {
                let now = storage.borrow_and_update().storage_addr.clone();
                addr.send_if_modified(|known| std::mem::replace(known, now.clone()) != now);
            }
        });
        let push = PushClient::spawn(hub, self.0.persist.clone(), self.0.hello.clone());
        // Nothing else sets it.
        let _ = self.0.push.set(push);
        for replica in catalog.replicas() {
            self.start_replica(replica);
        }
    }
}

/// The services that a catalog needs.
fn wanted_services(catalog: &Catalog) -> Vec<String> {
    let replicas = catalog.replicas().map(service_name);
    std::iter::once(STORAGE_SERVICE.to_string()).chain(replicas).collect()
}

/// Takes the next epoch on the environment's clock.
async fn take_epoch(persist: &PersistClient) -> Result<(ClockWriter, u64), StartError> {
    let state = persist.clock_state(TABLE_CLOCK).await?;
    let epoch = state.as_ref().map_or(1, |state| state.epoch + 1);
    let upper = state.and_then(|state| state.upper.time()).unwrap_or(0);
    let lag_ms = upper.saturating_sub(now_ms());
    if lag_ms > CLOCK_LAG_MAX_MS {
        return Err(StartError::ClockBehind { lag_s: lag_ms / 1000 });
    }
    Ok((persist.open_clock(TABLE_CLOCK, epoch).await?, epoch))
}

/// Writes the catalog of a fresh environment.
async fn initialize(
    store: &mut CatalogStore,
    writer: &mut ClockWriter,
    config: &EnvironmentConfig,
) -> Result<(), StartError> {
    let new_id = || uuid::Uuid::new_v4().to_string();
    let mut change = super::ddl::Change::new(store.begin(), Catalog::builtin());
    let environment_id = config.environment_id.clone().unwrap_or_else(new_id);
    change.put(Record::Setting { name: ENVIRONMENT_ID.to_string(), value: environment_id });
    let (id, oid) = (change.transaction.next_container(), change.transaction.next_oid());
    change.put(Record::Role(Role { id, oid, name: DEFAULT_ROLE.to_string() }));
    change.add_database(DEFAULT_DATABASE, DEFAULT_ROLE);
    change.add_cluster(DEFAULT_CLUSTER, config.sizes.default_name(), 1, DEFAULT_ROLE);
    let time = now_ms().max(writer.upper().time().unwrap_or(0));
    let also = vec![store.propose(&change.transaction)];
    let commit = Commit { new_upper: Frontier::at(time + 1), position: None, writes: Vec::new(), also };
    match writer.commit(commit).await? {
        CommitOutcome::Committed => {
            store.committed(&change.transaction).await;
            Ok(())
        }
        _ => Err(StartError::Overtaken),
    }
}
