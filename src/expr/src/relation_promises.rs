//! What a plan says of its own names, held against what they stand for.

use crate::relation::{Id, RelExpr};
use crate::visit::grow;
use repr::{ColumnType, LocalId, RelationType};
use std::collections::BTreeMap;

impl RelExpr {
    /// Checks that every use of a bound name has the column types of its value. What it promises of NULLs and keys may stay true after a rewrite and
    /// yet not follow from the plan any more (a filter may have excluded a branch of NULLs, of many keys some are forgotten): tests hold that
    /// against rows.
    pub fn check_promises(&self) -> Result<(), String> {
        self.promised(&mut BTreeMap::new()).map(|_| ())
    }

    /// The type, with all promises below checked.
    fn promised(&self, bound: &mut BTreeMap<LocalId, RelationType>) -> Result<RelationType, String> {
        grow(|| {
            let inputs = match self {
                RelExpr::Get { id: Id::Local(id), typ } => {
                    let value = bound.get(id).ok_or_else(|| format!("{id} is not bound"))?;
                    implied(value, typ).map_err(|what| format!("{id} promises {what}"))?;
                    Vec::new()
                }
                RelExpr::Let { id, value, body } => {
                    let value = value.promised(bound)?;
                    bound.insert(*id, value);
                    vec![body.promised(bound)?]
                }
                RelExpr::LetRec { bindings, body } => {
                    bound.extend(bindings.iter().map(|binding| (binding.id, binding.typ.clone())));
                    for binding in bindings {
                        let value = binding.value.promised(bound)?;
                        implied(&value, &binding.typ).map_err(|what| format!("{} promises {what}", binding.id))?;
                    }
                    vec![body.promised(bound)?]
                }
                _ => self.children().into_iter().map(|child| child.promised(bound)).collect::<Result<_, _>>()?,
            };
            Ok(self.typ_over(&inputs))
        })
    }
}

/// Whether all that `claimed` promises follows from `value`; else what does not.
fn implied(value: &RelationType, claimed: &RelationType) -> Result<(), String> {
    if value.arity() != claimed.arity() {
        return Err(format!("{} columns, there are {}", claimed.arity(), value.arity()));
    }
    let same = |(is, claim): &(&ColumnType, &ColumnType)| is.ty.without_modifier() == claim.ty.without_modifier();
    match value.columns.iter().zip(&claimed.columns).find(|pair| !same(pair)) {
        Some((is, claim)) => Err(format!("a column of {:?}, it is {:?}", claim.ty, is.ty)),
        None => Ok(()),
    }
}
