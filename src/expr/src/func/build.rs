//! How entries of the function table are written, and how implementations take arguments and give results.

use super::{ArgType, Eval, EvalFn, FuncDef, Nulls, Return, Volatility};
use repr::text::TextSettings;
use repr::{
    Arena, ArrayRef, ColumnType, Datum, EnumRef, EvalError, Interval, JsonbRef, Numeric, NumericRef, RangeKind,
    RangeRef, RowRef, SqlError, SqlState, SqlType, TimeTz,
};

pub(crate) const ANY: ArgType = ArgType::Any;
pub(crate) const ELEMENT: ArgType = ArgType::Element;
pub(crate) const ARRAY: ArgType = ArgType::ArrayOfElement;
pub(crate) const RANGE: ArgType = ArgType::RangeOfElement;
pub(crate) const LIST: ArgType = ArgType::ListOfElement;
pub(crate) const MAP: ArgType = ArgType::MapOfElement;
pub(crate) const ENUM: ArgType = ArgType::Enum;
pub(crate) const BOOL: ArgType = ArgType::Exact(SqlType::Bool);
pub(crate) const INT2: ArgType = ArgType::Exact(SqlType::Int2);
pub(crate) const INT4: ArgType = ArgType::Exact(SqlType::Int4);
pub(crate) const INT8: ArgType = ArgType::Exact(SqlType::Int8);
pub(crate) const FLOAT4: ArgType = ArgType::Exact(SqlType::Float4);
pub(crate) const FLOAT8: ArgType = ArgType::Exact(SqlType::Float8);
pub(crate) const NUMERIC: ArgType = ArgType::Exact(SqlType::Numeric(None));
pub(crate) const TEXT: ArgType = ArgType::Exact(SqlType::Text);
pub(crate) const NAME: ArgType = ArgType::Exact(SqlType::Name);
pub(crate) const CHAR: ArgType = ArgType::Exact(SqlType::Char(None));
pub(crate) const BYTEA: ArgType = ArgType::Exact(SqlType::Bytea);
pub(crate) const DATE: ArgType = ArgType::Exact(SqlType::Date);
pub(crate) const TIME: ArgType = ArgType::Exact(SqlType::Time);
pub(crate) const TIMETZ: ArgType = ArgType::Exact(SqlType::TimeTz);
pub(crate) const TIMESTAMP: ArgType = ArgType::Exact(SqlType::Timestamp(None));
pub(crate) const TIMESTAMPTZ: ArgType = ArgType::Exact(SqlType::Timestamptz(None));
pub(crate) const INTERVAL: ArgType = ArgType::Exact(SqlType::Interval);
pub(crate) const UUID: ArgType = ArgType::Exact(SqlType::Uuid);
pub(crate) const JSONB: ArgType = ArgType::Exact(SqlType::Jsonb);
pub(crate) const JSON: ArgType = ArgType::Exact(SqlType::Json);
pub(crate) const UINT2: ArgType = ArgType::Exact(SqlType::Uint2);
pub(crate) const UINT4: ArgType = ArgType::Exact(SqlType::Uint4);
pub(crate) const UINT8: ArgType = ArgType::Exact(SqlType::Uint8);
pub(crate) const OID: ArgType = ArgType::Exact(SqlType::Oid);
pub(crate) const MZ_TIMESTAMP: ArgType = ArgType::Exact(SqlType::MzTimestamp);

/// An array of this element type.
pub(crate) fn array_of(element: SqlType) -> ArgType {
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
    declared(name.into(), sql_name.into(), args, ret, Eval::Plain(eval))
}

/// Evaluates a function that depends on a session's settings.
pub(super) type SessionFn = for<'a> fn(&[Datum<'a>], &'a Arena, &TextSettings) -> Result<Datum<'a>, EvalError>;

/// An entry that depends on a session's settings; see [`super::session`].
pub(super) fn session(name: &str, sql_name: &str, args: &[ArgType], ret: ArgType, eval: SessionFn) -> FuncDef {
    declared(name.to_string(), sql_name.to_string(), args, ret, Eval::Session(Box::new(eval)))
}

fn declared(name: String, sql_name: String, args: &[ArgType], ret: ArgType, eval: Eval) -> FuncDef {
    FuncDef { declared: ret.clone(), ..def(name, sql_name, args.to_vec(), returns(args, ret), eval) }
}

/// The same with all parts; names and argument types live as long as the program, as the table does.
pub(super) fn def(name: String, sql_name: String, args: Vec<ArgType>, ret: Return, eval: Eval) -> FuncDef {
    let declared = match &ret {
        Return::Type(ty) => ArgType::Exact(ty.clone()),
        Return::From(_) => ArgType::Any,
    };
    FuncDef {
        name: name.leak(),
        sql_name: sql_name.leak(),
        args: args.leak(),
        variadic: false,
        ret,
        declared,
        nulls: Nulls::Strict,
        volatility: Volatility::Immutable,
        fallible: true,
        monotone: &[],
        family: "",
        eval,
    }
}

/// What `ret` means among these arguments.
fn returns(args: &[ArgType], ret: ArgType) -> Return {
    let position = |wanted: ArgType| args.iter().position(|arg| *arg == wanted);
    let (element, array) = (position(ArgType::Element), position(ArgType::ArrayOfElement));
    let (range, labels) = (position(ArgType::RangeOfElement), position(ArgType::Enum));
    let (list, map) = (position(ArgType::ListOfElement), position(ArgType::MapOfElement));
    let element_type = move |columns: &[ColumnType]| match (element, array.or(range).or(list).or(map)) {
        (Some(at), _) => columns[at].ty.clone(),
        (None, Some(at)) => match &columns[at].ty {
            SqlType::Array(element) | SqlType::List(element) | SqlType::Map(element) => (**element).clone(),
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
        ArgType::ListOfElement => Return::From(Box::new(move |columns| match list {
            Some(at) => columns[at].ty.clone(),
            None => SqlType::List(Box::new(element_type(columns))),
        })),
        ArgType::MapOfElement => Return::From(Box::new(move |columns| match map {
            Some(at) => columns[at].ty.clone(),
            None => SqlType::Map(Box::new(element_type(columns))),
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

    /// In which arguments it is monotone.
    pub(super) fn monotone(mut self, arguments: &'static [bool]) -> Self {
        self.monotone = arguments;
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
    u16: Uint2;
    u32: Oid | Uint4;
    u64: MzTimestamp | Uint8;
    &'a str: Text | Json;
    &'a [u8]: Bytes;
    Interval: Interval;
    [u8; 16]: Uuid;
    NumericRef<'a>: Numeric;
    JsonbRef<'a>: Jsonb;
    ArrayRef<'a>: Array;
    RangeRef<'a>: Range;
    EnumRef<'a>: Enum;
    TimeTz: TimeTz;
    RowRef<'a>: Record | List | Map;
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
