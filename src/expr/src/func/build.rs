//! How entries of the function table are written, and how implementations take arguments and give results.

use super::{ArgType, Eval, EvalFn, FuncDef, Nulls, Return, Volatility};
use repr::text::TextSettings;
use repr::{
    Arena, ArrayRef, ColumnType, Datum, EnumRef, EvalError, Interval, JsonbRef, Numeric, NumericRef, RangeKind,
    RangeRef, RowRef, SqlError, SqlState, SqlType, TimeTz,
};

pub(super) const ANY: ArgType = ArgType::Any;
pub(super) const ELEMENT: ArgType = ArgType::Element;
pub(super) const ARRAY: ArgType = ArgType::ArrayOfElement;
pub(super) const RANGE: ArgType = ArgType::RangeOfElement;
pub(super) const ENUM: ArgType = ArgType::Enum;
pub(super) const BOOL: ArgType = ArgType::Exact(SqlType::Bool);
pub(super) const INT2: ArgType = ArgType::Exact(SqlType::Int2);
pub(super) const INT4: ArgType = ArgType::Exact(SqlType::Int4);
pub(super) const INT8: ArgType = ArgType::Exact(SqlType::Int8);
pub(super) const FLOAT4: ArgType = ArgType::Exact(SqlType::Float4);
pub(super) const FLOAT8: ArgType = ArgType::Exact(SqlType::Float8);
pub(super) const NUMERIC: ArgType = ArgType::Exact(SqlType::Numeric(None));
pub(super) const TEXT: ArgType = ArgType::Exact(SqlType::Text);
pub(super) const NAME: ArgType = ArgType::Exact(SqlType::Name);
pub(super) const CHAR: ArgType = ArgType::Exact(SqlType::Char(None));
pub(super) const BYTEA: ArgType = ArgType::Exact(SqlType::Bytea);
pub(super) const DATE: ArgType = ArgType::Exact(SqlType::Date);
pub(super) const TIME: ArgType = ArgType::Exact(SqlType::Time);
pub(super) const TIMETZ: ArgType = ArgType::Exact(SqlType::TimeTz);
pub(super) const TIMESTAMP: ArgType = ArgType::Exact(SqlType::Timestamp(None));
pub(super) const TIMESTAMPTZ: ArgType = ArgType::Exact(SqlType::Timestamptz(None));
pub(super) const INTERVAL: ArgType = ArgType::Exact(SqlType::Interval);
pub(super) const UUID: ArgType = ArgType::Exact(SqlType::Uuid);
pub(super) const JSONB: ArgType = ArgType::Exact(SqlType::Jsonb);
pub(super) const OID: ArgType = ArgType::Exact(SqlType::Oid);
pub(super) const MZ_TIMESTAMP: ArgType = ArgType::Exact(SqlType::MzTimestamp);

/// An array of this element type.
pub(super) fn array_of(element: SqlType) -> ArgType {
    ArgType::Exact(SqlType::Array(Box::new(element)))
}

/// A strict, immutable entry that may err; see the methods below for other kinds.
pub(super) fn func(
    name: impl Into<String>,
    sql_name: impl Into<String>,
    args: &[ArgType],
    ret: ArgType,
    eval: EvalFn,
) -> FuncDef {
    def(name.into(), sql_name.into(), args.to_vec(), returns(args, ret), Eval::Plain(eval))
}

/// Evaluates a function that depends on a session's settings.
pub(super) type SessionFn = for<'a> fn(&[Datum<'a>], &'a Arena, &TextSettings) -> Result<Datum<'a>, EvalError>;

/// An entry that depends on a session's settings; see [`super::session`].
pub(super) fn session(name: &str, sql_name: &str, args: &[ArgType], ret: ArgType, eval: SessionFn) -> FuncDef {
    let eval = Eval::Session(Box::new(eval));
    def(name.to_string(), sql_name.to_string(), args.to_vec(), returns(args, ret), eval)
}

/// The same with all parts; names and argument types live as long as the program, as the table does.
pub(super) fn def(name: String, sql_name: String, args: Vec<ArgType>, ret: Return, eval: Eval) -> FuncDef {
    FuncDef {
        name: name.leak(),
        sql_name: sql_name.leak(),
        args: args.leak(),
        variadic: false,
        ret,
        nulls: Nulls::Strict,
        volatility: Volatility::Immutable,
        fallible: true,
        eval,
    }
}

/// What `ret` means among these arguments.
fn returns(args: &[ArgType], ret: ArgType) -> Return {
    let position = |wanted: ArgType| args.iter().position(|arg| *arg == wanted);
    let (element, array) = (position(ArgType::Element), position(ArgType::ArrayOfElement));
    let (range, labels) = (position(ArgType::RangeOfElement), position(ArgType::Enum));
    let element_type = move |columns: &[ColumnType]| match (element, array.or(range)) {
        (Some(at), _) => columns[at].ty.clone(),
        (None, Some(at)) => match &columns[at].ty {
            SqlType::Array(element) => (**element).clone(),
            SqlType::Range(kind) => kind.element(),
            other => other.clone(),
        },
        (None, None) => SqlType::Text,
    };
    match ret {
        ArgType::Exact(ty) => Return::Type(ty),
        ArgType::Any => Return::From(Box::new(|columns| columns[0].ty.clone())),
        ArgType::Element => Return::From(Box::new(element_type)),
        ArgType::Enum => Return::From(Box::new(move |columns| columns[labels.unwrap_or(0)].ty.clone())),
        ArgType::RangeOfElement => Return::From(Box::new(move |columns| match range {
            Some(at) => columns[at].ty.clone(),
            None => RangeKind::of(&element_type(columns)).map_or(SqlType::Text, SqlType::Range),
        })),
        ArgType::ArrayOfElement => Return::From(Box::new(move |columns| match array {
            Some(at) => columns[at].ty.clone(),
            None => SqlType::Array(Box::new(element_type(columns))),
        })),
    }
}

