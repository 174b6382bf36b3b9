//! The environment in memory, with and without a replica in this process.

use super::*;
use crate::orchestrator::{ServiceSpec, ServiceStatus};
use crate::session::{Isolation, Vars};
use repr::text::to_string;
use sql::plan::{Params, Plan, When};
use std::sync::Mutex;
use std::time::Duration;

mod lifecycle;
mod replicas;
mod sources;
mod statements;

/// An environment over memory, and what it needs to start again.
pub(super) struct Fixture {
    pub persist: PersistClient,
    pub secrets: SecretStore,
    pub orchestrator: Option<Arc<LocalOrchestrator>>,
    pub env: Environment,
}

impl Fixture {
    /// Without replicas.
    pub async fn start() -> Self {
        Self::open(PersistClient::memory(), SecretStore::memory(), None).await
    }

    /// With a computed in this process.
    pub async fn start_with_replica() -> Self {
        let persist = PersistClient::memory();
        let orchestrator = Arc::new(LocalOrchestrator::new(Stores::Shared(persist.clone())));
        Self::open(persist, SecretStore::memory(), Some(orchestrator)).await
    }

    /// With a computed and a storaged in this process, each with its own client of stores in a directory.
    pub async fn start_on_disk(directory: &std::path::Path) -> Self {
        let config = persist::PersistConfig {
            metadata_url: format!("sqlite://{}", directory.join("metadata.db").display()),
            blob_url: format!("file://{}", directory.join("blob").display()),
            settings: Default::default(),
        };
        let persist = PersistClient::open(config.clone()).await.unwrap();
        let orchestrator = Arc::new(LocalOrchestrator::new(Stores::Disk(config, directory.to_path_buf())));
        Self::open(persist, SecretStore::memory(), Some(orchestrator)).await
    }

    async fn open(persist: PersistClient, secrets: SecretStore, orchestrator: Option<Arc<LocalOrchestrator>>) -> Self {
        let config = EnvironmentConfig {
            persist: persist.clone(),
            secrets: secrets.clone(),
            sizes: ReplicaSizes::default(),
            environment_id: None,
            orchestrator: orchestrator.clone().map(|o| o as Arc<dyn Orchestrator>),
            token: "token".to_string(),
            max_result_bytes: 1 << 30,
        };
        let env = Environment::open(config).await.expect("the environment starts");
        Fixture { persist, secrets, orchestrator, env }
    }

    /// Another environmentd on the same stores.
    pub async fn restart(self) -> Self {
        Self::open(self.persist, self.secrets, self.orchestrator).await
    }

    /// Runs statements; the last one's rows, or its tag.
    pub async fn run(&self, sql: &str) -> Result<String, SqlError> {
        let mut output = String::new();
        for statement in sql::parse(sql)? {
            output = execute(&self.env, &statement).await?;
        }
        Ok(output)
    }

    /// Runs statements that succeed with this output.
    pub async fn check(&self, sql: &str, expected: &str) {
        let output = tokio::time::timeout(Duration::from_secs(60), self.run(sql)).await;
        match output.unwrap_or_else(|_| panic!("{sql}: no answer")) {
            Ok(output) => assert_eq!(output, expected, "{sql}"),
            Err(error) => panic!("{sql}: {} {error} {:?}", error.code, error.detail),
        }
    }

    /// Runs a statement that fails with this code and message.
    pub async fn refuse(&self, sql: &str, code: &str, message: &str) -> SqlError {
        let error = self.run(sql).await.expect_err(sql);
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, message), "{sql}");
        error
    }
}

/// The context of a session that just began.
pub(super) fn context() -> SessionContext {
    SessionContext {
        connection_id: 1,
        user: "materialize".to_string(),
        database: "materialize".to_string(),
        search_path: vec!["public".to_string()],
        cluster: "quickstart".to_string(),
        vars: Vars::default(),
        isolation: Isolation::StrictSerializable,
        now_us: time::now_us(),
        statement_us: time::now_us(),
    }
}

async fn execute(env: &Environment, statement: &sql::ParsedStatement) -> Result<String, SqlError> {
    let cx = context();
    let plan = sql::plan(&env.catalog().for_session(&cx), statement, &Params::default())?;
    match &plan {
        Plan::Select(select) => {
            let stream = env.select(&cx, &select.source, &select.when, &select.finishing, None).await?;
            Ok(table(&stream.collect().await?, &select.desc))
        }
        Plan::Insert(_) | Plan::ReadThenWrite(_) => loop {
            let write = env.prepare_write(&cx, &plan, None).await?;
            let affected = write.affected;
            match env.commit(&cx, vec![write]).await {
                Ok(_) => return Ok(format!("{affected} rows")),
                Err(CommitError::Conflict) => env.await_turn(&plan).await,
                Err(CommitError::Sql(error)) => return Err(error),
            }
        },
        Plan::Explain(explain) => env.explain(&cx, explain).await.map(|rows| rows.concat().join("|")),
        Plan::ShowCreate(id) => env.show_create(&cx, *id).map(|(_, sql)| sql),
        _ => env.execute_ddl(&cx, plan).await.map(|outcome| outcome.tag),
    }
}

