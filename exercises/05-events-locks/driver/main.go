// The driver of exercise 05: a teller with your Transfer. The suite starts several and
// talks to each over a pipe. By hand it opens a bank in a directory, with 100 on each of
// four accounts, and lets four tellers move money at random, until you press Ctrl-C; kill
// one of them and see whether the sum is right:
//
//	go run ./exercises/05-events-locks/driver
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/05-events-locks/answer"
	"example.com/multiprocessing/exercises/05-events-locks/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	suite, err := pipe.Inherited()
	switch {
	case err == nil:
		err = serve(suite)
	case len(os.Args) == 3 && os.Args[1] == "teller":
		err = teller(os.Args[2])
	default:
		err = byHand()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answers := make(chan script.Request, 10)
	say := func(r script.Report) { kit.Tell(suite, r) }
	refused := errors.New("")
	bank := answer.Bank{
		Dir: os.Getenv(script.BankVariable),
		Approve: func(from, to int) error {
			say(script.Report{What: "approve", From: from, To: to})
			if a := <-answers; a.Refuse != "" {
				refused = errors.New(a.Refuse)
				return refused
			}
			return nil
		},
		Wrote: func(account string) {
			say(script.Report{What: "wrote", Account: account})
			<-answers
		},
	}
	return kit.Serve(suite, func(request script.Request) error {
		switch {
		case request.Cancel:
			cancel()
		case request.Go || request.Refuse != "":
			answers <- request
		default:
			go func() {
				report := script.Report{What: "done"}
				if err := bank.Transfer(ctx, request.From, request.To, request.Amount); err != nil {
					report.Error = err.Error()
					report.Todo = errors.Is(err, kit.ErrTODO)
					report.Poor = errors.Is(err, answer.ErrPoor)
					report.Ended = errors.Is(err, context.Canceled)
					report.Refused = errors.Is(err, refused)
				}
				say(report)
			}()
		}
		return nil
	})
}
