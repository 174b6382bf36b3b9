//! COPY FROM STDIN: asks the client for its data, and takes it until the client says that it is done or gives up.

use super::codec::{Encoder, Frame, Frontend};
use super::connection::Connection;
use super::interrupt::Interrupt;
use crate::copy::CopyError;
use crate::session::copy_in::CopyIn;
use repr::{SqlError, SqlState};

impl Connection {
    /// Runs a COPY FROM; gives the command tag.
    pub(super) async fn copy_in(&mut self, copy: CopyIn, interrupt: &mut Interrupt) -> Result<String, SqlError> {
        Encoder(&mut self.out).copy_response(b'G', copy.binary, copy.columns);
        self.send_rows(interrupt).await?;
        match self.receive_copy(copy, interrupt).await {
            Ok(tag) => Ok(tag),
            Err(CopyError { error, context }) => {
                self.context = context;
                Err(error)
            }
        }
    }

    async fn receive_copy(&mut self, mut copy: CopyIn, interrupt: &mut Interrupt) -> Result<String, CopyError> {
        loop {
            let frame = interrupt.run(async { Ok(self.receive().await) }).await?;
            let message = match frame {
                Some(Frame::Message(message)) => message?,
                Some(Frame::Broken(error)) => return Err(error.into()),
                None => {
                    let what = "unexpected EOF on client connection with an open transaction";
                    return Err(SqlError::new(SqlState::CONNECTION_EXCEPTION, what).into());
                }
            };
            match message {
                Frontend::CopyData(bytes) => copy.data(&bytes).await?,
                Frontend::CopyDone => return self.session.finish_copy(copy).await,
                Frontend::CopyFail(reason) => {
                    let what = format!("COPY from stdin failed: {reason}");
                    return Err(SqlError::new(SqlState::QUERY_CANCELED, what).into());
                }
                // An extended batch may send these ahead.
                Frontend::Flush | Frontend::Sync => {}
                other => {
                    let what = format!("unexpected message during COPY from stdin: {other:?}");
                    return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, what).into());
                }
            }
        }
    }
}