/// Rows as lines, values separated by bars.
pub(super) fn table(rows: &[Row], desc: &repr::RelationDesc) -> String {
    let line = |row: &Row| {
        let values = row.iter().zip(&desc.typ.columns);
        let values: Vec<_> = values
            .map(|(datum, column)| if datum.is_null() { "NULL".to_string() } else { to_string(datum, &column.ty) })
            .collect();
        values.join("|")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs computed in this process, over the same stores.
pub(super) struct LocalOrchestrator {
    stores: Stores,
    services: Mutex<std::collections::BTreeMap<String, LocalService>>,
}

/// The stores of the services.
#[derive(Clone)]
enum Stores {
    /// environmentd's own client.
    Shared(PersistClient),
    /// A client each, and a directory for scratch.
    Disk(persist::PersistConfig, std::path::PathBuf),
}

struct LocalService {
    status: watch::Receiver<ServiceStatus>,
    task: tokio::task::JoinHandle<()>,
}

impl LocalOrchestrator {
    fn new(stores: Stores) -> Self {
        LocalOrchestrator { stores, services: Mutex::default() }
    }

    /// Kills a replica; the next `ensure_service` starts another.
    pub fn kill(&self, name: &str) {
        if let Some(service) = self.services.lock().unwrap().remove(name) {
            service.task.abort();
        }
    }
}

#[async_trait::async_trait]
impl Orchestrator for LocalOrchestrator {
    fn ensure_service(&self, spec: ServiceSpec) -> watch::Receiver<ServiceStatus> {
        if let Some(status) = self.watch(&spec.name) {
            return status;
        }
        let (sender, status) = watch::channel(ServiceStatus::default());
        let stores = self.stores.clone();
        let is_compute = spec.name.starts_with("compute");
        let task = tokio::spawn(async move {
            match is_compute {
                true => run_computed(stores, sender).await,
                false => run_storaged(stores, sender).await,
            }
        });
        self.services.lock().unwrap().insert(spec.name, LocalService { status: status.clone(), task });
        status
    }

    async fn drop_service(&self, name: &str) {
        self.kill(name);
    }

    fn list_services(&self) -> Vec<String> {
        self.services.lock().unwrap().keys().cloned().collect()
    }

    fn watch(&self, name: &str) -> Option<watch::Receiver<ServiceStatus>> {
        self.services.lock().unwrap().get(name).map(|service| service.status.clone())
    }

    async fn shutdown(&self) {
        self.services.lock().unwrap().values().for_each(|service| service.task.abort());
    }
}

const ANY: std::net::SocketAddr = std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn run_computed(stores: Stores, status: watch::Sender<ServiceStatus>) {
    let config = computed::config::Config {
        controller_listen_addr: ANY,
        internal_http_listen_addr: ANY,
        metadata_url: String::new(),
        blob_url: String::new(),
        storage_addr: None,
        workers: 2,
        token: "token".to_string(),
        idle_timeout: Duration::from_secs(2),
    };
    let persist = match stores {
        Stores::Shared(persist) => persist,
        Stores::Disk(config, _) => PersistClient::open(config).await.unwrap(),
    };
    let mut server = computed::serve_with(config, persist).await.expect("computed starts");
    status.send_modify(|status| status.controller_addr = Some(server.controller_addr.to_string()));
    server.ended().await;
}

async fn run_storaged(stores: Stores, status: watch::Sender<ServiceStatus>) {
    let Stores::Disk(persist, directory) = stores else { return std::future::pending().await };
    let config = storaged::Config {
        controller_listen_addr: ANY,
        storage_listen_addr: ANY,
        internal_http_listen_addr: ANY,
        persist,
        token: "token".to_string(),
        idle_timeout: Duration::from_secs(60),
        scratch_directory: directory.join("scratch"),
        state_bytes_max: 1 << 20,
    };
    let server = storaged::serve(config).await.expect("storaged starts");
    let (controller, storage) = (server.controller_addr().to_string(), server.storage_addr().to_string());
    status.send_modify(|status| (status.controller_addr, status.storage_addr) = (Some(controller), Some(storage)));
    // It runs until the task is aborted and drops it.
    std::future::pending::<()>().await;
    drop(server);
}

/// A plan of one SELECT.
pub(super) fn plan_select(env: &Environment, sql: &str) -> sql::plan::SelectPlan {
    let statement = sql::parse(sql).unwrap().remove(0);
    match sql::plan(&env.catalog().for_session(&context()), &statement, &Params::default()).unwrap() {
        Plan::Select(plan) => plan,
        other => panic!("{other:?} is not a SELECT"),
    }
}

/// Reads within a transaction.
pub(super) async fn read_in(env: &Environment, sql: &str, txn: &mut Option<ReadTransaction>) -> String {
    let plan = plan_select(env, sql);
    let block = Block { read: txn, tables_read: &mut Default::default(), writes: &[] };
    let stream = env.select(&context(), &plan.source, &When::Immediately, &plan.finishing, Some(block)).await.unwrap();
    table(&stream.collect().await.unwrap(), &plan.desc)
}
