//! From SQL's name of a window function to the function.

use super::WindowFunc;

impl WindowFunc {
    /// The function of this name (lower case) that is nothing but a window function.
    pub fn by_name(name: &str) -> Option<WindowFunc> {
        use WindowFunc::*;
        Some(match name {
            "row_number" => RowNumber,
            "rank" => Rank,
            "dense_rank" => DenseRank,
            "percent_rank" => PercentRank,
            "cume_dist" => CumeDist,
            "ntile" => Ntile,
            "lag" => Lag,
            "lead" => Lead,
            "first_value" => FirstValue,
            "last_value" => LastValue,
            "nth_value" => NthValue,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            WindowFunc::Aggregate(func) => format!("{func:?}").to_lowercase(),
            other => {
                let mut name = String::new();
                for c in format!("{other:?}").chars() {
                    if c.is_ascii_uppercase() && !name.is_empty() {
                        name.push('_');
                    }
                    name.push(c.to_ascii_lowercase());
                }
                name
            }
        }
    }
}
