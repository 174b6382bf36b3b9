//! The words that PostgreSQL 15 knows, and which of them may be names: its manual, appendix C.
//!
//! sqlparser has one list of keywords for all of its dialects; `parser::respell` takes away those that are none here.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Where a keyword may stand for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// Everywhere.
    Unreserved,
    /// Everywhere but as the name of a function or type.
    ColumnName,
    /// As the name of a function or type only.
    TypeOrFunction,
    /// Nowhere, unless quoted, or as a label after AS.
    Reserved,
    /// Not a keyword of PostgreSQL: sqlparser has to see it as one, to read a type or a clause.
    Foreign,
}

/// Keywords that may be any name.
const UNRESERVED: &str = "\
    ABORT ABSOLUTE ACCESS ACTION ADD ADMIN AFTER AGGREGATE ALSO ALTER ALWAYS ASENSITIVE ASSERTION ASSIGNMENT AT ATOMIC \
    ATTACH ATTRIBUTE BACKWARD BEFORE BEGIN BREADTH BY CACHE CALL CALLED CASCADE CASCADED CATALOG CHAIN CHARACTERISTICS \
    CHECKPOINT CLASS CLOSE CLUSTER COLUMNS COMMENT COMMENTS COMMIT COMMITTED COMPRESSION CONFIGURATION CONFLICT \
    CONNECTION CONSTRAINTS CONTENT CONTINUE CONVERSION COPY COST CSV CUBE CURRENT CURSOR CYCLE DATA DATABASE DAY \
    DEALLOCATE DECLARE DEFAULTS DEFERRED DEFINER DELETE DELIMITER DELIMITERS DEPENDS DEPTH DETACH DICTIONARY DISABLE \
    DISCARD DOCUMENT DOMAIN DOUBLE DROP EACH ENABLE ENCODING ENCRYPTED ENUM ESCAPE EVENT EXCLUDE EXCLUDING EXCLUSIVE \
    EXECUTE EXPLAIN EXPRESSION EXTENSION EXTERNAL FAMILY FILTER FINALIZE FIRST FOLLOWING FORCE FORWARD FUNCTION \
    FUNCTIONS GENERATED GLOBAL GRANTED GROUPS HANDLER HEADER HOLD HOUR IDENTITY IF IMMEDIATE IMMUTABLE IMPLICIT IMPORT \
    INCLUDE INCLUDING INCREMENT INDEX INDEXES INHERIT INHERITS INLINE INPUT INSENSITIVE INSERT INSTEAD INVOKER \
    ISOLATION KEY LABEL LANGUAGE LARGE LAST LEAKPROOF LEVEL LISTEN LOAD LOCAL LOCATION LOCK LOCKED LOGGED MAPPING \
    MATCH MATCHED MATERIALIZED MAXVALUE MERGE METHOD MINUTE MINVALUE MODE MONTH MOVE NAME NAMES NEW NEXT NFC NFD NFKC \
    NFKD NO NORMALIZED NOTHING NOTIFY NOWAIT NULLS OBJECT OF OFF OIDS OLD OPERATOR OPTION OPTIONS ORDINALITY OTHERS \
    OVER OVERRIDING OWNED OWNER PARALLEL PARAMETER PARSER PARTIAL PARTITION PASSING PASSWORD PLANS POLICY PRECEDING \
    PREPARE PREPARED PRESERVE PRIOR PRIVILEGES PROCEDURAL PROCEDURE PROCEDURES PROGRAM PUBLICATION QUOTE RANGE READ \
    REASSIGN RECHECK RECURSIVE REF REFERENCING REFRESH REINDEX RELATIVE RELEASE RENAME REPEATABLE REPLACE REPLICA \
    RESET RESTART RESTRICT RETURN RETURNS REVOKE ROLE ROLLBACK ROLLUP ROUTINE ROUTINES ROWS RULE SAVEPOINT SCHEMA \
    SCHEMAS SCROLL SEARCH SECOND SECURITY SEQUENCE SEQUENCES SERIALIZABLE SERVER SESSION SET SETS SHARE SHOW SIMPLE \
    SKIP SNAPSHOT SQL STABLE STANDALONE START STATEMENT STATISTICS STDIN STDOUT STORAGE STORED STRICT STRIP \
    SUBSCRIPTION SUPPORT SYSID SYSTEM TABLES TABLESPACE TEMP TEMPLATE TEMPORARY TEXT TIES TRANSACTION TRANSFORM \
    TRIGGER TRUNCATE TRUSTED TYPE TYPES UESCAPE UNBOUNDED UNCOMMITTED UNENCRYPTED UNKNOWN UNLISTEN UNLOGGED UNTIL \
    UPDATE VACUUM VALID VALIDATE VALIDATOR VALUE VARYING VERSION VIEW VIEWS VOLATILE WHITESPACE WITHIN WITHOUT WORK \
    WRAPPER WRITE XML YEAR YES ZONE";

