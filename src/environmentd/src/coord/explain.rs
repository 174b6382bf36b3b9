//! EXPLAIN: a query's plan at one of its stages, as text or JSON.

use super::Environment;
use super::dataflows::Resolver;
use crate::session::SessionContext;
use expr::explain::{explain_finishing, explain_json, explain_plan, explain_relation};
use repr::{GlobalId, SqlError};
use sql::catalog::SessionCatalog;
use sql::plan::{ExplainPlan, ExplainStage};

impl Environment {
    /// The text of an `EXPLAIN`.
    pub async fn explain(&self, cx: &SessionContext, plan: &ExplainPlan) -> Result<String, SqlError> {
        let catalog = self.catalog();
        let view = catalog.for_session(cx);
        let resolver = Resolver {
            catalog: &catalog,
            cluster: view.active_cluster()?,
            indexes: self.0.controller.readable_indexes(),
            moment: None,
            system: None,
        };
        let names = |id: GlobalId| catalog.item(id).map(|item| item.name.to_string());
        let text = |plan_text: String| match explain_finishing(&plan.finishing, plan.query.arity()) {
            Some(finishing) => format!("{finishing}\n{plan_text}"),
            None => plan_text,
        };
        let json = |value: serde_json::Value| format!("{value:#}");
        Ok(match (plan.stage, plan.json) {
            (ExplainStage::Raw, false) => plan.raw.clone(),
            (ExplainStage::Raw, true) => json(serde_json::Value::String(plan.raw.clone())),
            (ExplainStage::Decorrelated, false) => text(explain_relation(&plan.query, &names)),
            (ExplainStage::Decorrelated, true) => json(explain_json(&plan.query)),
            (ExplainStage::Optimized, as_json) => {
                let optimized = transform::dataflow::optimize_query(plan.query.clone(), &resolver)?;
                if as_json { json(explain_json(&optimized)) } else { text(explain_relation(&optimized, &names)) }
            }
            (ExplainStage::Physical, as_json) => {
                let physical = physical(plan, &resolver)?;
                if as_json { json(explain_json(&physical)) } else { text(explain_plan(&physical, &names)) }
            }
        })
    }
}

/// The physical plan; session functions are left in it, so that it is not one that could run.
fn physical(plan: &ExplainPlan, resolver: &Resolver<'_>) -> Result<expr::Plan, SqlError> {
    Ok(transform::dataflow::explained_plan(plan.query.clone(), resolver)?)
}