impl FuncDef {
    /// May return NULL without a NULL argument.
    pub(super) fn may_be_null(mut self) -> Self {
        self.nulls = Nulls::StrictMayReturnNull;
        self
    }

    /// Is called with NULLs and may return NULL.
    pub(super) fn called(mut self) -> Self {
        self.nulls = Nulls::Called;
        self
    }

    /// Is called with NULLs and never returns NULL.
    pub(super) fn never_null(mut self) -> Self {
        self.nulls = Nulls::NeverNull;
        self
    }

    /// Never errs.
    pub(super) fn infallible(mut self) -> Self {
        self.fallible = false;
        self
    }

    /// Its last argument may repeat.
    pub(super) fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }
}

/// A value as an implementation wants it.
pub(crate) trait Value<'a>: Sized {
    fn of(datum: Datum<'a>) -> Option<Self>;
}

macro_rules! values {
    ($($ty:ty: $($variant:ident)|+;)*) => {$(
        impl<'a> Value<'a> for $ty {
            fn of(datum: Datum<'a>) -> Option<Self> {
                match datum { $(Datum::$variant(v) => Some(v),)+ _ => None }
            }
        }
    )*};
}

values! {
    bool: Bool;
    i16: Int2;
    i32: Int4 | Date;
    i64: Int8 | Time | Timestamp | Timestamptz;
    f32: Float4;
    f64: Float8;
    u32: Oid;
    u64: MzTimestamp;
    &'a str: Text;
    &'a [u8]: Bytes;
    Interval: Interval;
    [u8; 16]: Uuid;
    NumericRef<'a>: Numeric;
    JsonbRef<'a>: Jsonb;
    ArrayRef<'a>: Array;
    RangeRef<'a>: Range;
    EnumRef<'a>: Enum;
    TimeTz: TimeTz;
    RowRef<'a>: Record;
}

impl<'a> Value<'a> for Numeric {
    fn of(datum: Datum<'a>) -> Option<Self> {
        NumericRef::of(datum).map(NumericRef::to_numeric)
    }
}

/// The argument at this position. Another type than declared is an error of the plan.
pub(crate) fn arg<'a, T: Value<'a>>(args: &[Datum<'a>], at: usize) -> Result<T, EvalError> {
    let datum = args.get(at).copied().unwrap_or(Datum::Null);
    T::of(datum).ok_or_else(|| SqlError::internal(format!("argument {at} of a function is {datum:?}")))
}

/// The argument at this position, or nothing if it is NULL or left out.
pub(crate) fn optional<'a, T: Value<'a>>(args: &[Datum<'a>], at: usize) -> Result<Option<T>, EvalError> {
    match args.get(at) {
        None | Some(Datum::Null) => Ok(None),
        Some(_) => arg(args, at).map(Some),
    }
}

/// `… out of range` (22003).
pub(crate) fn out_of_range(what: &str) -> EvalError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"))
}

/// `division by zero` (22012).
pub(crate) fn division_by_zero() -> EvalError {
    SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// 22023
pub(crate) fn invalid_parameter(message: impl Into<String>) -> EvalError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

pub(crate) fn int2_out<'a>(value: Option<i16>) -> Result<Datum<'a>, EvalError> {
    value.map(Datum::Int2).ok_or_else(|| out_of_range("smallint"))
}

pub(crate) fn int4_out<'a>(value: Option<i32>) -> Result<Datum<'a>, EvalError> {
    value.map(Datum::Int4).ok_or_else(|| out_of_range("integer"))
}

pub(crate) fn int8_out<'a>(value: Option<i64>) -> Result<Datum<'a>, EvalError> {
    value.map(Datum::Int8).ok_or_else(|| out_of_range("bigint"))
}

/// A number, kept in the arena.
pub(crate) fn numeric_out<'a>(value: &Numeric, arena: &'a Arena) -> Datum<'a> {
    Datum::Numeric(NumericRef::from_encoded(arena.bytes(value.encode())))
}

/// A text, kept in the arena.
pub(crate) fn text_out<'a>(value: String, arena: &'a Arena) -> Datum<'a> {
    Datum::Text(arena.text(value))
}

/// A JSON value of its encoding, kept in the arena.
pub(crate) fn json_out<'a>(encoded: Vec<u8>, arena: &'a Arena) -> Datum<'a> {
    Datum::Jsonb(JsonbRef::from_encoded(arena.bytes(encoded)))
}

/// A one-dimensional array, kept in the arena.
pub(crate) fn list_out<'a>(elements: impl IntoIterator<Item = Datum<'a>>, arena: &'a Arena) -> Datum<'a> {
    let encoded = repr::array::encode_list(elements);
    Datum::Array(ArrayRef::from_encoded(arena.bytes(encoded)))
}

/// A range of its encoding, kept in the arena.
pub(crate) fn range_out<'a>(encoded: Vec<u8>, arena: &'a Arena) -> Datum<'a> {
    Datum::Range(RangeRef::from_encoded(arena.bytes(encoded)))
}

/// The longest text or byte string that a function may make.
pub(crate) const RESULT_BYTES_MAX: usize = 256 << 20;

/// 54000 for a result longer than [`RESULT_BYTES_MAX`].
pub(crate) fn check_length(bytes: usize) -> Result<(), EvalError> {
    if bytes <= RESULT_BYTES_MAX {
        return Ok(());
    }
    Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "requested length too large"))
}
