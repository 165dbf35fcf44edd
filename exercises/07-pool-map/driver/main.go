// The driver of exercise 07: a table with players, and your Deal. The suite talks to it over
// a pipe. By hand it has three players count the lines of the files in Go's net/http:
//
//	go run ./exercises/07-pool-map/driver
package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/07-pool-map/answer"
	"example.com/multiprocessing/exercises/07-pool-map/script"
	"example.com/multiprocessing/exercises/07-pool-map/table"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	suite, err := pipe.Inherited()
	if err == nil {
		err = serve(suite)
	} else {
		err = kit.ByHand("example.com/multiprocessing/exercises/07-pool-map/player", byHand)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand deals files.
func byHand(program string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	players, err := seat(program, 3)
	if err != nil {
		return err
	}
	defer leave(players)
	for _, p := range players {
		fmt.Printf("%s is pid %d\n", p.Name(), p.PID())
	}
	files, err := filepath.Glob(filepath.Join(build.Default.GOROOT, "src", "net", "http", "*.go"))
	if err != nil {
		return err
	}
	results, err := answer.Deal(ctx, players, files, 4)
	for i, result := range results {
		fmt.Printf("%s: %s\n", filepath.Base(files[i]), result)
	}
	return err
}

func seat(program string, n int) (players []*table.Player, err error) {
	for i := range n {
		p, err := table.Seat(fmt.Sprintf("player %d", i+1), program)
		if err != nil {
			leave(players)
			return nil, err
		}
		players = append(players, p)
	}
	return players, nil
}

func leave(players []*table.Player) {
	for _, p := range players {
		p.Leave()
	}
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	var all []*table.Player
	defer func() { leave(all) }()
	var results []string // of the last Deal that has returned
	var failed error
	cancel := func() {}
	returned := make(chan func())
	requests, ended := make(chan script.Request), make(chan error)
	go func() {
		for {
			request, err := pipe.Receive[script.Request](suite)
			if err != nil {
				ended <- err
				return
			}
			requests <- request
		}
	}()
	for {
		select {
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case take := <-returned:
			take()
			if err := pipe.Send(suite, report(results, failed)); err != nil {
				return err
			}
		case request := <-requests:
			switch {
			case request.Cancel:
				cancel()
			case request.Again:
				if err := pipe.Send(suite, report(results, failed)); err != nil {
					return err
				}
			default:
				players, err := seat(os.Getenv(script.PlayerVariable), request.Players)
				if err != nil {
					return err
				}
				all = append(all, players...)
				ctx, end := context.WithCancel(context.Background())
				cancel = end
				go func() {
					r, err := answer.Deal(ctx, players, request.Cards, request.Chunk)
					returned <- func() { results, failed = r, err }
				}()
			}
		}
	}
}

func report(results []string, err error) script.Report {
	r := script.Report{Results: append([]string{}, results...)}
	if err == nil {
		return r
	}
	r.Error = err.Error()
	r.Todo = errors.Is(err, kit.ErrTODO)
	r.Ended = errors.Is(err, context.Canceled)
	r.Problems = problems(err)
	return r
}

// problems finds all CardErrors in what was joined.
func problems(err error) (all []script.Problem) {
	if card, ok := err.(*table.CardError); ok {
		_, died := errors.AsType[*table.DiedError](err)
		nobody := errors.Is(err, table.ErrNobody)
		return []script.Problem{{Card: card.Card, Died: died, Nobody: nobody, Own: !died && !nobody}}
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = append(all, problems(err)...)
		}
	case interface{ Unwrap() error }:
		all = problems(e.Unwrap())
	}
	return all
}
