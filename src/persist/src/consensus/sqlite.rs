//! Consensus in an SQLite file that several processes share.
//!
//! ```text
//!   async callers ──▶ queue ──▶ writer thread: one turn (see `turn`), one transaction, one fsync for all that wait
//!                 ──▶ queue ──▶ reader thread: snapshots of the WAL, never waits for a writer
//! ```
//!
//! A read begun after a commit sees it, so reads are linearizable without a lock.

use super::turn::Turnstile;
use super::{CasOutcome, CompareAndSet, Consensus, Versioned};
use crate::{ExternalError, PersistError};
use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Version of the tables; a newer one is refused.
const FORMAT: u32 = 1;
/// Operations in one turn: bounds how long other processes wait.
const OPS_PER_TURN: usize = 256;
/// Other users of the file (a backup, a shell) are waited for that long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS consensus_format (version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS consensus (
        key TEXT NOT NULL, seqno INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (key, seqno));
    INSERT INTO consensus_format SELECT 1 WHERE NOT EXISTS (SELECT * FROM consensus_format);";

type Reply<T> = oneshot::Sender<Result<T, ExternalError>>;

enum Write {
    All(Vec<CompareAndSet>, Reply<CasOutcome>),
    Each(Vec<CompareAndSet>, Reply<Vec<CasOutcome>>),
    Truncate(Vec<(String, u64)>, Reply<()>),
}

enum Read {
    Heads(Vec<String>, Reply<Vec<Option<Versioned>>>),
    Scan(Vec<(String, u64)>, Reply<Vec<Vec<Versioned>>>),
    Keys(String, Reply<Vec<String>>),
}

/// Consensus in an SQLite file.
#[derive(Debug)]
pub struct SqliteConsensus {
    path: PathBuf,
    writes: mpsc::Sender<Write>,
    reads: mpsc::Sender<Read>,
}

impl SqliteConsensus {
    /// Opens a file, which is created if need be. Blocks for a moment.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PersistError> {
        let path = path.into();
        let failed =
            |e: &dyn std::fmt::Display| ExternalError::determinate(format!("metadata file {}: {e}", path.display()));
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|e| failed(&e))?;
        }
        let turnstile = Turnstile::open(&path).map_err(|e| failed(&e))?;
        let writer = {
            let _turn = turnstile.take().map_err(|e| failed(&e))?;
            let connection = connect(&path).map_err(|e| failed(&e))?;
            connection.execute_batch(SCHEMA).map_err(|e| failed(&e))?;
            connection
        };
        let found =
            writer.query_row("SELECT version FROM consensus_format", (), |r| r.get(0)).map_err(|e| failed(&e))?;
        if found > FORMAT {
            return Err(PersistError::NewerFormat { what: path.display().to_string(), found, supported: FORMAT });
        }
        let reader = connect(&path).map_err(|e| failed(&e))?;
        let writes = spawn("consensus-write", move |queue| write_loop(writer, turnstile, queue))?;
        let reads = spawn("consensus-read", move |queue| read_loop(reader, queue))?;
        Ok(SqliteConsensus { path, writes, reads })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn write<T>(&self, op: impl FnOnce(Reply<T>) -> Write) -> Result<T, ExternalError> {
        let (reply, answer) = oneshot::channel();
        self.writes.send(op(reply)).map_err(|_| ExternalError::determinate("the metadata thread ended"))?;
        answer.await.map_err(|_| ExternalError::indeterminate("the metadata thread ended"))?
    }

    async fn read<T>(&self, op: impl FnOnce(Reply<T>) -> Read) -> Result<T, ExternalError> {
        let (reply, answer) = oneshot::channel();
        self.reads.send(op(reply)).map_err(|_| ExternalError::determinate("the metadata thread ended"))?;
        answer.await.map_err(|_| ExternalError::determinate("the metadata thread ended"))?
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A thread that works off a queue until all senders are gone.
fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(mpsc::Receiver<T>) + Send + 'static,
) -> Result<mpsc::Sender<T>, PersistError> {
    let (sender, queue) = mpsc::channel();
    let thread = std::thread::Builder::new().name(name.to_string()).spawn(move || work(queue));
    thread.map_err(ExternalError::determinate)?;
    Ok(sender)
}

