//! The types that `pg_type` lists: those Freshet has, under PostgreSQL's names and oids (its `pg_type.dat`).

/// One type.
pub struct PgType {
    /// PostgreSQL's oid.
    pub oid: u32,
    /// PostgreSQL's internal name.
    pub name: &'static str,
    /// Bytes of a value; -1 if it varies.
    pub len: i16,
    /// `typcategory`.
    pub category: &'static str,
    /// For an array its element, else 0.
    pub element: u32,
    /// The array of it, or 0.
    pub array: u32,
}

impl PgType {
    /// As `mz_types` names the category.
    pub fn category_name(&self) -> &'static str {
        match self.category {
            "A" => "array",
            "B" => "boolean",
            "D" => "date-time",
            "N" => "numeric",
            "P" => "pseudo",
            "R" => "range",
            "S" => "string",
            "T" => "timespan",
            _ => "user-defined",
        }
    }

    /// Whether it is the preferred type of its category.
    pub fn preferred(&self) -> bool {
        matches!(self.name, "bool" | "text" | "float8" | "oid" | "timestamptz" | "interval")
    }
}

const fn base(oid: u32, name: &'static str, len: i16, category: &'static str, array: u32) -> PgType {
    PgType { oid, name, len, category, element: 0, array }
}

const fn list(oid: u32, name: &'static str, element: u32) -> PgType {
    PgType { oid, name, len: -1, category: "A", element, array: 0 }
}

/// All of them.
pub const TYPES: &[PgType] = &[
    base(16, "bool", 1, "B", 1000),
    base(17, "bytea", -1, "U", 1001),
    base(18, "char", 1, "Z", 1002),
    base(19, "name", 64, "S", 1003),
    base(20, "int8", 8, "N", 1016),
    base(21, "int2", 2, "N", 1005),
    base(23, "int4", 4, "N", 1007),
    base(24, "regproc", 4, "N", 1008),
    base(25, "text", -1, "S", 1009),
    base(26, "oid", 4, "N", 1028),
    base(700, "float4", 4, "N", 1021),
    base(701, "float8", 8, "N", 1022),
    base(1042, "bpchar", -1, "S", 1014),
    base(1043, "varchar", -1, "S", 1015),
    base(1082, "date", 4, "D", 1182),
    base(1083, "time", 8, "D", 1183),
    base(1114, "timestamp", 8, "D", 1115),
    base(1184, "timestamptz", 8, "D", 1185),
    base(1186, "interval", 16, "T", 1187),
    base(1266, "timetz", 12, "D", 1270),
    base(1700, "numeric", -1, "N", 1231),
    base(2205, "regclass", 4, "N", 2210),
    base(2206, "regtype", 4, "N", 2211),
    base(2249, "record", -1, "P", 2287),
    base(2950, "uuid", 16, "U", 2951),
    base(3802, "jsonb", -1, "U", 3807),
    base(3904, "int4range", -1, "R", 3905),
    base(3906, "numrange", -1, "R", 3907),
    base(3908, "tsrange", -1, "R", 3909),
    base(3910, "tstzrange", -1, "R", 3911),
    base(3912, "daterange", -1, "R", 3913),
    base(3926, "int8range", -1, "R", 3927),
    base(114, "json", -1, "U", 199),
    base(16454, "list", -1, "P", 0),
    base(16455, "map", -1, "P", 0),
    base(16460, "uint2", 2, "N", 16461),
    base(16462, "uint4", 4, "N", 16463),
    base(16464, "uint8", 8, "N", 16465),
    base(16552, "mz_timestamp", 8, "U", 16553),
    base(705, "unknown", -2, "X", 0),
    base(2275, "cstring", -2, "P", 0),
    base(2276, "any", 4, "P", 0),
    base(2277, "anyarray", -1, "P", 0),
    base(2278, "void", 4, "P", 0),
    base(2279, "trigger", 4, "P", 0),
    base(2281, "internal", 8, "P", 0),
    base(2283, "anyelement", 4, "P", 0),
    base(3500, "anyenum", 4, "P", 0),
    base(3831, "anyrange", -1, "P", 0),
    PgType { element: 21, ..base(22, "int2vector", -1, "A", 1006) },
    PgType { element: 26, ..base(30, "oidvector", -1, "A", 1013) },
    list(1000, "_bool", 16),
    list(1001, "_bytea", 17),
    list(1002, "_char", 18),
    list(1003, "_name", 19),
    list(1005, "_int2", 21),
    list(1006, "_int2vector", 22),
    list(1007, "_int4", 23),
    list(1008, "_regproc", 24),
    list(1009, "_text", 25),
    list(1013, "_oidvector", 30),
    list(1014, "_bpchar", 1042),
    list(1015, "_varchar", 1043),
    list(1016, "_int8", 20),
    list(1021, "_float4", 700),
    list(1022, "_float8", 701),
    list(1028, "_oid", 26),
    list(1115, "_timestamp", 1114),
    list(1182, "_date", 1082),
    list(1183, "_time", 1083),
    list(1185, "_timestamptz", 1184),
    list(1187, "_interval", 1186),
    list(1231, "_numeric", 1700),
    list(1270, "_timetz", 1266),
    list(2210, "_regclass", 2205),
    list(2211, "_regtype", 2206),
    list(2951, "_uuid", 2950),
    list(3807, "_jsonb", 3802),
    list(3905, "_int4range", 3904),
    list(3907, "_numrange", 3906),
    list(3909, "_tsrange", 3908),
    list(3911, "_tstzrange", 3910),
    list(3913, "_daterange", 3912),
    list(3927, "_int8range", 3926),
    list(199, "_json", 114),
    list(16461, "_uint2", 16460),
    list(16463, "_uint4", 16462),
    list(16465, "_uint8", 16464),
    list(16553, "_mz_timestamp", 16552),
];

/// The type of an oid.
pub fn by_oid(oid: u32) -> Option<&'static PgType> {
    TYPES.iter().find(|t| t.oid == oid)
}

/// The internal name of the type of an oid.
pub fn name_of(oid: u32) -> &'static str {
    by_oid(oid).map_or("unknown", |t| t.name)
}
