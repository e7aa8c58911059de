<?php
// Pays withdrawals through the schema `payout`: pay ID | cancel ID REASON | follow [N]

declare(strict_types=1);

const PAUSES = [0.1, 0.5, 1, 2, 4, 8]; // seconds between tries: together longer than a restart of the server
const POLL = 5000; // ms
const FINAL_STATES = ['paid', 'failed', 'cancelled', 'returned'];
// The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
const ABOUT_THE_ROW = ['PW001', 'PW002', 'PW003', 'PW004', 'PW005', 'PW006', 'PW009', 'PW017', 'PW029'];
// Never one that is approved already, or that has a payout.
const REFUSE = "update withdrawals w set status = 'refused', note = ?
                where id = ? and status in ('requested', 'refused')
                  and not exists (select from payout.status where order_num = 'WD-' || w.id)";
const TRANSIENT = '/^(08...|53...|57P0[123]|40001|40P01|HY000)$/'; // HY000 is PDO's word for a connection that broke

function connect(): PDO
{
    $url = parse_url(getenv('DATABASE_URL'));
    $dsn = sprintf('pgsql:host=%s;port=%d;dbname=%s;%s', $url['host'], $url['port'] ?? 5432,
        ltrim($url['path'], '/'), strtr($url['query'] ?? '', '&', ';'));
    return new PDO($dsn, rawurldecode($url['user']), rawurldecode($url['pass'] ?? ''));
}

function query(PDO $db, string $statement, mixed ...$parameters): PDOStatement
{
    $query = $db->prepare($statement);
    $query->execute($parameters);
    return $query;
}

function once(PDO $db, callable $work): mixed
{
    $db->beginTransaction();
    $db->exec('set transaction isolation level read committed'); // payout.cancel refuses the higher ones
    $result = $work($db);
    $db->commit();
    return $result;
}

/**
 * Runs $work in a transaction, and again if something transient stops it.
 *
 * If the connection breaks during the commit, nobody knows whether it was committed. So $work must do the same when it
 * runs twice as when it runs once.
 */
function transaction(callable $work): mixed
{
    foreach ([...PAUSES, null] as $pause) {
        try {
            return once(connect(), $work);
        } catch (PDOException $error) { // its connection closes, which rolls back
            $pause !== null && isTransient($error) || throw $error;
        }
        usleep((int) ($pause * 1e6));
    }
}

function isTransient(PDOException $error): bool
{
    return preg_match(TRANSIENT, $error->errorInfo[0] ?? '') === 1;
}

/** Code, message and hint: of a refusal, none of them is personal. */
function describe(PDOException $error): string
{
    [$code, , $text] = $error->errorInfo; // the text has a line "ERROR:  message", a line "HINT:  hint", and others
    preg_match_all('/^(?:ERROR|HINT): +(.*)/m', $text, $parts);
    return "$code: " . implode('. ', $parts[1] ?: [$text]);
}

/** Approves and enqueues: both happen, or neither. Returns the withdrawal's status. */
function approve(PDO $db, int $id): string
{
    query($db, "update withdrawals set status = 'approved' where id = ? and status = 'requested'", $id);
    [$status, $amount, $bank, $number, $name] = query($db,
        'select status, amount, bank_code, account_number, account_name from withdrawals where id = ?', $id)
        ->fetch(PDO::FETCH_NUM) ?: throw new RuntimeException("there is no withdrawal $id");
    if ($status === 'approved') {
        // The order number comes from the withdrawal, never from a clock or a counter. If an earlier try was committed
        // without our knowing, this insert meets that payout and does nothing. The amount is a string, here and there.
        query($db,
            'insert into payout.payouts (order_num, fee_type, amount, bank_code, account_number, account_name)
             values (?, 0, ?, ?, ?, ?) on conflict (merchant_code, order_num) do nothing',
            "WD-$id", $amount, $bank, $number, $name);
    }
    return $status;
}

function pay(int $id): string
{
    try {
        return transaction(fn (PDO $db) => approve($db, $id)) . " WD-$id";
    } catch (PDOException $error) {
        in_array($error->errorInfo[0], ABOUT_THE_ROW, true) || throw $error;
        $refused = transaction(fn (PDO $db) => query($db, REFUSE, describe($error), $id));
        return $refused->rowCount() ? "refused WD-$id " . describe($error) : throw $error;
    }
}

function cancel(int $id, string $reason): string
{
    $state = 'cancelled';
    try {
        transaction(fn (PDO $db) => query($db, 'select payout.cancel(?, ?)', "WD-$id", $reason));
    } catch (PDOException $error) { // PW013 is not queued any more: perhaps an earlier try has cancelled it
        $error->errorInfo[0] === 'PW013' || throw $error;
        $state = transaction(fn (PDO $db) =>
            query($db, 'select state from payout.status where order_num = ?', "WD-$id")->fetchColumn());
    }
    return ($state === 'cancelled' ? 'cancelled' : 'too late') . " WD-$id";
}

/** Handles the next events and moves the cursor. Returns how many events, and those that end a payout. */
function handleBatch(PDO $db): array
{
    // A second consumer waits here, and then begins where this one ended.
    $seq = query($db, "select seq from payout_cursor where name = 'withdrawals' for update")->fetchColumn();
    $events = query($db, 'select seq, to_state, order_num from payout.events where seq > ? order by seq limit 500',
        $seq)->fetchAll(PDO::FETCH_NUM);
    $ends = array_filter($events, fn (array $event) => in_array($event[1], FINAL_STATES, true));
    foreach ($ends as [, $state, $order]) {
        // Comparing 'WD-' || id would read the whole table; this uses its primary key.
        query($db, "update withdrawals set status = ? where id = substring(? from '^WD-([1-9][0-9]{0,17})$')::bigint",
            $state, $order);
    }
    if ($events) {
        query($db, "update payout_cursor set seq = ? where name = 'withdrawals'", end($events)[0]);
    }
    return [count($events), $ends];
}

function follow(int $wanted): void
{
    while ($wanted > 0) {
        try {
            $db = connect();
            $db->exec('listen payout_status');
            $db->exec("insert into payout_cursor values ('withdrawals', 0) on conflict (name) do nothing");
            while ($wanted > 0) {
                while ($db->pgsqlGetNotify()); // one batch is enough for all of them
                [$events, $ends] = once($db, handleBatch(...));
                foreach ($ends as [, $state, $order]) {
                    print "$state $order\n";
                }
                $wanted -= count($ends);
                $wanted > 0 && $events === 0 && $db->pgsqlGetNotify(PDO::FETCH_NUM, POLL);
            }
        } catch (PDOException $error) {
            isTransient($error) || throw $error;
            sleep(1);
        }
    }
}

[, $command, $argument, $reason] = [...$argv, '', '', ''];
$number = filter_var($argument, FILTER_VALIDATE_INT);
try {
    match ($command) {
        'pay' => print pay($number) . "\n",
        'cancel' => print cancel($number, $reason) . "\n",
        'follow' => follow($number ?: PHP_INT_MAX),
        default => throw new InvalidArgumentException('pay ID | cancel ID REASON | follow [N]'),
    };
} catch (PDOException $error) {
    fwrite(STDERR, describe($error) . "\n");
    exit(1);
}
