import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;

/** What pgjdbc does with a server when it is used as usual; arguments are host and port. Run by tests/tests/drivers.rs. */
public class Smoke {
    static void check(String what, Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new AssertionError(what + ": " + got + " rather than " + wanted);
        }
    }

    static List<String> column(ResultSet rows, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        while (rows.next()) {
            values.add(rows.getString(name));
        }
        return values;
    }

    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + args[0] + ":" + args[1] + "/materialize?user=materialize&ApplicationName=jdbc";
        try (Connection connection = DriverManager.getConnection(url)) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE IF EXISTS jdbc");
                statement.execute("CREATE TABLE jdbc (a int NOT NULL, b text, c numeric(8,2), d timestamptz, e bytea)");
                statement.execute("CREATE INDEX jdbci ON jdbc (a)");
            }
            values(connection);
            cursor(connection);
            copy(connection);
            savepoint(connection);
            metadata(connection.getMetaData());
        }
        System.out.println("pgjdbc: fine");
    }

    static void values(Connection connection) throws SQLException {
        Timestamp when = Timestamp.valueOf("2024-02-29 01:02:03.456");
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO jdbc VALUES (?, ?, ?, ?, ?)")) {
            for (int n = 0; n < 100; n++) {
                insert.setInt(1, n);
                insert.setString(2, n % 2 == 0 ? "x" + n : null);
                insert.setBigDecimal(3, new BigDecimal("12.50"));
                insert.setTimestamp(4, when);
                insert.setBytes(5, new byte[] {0, (byte) n});
                insert.addBatch();
            }
            check("batch", insert.executeBatch().length, 100);
        }
        try (PreparedStatement select = connection.prepareStatement("SELECT * FROM jdbc WHERE a = ?")) {
            // The driver goes over to binary results after some uses.
            for (int n = 0; n < 10; n++) {
                select.setInt(1, n);
                try (ResultSet row = select.executeQuery()) {
                    row.next();
                    check("b", row.getString(2), n % 2 == 0 ? "x" + n : null);
                    check("c", row.getBigDecimal(3), new BigDecimal("12.50"));
                    check("d", row.getTimestamp(4), when);
                    check("e", row.getBytes(5)[1], (byte) n);
                }
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT * FROM nosuch");
            throw new AssertionError("a missing table is found");
        } catch (SQLException error) {
            check("state", error.getSQLState(), "42P01");
        }
    }

    static void cursor(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(7);
            int sum = 0;
            try (ResultSet rows = statement.executeQuery("SELECT a FROM jdbc ORDER BY a")) {
                while (rows.next()) {
                    sum += rows.getInt(1);
                }
            }
            check("sum", sum, 4950);
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void copy(Connection connection) throws Exception {
        var copies = connection.unwrap(PGConnection.class).getCopyAPI();
        check("copy in", copies.copyIn("COPY jdbc (a, b) FROM STDIN", new StringReader("100\tx\n101\t\\N\n")), 2L);
        StringWriter out = new StringWriter();
        copies.copyOut("COPY (SELECT a, b FROM jdbc WHERE a >= 100 ORDER BY a) TO STDOUT", out);
        check("copy out", out.toString(), "100\tx\n101\t\\N\n");
    }

    static void savepoint(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO jdbc (a) VALUES (200)");
            Savepoint savepoint = connection.setSavepoint();
            statement.execute("INSERT INTO jdbc (a) VALUES (201)");
            connection.rollback(savepoint);
            connection.commit();
            try (ResultSet rows = statement.executeQuery("SELECT a FROM jdbc WHERE a >= 200")) {
                check("savepoint", column(rows, "a"), List.of("200"));
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void metadata(DatabaseMetaData metadata) throws SQLException {
        check("product", metadata.getDatabaseProductName(), "PostgreSQL");
        check("tables", column(metadata.getTables(null, "public", "jdbc", null), "TABLE_NAME"), List.of("jdbc"));
        check("public", column(metadata.getSchemas(), "TABLE_SCHEM").contains("public"), true);
        check("imported", column(metadata.getImportedKeys(null, "public", "jdbc"), "FK_NAME"), List.of());
        check("exported", column(metadata.getExportedKeys(null, "public", "jdbc"), "FK_NAME"), List.of());
        metadata.getCrossReference(null, "public", "jdbc", null, "public", "jdbc").close();
        check("key", column(metadata.getPrimaryKeys(null, "public", "jdbc"), "PK_NAME"), List.of());
        ResultSet columns = metadata.getColumns(null, "public", "jdbc", null);
        check("types", column(columns, "TYPE_NAME"), List.of("int4", "text", "numeric", "timestamptz", "bytea"));
        columns = metadata.getColumns(null, "public", "jdbc", "c");
        columns.next();
        check("precision", List.of(columns.getInt("COLUMN_SIZE"), columns.getInt("DECIMAL_DIGITS")), List.of(8, 2));
        ResultSet indexes = metadata.getIndexInfo(null, "public", "jdbc", false, false);
        check("index", column(indexes, "COLUMN_NAME"), List.of("a"));
        metadata.getBestRowIdentifier(null, "public", "jdbc", 0, true).close();
        metadata.getVersionColumns(null, "public", "jdbc").close();
        metadata.getUDTs(null, null, null, null).close();
        metadata.getProcedureColumns(null, null, "nosuch", null).close();
        metadata.getFunctionColumns(null, null, "lower", null).close();
        metadata.getColumnPrivileges(null, "public", "jdbc", null).close();
        metadata.getClientInfoProperties().close();
        check("keywords", metadata.getSQLKeywords().isEmpty(), false);
        metadata.getTypeInfo().close();
        metadata.getCatalogs().close();
        metadata.getTableTypes().close();
        metadata.getProcedures(null, null, "nosuch").close();
        metadata.getFunctions(null, null, "lower").close();
        metadata.getTablePrivileges(null, "public", "jdbc").close();
        check("version", metadata.getDatabaseMajorVersion(), 15);
    }
}
