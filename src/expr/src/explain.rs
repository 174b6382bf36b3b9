//! Plans as people read them: EXPLAIN's text and JSON.
//!
//! One node a line, its inputs indented under it; `#3` is a column by position, `l2` a `Let`, `u7` an object (by name where it has one).

mod physical;
mod scalar;
#[cfg(test)]
mod tests;

pub use scalar::{explain_frame, explain_scalar, explain_scalars};

use crate::aggregate::AggregateExpr;
use crate::plan::Plan;
use crate::relation::{ColumnOrder, Id, JoinImplementation, RecLimit, RelExpr, RowSetFinishing};
use crate::scalar::ScalarExpr;
use crate::visit::grow;
use crate::window::WindowExpr;
use repr::{ColumnType, Datum, Diff, EvalError, GlobalId, Row};
use std::fmt::Write;

/// Rows of a constant that are shown; the others are counted.
const ROWS_SHOWN_MAX: usize = 20;

/// What an object is called, if it has a name.
pub type Names<'a> = dyn Fn(GlobalId) -> Option<String> + 'a;

/// A relational plan as text.
pub fn explain_relation(expr: &RelExpr, names: &Names<'_>) -> String {
    let mut printer = Printer { out: String::new(), depth: 0, names };
    printer.relation(expr);
    printer.out
}

/// A physical plan as text.
pub fn explain_plan(plan: &Plan, names: &Names<'_>) -> String {
    let mut printer = Printer { out: String::new(), depth: 0, names };
    printer.plan(plan);
    printer.out
}

/// A finishing as the line above the plan whose result it finishes; nothing if it changes nothing.
pub fn explain_finishing(finishing: &RowSetFinishing, arity: usize) -> Option<String> {
    if finishing.is_trivial(arity) {
        return None;
    }
    let mut line = format!("Finish {}output=[{}]", order_by(&finishing.order), columns(&finishing.project));
    if let Some(limit) = finishing.limit {
        let _ = write!(line, " limit={limit}");
    }
    if finishing.offset > 0 {
        let _ = write!(line, " offset={}", finishing.offset);
    }
    Some(line)
}

/// A plan of either kind as JSON.
pub fn explain_json(plan: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(plan).unwrap_or(serde_json::Value::Null)
}

struct Printer<'a> {
    out: String,
    depth: usize,
    names: &'a Names<'a>,
}

fn columns(columns: &[usize]) -> String {
    columns.iter().map(|c| format!("#{c}")).collect::<Vec<_>>().join(", ")
}

