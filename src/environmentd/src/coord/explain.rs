//! EXPLAIN: a query's plan at one of its stages, as text or JSON; and how much of each shard it reads.

use super::Environment;
use super::dataflows::Resolver;
use super::read::inputs;
use super::timestamp::Asked;
use crate::catalog::Catalog;
use crate::session::SessionContext;
use expr::explain::{explain_finishing, explain_json, explain_plan, explain_relation};
use expr::extent::may_keep;
use persist::{PartFilter, Selection};
use repr::{GlobalId, SqlError};
use sql::catalog::SessionCatalog;
use sql::plan::{ExplainPlan, ExplainStage};
use std::sync::Arc;

impl Environment {
    /// The rows of an `EXPLAIN`.
    pub async fn explain(&self, cx: &SessionContext, plan: &ExplainPlan) -> Result<Vec<Vec<String>>, SqlError> {
        let catalog = self.catalog();
        if plan.stage == ExplainStage::FilterPushdown {
            return self.explain_pushdown(cx, &catalog, plan).await;
        }
        Ok(vec![vec![self.explain_stage(cx, &catalog, plan)?]])
    }

    fn explain_stage(
        &self,
        cx: &SessionContext,
        catalog: &Arc<Catalog>,
        plan: &ExplainPlan,
    ) -> Result<String, SqlError> {
        let resolver = Resolver {
            catalog,
            cluster: catalog.for_session(cx).active_cluster()?,
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
            (ExplainStage::Physical | ExplainStage::FilterPushdown, as_json) => {
                // Session functions are left in it, so that it is not one that could run.
                let physical = transform::dataflow::explained_plan(plan.query.clone(), &resolver)?;
                if as_json { json(explain_json(&physical)) } else { text(explain_plan(&physical, &names)) }
            }
        })
    }

    /// How much of each shard the query would read now, by what is known of the shard's parts.
    async fn explain_pushdown(
        &self,
        cx: &SessionContext,
        catalog: &Arc<Catalog>,
        plan: &ExplainPlan,
    ) -> Result<Vec<Vec<String>>, SqlError> {
        let view = catalog.for_session(cx);
        let shards = inputs(catalog, plan.query.depends_on());
        let at = self.choose_time(cx.isolation, Asked::Present, &shards, None).await?;
        let (sources, as_of) = {
            let moment = self.moment(cx, &view, Some(at.timestamp));
            let mut query = plan.query.clone();
            moment.replace_in_plan(&mut query);
            let indexes = self.0.controller.readable_indexes();
            let cluster = view.active_cluster()?;
            let resolver = Resolver { catalog, cluster, indexes, moment: Some(&moment), system: None };
            (transform::dataflow::plan_query(query, &resolver)?.source_imports, at.timestamp)
        };
        let mut rows = Vec::new();
        for (id, import) in sources {
            let mfp = import.mfp;
            let wanted =
                mfp.map_or_else(PartFilter::all, |mfp| PartFilter::new(move |columns| may_keep(&mfp, columns)));
            let selection = self.0.persist.selection(import.shard, as_of, &wanted).await?;
            let name = catalog.item(id).map_or_else(|| id.to_string(), |item| item.name.to_string());
            let Selection { total_bytes, selected_bytes, total_parts, selected_parts } = selection;
            let numbers = [total_bytes, selected_bytes, total_parts, selected_parts];
            rows.push(std::iter::once(name).chain(numbers.iter().map(u64::to_string)).collect());
        }
        Ok(rows)
    }
}
