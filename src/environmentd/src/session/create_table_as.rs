//! `CREATE TABLE … AS`: the table first, then its rows. If these cannot be had, the table goes again.

use super::context::SessionContext;
use super::execute::{Outcome, Session};
use repr::{GlobalId, SqlError};
use sql::catalog::SessionCatalog;
use sql::plan::{CreateTableAsPlan, DropPlan, DropTarget, InsertPlan, Plan};

impl Session {
    /// Runs the statement.
    pub(super) async fn create_table_as(
        &mut self,
        context: &SessionContext,
        plan: CreateTableAsPlan,
    ) -> Result<Outcome, SqlError> {
        let CreateTableAsPlan { create, rows } = plan;
        let name = &create.name;
        let parts: Vec<String> = name.database.iter().chain([&name.schema, &name.item]).cloned().collect();
        let existed = self.item_called(context, &parts).is_some();
        self.ddl(context, Plan::CreateItem(create)).await?;
        let created = self.item_called(context, &parts).filter(|_| !existed);
        let (Some(table), Some(values)) = (created, rows) else {
            return Ok(Outcome::Command("CREATE TABLE AS".to_string()));
        };
        let insert = InsertPlan { table, values, on_conflict: None, returning: None };
        match self.write_now(context, &Plan::Insert(insert)).await {
            Ok((count, _)) => Ok(Outcome::Command(format!("SELECT {count}"))),
            Err(error) => {
                let targets = vec![DropTarget::Item(table)];
                let drop = DropPlan { targets, cascade: false, kind: "TABLE", missing: Vec::new() };
                self.ddl(context, Plan::Drop(drop)).await?;
                Err(error)
            }
        }
    }

    fn item_called(&self, context: &SessionContext, parts: &[String]) -> Option<GlobalId> {
        let catalog = self.env.catalog();
        let catalog = catalog.for_session(context);
        catalog.resolve(parts).map(|item| item.id)
    }
}
