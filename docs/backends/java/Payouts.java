// Pays withdrawals through the schema `payout`: pay ID | cancel ID REASON | follow [N]

import java.net.URI;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

public class Payouts {
    static final int[] PAUSES = {100, 500, 1000, 2000, 4000, 8000}; // ms; together longer than a restart
    static final int POLL = 5000; // ms
    static final List<String> FINAL = Arrays.asList("paid", "failed", "cancelled", "returned");
    /** The refusals that are about a value of the row: a repeat changes nothing. All others are for a person. */
    static final String ABOUT_THE_ROW = "PW00[1-6]|PW009|PW017|PW029";
    /** Never one that is approved already, or that has a payout. */
    static final String REFUSE = """
            update withdrawals w set status = 'refused', note = ?
            where id = ? and status in ('requested', 'refused')
              and not exists (select from payout.status where order_num = 'WD-' || w.id)
            returning id""";
    static final String TRANSIENT = "08...|53...|57P0[123]|40001|40P01";

    interface Work<T> {
        T run(Connection db) throws SQLException;
    }

    static Connection connect() throws SQLException {
        URI url = URI.create(System.getenv("DATABASE_URL"));
        String[] login = url.getUserInfo().split(":", 2);
        String jdbc = "jdbc:postgresql:" + url.getRawSchemeSpecificPart().replaceFirst("//.*@", "//");
        Connection db = DriverManager.getConnection(jdbc, login[0], login.length > 1 ? login[1] : "");
        db.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED); // payout.cancel refuses the higher ones
        return db;
    }

    /** Runs a statement and returns its rows, if it has any. */
    static List<Map<String, Object>> query(Connection db, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            List<Map<String, Object>> rows = new ArrayList<>();
            ResultSet result = statement.execute() ? statement.getResultSet() : null;
            while (result != null && result.next()) {
                rows.add(new HashMap<>());
                for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                    rows.get(rows.size() - 1).put(result.getMetaData().getColumnName(i), result.getObject(i));
                }
            }
            return rows;
        }
    }

    static <T> T once(Connection db, Work<T> work) throws SQLException {
        db.setAutoCommit(false);
        T result = work.run(db);
        db.commit();
        return result;
    }

    /**
     * Runs work in a transaction, and again if something transient stops it.
     *
     * If the connection breaks during the commit, nobody knows whether it was committed. So work must do the same when
     * it runs twice as when it runs once.
     */
    static <T> T transaction(Work<T> work) throws SQLException, InterruptedException {
        for (int attempt = 0; ; attempt++) {
            try (Connection db = connect()) { // closing it rolls back what is not committed
                return once(db, work);
            } catch (SQLException e) {
                if (attempt == PAUSES.length || !matches(e, TRANSIENT)) {
                    throw e;
                }
            }
            Thread.sleep(PAUSES[attempt]);
        }
    }

    static boolean matches(SQLException e, String sqlstates) {
        return Objects.toString(e.getSQLState(), "").matches(sqlstates);
    }

    /** Code, message and hint: of a refusal, none of them is personal. */
    static String describe(PSQLException e) {
        var answer = e.getServerErrorMessage(); // null if the server gave none
        return e.getSQLState() + ": " + (answer == null ? e.getMessage()
                : answer.getMessage() + ". " + Objects.toString(answer.getHint(), ""));
    }

    /** Approves and enqueues: both happen, or neither. Returns the withdrawal's status. */
    static String approve(Connection db, long id) throws SQLException {
        query(db, "update withdrawals set status = 'approved' where id = ? and status = 'requested'", id);
        String read = "select status, amount, bank_code, account_number, account_name from withdrawals where id = ?";
        var row = query(db, read, id).stream().findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no withdrawal " + id));
        if ("approved".equals(row.get("status"))) {
            // The order number comes from the withdrawal, never from a clock or a counter. If an earlier try was
            // committed without our knowing, this insert meets that payout and does nothing.
            query(db, """
                    insert into payout.payouts (order_num, fee_type, amount, bank_code, account_number, account_name)
                    values (?, 0, ?, ?, ?, ?) on conflict (merchant_code, order_num) do nothing""", "WD-" + id,
                    row.get("amount"), row.get("bank_code"), row.get("account_number"), row.get("account_name"));
        }
        return (String) row.get("status");
    }

    static String pay(long id) throws SQLException, InterruptedException {
        try {
            return transaction(db -> approve(db, id)) + " WD-" + id;
        } catch (PSQLException e) {
            if (!matches(e, ABOUT_THE_ROW) || transaction(db -> query(db, REFUSE, describe(e), id)).isEmpty()) {
                throw e;
            }
            return "refused WD-" + id + " " + describe(e);
        }
    }

    static String cancel(long id, String reason) throws SQLException, InterruptedException {
        Object state = "cancelled";
        try {
            transaction(db -> query(db, "select payout.cancel(?, ?)", "WD-" + id, reason));
        } catch (SQLException e) {
            if (!matches(e, "PW013")) { // not queued any more: perhaps an earlier try has cancelled it
                throw e;
            }
            String query = "select state from payout.status where order_num = ?";
            state = transaction(db -> query(db, query, "WD-" + id)).get(0).get("state");
        }
        return (state.equals("cancelled") ? "cancelled WD-" : "too late WD-") + id;
    }

    /** Handles the next events and moves the cursor. Returns how many there were, and adds those that end a payout. */
    static int handleBatch(Connection db, List<String> ends) throws SQLException {
        // A second consumer waits here, and then begins where this one ended.
        var seq = query(db, "select seq from payout_cursor where name = 'withdrawals' for update").get(0).get("seq");
        var events = query(db,
                "select seq, to_state, order_num from payout.events where seq > ? order by seq limit 500", seq);
        for (var event : events) {
            seq = event.get("seq");
            if (FINAL.contains(event.get("to_state"))) {
                // Comparing 'WD-' || id would read the whole table; this uses its primary key.
                query(db, """
                        update withdrawals set status = ?
                        where id = substring(? from '^WD-([1-9][0-9]{0,17})$')::bigint""",
                        event.get("to_state"), event.get("order_num"));
                ends.add(event.get("to_state") + " " + event.get("order_num"));
            }
        }
        if (!events.isEmpty()) {
            query(db, "update payout_cursor set seq = ? where name = 'withdrawals'", seq);
        }
        return events.size();
    }

    static void follow(long wanted) throws SQLException, InterruptedException {
        while (wanted > 0) {
            try (Connection db = connect()) {
                query(db, "listen payout_status");
                query(db, "insert into payout_cursor values ('withdrawals', 0) on conflict (name) do nothing");
                while (wanted > 0) {
                    List<String> ends = new ArrayList<>();
                    int events = once(db, tx -> handleBatch(tx, ends));
                    ends.forEach(System.out::println);
                    wanted -= ends.size();
                    if (wanted > 0 && events == 0) {
                        db.unwrap(PGConnection.class).getNotifications(POLL);
                    }
                }
            } catch (SQLException e) {
                if (!matches(e, TRANSIENT)) {
                    throw e;
                }
                Thread.sleep(1000);
            }
        }
    }

    public static void main(String[] args) throws SQLException, InterruptedException {
        try {
            switch (args.length == 0 ? "" : args[0]) {
                case "pay" -> System.out.println(pay(Long.parseLong(args[1])));
                case "cancel" -> System.out.println(cancel(Long.parseLong(args[1]), args[2]));
                case "follow" -> follow(args.length > 1 ? Long.parseLong(args[1]) : Long.MAX_VALUE);
                default -> throw new IllegalArgumentException("pay ID | cancel ID REASON | follow [N]");
            }
        } catch (PSQLException e) {
            System.err.println(describe(e));
            System.exit(1);
        }
    }
}
