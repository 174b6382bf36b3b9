//! SQL as a tree that knows how it can be made smaller.
//!
//! The generator builds it, [`super::minimize`] shrinks it. A smaller tree may be no valid SQL any more: then both servers say so, and it is not taken.

use super::types::Type;

/// A piece of SQL.
#[derive(Clone, Debug)]
pub enum Node {
    /// As it stands.
    Text(String),
    /// One after the other.
    Seq(Vec<Node>),
    /// A scalar expression of this type.
    Expr(Type, Vec<Node>),
    /// Inside an expression: the text of its i-th subexpression again.
    Repeat(usize),
    /// What may be left out.
    Maybe(Box<Node>),
    /// Elements of which any may be left out, down to a number.
    List {
        /// The elements.
        items: Vec<Node>,
        /// What stands between them.
        separator: &'static str,
        /// How many must stay.
        min: usize,
    },
    /// A query with columns of these types.
    Query(Vec<Type>, Vec<Node>),
}

/// Text as it stands.
pub fn text(text: impl Into<String>) -> Node {
    Node::Text(text.into())
}

/// What may be left out.
pub fn maybe(parts: Vec<Node>) -> Node {
    Node::Maybe(Box::new(Node::Seq(parts)))
}

/// A list with commas.
pub fn commas(items: Vec<Node>) -> Node {
    Node::List { items, separator: ", ", min: 1 }
}

impl Node {
    /// Its SQL.
    pub fn sql(&self) -> String {
        let mut sql = String::new();
        self.write(&[], &mut sql);
        sql
    }

    fn write(&self, siblings: &[Node], sql: &mut String) {
        match self {
            Node::Text(text) => sql.push_str(text),
            Node::Seq(parts) | Node::Expr(_, parts) | Node::Query(_, parts) => {
                parts.iter().for_each(|part| part.write(parts, sql));
            }
            Node::Repeat(i) => {
                let same = siblings.iter().filter(|part| matches!(part, Node::Expr(..))).nth(*i);
                same.into_iter().for_each(|same| same.write(&[], sql));
            }
            Node::Maybe(inner) => inner.write(&[], sql),
            Node::List { items, separator, .. } => {
                for (i, item) in items.iter().enumerate() {
                    sql.push_str(if i > 0 { separator } else { "" });
                    item.write(&[], sql);
                }
            }
        }
    }

    /// Smaller trees, each one step away, large steps first.
    pub fn smaller(&self) -> Vec<Node> {
        let mut all = self.replacements();
        match self {
            Node::Text(_) | Node::Repeat(_) => (),
            Node::Seq(parts) => all.extend(each(parts).map(Node::Seq)),
            Node::Expr(ty, parts) => all.extend(each(parts).map(|parts| Node::Expr(*ty, parts))),
            Node::Query(types, parts) => all.extend(each(parts).map(|parts| Node::Query(types.clone(), parts))),
            Node::Maybe(inner) => all.extend(inner.smaller().into_iter().map(|inner| Node::Maybe(Box::new(inner)))),
            Node::List { items, separator, min } => {
                let list = |items| Node::List { items, separator, min: *min };
                all.extend(each(items).map(list));
            }
        }
        all
    }

    /// What may stand in this node's own place.
    fn replacements(&self) -> Vec<Node> {
        match self {
            Node::Maybe(_) => vec![text("")],
            Node::Expr(ty, parts) => {
                let mut found = Vec::new();
                parts.iter().for_each(|part| part.expressions(*ty, &mut found));
                let plain = Node::Expr(*ty, vec![text(ty.plain())]);
                if self.sql() != plain.sql() && parts.len() > 1 {
                    found.insert(0, plain);
                }
                found
            }
            Node::Query(types, parts) => {
                let mut found = Vec::new();
                parts.iter().for_each(|part| part.queries(types, &mut found));
                found
            }
            Node::List { items, separator, min } => {
                shorter(items, *min).into_iter().map(|items| Node::List { items, separator, min: *min }).collect()
            }
            _ => Vec::new(),
        }
    }

    fn parts(&self) -> &[Node] {
        match self {
            Node::Text(_) | Node::Repeat(_) => &[],
            Node::Seq(parts) | Node::Expr(_, parts) | Node::Query(_, parts) => parts,
            Node::Maybe(inner) => std::slice::from_ref(&**inner),
            Node::List { items, .. } => items,
        }
    }

    /// The expressions in here, at any depth.
    pub fn all_expressions(&self) -> Vec<(Type, Node)> {
        let own = if let Node::Expr(ty, _) = self { Some((*ty, self.clone())) } else { None };
        own.into_iter().chain(self.parts().iter().flat_map(Node::all_expressions)).collect()
    }

    /// The outermost expressions of a type in here.
    fn expressions(&self, wanted: Type, found: &mut Vec<Node>) {
        match self {
            Node::Expr(ty, _) if *ty == wanted => found.push(self.clone()),
            _ => self.parts().iter().for_each(|part| part.expressions(wanted, found)),
        }
    }

    /// The outermost queries with such columns in here.
    fn queries(&self, wanted: &[Type], found: &mut Vec<Node>) {
        match self {
            Node::Query(types, _) if types == wanted => found.push(self.clone()),
            _ => self.parts().iter().for_each(|part| part.queries(wanted, found)),
        }
    }
}

/// Each way to make one of the parts smaller.
fn each(parts: &[Node]) -> impl Iterator<Item = Vec<Node>> + '_ {
    (0..parts.len()).flat_map(move |i| {
        parts[i].smaller().into_iter().map(move |smaller| {
            let mut parts = parts.to_vec();
            parts[i] = smaller;
            parts
        })
    })
}

/// A list without one of its halves, quarters, …, elements.
pub fn shorter<T: Clone>(items: &[T], min: usize) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let mut chunk = items.len().div_ceil(2);
    while chunk > 0 && !items.is_empty() {
        for start in (0..items.len()).step_by(chunk) {
            let end = (start + chunk).min(items.len());
            if items.len() - (end - start) >= min {
                all.push([&items[..start], &items[end..]].concat());
            }
        }
        chunk /= 2;
    }
    all
}
