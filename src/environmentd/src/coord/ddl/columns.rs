//! ALTER of columns: names and defaults. Rows are stored by position, so that neither changes any.

use super::Change;
use super::alter::{gone, record};
use crate::catalog::record::Item;
use crate::catalog::{Entry, replay};
use repr::{GlobalId, RelationDesc, SqlError, SqlState};
use sql::plan::DropTarget;
use std::sync::Arc;

impl Change {
    /// `RENAME COLUMN`: those who read the relation keep the names that they know.
    pub(super) fn rename_column(&mut self, target: DropTarget, old: &str, new: &str) -> Result<(), SqlError> {
        let (id, entry, desc) = self.relation(target)?;
        let position = column(&desc, old, &entry)?;
        if desc.position(new).is_some() {
            let what = format!("column \"{new}\" of relation \"{}\" already exists", entry.item.name.item);
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, what));
        }
        let mut names = desc.names.clone();
        names[position] = new.to_string();
        self.redefine(&entry, sql::canonical::with_columns(&entry.item.create_sql, &names)?)?;
        let users: Vec<GlobalId> = self.catalog.used_by(id).collect();
        for user in users {
            let user = self.catalog.entry(user).ok_or_else(gone)?.clone();
            let definition = sql::canonical::after_rename(&user.item.create_sql, id, &desc.names, (old, new))?;
            self.redefine(&user, definition)?;
        }
        Ok(())
    }

    /// `SET DEFAULT`, `DROP DEFAULT`
    pub(super) fn set_default(
        &mut self,
        target: DropTarget,
        name: &str,
        default: Option<&str>,
    ) -> Result<(), SqlError> {
        let (_, entry, desc) = self.relation(target)?;
        let position = column(&desc, name, &entry)?;
        let catalog = Arc::new(self.catalog.clone());
        let view = catalog.for_session(&replay::system_context());
        let definition = sql::canonical::with_default(&entry.item.create_sql, position, default, &view)?;
        self.redefine(&entry, definition)
    }

    fn relation(&self, target: DropTarget) -> Result<(GlobalId, Arc<Entry>, RelationDesc), SqlError> {
        let DropTarget::Item(id) = target else { return Err(SqlError::internal("only items have columns")) };
        let entry = self.catalog.entry(id).ok_or_else(gone)?.clone();
        let no_columns =
            || SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" has no columns", entry.item.name.item));
        let desc = entry.item.details.desc().cloned().ok_or_else(no_columns)?;
        Ok((id, entry, desc))
    }

    /// An item with another definition, planned again; it is what it was otherwise.
    fn redefine(&mut self, entry: &Entry, create_sql: String) -> Result<(), SqlError> {
        // It is planned where it is not yet, as at a start.
        let mut without = self.catalog.clone();
        without.remove(entry.item.id);
        let entry = replay::plan_entry(&Arc::new(without), &Item { create_sql, ..record(entry) })?;
        self.update(entry);
        Ok(())
    }
}

fn column(desc: &RelationDesc, name: &str, entry: &Entry) -> Result<usize, SqlError> {
    desc.position(name).ok_or_else(|| {
        let what = format!("column \"{name}\" of relation \"{}\" does not exist", entry.item.name.item);
        SqlError::new(SqlState::UNDEFINED_COLUMN, what)
    })
}