/// Keywords that may not be names of functions and types.
const COLUMN_NAME: &str = "\
    BETWEEN BIGINT BIT BOOLEAN CHAR CHARACTER COALESCE DEC DECIMAL EXISTS EXTRACT FLOAT GREATEST GROUPING INOUT INT \
    INTEGER INTERVAL LEAST NATIONAL NCHAR NONE NORMALIZE NULLIF NUMERIC OUT OVERLAY POSITION PRECISION REAL ROW SETOF \
    SMALLINT SUBSTRING TIME TIMESTAMP TREAT TRIM VALUES VARCHAR XMLATTRIBUTES XMLCONCAT XMLELEMENT XMLEXISTS XMLFOREST \
    XMLNAMESPACES XMLPARSE XMLPI XMLROOT XMLSERIALIZE XMLTABLE";

/// Keywords that may be names of functions and types only.
const TYPE_OR_FUNCTION: &str = "\
    AUTHORIZATION BINARY COLLATION CONCURRENTLY CROSS CURRENT_SCHEMA FREEZE FULL ILIKE INNER IS ISNULL JOIN LEFT LIKE \
    NATURAL NOTNULL OUTER OVERLAPS RIGHT SIMILAR TABLESAMPLE VERBOSE";

/// Keywords that may be no name.
const RESERVED: &str = "\
    ALL ANALYSE ANALYZE AND ANY ARRAY AS ASC ASYMMETRIC BOTH CASE CAST CHECK COLLATE COLUMN CONSTRAINT CREATE \
    CURRENT_CATALOG CURRENT_DATE CURRENT_ROLE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEFAULT DEFERRABLE DESC \
    DISTINCT DO ELSE END EXCEPT FALSE FETCH FOR FOREIGN FROM GRANT GROUP HAVING IN INITIALLY INTERSECT INTO LATERAL \
    LEADING LIMIT LOCALTIME LOCALTIMESTAMP NOT NULL OFFSET ON ONLY OR ORDER PLACING PRIMARY REFERENCES RETURNING \
    SELECT SESSION_USER SOME SYMMETRIC TABLE THEN TO TRAILING TRUE UNION UNIQUE USER USING VARIADIC WHEN WHERE WINDOW \
    WITH";

/// Keywords that label a column after AS only.
const AFTER_AS: &str = "\
    ARRAY AS CHAR CHARACTER CREATE DAY EXCEPT FETCH FILTER FOR FROM GRANT GROUP HAVING HOUR INTERSECT INTO ISNULL \
    LIMIT MINUTE MONTH NOTNULL OFFSET ON ORDER OVER OVERLAPS PRECISION RETURNING SECOND TO UNION VARYING WHERE WINDOW \
    WITH WITHIN WITHOUT YEAR";

/// Types that sqlparser reads by their keywords, and a clause of Materialize.
const FOREIGN: &str = "\
    BOOL BYTEA DATE FLOAT4 FLOAT8 INT2 INT4 INT8 JSON JSONB QUALIFY REGCLASS STRING TIMESTAMPTZ TIMETZ UUID";

/// What kind of keyword a word is, in any case of letters; none if it is an ordinary name.
pub(super) fn category(word: &str) -> Option<Category> {
    static CATEGORIES: OnceLock<HashMap<&str, Category>> = OnceLock::new();
    let categories = CATEGORIES.get_or_init(|| {
        let lists = [
            (UNRESERVED, Category::Unreserved),
            (COLUMN_NAME, Category::ColumnName),
            (TYPE_OR_FUNCTION, Category::TypeOrFunction),
            (RESERVED, Category::Reserved),
            (FOREIGN, Category::Foreign),
        ];
        lists.iter().flat_map(|(words, category)| words.split_whitespace().map(|w| (w, *category))).collect()
    });
    categories.get(word.to_ascii_uppercase().as_str()).copied()
}

/// A keyword as `pg_get_keywords` tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyword {
    /// In lower case.
    pub word: String,
    /// PostgreSQL's letter for where it may be a name, and what that means.
    pub category: (&'static str, &'static str),
    /// Whether it can label a column without AS before it.
    pub is_bare_label: bool,
}

/// All of PostgreSQL's keywords, sorted.
pub fn keywords() -> Vec<Keyword> {
    let lists = [
        (UNRESERVED, ("U", "unreserved")),
        (COLUMN_NAME, ("C", "unreserved (cannot be function or type name)")),
        (TYPE_OR_FUNCTION, ("T", "reserved (can be function or type name)")),
        (RESERVED, ("R", "reserved")),
    ];
    let keyword = |word: &str, category| Keyword {
        word: word.to_ascii_lowercase(),
        category,
        is_bare_label: is_bare_label(word),
    };
    let words = lists.iter().flat_map(|(words, category)| words.split_whitespace().map(|w| keyword(w, *category)));
    let mut all: Vec<Keyword> = words.collect();
    all.sort();
    all
}

/// Whether a word can be the name of a table, a column or an alias without being quoted.
pub(super) fn may_name_column(word: &str) -> bool {
    !matches!(category(word), Some(Category::Reserved | Category::TypeOrFunction))
}

/// Whether a word can label a column without AS before it.
pub(super) fn is_bare_label(word: &str) -> bool {
    static AFTER: OnceLock<Vec<&str>> = OnceLock::new();
    let word = word.to_ascii_uppercase();
    !AFTER.get_or_init(|| AFTER_AS.split_whitespace().collect()).contains(&word.as_str())
}
