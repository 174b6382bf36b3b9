//! One operator, or a few, for each node of a plan.

use super::bundle::{Bundle, read};
use super::time::RenderTime;
use super::{Buffers, join, reduce, top_k, window};
use crate::layout::{Errors, Keyed, Rows};
use crate::ops::flat_map::{RowLogic, flat_map};
use differential_dataflow::AsCollection;
use expr::plan::Key;
use expr::relation::Id;
use expr::visit::grow;
use expr::{Mfp, Plan};
use repr::{DataflowError, Diff, EvalError, Frontier, Row, SqlError, Timestamp};
use std::collections::BTreeMap;
use timely::dataflow::Scope;
use timely::dataflow::operators::vec::ToStream;

/// What a plan is rendered into.
pub struct Context<'s, T: RenderTime> {
    /// Where operators go.
    pub scope: Scope<'s, T>,
    /// Nothing happens before it.
    pub as_of: Timestamp,
    /// Nothing that happens at or after it matters.
    pub until: Frontier,
    /// How many recursions this is inside of.
    pub level: usize,
    bound: BTreeMap<Id, Bundle<'s, T>>,
}

impl<'s, T: RenderTime> Context<'s, T> {
    /// Nothing is bound.
    pub fn new(scope: Scope<'s, T>, as_of: Timestamp, until: Frontier) -> Self {
        Context { scope, as_of, until, level: 0, bound: BTreeMap::new() }
    }

    /// What an id stands for.
    pub fn bound(&self, id: Id) -> Option<&Bundle<'s, T>> {
        self.bound.get(&id)
    }

    /// What an id stands for.
    pub fn bound_mut(&mut self, id: Id) -> Option<&mut Bundle<'s, T>> {
        self.bound.get_mut(&id)
    }

    /// Lets an id stand for a collection.
    pub fn bind(&mut self, id: Id, bundle: Bundle<'s, T>) {
        self.bound.insert(id, bundle);
    }

    /// Lets an id stand for a collection; if it does so already, for the same one, the arrangements are put together.
    pub fn bind_or_merge(&mut self, id: Id, bundle: Bundle<'s, T>) {
        match self.bound.get_mut(&id) {
            Some(present) => present.arranged.extend(bundle.arranged),
            None => self.bind(id, bundle),
        }
    }

    /// Lets an id stand for nothing.
    pub fn unbind(&mut self, id: Id) {
        self.bound.remove(&id);
    }

    /// A collection that has no errors.
    pub fn without_errors(&self, rows: Rows<'s, T>) -> Bundle<'s, T> {
        Bundle::new(rows, differential_dataflow::collection::concatenate(self.scope, []))
    }

    /// Renders a plan that [`check`] has accepted.
    pub fn plan(&mut self, plan: &Plan) -> Bundle<'s, T> {
        grow(|| self.node(plan))
    }

    fn node(&mut self, plan: &Plan) -> Bundle<'s, T> {
        match plan {
            Plan::Constant { rows, .. } => self.constant(rows),
            Plan::Get { id, key, mfp } => self.get(*id, key.as_ref(), mfp),
            Plan::Let { id, value, body } => {
                let value = self.plan(value);
                self.bind(Id::Local(*id), value);
                let body = self.plan(body);
                self.unbind(Id::Local(*id));
                body
            }
            Plan::LetRec { bindings, body } => T::recurse(self, bindings, body),
            Plan::Mfp { input, mfp } => {
                let input = self.plan(input);
                if mfp.is_identity() { input } else { map(input, mfp) }
            }
            Plan::FlatMap { input, func, args, mfp } => {
                let input = self.plan(input);
                let (func, args, mfp) = (func.clone(), args.clone(), mfp.clone());
                let mut buffers = Buffers::default();
                apply(
                    input,
                    "FlatMap",
                    Box::new(move |row, output| {
                        if let Err(error) = buffers.flat_map(&func, &args, &mfp, row, output) {
                            output.err(error);
                        }
                    }),
                )
            }
            Plan::Join { inputs, plan } => {
                let inputs = inputs.iter().map(|input| self.plan(input)).collect();
                join::render(inputs, plan)
            }
            Plan::Reduce { input, key, value, aggregates, mfp, .. } => {
                reduce::render(self.plan(input), key, value, aggregates, mfp)
            }
            Plan::TopK { input, group_key, order, limit, offset, .. } => {
                top_k::render(self.plan(input), group_key, order, limit.as_ref(), *offset)
            }
            Plan::Window { input, partition, order, functions } => {
                window::render(self.plan(input), partition, order, functions)
            }
            Plan::TemporalFilter { input, arity, bounds } => {
                let input = self.plan(input);
                T::temporal_filter(input, *arity, bounds, self.until)
            }
            Plan::Negate { input } => {
                let input = self.plan(input);
                // Errors are not negated: an error in what is taken away is an error.
                Bundle::new(input.rows().negate(), input.errors)
            }
            Plan::Threshold { input } => reduce::threshold(self.plan(input)),
            Plan::Union { inputs } => {
                let inputs: Vec<_> = inputs.iter().map(|input| self.plan(input)).collect();
                self.union(inputs)
            }
            Plan::ArrangeBy { input, keys } => {
                let mut input = self.plan(input);
                keys.iter().for_each(|key| input.arrange(key));
                input
            }
        }
    }

    fn constant(&self, rows: &Result<Vec<(Row, Diff)>, EvalError>) -> Bundle<'s, T> {
        // One worker says it, so that it is said once.
        let speaks = self.scope.index() == 0 && self.until.is_beyond(self.as_of);
        let at = T::at(self.as_of);
        let (rows, error) = match rows {
            _ if !speaks => (Vec::new(), None),
            Ok(rows) => (rows.clone(), None),
            Err(error) => (Vec::new(), Some(error.clone())),
        };
        let rows: Vec<(Row, T, Diff)> = rows.into_iter().map(|(row, diff)| (row, at.clone(), diff)).collect();
        let errors: Vec<(DataflowError, T, Diff)> = error.into_iter().map(|error| (error, at.clone(), 1)).collect();
        Bundle::new(rows.to_stream(self.scope).as_collection(), errors.to_stream(self.scope).as_collection())
    }

    fn get(&mut self, id: Id, key: Option<&(Key, Option<Row>)>, mfp: &Mfp) -> Bundle<'s, T> {
        let mut bundle = self.bound(id).expect("check() saw that it is bound").clone();
        let Some((key, seek)) = key else {
            return if mfp.is_identity() { bundle } else { map(bundle, mfp) };
        };
        if seek.is_none() && mfp.is_identity() {
            return bundle;
        }
        bundle.arrange(key);
        let arranged = bundle.arrangement(key).expect("it was just arranged");
        let (rows, errors) = read(&arranged.seen, seek.clone(), mfp_logic(mfp));
        Bundle::new(rows, bundle.errors.concat(errors))
    }

    fn union(&self, inputs: Vec<Bundle<'s, T>>) -> Bundle<'s, T> {
        let rows: Vec<Rows<'s, T>> = inputs.iter().map(Bundle::rows).collect();
        let errors: Vec<Errors<'s, T>> = inputs.into_iter().map(|input| input.errors).collect();
        Bundle::new(
            differential_dataflow::collection::concatenate(self.scope, rows),
            differential_dataflow::collection::concatenate(self.scope, errors),
        )
    }
}

