//! Physical plans as text.

use super::{Printer, aggregates, columns, key, limit_text, top_k, window};
use crate::explain::scalar::{explain_conjunction, explain_scalars};
use crate::mfp::Mfp;
use crate::plan::{JoinPlan, JoinStage, Plan};
use crate::scalar::ScalarExpr;
use crate::visit::grow;

impl Printer<'_> {
    pub(super) fn plan(&mut self, plan: &Plan) {
        grow(|| match plan {
            Plan::Constant { rows, types } => self.constant(rows, types),
            Plan::Let { id, value, body } => {
                self.line(format!("Let {id} ="));
                self.nested(|p| p.plan(value));
                self.line("In");
                self.nested(|p| p.plan(body));
            }
            Plan::LetRec { bindings, body } => {
                self.line("LetRec");
                self.nested(|p| {
                    for (id, value, limit) in bindings {
                        p.line(format!("{id} ={}", limit_text(*limit)));
                        p.nested(|p| p.plan(value));
                    }
                });
                self.line("In");
                self.nested(|p| p.plan(body));
            }
            _ => self.node(plan),
        });
    }

    fn node(&mut self, plan: &Plan) {
        let head = self.plan_head(plan);
        self.line(head);
        self.nested(|p| {
            match plan {
                Plan::Get { mfp, .. } | Plan::Mfp { mfp, .. } | Plan::FlatMap { mfp, .. } => p.mfp("", mfp),
                Plan::Reduce { key, value, mfp, .. } => {
                    p.mfp("key ", key);
                    p.mfp("value ", value);
                    p.mfp("", mfp);
                }
                Plan::Join { plan, .. } => p.join(plan),
                _ => {}
            }
            plan.children().into_iter().for_each(|child| p.plan(child));
        });
    }

    fn plan_head(&self, plan: &Plan) -> String {
        match plan {
            Plan::Get { id, key: None, .. } => format!("Get {}", self.name(id)),
            Plan::Get { id, key: Some((k, None)), .. } => format!("Get {} by={}", self.name(id), key(k)),
            Plan::Get { id, key: Some((k, Some(row))), .. } => {
                format!("Get {} by={} lookup={row:?}", self.name(id), key(k))
            }
            Plan::Mfp { .. } => "Mfp".into(),
            Plan::FlatMap { func, args, .. } => format!("FlatMap {func:?}({})", explain_scalars(args)),
            Plan::Join { plan: JoinPlan::Linear { .. }, .. } => "Join linear".into(),
            Plan::Join { plan: JoinPlan::Delta(_), .. } => "Join delta".into(),
            Plan::Reduce { aggregates: aggs, .. } if aggs.is_empty() => "Distinct".into(),
            Plan::Reduce { aggregates: aggs, monotonic, .. } => {
                format!("Reduce aggregates=[{}]{}", aggregates(aggs), if *monotonic { " monotonic" } else { "" })
            }
            Plan::TopK { group_key, order, limit, offset, monotonic, .. } => {
                top_k(group_key, order, limit.as_ref(), *offset, *monotonic)
            }
            Plan::Window { partition, order, functions, .. } => window(partition, order, functions),
            Plan::TemporalFilter { arity, bounds, .. } => {
                let explained = bounds.iter().enumerate().map(|(i, bound)| bound.explain(&format!("#{}", arity + i)));
                format!("TemporalFilter ({})", explained.collect::<Vec<_>>().join(" AND "))
            }
            Plan::Negate { .. } => "Negate".into(),
            Plan::Threshold { .. } => "Threshold".into(),
            Plan::Union { .. } => "Union".into(),
            Plan::ArrangeBy { keys, .. } => {
                format!("ArrangeBy keys=[{}]", keys.iter().map(|k| key(k)).collect::<Vec<_>>().join(", "))
            }
            Plan::Constant { .. } | Plan::Let { .. } | Plan::LetRec { .. } => String::new(),
        }
    }

    fn mfp(&mut self, what: &str, mfp: &Mfp) {
        if mfp.is_identity() {
            return;
        }
        let kept: Vec<usize> = (0..mfp.input_arity + mfp.expressions.len()).collect();
        if mfp.projection != kept {
            self.line(format!("{what}project=({})", columns(&mfp.projection)));
        }
        if !mfp.predicates.is_empty() {
            let predicates: Vec<ScalarExpr> = mfp.predicates.iter().map(|(_, p)| p.clone()).collect();
            self.line(format!("{what}filter=({})", explain_conjunction(&predicates)));
        }
        if !mfp.expressions.is_empty() {
            self.line(format!("{what}map=({})", explain_scalars(&mfp.expressions)));
        }
    }

    fn join(&mut self, plan: &JoinPlan) {
        match plan {
            JoinPlan::Linear { start, initial, stages } => self.path(*start, initial, stages),
            JoinPlan::Delta(paths) => paths.iter().for_each(|p| self.path(p.start, &p.initial, &p.stages)),
        }
    }

    fn path(&mut self, start: usize, initial: &Mfp, stages: &[JoinStage]) {
        self.line(format!("path %{start}"));
        self.nested(|p| {
            p.mfp("", initial);
            for stage in stages {
                p.line(format!("» %{}{} = {}", stage.input, key(&stage.lookup_key), key(&stage.stream_key)));
                p.nested(|p| p.mfp("", &stage.mfp));
            }
        });
    }
}
