//! Which function or operator of a name a call means: PostgreSQL's algorithm (manual, sections 10.2 and 10.3), pure.

use crate::coerce::{Category, Context, can_coerce, category, is_preferred};
use expr::func::{ArgType, Overload};
use repr::{RangeKind, SqlType};

/// The function chosen, and the type that each argument must become; none: it stays as it is.
pub(crate) struct Choice<F> {
    /// The function.
    pub func: F,
    /// The arguments' types.
    pub targets: Vec<Option<SqlType>>,
}

/// Why there is no choice.
pub(crate) enum NoChoice {
    /// No candidate accepts the arguments.
    None,
    /// Several do, none better than the others.
    Many,
}

struct Candidate<F> {
    func: F,
    args: Vec<ArgType>,
    element: Option<SqlType>,
}

impl<F> Candidate<F> {
    /// The type that argument `i` must have; none if any will do.
    fn target(&self, i: usize) -> Option<SqlType> {
        match &self.args[i] {
            ArgType::Exact(ty) => Some(ty.clone()),
            ArgType::Any => None,
            ArgType::Element => self.element.clone(),
            ArgType::ArrayOfElement => self.element.clone().map(|e| SqlType::Array(Box::new(e))),
            ArgType::RangeOfElement => self.element.as_ref().and_then(RangeKind::of).map(SqlType::Range),
            ArgType::ListOfElement => self.element.clone().map(|e| SqlType::List(Box::new(e))),
            ArgType::MapOfElement => self.element.clone().map(|e| SqlType::Map(Box::new(e))),
            ArgType::Enum => self.element.clone(),
        }
    }

    /// The type that argument `i` is declared to have; none for one that takes several.
    fn declared(&self, i: usize) -> Option<&SqlType> {
        match &self.args[i] {
            ArgType::Exact(ty) => Some(ty),
            _ => None,
        }
    }

    fn is_exact(&self, i: usize, ty: &SqlType) -> bool {
        match &self.args[i] {
            ArgType::Exact(t) => t == ty,
            arg if needs_example(arg) => self.target(i).as_ref() == Some(ty),
            _ => false,
        }
    }
}

/// Chooses among `candidates` for arguments of these types (none: open).
pub(crate) fn choose<F: Overload>(
    candidates: &[F],
    types: &[Option<SqlType>],
    operator: bool,
) -> Result<Choice<F>, NoChoice> {
    let types: Vec<_> = types.iter().map(|t| t.as_ref().map(SqlType::without_modifier)).collect();
    let mut viable: Vec<Candidate<F>> = candidates.iter().filter_map(|f| candidate(*f, &types)).collect();
    // Numbers and times are converted to times of the system's clock to be compared with one, not with each other.
    if operator && !types.contains(&Some(SqlType::MzTimestamp)) {
        viable.retain(|c| !c.args.contains(&ArgType::Exact(SqlType::MzTimestamp)));
    }
    // A candidate that takes exactly so many arguments hides those that repeat their last.
    if viable.iter().any(|c| !c.func.variadic()) {
        viable.retain(|c| !c.func.variadic());
    }
    if let Some(exact) = viable.iter().position(|c| exactly(c, &types, operator)) {
        return Ok(choice(viable.swap_remove(exact)));
    }
    narrow(viable, &types)
}

fn choice<F>(candidate: Candidate<F>) -> Choice<F> {
    let targets = (0..candidate.args.len()).map(|i| candidate.target(i)).collect();
    Choice { func: candidate.func, targets }
}

/// The candidate if the number of arguments fits and each can be converted.
fn candidate<F: Overload>(func: F, types: &[Option<SqlType>]) -> Option<Candidate<F>> {
    let declared = func.args();
    let fits = if func.variadic() { types.len() >= declared.len() } else { types.len() == declared.len() };
    if !fits {
        return None;
    }
    let args: Vec<ArgType> = (0..types.len()).map(|i| declared[i.min(declared.len() - 1)].clone()).collect();
    let element = element_type(&args, types)?;
    let candidate = Candidate { func, args, element };
    let accepts = |(i, ty): (usize, &Option<SqlType>)| match (ty, candidate.target(i)) {
        (None, _) | (_, None) => true,
        (Some(from), Some(to)) => can_coerce(from, &to, Context::Implicit),
    };
    types.iter().enumerate().all(accepts).then_some(candidate)
}

/// Whether an open argument cannot be taken to be of this kind.
fn needs_example(arg: &ArgType) -> bool {
    matches!(arg, ArgType::RangeOfElement | ArgType::ListOfElement | ArgType::MapOfElement | ArgType::Enum)
}

