//! The extended query protocol: Parse, Bind, Describe, Execute, Close, Sync.

use super::codec::{Bind, Encoder, Frontend};
use super::connection::{Connection, SEND_BYTES};
use super::interrupt::Interrupt;
use super::rows::{self, RowEncoder};
use crate::session::Outcome;
use crate::session::execute::Tag;
use crate::session::prepared::{Portal, RunningPortal};
use repr::{Datum, RelationDesc, Row, RowPacker, SqlError, SqlState, SqlType};
use sql::plan::Params;
use std::collections::VecDeque;

impl Connection {
    /// Handles one message of an extended batch; an error skips the rest up to Sync.
    pub(super) async fn extended(&mut self, message: Frontend) -> std::io::Result<()> {
        let result = match message {
            Frontend::Parse(name, sql, oids) => self.parse(&name, &sql, &oids),
            Frontend::Bind(bind) => self.bind(bind),
            Frontend::Describe(true, name) => self.describe_statement(&name),
            Frontend::Describe(false, name) => self.describe_portal(&name),
            Frontend::Execute(name, max_rows) => self.execute(&name, max_rows).await,
            Frontend::Close(true, name) => {
                self.session.forget(&name);
                self.complete(b'3')
            }
            Frontend::Close(false, name) => {
                self.portals.remove(&name);
                self.complete(b'3')
            }
            other => Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, format!("unexpected message {other:?}"))),
        };
        if let Err(error) = result {
            self.report(error);
            self.skipping = true;
            self.batch_failed = true;
            // A client that asked for a Flush rather than a Sync waits for it.
            self.send().await?;
        }
        if self.out.len() >= SEND_BYTES { self.send().await } else { Ok(()) }
    }

    /// The end of a batch: commit what it wrote, unless a BEGIN is open.
    pub(super) async fn sync(&mut self) -> std::io::Result<()> {
        self.skipping = false;
        let failed = std::mem::take(&mut self.batch_failed);
        if let Err(error) = self.session.finish(failed).await {
            self.report(error);
        }
        self.ready().await
    }

    fn complete(&mut self, tag: u8) -> Result<(), SqlError> {
        Encoder(&mut self.out).empty(tag);
        Ok(())
    }

    fn parse(&mut self, name: &str, sql: &str, oids: &[u32]) -> Result<(), SqlError> {
        let declared = oids.iter().map(|oid| declared_type(*oid)).collect::<Result<Vec<_>, _>>()?;
        if name.is_empty() {
            self.session.forget(name);
        }
        let prepared = self.session.prepare(sql, declared)?;
        self.session.keep(name, prepared)?;
        self.complete(b'1')
    }

    fn bind(&mut self, bind: Bind) -> Result<(), SqlError> {
        let prepared = self.session.statement(&bind.statement)?.clone();
        let types = prepared.desc.params.clone();
        let params = self.decode_params(&bind, types)?;
        let columns = prepared.desc.relation.as_ref().map_or(0, RelationDesc::arity);
        let result_formats = rows::expand_formats(&bind.result_formats, columns)?;
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            let what = format!("cursor \"{}\" already exists", bind.portal);
            return Err(SqlError::new(SqlState::DUPLICATE_CURSOR, what));
        }
        let portal = Portal { prepared, params, result_formats, running: None, done: false };
        self.portals.insert(bind.portal, portal);
        self.complete(b'2')
    }

    fn decode_params(&self, bind: &Bind, types: Vec<SqlType>) -> Result<Params, SqlError> {
        if bind.params.len() != types.len() {
            let (given, wanted) = (bind.params.len(), types.len());
            let name = &bind.statement;
            let what = format!(
                "bind message supplies {given} parameters, but prepared statement \"{name}\" requires {wanted}"
            );
            return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, what));
        }
        let formats = rows::expand_formats(&bind.param_formats, types.len())?;
        let settings = self.session.vars.text_settings();
        let mut values = RowPacker::new();
        for ((value, ty), format) in bind.params.iter().zip(&types).zip(formats) {
            match value {
                None => values.push(Datum::Null),
                Some(bytes) if format == 1 => repr::binary::decode(bytes, ty, &mut values)?,
                Some(bytes) => {
                    let text = std::str::from_utf8(bytes).map_err(|_| {
                        let what = "invalid byte sequence for encoding \"UTF8\"";
                        SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, what)
                    })?;
                    match self.session.names().oid_of(ty, text) {
                        Some(oid) => values.push(Datum::Oid(oid)),
                        None => repr::text::parse(text, ty, &settings, &mut values)?,
                    }
                }
            }
        }
        Ok(Params { values: values.finish(), types })
    }

    fn describe_statement(&mut self, name: &str) -> Result<(), SqlError> {
        let prepared = self.session.statement(name)?;
        let oids: Vec<u32> = prepared.desc.params.iter().map(repr::pg::oid).collect();
        Encoder(&mut self.out).parameter_description(&oids);
        match prepared.desc.relation.clone().filter(|_| !prepared.desc.is_copy) {
            Some(desc) => rows::describe(&mut self.out, &desc, &[]),
            None => Encoder(&mut self.out).empty(b'n'),
        }
        Ok(())
    }

    fn portal(&mut self, name: &str) -> Result<&mut Portal, SqlError> {
        self.portals
            .get_mut(name)
            .ok_or_else(|| SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist")))
    }

    fn describe_portal(&mut self, name: &str) -> Result<(), SqlError> {
        if !self.portals.contains_key(name)
            && let Ok(desc) = self.session.cursor_desc(name)
        {
            // A cursor of DECLARE is a portal too.
            rows::describe(&mut self.out, &desc, &[]);
            return Ok(());
        }
        let portal = self.portal(name)?;
        let formats = portal.result_formats.clone();
        match portal.prepared.desc.relation.clone().filter(|_| !portal.prepared.desc.is_copy) {
            Some(desc) => rows::describe(&mut self.out, &desc, &formats),
            None => Encoder(&mut self.out).empty(b'n'),
        }
        Ok(())
    }

    async fn execute(&mut self, name: &str, max_rows: u32) -> Result<(), SqlError> {
        let mut interrupt = self.interrupt();
        let portal = self.portal(name)?;
        if portal.done {
            let what = format!("portal \"{name}\" cannot be run");
            return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what));
        }
        if portal.running.is_none() && !self.start(name, &mut interrupt).await? {
            self.portal(name)?.done = true;
            return Ok(());
        }
        self.continue_portal(name, max_rows, &mut interrupt).await
    }

    /// Runs a portal's statement; true if it has rows to be sent.
    async fn start(&mut self, name: &str, interrupt: &mut Interrupt) -> Result<bool, SqlError> {
        let portal = self.portal(name)?;
        let prepared = portal.prepared.clone();
        let params = std::mem::take(&mut portal.params);
        self.session.begin_implicit();
        if let Some(statement) = &prepared.statement {
            self.runs(&statement.sql);
        }
        let outcome = interrupt.run(self.session.execute_bound(&prepared, &params)).await?;
        self.notices();
        match outcome {
            Outcome::Rows(desc, rows, tag) => {
                check_unchanged(&prepared.desc.relation, &desc)?;
                let running = RunningPortal { desc, rows, pending: VecDeque::new(), tag };
                self.portal(name)?.running = Some(running);
                Ok(true)
            }
            other => {
                self.respond(other, interrupt).await?;
                Ok(false)
            }
        }
    }

    /// Sends up to `max_rows` rows (0: all) of a running portal.
    async fn continue_portal(&mut self, name: &str, max_rows: u32, interrupt: &mut Interrupt) -> Result<(), SqlError> {
        let settings = self.session.vars.text_settings();
        let portal = self.portal(name)?;
        let formats = portal.result_formats.clone();
        let Some(mut running) = portal.running.take() else { return Ok(()) };
        let mut encoder = RowEncoder::new(running.desc.clone(), formats, settings).with_names(|| self.session.names());
        let mut count = 0u64;
        while max_rows == 0 || count < u64::from(max_rows) {
            let Some(row) = self.next_row(&mut running, interrupt).await? else {
                Encoder(&mut self.out).command_complete(&running.tag.after(count));
                self.portal(name)?.done = matches!(running.tag, Tag::Fixed(_));
                self.portal(name)?.running = Some(running);
                return Ok(());
            };
            encoder.data_row(&row, &mut self.out)?;
            count += 1;
            if self.out.len() >= SEND_BYTES {
                self.send_rows(interrupt).await?;
            }
        }
        self.portal(name)?.running = Some(running);
        self.complete(b's')
    }

    /// The next row; what is gathered is sent before waiting for it.
    async fn next_row(
        &mut self,
        running: &mut RunningPortal,
        interrupt: &mut Interrupt,
    ) -> Result<Option<Row>, SqlError> {
        loop {
            if let Some(row) = running.pending.pop_front() {
                return Ok(Some(row));
            }
            if matches!(running.rows, crate::session::Rows::Subscribe(_)) {
                self.send_rows(interrupt).await?;
            }
            match interrupt.run(running.rows.next()).await? {
                Some(rows) => running.pending = rows.into(),
                None => return Ok(None),
            }
        }
    }
}

fn declared_type(oid: u32) -> Result<Option<SqlType>, SqlError> {
    // 0: to be inferred; 705: `unknown`, which means the same.
    if oid == 0 || oid == 705 {
        return Ok(None);
    }
    let undefined = || SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type with OID {oid} does not exist"));
    repr::pg::from_oid(oid).map(Some).ok_or_else(undefined)
}

fn check_unchanged(described: &Option<RelationDesc>, actual: &RelationDesc) -> Result<(), SqlError> {
    let types = |desc: &RelationDesc| desc.typ.columns.iter().map(|c| c.ty.clone()).collect::<Vec<_>>();
    match described {
        Some(described) if types(described) == types(actual) => Ok(()),
        _ => Err(SqlError::unsupported("a cached plan whose result type changed").hint("Prepare the statement again.")),
    }
}
