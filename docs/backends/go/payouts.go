// Pays withdrawals through the schema `payout`: pay ID | cancel ID REASON | follow [N]
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"regexp"
	"strconv"
)

// The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
var aboutTheRow = regexp.MustCompile("^(PW00[1-6]|PW009|PW017|PW029)$")

// Never one that is approved already, or that has a payout.
const refuse = `update withdrawals w set status = 'refused', note = $1
	where id = $2 and status in ('requested', 'refused')
		and not exists (select from payout.status where order_num = 'WD-' || w.id)`

// approve approves and enqueues: both happen, or neither. It returns the withdrawal's status.
func approve(tx *sql.Tx, id int64) (status string, err error) {
	_, err = tx.Exec("update withdrawals set status = 'approved' where id = $1 and status = 'requested'", id)
	if err != nil {
		return "", err
	}
	var amount, bank, number, name sql.NullString // never a float64 for money
	err = tx.QueryRow("select status, amount, bank_code, account_number, account_name from withdrawals where id = $1",
		id).Scan(&status, &amount, &bank, &number, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("there is no withdrawal %d", id)
	}
	if err != nil || status != "approved" {
		return status, err
	}
	// The order number comes from the withdrawal, never from a clock or a counter. If an earlier try was committed
	// without our knowing, this insert meets that payout and does nothing.
	_, err = tx.Exec(`insert into payout.payouts (order_num, fee_type, amount, bank_code, account_number, account_name)
		values ($1, 0, $2, $3, $4, $5) on conflict (merchant_code, order_num) do nothing`,
		orderNum(id), amount, bank, number, name)
	return status, err
}

func orderNum(id int64) string { return fmt.Sprintf("WD-%d", id) }

func pay(db *sql.DB, id int64) error {
	var status string
	refusal := transaction(db, func(tx *sql.Tx) (err error) {
		status, err = approve(tx, id)
		return err
	})
	if refusal == nil {
		fmt.Println(status, orderNum(id))
	}
	if !aboutTheRow.MatchString(sqlstate(refusal)) {
		return refusal
	}
	result, err := execute(db, refuse, describe(refusal), id)
	if err != nil {
		return err
	}
	if rows, _ := result.RowsAffected(); rows == 0 {
		return refusal
	}
	fmt.Println("refused", orderNum(id), describe(refusal))
	return nil
}

func cancel(db *sql.DB, id int64, reason string) error {
	state := "cancelled"
	_, err := execute(db, "select payout.cancel($1, $2)", orderNum(id), reason)
	if sqlstate(err) == "PW013" { // not queued any more: perhaps an earlier try has cancelled it
		err = transaction(db, func(tx *sql.Tx) error {
			return tx.QueryRow("select state from payout.status where order_num = $1", orderNum(id)).Scan(&state)
		})
	}
	if err != nil {
		return err
	}
	if state != "cancelled" {
		state = "too late"
	}
	fmt.Println(state, orderNum(id))
	return nil
}

func run(db *sql.DB, command, argument, reason string) error {
	n, err := strconv.ParseInt(argument, 10, 64)
	switch {
	case command == "pay" && err == nil:
		return pay(db, n)
	case command == "cancel" && err == nil:
		return cancel(db, n, reason)
	case command == "follow" && err == nil:
		return follow(db, n)
	case command == "follow":
		return follow(db, math.MaxInt64)
	}
	return errors.New("pay ID | cancel ID REASON | follow [N]")
}

func main() {
	args := append(os.Args[1:], "", "", "")
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL")) // a pool
	if err == nil {
		err = run(db, args[0], args[1], args[2])
	}
	if err != nil {
		log.Fatal(describe(err))
	}
}
