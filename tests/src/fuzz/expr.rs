//! Random expressions: what a query may say where it stands.

use super::data::Table;
use super::functions::{AGGREGATES, FUNCTIONS, Function, Part, Table as Functions};
use super::node::{Node, text};
use super::types::{Type, literal};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

/// A column that can be named: its qualified name.
#[derive(Clone, Debug)]
pub struct Name {
    /// `alias.column`
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// What a query is compared by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    /// One table, every expression evaluated for every row: errors compare strictly.
    pub flat: bool,
    /// Grouping or its like of values that SQL calls equal though they are printed differently: which of them is shown does not count.
    pub loose: bool,
    /// Functions of floats, and sums of them: the last digits may differ.
    pub floats: bool,
    /// The rows come in an order that tells all of them apart.
    pub ordered: bool,
}

/// Makes the queries of a round.
pub struct Generator<'a> {
    /// The only source of chance.
    pub rng: StdRng,
    /// The tables.
    pub tables: &'a [Table],
    /// Common table expressions in sight.
    pub ctes: Vec<(String, Vec<Name>)>,
    /// The next alias.
    pub next: usize,
    /// What was used so far.
    pub traits: Traits,
    /// Whether values at the edges are drawn.
    pub wild: bool,
    /// The functions and clauses of the query so far.
    pub used: BTreeSet<&'static str>,
}

/// Where an expression stands.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Columns of this query.
    pub columns: Vec<Name>,
    /// Columns of the queries around it.
    pub outer: Vec<Name>,
    /// In a grouped query the columns that aggregates read; none: no aggregates here.
    pub aggregated: Option<Vec<Name>>,
    /// Columns that order rows totally, where window functions may stand.
    pub window: Option<Vec<Name>>,
    /// How deep subqueries may go from here.
    pub subqueries: usize,
}

impl Place {
    /// With the same columns, without aggregates and window functions.
    pub fn inside(&self) -> Place {
        let columns = self.aggregated.clone().unwrap_or(self.columns.clone());
        Place { columns, aggregated: None, window: None, subqueries: 0, outer: Vec::new() }
    }

    /// What a subquery here sees around it.
    fn visible(&self) -> Vec<Name> {
        // PostgreSQL does not know what a query is grouped by inside its subqueries, unless it is a column.
        let is_column = |name: &&Name| !name.name.contains(['(', ' ']);
        self.columns.iter().filter(is_column).chain(&self.outer).cloned().collect()
    }
}

