//! Lookups planned once and run often: a prepared query that one index answers, whatever its parameters are.

use super::{DataflowCatalog, optimize_query};
use crate::TransformError;
use crate::literal::key_rows;
use crate::mfps::peel;
use expr::plan::Key;
use expr::plan_key::comparable_key;
use expr::relation::Id;
use expr::{Mfp, RelExpr, ScalarExpr, Unmaterializable};
use repr::{ColumnType, Datum, GlobalId, Row, RowRef};

/// A query over one relation whose parameters still stand in its filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    columns: Vec<ColumnType>,
    /// The relation's indexes with their canonical keys.
    indexes: Vec<(GlobalId, Key)>,
    mfp: Mfp,
}

impl Lookup {
    /// Of a query with open parameters; none if it is more than map, filter and project over an indexed relation, or if it has other values
    /// of a session or moment in it.
    pub fn plan(query: RelExpr, catalog: &dyn DataflowCatalog) -> Result<Option<Self>, TransformError> {
        let optimized = optimize_query(query, catalog)?;
        let (mfp, base) = peel(&optimized);
        let RelExpr::Get { id: Id::Global(on), typ } = base else { return Ok(None) };
        if exprs(&mfp).any(belongs_to_moment) {
            return Ok(None);
        }
        let keyed = |(id, index): (GlobalId, expr::IndexDesc)| (id, comparable_key(&index.key, &typ.columns));
        let indexes: Vec<_> = catalog.indexes_on(*on).into_iter().map(keyed).collect();
        let found = !indexes.is_empty() && !mfp.predicates.is_empty();
        Ok(found.then(|| Lookup { columns: typ.columns.clone(), indexes, mfp }))
    }

    /// The index to read with these parameter values, the keys to look up (canonical, sorted), and what to apply to the rows;
    /// none if no index's key is fixed by them.
    pub fn bind(&self, params: RowRef<'_>) -> Option<(GlobalId, Vec<Row>, Mfp)> {
        let values: Vec<Datum<'_>> = params.iter().collect();
        let mut mfp = self.mfp.clone();
        let columns = self.all_columns();
        let places = mfp.expressions.iter_mut().chain(mfp.predicates.iter_mut().map(|(_, predicate)| predicate));
        for scalar in places.filter(|scalar| scalar.contains_unmaterializable()) {
            scalar.visit_mut(&mut |node| substitute(node, &values));
            scalar.reduce(&columns);
        }
        let predicates: Vec<&ScalarExpr> = mfp.predicates.iter().map(|(_, predicate)| predicate).collect();
        let find = |(id, key): &(GlobalId, Key)| Some((*id, key_rows(&predicates, key, &self.columns)?));
        let (index, keys) = self.indexes.iter().find_map(find)?;
        Some((index, keys, mfp))
    }

    /// The relation's columns, then those that the Mfp appends.
    fn all_columns(&self) -> Vec<ColumnType> {
        let mut columns = self.columns.clone();
        for scalar in &self.mfp.expressions {
            columns.push(scalar.typ(&columns));
        }
        columns
    }
}

fn exprs(mfp: &Mfp) -> impl Iterator<Item = &ScalarExpr> {
    mfp.expressions.iter().chain(mfp.predicates.iter().map(|(_, predicate)| predicate))
}

/// Whether an expression has a value of a session or moment in it that is no parameter.
fn belongs_to_moment(scalar: &ScalarExpr) -> bool {
    let mut found = false;
    scalar.visit(&mut |node| {
        found |= matches!(node, ScalarExpr::Unmaterializable(what) if !matches!(what, Unmaterializable::Parameter(..)));
    });
    found
}

fn substitute(node: &mut ScalarExpr, values: &[Datum<'_>]) {
    if let ScalarExpr::Unmaterializable(Unmaterializable::Parameter(n, ty)) = node
        && let Some(value) = values.get(*n)
    {
        *node = ScalarExpr::Literal(Ok(Row::pack([*value])), ty.clone().nullable(value.is_null()));
    }
}
