//! A COPY FROM in progress: what the client sends is decoded and written; the end of it is a write like any other.

use super::context::SessionContext;
use super::execute::{Outcome, Session};
use crate::coord::{CommitError, CopyWriter};
use crate::copy::{CopyError, Decoder};
use repr::{SqlError, SqlState};
use sql::plan::{CopyFormat, CopyFromPlan};

/// What takes the client's data.
pub struct CopyIn {
    /// How many columns the client sends.
    pub columns: usize,
    /// Whether in binary format.
    pub binary: bool,
    decoder: Decoder,
    writer: CopyWriter,
}

impl CopyIn {
    /// More data.
    pub async fn data(&mut self, bytes: &[u8]) -> Result<(), CopyError> {
        self.decoder.feed(bytes);
        self.take(false).await
    }

    async fn take(&mut self, end: bool) -> Result<(), CopyError> {
        while let Some(row) = self.decoder.next_row(end)? {
            self.writer.add(row).await.map_err(|error| self.decoder.at_line(error))?;
        }
        Ok(())
    }
}

impl Session {
    /// Begins a COPY FROM.
    pub(super) fn copy_from(&mut self, context: &SessionContext, plan: CopyFromPlan) -> Result<Outcome, SqlError> {
        self.transaction.check_write("COPY FROM")?;
        let writer = self.copy_writer(context, &plan)?;
        let settings = self.vars.text_settings();
        let binary = plan.format == CopyFormat::Binary;
        let columns = plan.input_desc.arity();
        let decoder = Decoder::new(writer.table_name(), plan.format, plan.input_desc, settings);
        Ok(Outcome::CopyIn(Box::new(CopyIn { columns, binary, decoder, writer })))
    }

    /// The client has sent everything: writes it, now or with the transaction. Gives the command tag.
    pub async fn finish_copy(&mut self, mut copy: CopyIn) -> Result<String, CopyError> {
        copy.take(true).await?;
        let write = copy.writer.finish().await?;
        let tag = format!("COPY {}", write.affected);
        if self.transaction.is_explicit() {
            self.add_write(&self.context(), write).await?;
            return Ok(tag);
        }
        match self.try_commit(vec![write]).await {
            Ok(()) => Ok(tag),
            Err(CommitError::Sql(error)) => Err(error.into()),
            Err(CommitError::Conflict) => {
                let what = "could not serialize access due to concurrent update";
                Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, what).into())
            }
        }
    }
}