fn write_loop(mut connection: Connection, turnstile: Turnstile, queue: mpsc::Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let turn = match turnstile.take() {
            Ok(turn) => turn,
            Err(e) => {
                first.fail(&ExternalError::determinate(e));
                continue;
            }
        };
        // Gathered after the wait: all that came meanwhile share the turn and its fsync.
        let mut ops = vec![first];
        ops.extend(queue.try_iter().take(OPS_PER_TURN - 1));
        let answers = write_turn(&mut connection, &mut ops);
        drop(turn);
        match answers {
            Ok(answers) => answers.into_iter().for_each(|answer| answer()),
            Err(error) => ops.into_iter().for_each(|op| op.fail(&error)),
        }
    }
}

/// What to do once the transaction is durable.
type Answer = Box<dyn FnOnce()>;

/// All operations in one transaction. They are taken from `ops` only if it committed.
fn write_turn(connection: &mut Connection, ops: &mut Vec<Write>) -> Result<Vec<Answer>, ExternalError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(determinate)?;
    let outcomes: rusqlite::Result<Vec<WriteOutcome>> = ops.iter().map(|op| op.run(&transaction)).collect();
    let outcomes = outcomes.map_err(determinate)?; // dropping the transaction rolls it back
    transaction.commit().map_err(ExternalError::indeterminate)?;
    Ok(ops.drain(..).zip(outcomes).map(|(op, outcome)| op.answer(outcome)).collect())
}

fn determinate(e: rusqlite::Error) -> ExternalError {
    ExternalError::determinate(e)
}

enum WriteOutcome {
    All(CasOutcome),
    Each(Vec<CasOutcome>),
    Truncated,
}

impl Write {
    fn run(&self, transaction: &Transaction<'_>) -> rusqlite::Result<WriteOutcome> {
        Ok(match self {
            Write::All(changes, _) => WriteOutcome::All(compare_and_set_all(transaction, changes)?),
            Write::Each(changes, _) => {
                let one = |change| compare_and_set_all(transaction, std::slice::from_ref(change));
                WriteOutcome::Each(changes.iter().map(one).collect::<Result<_, _>>()?)
            }
            Write::Truncate(ranges, _) => {
                ranges.iter().try_for_each(|(key, below)| truncate(transaction, key, *below))?;
                WriteOutcome::Truncated
            }
        })
    }

    /// A caller that went away does not want its answer.
    fn answer(self, outcome: WriteOutcome) -> Answer {
        match (self, outcome) {
            (Write::All(_, reply), WriteOutcome::All(outcome)) => Box::new(move || drop(reply.send(Ok(outcome)))),
            (Write::Each(_, reply), WriteOutcome::Each(outcomes)) => Box::new(move || drop(reply.send(Ok(outcomes)))),
            (Write::Truncate(_, reply), _) => Box::new(move || drop(reply.send(Ok(())))),
            _ => unreachable!("run() answers in kind"),
        }
    }

    fn fail(self, error: &ExternalError) {
        match self {
            Write::All(_, reply) => drop(reply.send(Err(error.clone()))),
            Write::Each(_, reply) => drop(reply.send(Err(error.clone()))),
            Write::Truncate(_, reply) => drop(reply.send(Err(error.clone()))),
        }
    }
}