/// What `anyelement` stands for: `Some(None)` if nothing uses it or nothing tells, `None` if the arguments contradict each other.
fn element_type(args: &[ArgType], types: &[Option<SqlType>]) -> Option<Option<SqlType>> {
    let mut element: Option<SqlType> = None;
    let mut used = false;
    for (arg, ty) in args.iter().zip(types) {
        let found = match (arg, ty) {
            (ArgType::Element, Some(ty)) => ty.clone(),
            (ArgType::ArrayOfElement, Some(SqlType::Array(inner))) => (**inner).clone(),
            (ArgType::ArrayOfElement, Some(SqlType::Vector(kind))) => kind.element().clone(),
            (ArgType::RangeOfElement, Some(SqlType::Range(kind))) => kind.element(),
            (ArgType::ListOfElement, Some(SqlType::List(inner))) => (**inner).clone(),
            (ArgType::MapOfElement, Some(SqlType::Map(inner))) => (**inner).clone(),
            (ArgType::Enum, Some(ty @ SqlType::Enum(_))) => ty.clone(),
            (arg, Some(_)) if needs_example(arg) || *arg == ArgType::ArrayOfElement => return None,
            // Without one among the arguments there is nothing to tell which is meant.
            (arg, None) if needs_example(arg) => continue,
            (ArgType::Element | ArgType::ArrayOfElement, None) => {
                used = true;
                continue;
            }
            _ => continue,
        };
        match &element {
            Some(before) if *before != found => {
                // The wider of both, as `anycompatible` has it.
                if can_coerce(before, &found, Context::Implicit) {
                    element = Some(found);
                } else if !can_coerce(&found, before, Context::Implicit) {
                    return None;
                }
            }
            _ => element = Some(found),
        }
    }
    let unbound = args.iter().any(needs_example) && element.is_none();
    if unbound { None } else { Some(element.or_else(|| used.then_some(SqlType::Text))) }
}

/// Whether every argument has the declared type; an open operand of a binary operator counts as the other's type.
fn exactly<F>(candidate: &Candidate<F>, types: &[Option<SqlType>], operator: bool) -> bool {
    let assumed = |i: usize| match (&types[i], types) {
        (Some(ty), _) => Some(ty.clone()),
        (None, [a, b]) if operator => a.clone().or_else(|| b.clone()),
        _ => None,
    };
    (0..types.len()).all(|i| assumed(i).is_some_and(|ty| candidate.is_exact(i, &ty)))
}

/// Keeps the candidates with the highest score, if there is a difference.
fn keep_best<F>(viable: Vec<Candidate<F>>, score: impl Fn(&Candidate<F>) -> usize) -> Vec<Candidate<F>> {
    let best = viable.iter().map(&score).max().unwrap_or(0);
    viable.into_iter().filter(|c| score(c) == best).collect()
}

fn narrow<F>(viable: Vec<Candidate<F>>, types: &[Option<SqlType>]) -> Result<Choice<F>, NoChoice> {
    let known = |i: &usize| types[*i].is_some();
    let exact = |c: &Candidate<F>| {
        (0..types.len()).filter(known).filter(|i| types[*i].as_ref().is_some_and(|t| c.is_exact(*i, t))).count()
    };
    let viable = keep_best(viable, exact);
    let preferred = |c: &Candidate<F>| {
        let good = |i: &usize| {
            let target = c.target(*i);
            target == types[*i] || target.is_some_and(|t| is_preferred(&t))
        };
        (0..types.len()).filter(known).filter(good).count()
    };
    let mut viable = keep_best(viable, preferred);
    if viable.len() > 1 {
        viable = by_category(viable, types);
    }
    if viable.len() > 1 {
        viable = by_known_type(viable, types);
    }
    match viable.len() {
        0 => Err(NoChoice::None),
        1 => Ok(choice(viable.remove(0))),
        _ => Err(NoChoice::Many),
    }
}

/// For each open argument: the category that the candidates accept there (strings win), and its preferred type.
fn by_category<F>(viable: Vec<Candidate<F>>, types: &[Option<SqlType>]) -> Vec<Candidate<F>> {
    let mut wanted: Vec<(usize, Category, bool)> = Vec::new();
    for i in (0..types.len()).filter(|i| types[*i].is_none()) {
        let targets: Vec<Option<&SqlType>> = viable.iter().map(|c| c.declared(i)).collect();
        let categories: Vec<Option<Category>> = targets.iter().map(|t| t.map(category)).collect();
        let chosen = match categories.first() {
            _ if categories.contains(&Some(Category::String)) => Category::String,
            Some(Some(first)) if categories.iter().all(|c| *c == Some(*first)) => *first,
            _ => return viable,
        };
        let preferred = targets.iter().flatten().any(|t| category(t) == chosen && is_preferred(t));
        wanted.push((i, chosen, preferred));
    }
    let accepts = |c: &Candidate<F>| {
        wanted.iter().all(|(i, chosen, preferred)| {
            c.declared(*i).is_some_and(|t| category(t) == *chosen && (!preferred || is_preferred(t)))
        })
    };
    let (kept, dropped): (Vec<_>, Vec<_>) = viable.into_iter().partition(accepts);
    if kept.is_empty() { dropped } else { kept }
}

/// If all known arguments have one type, open ones are taken to have it too.
fn by_known_type<F>(viable: Vec<Candidate<F>>, types: &[Option<SqlType>]) -> Vec<Candidate<F>> {
    let mut known = types.iter().flatten();
    let Some(first) = known.next() else { return viable };
    if types.iter().all(Option::is_some) || !known.all(|t| t == first) {
        return viable;
    }
    let accepts = |c: &Candidate<F>| {
        let open = (0..types.len()).filter(|i| types[*i].is_none());
        open.into_iter().all(|i| c.target(i).is_none_or(|t| can_coerce(first, &t, Context::Implicit)))
    };
    let fitting = viable.iter().filter(|c| accepts(c)).count();
    if fitting == 1 { viable.into_iter().filter(|c| accepts(c)).collect() } else { viable }
}
