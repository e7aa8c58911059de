// Transactions that run again, and errors in words.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"

	"github.com/lib/pq"
)

// What transaction waits before each try, in milliseconds: together longer than a restart of the server.
var pauses = []time.Duration{0, 100, 500, 1000, 2000, 4000, 8000}

var transient = regexp.MustCompile("^(08...|53...|57P0[123]|40001|40P01)$")

// transaction runs work in a transaction, and again if something transient stops it.
//
// If the connection breaks during the commit, nobody knows whether it was committed. So work must do the same when it
// runs twice as when it runs once.
func transaction(db *sql.DB, work func(*sql.Tx) error) (err error) {
	for _, pause := range pauses {
		time.Sleep(pause * time.Millisecond)
		if err = once(db, work); !isTransient(err) {
			break
		}
	}
	return err
}

func once(db *sql.DB, work func(*sql.Tx) error) error {
	level := sql.TxOptions{Isolation: sql.LevelReadCommitted} // payout.cancel refuses the higher ones
	tx, err := db.BeginTx(context.Background(), &level)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// execute runs one statement in a transaction.
func execute(db *sql.DB, statement string, args ...any) (result sql.Result, err error) {
	err = transaction(db, func(tx *sql.Tx) (err error) {
		result, err = tx.Exec(statement, args...)
		return err
	})
	return result, err
}

func isTransient(err error) bool {
	var network net.Error // a connection that could not be made, or broke
	return transient.MatchString(sqlstate(err)) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF)
}

// answer returns the server's error; it is empty if err is another one.
func answer(err error) *pq.Error {
	said := new(pq.Error)
	errors.As(err, &said)
	return said
}

func sqlstate(err error) string { return string(answer(err).Code) }

// describe returns code, message and hint: of a refusal, none of them is personal.
func describe(err error) string {
	if said := answer(err); said.Code != "" {
		return fmt.Sprintf("%s: %s. %s", said.Code, said.Message, said.Hint)
	}
	return err.Error()
}