/// What would make rendering fail; found before anything is built.
pub fn check(plan: &Plan) -> Result<(), SqlError> {
    check_bound(plan, &mut Vec::new())
}

fn check_bound(plan: &Plan, locals: &mut Vec<repr::LocalId>) -> Result<(), SqlError> {
    grow(|| match plan {
        Plan::Get { id: Id::Local(id), .. } if !locals.contains(id) => {
            Err(SqlError::internal(format_args!("{id} is not bound in a plan")))
        }
        Plan::Let { id, value, body } => {
            check_bound(value, locals)?;
            locals.push(*id);
            check_bound(body, locals)?;
            locals.pop();
            Ok(())
        }
        Plan::LetRec { bindings, body } => {
            let outer = locals.len();
            locals.extend(bindings.iter().map(|(id, _, _)| *id));
            for (_, value, _) in bindings {
                check_bound(value, locals)?;
                check_recursive(value)?;
            }
            check_bound(body, locals)?;
            locals.truncate(outer);
            Ok(())
        }
        _ => plan.children().into_iter().try_for_each(|child| check_bound(child, locals)),
    })
}

/// Refuses what only totally ordered time allows.
fn check_recursive(plan: &Plan) -> Result<(), SqlError> {
    let mut temporal = false;
    plan.visit_pre(&mut |node| temporal |= matches!(node, Plan::TemporalFilter { .. }));
    if temporal { Err(SqlError::unsupported("a filter on mz_now() in a recursion")) } else { Ok(()) }
}

/// Logic that applies an mfp.
pub fn mfp_logic(mfp: &Mfp) -> RowLogic<Row> {
    let (mfp, mut buffers) = (mfp.clone(), Buffers::default());
    if mfp.is_identity() {
        return Box::new(|row, output| output.give(row.to_row()));
    }
    Box::new(move |row, output| match buffers.mfp(&mfp, &[row]) {
        Ok(Some(row)) => output.give(row),
        Ok(None) => {}
        Err(error) => output.err(error),
    })
}

/// A collection through an mfp: read from an arrangement, where that is all there is.
pub fn map<'s, T: RenderTime>(input: Bundle<'s, T>, mfp: &Mfp) -> Bundle<'s, T> {
    apply(input, "Mfp", mfp_logic(mfp))
}

/// A collection through stateless logic.
fn apply<'s, T: RenderTime>(input: Bundle<'s, T>, name: &str, logic: RowLogic<Row>) -> Bundle<'s, T> {
    let (rows, errors) = match &input.rows {
        Some(rows) => flat_map(rows.clone(), name, logic),
        None => read(&input.arranged[0].seen, None, logic),
    };
    Bundle::new(rows, input.errors.concat(errors))
}

/// A collection through logic that gives each row a key.
pub fn keyed<'s, T: RenderTime>(
    input: &Bundle<'s, T>,
    name: &str,
    logic: RowLogic<(Row, Row)>,
) -> (Keyed<'s, T>, Errors<'s, T>) {
    match &input.rows {
        Some(rows) => flat_map(rows.clone(), name, logic),
        None => crate::ops::flat_map::flat_map_arranged(input.arranged[0].seen.clone(), name, None, logic),
    }
}
