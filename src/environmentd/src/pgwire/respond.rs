//! Sends what a statement returned to a simple query.

use super::codec::Encoder;
use super::connection::{Connection, SEND_BYTES};
use super::interrupt::Interrupt;
use super::rows::{self, RowEncoder};
use crate::session::execute::Tag;
use crate::session::{Outcome, Rows};
use repr::{RelationDesc, SqlError};
use sql::plan::CopyFormat;

impl Tag {
    /// The tag after `count` rows.
    pub(super) fn after(&self, count: u64) -> String {
        match self {
            Tag::Counted(word) => format!("{word} {count}"),
            Tag::Fixed(tag) => tag.clone(),
        }
    }
}

impl Connection {
    /// Sends an outcome in text format.
    pub(super) async fn respond(&mut self, outcome: Outcome, interrupt: &mut Interrupt) -> Result<(), SqlError> {
        match outcome {
            Outcome::Rows(desc, source, tag) => {
                let formats = vec![0; desc.arity()];
                rows::describe(&mut self.out, &desc, &formats);
                let count = self.send_all(desc, formats, source, interrupt).await?;
                Encoder(&mut self.out).command_complete(&tag.after(count));
            }
            Outcome::CopyOut(desc, source, format) => self.copy_out(desc, source, &format, interrupt).await?,
            Outcome::CopyIn(copy) => {
                let tag = self.copy_in(*copy, interrupt).await?;
                Encoder(&mut self.out).command_complete(&tag);
            }
            Outcome::Command(tag) => Encoder(&mut self.out).command_complete(&tag),
            Outcome::Empty => Encoder(&mut self.out).empty(b'I'),
        }
        Ok(())
    }

    async fn send_all(
        &mut self,
        desc: RelationDesc,
        formats: Vec<i16>,
        mut source: Rows,
        interrupt: &mut Interrupt,
    ) -> Result<u64, SqlError> {
        let mut encoder = RowEncoder::new(desc, formats, self.session.vars.text_settings());
        encoder = encoder.with_names(|| self.session.names());
        let live = matches!(source, Rows::Subscribe(_));
        let mut count = 0;
        if live {
            self.send_rows(interrupt).await?;
        }
        while let Some(chunk) = interrupt.run(source.next()).await? {
            for row in &chunk {
                encoder.data_row(row, &mut self.out)?;
                if self.out.len() >= SEND_BYTES {
                    self.send_rows(interrupt).await?;
                }
            }
            count += chunk.len() as u64;
            if live {
                self.send_rows(interrupt).await?;
            }
        }
        Ok(count)
    }

    /// Sends rows as COPY data; each chunk as soon as it is there.
    pub(super) async fn copy_out(
        &mut self,
        desc: RelationDesc,
        mut source: Rows,
        format: &CopyFormat,
        interrupt: &mut Interrupt,
    ) -> Result<(), SqlError> {
        let binary = matches!(format, CopyFormat::Binary);
        let formats = vec![i16::from(binary); desc.arity()];
        Encoder(&mut self.out).copy_response(b'H', binary, desc.arity());
        let mut encoder = RowEncoder::new(desc, formats, self.session.vars.text_settings());
        encoder = encoder.with_names(|| self.session.names());
        encoder.copy_header(format, &mut self.out);
        self.send_rows(interrupt).await?;
        let mut count = 0u64;
        while let Some(chunk) = interrupt.run(source.next()).await? {
            for row in &chunk {
                encoder.copy_row(row, format, &mut self.out)?;
                if self.out.len() >= SEND_BYTES {
                    self.send_rows(interrupt).await?;
                }
            }
            count += chunk.len() as u64;
            self.send_rows(interrupt).await?;
        }
        encoder.copy_trailer(format, &mut self.out);
        Encoder(&mut self.out).empty(b'c');
        Encoder(&mut self.out).command_complete(&format!("COPY {count}"));
        Ok(())
    }
}
