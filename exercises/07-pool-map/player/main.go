// The player of exercise 07: a process that plays cards. What becomes of each is for the
// suite to say. By hand a card is the name of a file, and is played by counting its lines.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/07-pool-map/script"
	"example.com/multiprocessing/exercises/07-pool-map/table"
)

func main() {
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, "player:", err)
		os.Exit(1)
	}
}

func play() error {
	dealer, err := pipe.Inherited()
	if err != nil {
		return errors.New("the driver starts this program, go run ./exercises/07-pool-map/driver")
	}
	what := count
	if path := os.Getenv(script.ControlVariable); path != "" {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return err
		}
		defer conn.Close()
		encode, decode := json.NewEncoder(conn), json.NewDecoder(conn)
		if err := encode.Encode(script.Hello{Name: os.Args[1], PID: os.Getpid(), Parent: os.Getppid()}); err != nil {
			return err
		}
		what = func(q table.Question) (a table.Answer, err error) {
			if err := encode.Encode(script.Event{Card: q.Card.Number, Hand: q.Hand}); err != nil {
				return a, err
			}
			var order script.Order
			err = decode.Decode(&order)
			return table.Answer{Result: order.Result, Error: order.Fail}, err
		}
	}
	for {
		q, err := pipe.Receive[table.Question](dealer)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := what(q)
		if err == nil {
			err = pipe.Send(dealer, a)
		}
		if err != nil {
			return err
		}
	}
}

func count(q table.Question) (a table.Answer, err error) {
	text, err := os.ReadFile(q.Card.Text)
	if err != nil {
		return table.Answer{Error: err.Error()}, nil
	}
	return table.Answer{Result: fmt.Sprintf("%d lines, by pid %d", bytes.Count(text, []byte("\n")), os.Getpid())}, nil
}
