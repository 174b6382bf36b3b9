//! Roles and comments.

use super::alter::require_role;
use super::{Change, DdlOutcome, Environment, done};
use crate::catalog::record::{Comment, Record, Role};
use crate::catalog::store::CatalogStore;
use crate::catalog::{Catalog, SYSTEM_ROLE, view};
use crate::session::SessionContext;
use repr::{SqlError, SqlState};
use sql::plan::{CommentPlan, CommentTarget};

impl Environment {
    pub(super) async fn create_role(&self, store: &mut CatalogStore, name: String) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        if change.catalog.role(&name).is_some() || name == SYSTEM_ROLE {
            return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, format!("role \"{name}\" already exists")));
        }
        if name.starts_with("pg_") || name.starts_with("mz_") || name == "public" {
            let what = format!("role name \"{name}\" is reserved");
            return Err(SqlError::new(SqlState(*b"42939"), what));
        }
        let (id, oid) = (change.transaction.next_container(), change.transaction.next_oid());
        change.put(Record::Role(Role { id, oid, name }));
        self.finish(store, change).await?;
        done("CREATE ROLE")
    }

    pub(super) async fn drop_roles(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        names: Vec<String>,
        if_exists: bool,
    ) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        let mut notices = Vec::new();
        for name in names {
            let Some(role) = change.catalog.role(&name).cloned() else {
                let missing = require_role(&change.catalog, &name).err();
                match missing {
                    Some(error) if if_exists => {
                        notices.push(SqlError::new(error.code, format!("{}, skipping", error.message)));
                    }
                    Some(error) => return Err(error),
                    None => {}
                }
                continue;
            };
            if name == cx.user {
                return Err(SqlError::new(SqlState::OBJECT_IN_USE, "current user cannot be dropped"));
            }
            refuse_owner(&change.catalog, &name)?;
            change.forget_comments(role.oid);
            change.unput(&Record::Role(role));
        }
        self.finish(store, change).await?;
        Ok(DdlOutcome { tag: "DROP ROLE".to_string(), notices })
    }

    /// The roles of a GRANT or REVOKE must exist; privileges are not kept.
    pub(super) fn check_roles(&self, tag: &'static str, names: &[String]) -> Result<DdlOutcome, SqlError> {
        names.iter().try_for_each(|name| require_role(&self.catalog(), name))?;
        done(tag)
    }

    pub(super) async fn comment(&self, store: &mut CatalogStore, plan: CommentPlan) -> Result<DdlOutcome, SqlError> {
        let mut change = self.begin(store);
        let (class, oid, column) = commented(&change.catalog, &plan.target)?;
        let comment = Comment { class: class.to_string(), oid, column, text: plan.text.clone().unwrap_or_default() };
        match plan.text {
            Some(_) => change.put(Record::Comment(comment)),
            None => change.unput(&Record::Comment(comment)),
        }
        self.finish(store, change).await?;
        done("COMMENT")
    }
}

/// The catalog, oid and column that a comment is kept under.
fn commented(catalog: &Catalog, target: &CommentTarget) -> Result<(&'static str, u32, i32), SqlError> {
    let gone = || SqlError::new(SqlState::UNDEFINED_TABLE, "the object was dropped by another session");
    Ok(match target {
        CommentTarget::Item(id, column) => ("pg_class", catalog.item(*id).ok_or_else(gone)?.oid, *column),
        CommentTarget::Schema(database, name) => {
            ("pg_namespace", catalog.schema(Some(database), name).ok_or_else(gone)?.oid, 0)
        }
        CommentTarget::Database(name) => {
            ("pg_database", catalog.database(name).ok_or_else(|| view::no_database(name))?.oid, 0)
        }
        CommentTarget::Role(name) => {
            require_role(catalog, name)?;
            ("pg_authid", catalog.role(name).ok_or_else(gone)?.oid, 0)
        }
    })
}

/// Refuses to drop a role that owns something, and says what.
fn refuse_owner(catalog: &Catalog, role: &str) -> Result<(), SqlError> {
    let items = catalog.user_entries().filter(|entry| entry.item.owner == role);
    let items =
        items.map(|entry| format!("owner of {} {}", entry.item.details.kind().replace('-', " "), entry.item.name.item));
    let schemas = catalog.schemas().filter(|s| s.owner == role).map(|s| format!("owner of schema {}", s.name));
    let databases = catalog.databases().filter(|d| d.owner == role).map(|d| format!("owner of database {}", d.name));
    let clusters = catalog.clusters().filter(|c| c.owner == role).map(|c| format!("owner of cluster {}", c.name));
    let owned: Vec<String> = databases.chain(schemas).chain(clusters).chain(items).collect();
    if owned.is_empty() {
        return Ok(());
    }
    let what = format!("role \"{role}\" cannot be dropped because some objects depend on it");
    Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, what).detail(owned.join("\n")))
}

impl Change {
    /// The comments on something that goes.
    pub(super) fn forget_comments(&mut self, oid: u32) {
        let comments: Vec<Comment> = self.catalog.comments_on(oid).cloned().collect();
        comments.into_iter().for_each(|comment| self.unput(&Record::Comment(comment)));
    }
}