impl Generator<'_> {
    /// For queries over these tables.
    pub fn new(rng: StdRng, tables: &[Table], wild: bool) -> Generator<'_> {
        Generator { rng, tables, ctes: Vec::new(), next: 0, traits: Traits::default(), wild, used: BTreeSet::new() }
    }

    /// Notes a clause.
    pub fn uses(&mut self, clause: &'static str) {
        self.used.insert(clause);
    }

    /// Notes that the query takes values of these types for the same when they are equal.
    pub fn loosen(&mut self, mut types: impl Iterator<Item = Type>) {
        self.traits.loose |= types.any(Type::is_loose);
    }

    /// A function with a result of this type; each line of the table is as likely as another.
    pub fn choose(
        &mut self,
        table: &'static Functions,
        ty: Type,
        fits: impl Fn(&Function) -> bool,
    ) -> Option<&'static Function> {
        let lines: Vec<&[Function]> = table.of(ty).iter().map(Vec::as_slice).filter(|line| fits(&line[0])).collect();
        if lines.is_empty() {
            return None;
        }
        let line = self.pick(&lines);
        Some(&line[self.rng.random_range(0..line.len())])
    }

    /// True with this probability, in hundredths.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.rng.random_ratio(percent, 100)
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.random_range(0..from.len())].clone()
    }

    /// A new alias.
    pub fn alias(&mut self) -> String {
        self.next += 1;
        format!("q{}", self.next)
    }

    /// A type, rather one that a column in sight has.
    pub fn type_near(&mut self, place: &Place) -> Type {
        if !place.columns.is_empty() && self.percent(60) {
            return self.pick(&place.columns).ty;
        }
        super::data::any_type(&mut self.rng)
    }

    /// A random expression of a type.
    pub fn expr(&mut self, ty: Type, depth: usize, place: &Place) -> Node {
        if depth == 0 || self.percent(20) {
            return self.leaf(ty, place);
        }
        if place.window.is_some()
            && self.percent(35)
            && let Some(node) = self.window_call(ty, place)
        {
            return node;
        }
        if place.aggregated.is_some() && self.percent(50) {
            let (wild, risky) = (self.wild, self.percent(4));
            let fits = |f: &Function| (!f.float || !wild) && (!f.fails || risky);
            if let Some(function) = self.choose(&AGGREGATES, ty, fits) {
                return self.aggregate(function, place);
            }
        }
        if place.subqueries > 0 && self.percent(12) {
            return self.subquery(ty, place.subqueries - 1, &place.visible());
        }
        self.function(ty, depth, place)
    }

    fn function(&mut self, ty: Type, depth: usize, place: &Place) -> Node {
        let (flat, risky) = (self.traits.flat, self.traits.flat || self.percent(4));
        let fits = |f: &Function| (!flat || !f.lazy) && (risky || !f.fails);
        let Some(function) = self.choose(&FUNCTIONS, ty, fits) else { return self.leaf(ty, place) };
        let node = self.fill(function, depth - 1, place, place);
        // A call of constants fails when it is planned, whether or not there are rows.
        let planned = flat && !place.columns.is_empty() && !names_column(&node, place);
        if planned { self.leaf(ty, place) } else { node }
    }

    /// An aggregate call; its arguments read the rows of the group.
    fn aggregate(&mut self, function: &Function, place: &Place) -> Node {
        self.loosen(function.loose_arguments());
        let inside = place.inside();
        let call = self.fill(function, 1, &inside, &inside);
        let Node::Expr(ty, mut parts) = call else { return call };
        // `FILTER` follows the call itself: no parentheses.
        parts.pop();
        parts[0] = text("");
        if self.percent(10) {
            self.uses("FILTER");
            let condition = self.expr(Type::Bool, 1, &inside);
            parts.push(Node::Maybe(Box::new(Node::Seq(vec![text(" FILTER (WHERE "), condition, text(")")]))));
        }
        Node::Expr(ty, parts)
    }

    /// A function with arguments: the first from one place, which has columns, the others from another.
    pub fn fill(&mut self, function: &Function, depth: usize, first: &Place, others: &Place) -> Node {
        self.uses(function.line);
        self.traits.floats |= function.float;
        let mut parts = vec![text("(")];
        let mut holes = 0;
        for part in &function.parts {
            parts.push(match part {
                Part::Text(sql) => text(sql.as_str()),
                Part::Hole(ty) => {
                    holes += 1;
                    if holes == 1 { self.expr(*ty, depth, first) } else { self.expr(*ty, depth, others) }
                }
                Part::Repeat(i) => Node::Repeat(*i),
                Part::Small => text(self.rng.random_range(0..5).to_string()),
                Part::Either(all) => text(self.pick(all)),
            });
        }
        parts.push(text(")"));
        Node::Expr(function.ret, parts)
    }

    /// A column, or a literal.
    fn leaf(&mut self, ty: Type, place: &Place) -> Node {
        let of_type = |names: &[Name]| names.iter().filter(|n| n.ty == ty).cloned().collect::<Vec<_>>();
        let (near, far) = (of_type(&place.columns), of_type(&place.outer));
        let from_far = !far.is_empty() && (near.is_empty() || self.percent(25));
        let columns = if from_far { far } else { near };
        if !columns.is_empty() && self.percent(if self.traits.flat { 90 } else { 75 }) {
            return Node::Expr(ty, vec![text(self.pick(&columns).name)]);
        }
        if !self.traits.flat && self.percent(10) {
            return Node::Expr(ty, vec![text(format!("NULL::{}", ty.name()))]);
        }
        let value = ty.value(&mut self.rng, self.wild);
        Node::Expr(ty, vec![text(literal(value, ty))])
    }

    /// A condition that often holds for some rows.
    pub fn condition(&mut self, depth: usize, place: &Place) -> Node {
        self.expr(Type::Bool, depth, place)
    }
}

fn names_column(node: &Node, place: &Place) -> bool {
    let sql = node.sql();
    place.columns.iter().any(|column| sql.contains(&column.name))
}