fn compare_and_set_all(transaction: &Transaction<'_>, changes: &[CompareAndSet]) -> rusqlite::Result<CasOutcome> {
    let mut newest = transaction.prepare_cached("SELECT max(seqno) FROM consensus WHERE key = ?1")?;
    for change in changes {
        let seqno: Option<u64> = newest.query_row([&change.key], |r| r.get(0))?;
        if seqno != change.expected {
            let heads: rusqlite::Result<_> = changes.iter().map(|change| head(transaction, &change.key)).collect();
            return heads.map(CasOutcome::Mismatch);
        }
    }
    let mut insert = transaction.prepare_cached("INSERT INTO consensus (key, seqno, data) VALUES (?1, ?2, ?3)")?;
    for change in changes {
        insert.execute(params![change.key, change.seqno(), &change.data[..]])?;
    }
    Ok(CasOutcome::Committed)
}

fn truncate(transaction: &Transaction<'_>, key: &str, below: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM consensus WHERE key = ?1 AND seqno < ?2
               AND seqno < (SELECT max(seqno) FROM consensus WHERE key = ?1)";
    transaction.prepare_cached(sql)?.execute(params![key, below])?;
    Ok(())
}

fn versioned(row: &rusqlite::Row<'_>) -> rusqlite::Result<Versioned> {
    let data: Vec<u8> = row.get(1)?;
    Ok(Versioned { seqno: row.get(0)?, data: Bytes::from(data) })
}

fn head(connection: &Connection, key: &str) -> rusqlite::Result<Option<Versioned>> {
    let sql = "SELECT seqno, data FROM consensus WHERE key = ?1 ORDER BY seqno DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row([key], versioned).optional()
}

fn scan(connection: &Connection, key: &str, from: u64) -> rusqlite::Result<Vec<Versioned>> {
    let sql = "SELECT seqno, data FROM consensus WHERE key = ?1 AND seqno >= ?2 ORDER BY seqno";
    connection.prepare_cached(sql)?.query_map(params![key, from], versioned)?.collect()
}

fn keys(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT DISTINCT key FROM consensus WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key";
    connection.prepare_cached(sql)?.query_map([prefix], |row| row.get(0))?.collect()
}

fn read_loop(mut connection: Connection, queue: mpsc::Receiver<Read>) {
    while let Ok(read) = queue.recv() {
        match read {
            Read::Heads(wanted, reply) => {
                drop(reply.send(read_turn(&mut connection, |c| wanted.iter().map(|key| head(c, key)).collect())));
            }
            Read::Scan(ranges, reply) => {
                let scan_all = |c: &Connection| ranges.iter().map(|(key, from)| scan(c, key, *from)).collect();
                drop(reply.send(read_turn(&mut connection, scan_all)));
            }
            Read::Keys(prefix, reply) => drop(reply.send(read_turn(&mut connection, |c| keys(c, &prefix)))),
        }
    }
}

/// Reads within one transaction, so that all keys are seen at one moment.
fn read_turn<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, ExternalError> {
    let transaction = connection.transaction().map_err(determinate)?;
    let result = read(&transaction).map_err(determinate)?;
    transaction.commit().map_err(determinate)?;
    Ok(result)
}

#[async_trait]
impl Consensus for SqliteConsensus {
    async fn heads(&self, keys: &[String]) -> Result<Vec<Option<Versioned>>, ExternalError> {
        self.read(|reply| Read::Heads(keys.to_vec(), reply)).await
    }

    async fn compare_and_set_all(&self, changes: &[CompareAndSet]) -> Result<CasOutcome, ExternalError> {
        self.write(|reply| Write::All(changes.to_vec(), reply)).await
    }

    async fn compare_and_set_each(&self, changes: &[CompareAndSet]) -> Result<Vec<CasOutcome>, ExternalError> {
        self.write(|reply| Write::Each(changes.to_vec(), reply)).await
    }

    async fn scan(&self, ranges: &[(String, u64)]) -> Result<Vec<Vec<Versioned>>, ExternalError> {
        self.read(|reply| Read::Scan(ranges.to_vec(), reply)).await
    }

    async fn truncate(&self, ranges: &[(String, u64)]) -> Result<(), ExternalError> {
        self.write(|reply| Write::Truncate(ranges.to_vec(), reply)).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, ExternalError> {
        self.read(|reply| Read::Keys(prefix.to_string(), reply)).await
    }
}