fn order_by(order: &[ColumnOrder]) -> String {
    let one = |o: &ColumnOrder| {
        let direction = if o.desc { " desc" } else { " asc" };
        let nulls = if o.nulls_first { " nulls_first" } else { " nulls_last" };
        format!("#{}{direction}{nulls}", o.column)
    };
    if order.is_empty() {
        return String::new();
    }
    format!("order_by=[{}] ", order.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn key(exprs: &[ScalarExpr]) -> String {
    format!("[{}]", explain_scalars(exprs))
}

fn aggregates(aggregates: &[AggregateExpr]) -> String {
    aggregates.iter().map(scalar::explain_aggregate).collect::<Vec<_>>().join(", ")
}

fn limit_text(limit: Option<RecLimit>) -> String {
    limit.map_or(String::new(), |l| {
        let then = if l.return_at_limit { "return" } else { "error" };
        format!(" limit={} at_limit={then}", l.iterations)
    })
}

impl Printer<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.out, "{:width$}{}", "", text.as_ref().trim_end(), width = self.depth * 2);
    }

    fn nested(&mut self, f: impl FnOnce(&mut Self)) {
        self.depth += 1;
        f(self);
        self.depth -= 1;
    }

    fn name(&self, id: &Id) -> String {
        match id {
            Id::Local(id) => id.to_string(),
            Id::Global(id) => (self.names)(*id).unwrap_or_else(|| id.to_string()),
        }
    }

    fn constant(&mut self, rows: &Result<Vec<(Row, Diff)>, EvalError>, types: &[ColumnType]) {
        let rows = match rows {
            Err(e) => return self.line(format!("Error {:?}", e.message)),
            Ok(rows) if rows.is_empty() => return self.line("Constant <empty>"),
            Ok(rows) => rows,
        };
        self.line("Constant");
        let value = |(datum, typ): (Datum<'_>, &ColumnType)| scalar::explain_datum(datum, &typ.ty);
        self.nested(|p| {
            for (row, diff) in rows.iter().take(ROWS_SHOWN_MAX) {
                let values: Vec<_> = row.iter().zip(types).map(value).collect();
                let count = if *diff == 1 { String::new() } else { format!(" x {diff}") };
                p.line(format!("- ({}){count}", values.join(", ")));
            }
            if rows.len() > ROWS_SHOWN_MAX {
                p.line(format!("… {} more rows", rows.len() - ROWS_SHOWN_MAX));
            }
        });
    }

    fn relation(&mut self, expr: &RelExpr) {
        grow(|| match expr {
            RelExpr::Constant { rows, typ } => self.constant(rows, &typ.columns),
            RelExpr::Let { .. } | RelExpr::LetRec { .. } => self.bindings(expr),
            _ => {
                let head = self.head(expr);
                self.line(head);
                self.nested(|p| expr.children().into_iter().for_each(|child| p.relation(child)));
            }
        });
    }

    fn bindings(&mut self, expr: &RelExpr) {
        match expr {
            RelExpr::Let { id, value, body } => {
                self.line(format!("Let {id} ="));
                self.nested(|p| p.relation(value));
                self.line("In");
                self.nested(|p| p.relation(body));
            }
            RelExpr::LetRec { bindings, body } => {
                self.line("LetRec");
                self.nested(|p| {
                    for binding in bindings {
                        p.line(format!("{} ={}", binding.id, limit_text(binding.limit)));
                        p.nested(|p| p.relation(&binding.value));
                    }
                });
                self.line("In");
                self.nested(|p| p.relation(body));
            }
            _ => {}
        }
    }

    fn head(&self, expr: &RelExpr) -> String {
        match expr {
            RelExpr::Get { id, .. } => format!("Get {}", self.name(id)),
            RelExpr::Project { outputs, .. } => format!("Project ({})", columns(outputs)),
            RelExpr::Map { scalars, .. } => format!("Map ({})", explain_scalars(scalars)),
            RelExpr::FlatMap { func, args, .. } => format!("FlatMap {func:?}({})", explain_scalars(args)),
            RelExpr::Filter { predicates, .. } => format!("Filter {}", scalar::explain_conjunction(predicates)),
            RelExpr::Join { equivalences, implementation, .. } => {
                let classes: Vec<_> = equivalences.iter().map(|c| scalar::explain_class(c)).collect();
                let on = if classes.is_empty() { String::new() } else { format!("on=({}) ", classes.join(" AND ")) };
                format!("Join {on}{}", self.implementation(implementation))
            }
            RelExpr::Reduce { group_key, aggregates: aggs, .. } if aggs.is_empty() => {
                format!("Distinct by={}", key(group_key))
            }
            RelExpr::Reduce { group_key, aggregates: aggs, monotonic, .. } => {
                let flag = if *monotonic { " monotonic" } else { "" };
                format!("Reduce group_by={} aggregates=[{}]{flag}", key(group_key), aggregates(aggs))
            }
            RelExpr::TopK { group_key, order, limit, offset, monotonic, .. } => {
                top_k(group_key, order, limit.as_ref(), *offset, *monotonic)
            }
            RelExpr::Window { partition, order, functions, .. } => window(partition, order, functions),
            RelExpr::Negate { .. } => "Negate".into(),
            RelExpr::Threshold { .. } => "Threshold".into(),
            RelExpr::Union { .. } => "Union".into(),
            RelExpr::ArrangeBy { keys, .. } => {
                format!("ArrangeBy keys=[{}]", keys.iter().map(|k| key(k)).collect::<Vec<_>>().join(", "))
            }
            RelExpr::Constant { .. } | RelExpr::Let { .. } | RelExpr::LetRec { .. } => String::new(),
        }
    }

    fn implementation(&self, implementation: &JoinImplementation) -> String {
        let path = |start: usize, order: &[(usize, Vec<ScalarExpr>)]| {
            let steps: Vec<_> = order.iter().map(|(input, k)| format!(" » %{input}{}", key(k))).collect();
            format!("%{start}{}", steps.concat())
        };
        match implementation {
            JoinImplementation::Undecided => String::new(),
            JoinImplementation::Linear { start, order } => format!("type=linear {}", path(*start, order)),
            JoinImplementation::Delta(orders) => {
                let paths: Vec<_> = orders.iter().enumerate().map(|(start, order)| path(start, order)).collect();
                format!("type=delta {}", paths.join(" | "))
            }
        }
    }
}

fn top_k(group: &[usize], order: &[ColumnOrder], limit: Option<&ScalarExpr>, offset: u64, monotonic: bool) -> String {
    let mut line = String::from("TopK ");
    if !group.is_empty() {
        let _ = write!(line, "group_by=[{}] ", columns(group));
    }
    line.push_str(&order_by(order));
    if let Some(limit) = limit {
        let _ = write!(line, "limit={} ", explain_scalar(limit));
    }
    if offset > 0 {
        let _ = write!(line, "offset={offset} ");
    }
    if monotonic {
        line.push_str("monotonic");
    }
    line
}

fn window(partition: &[usize], order: &[ColumnOrder], functions: &[WindowExpr]) -> String {
    let partition =
        if partition.is_empty() { String::new() } else { format!("partition_by=[{}] ", columns(partition)) };
    let functions: Vec<_> = functions.iter().map(scalar::explain_window).collect();
    format!("Window {partition}{}functions=[{}]", order_by(order), functions.join(", "))
}
