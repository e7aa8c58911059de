// Follows payout.events with a cursor of our own.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"
)

const poll = 5 * time.Second

var final = map[string]bool{"paid": true, "failed": true, "cancelled": true, "returned": true}

type event struct{ seq, state, orderNum string }

func readEvents(tx *sql.Tx, cursor string) (events []event, err error) {
	rows, err := tx.Query(`select seq, coalesce(to_state, ''), order_num from payout.events
		where seq > $1 order by seq limit 500`, cursor)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e event
		if err := rows.Scan(&e.seq, &e.state, &e.orderNum); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

// handleBatch handles the next events and moves the cursor.
func handleBatch(tx *sql.Tx) (events []event, err error) {
	var cursor string
	// A second consumer waits here, and then begins where this one ended.
	err = tx.QueryRow("select seq from payout_cursor where name = 'withdrawals' for update").Scan(&cursor)
	if err != nil {
		return nil, err
	}
	events, err = readEvents(tx, cursor)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	for _, e := range events {
		if !final[e.state] {
			continue
		}
		// Comparing 'WD-' || id would read the whole table; this uses its primary key.
		_, err = tx.Exec(`update withdrawals set status = $1
			where id = substring($2 from '^WD-([1-9][0-9]{0,17})$')::bigint`, e.state, e.orderNum)
		if err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec("update payout_cursor set seq = $1 where name = 'withdrawals'", events[len(events)-1].seq)
	return events, err
}

func follow(db *sql.DB, wanted int64) error {
	const begin = "insert into payout_cursor values ('withdrawals', 0) on conflict (name) do nothing"
	_, err := execute(db, begin)
	for isTransient(err) {
		_, err = execute(db, begin)
	}
	if err != nil {
		return err
	}
	// When its connection breaks, the listener connects again and then sends a nil, which is a wake-up too.
	listener := pq.NewListener(os.Getenv("DATABASE_URL"), time.Second, time.Minute, nil)
	defer listener.Close()
	if err := listener.Listen("payout_status"); err != nil {
		return err
	}
	for wanted > 0 {
		for len(listener.Notify) > 0 {
			<-listener.Notify // one batch is enough for all of them
		}
		var events []event
		err := transaction(db, func(tx *sql.Tx) (err error) {
			events, err = handleBatch(tx)
			return err
		})
		if isTransient(err) {
			continue // the server is away for longer: transaction has waited already
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if final[e.state] {
				fmt.Println(e.state, e.orderNum)
				wanted--
			}
		}
		if wanted > 0 && len(events) == 0 {
			select {
			case <-listener.Notify:
			case <-time.After(poll):
			}
		}
	}
	return nil
}
