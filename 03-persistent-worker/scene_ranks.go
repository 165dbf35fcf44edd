package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// Primes is the answer of the parallel program.
type Primes struct {
	Count int
	PIDs  []int // the ranks, rank 0 first
}

// ranks asks a program that consists of several processes, as an MPI program
// does. All of them compute, but only rank 0 reads the inputs and answers: if
// each did, every input would be read by one of them, by chance, and there would
// be as many answers as ranks.
func ranks(ctx context.Context, out io.Writer) error {
	c := program("rank 0")
	c.Dialect = worker.Envelope
	w := worker.New(c)
	defer w.Close(context.WithoutCancel(ctx))
	for _, limit := range []int{1000, 300_000} {
		answer, err := worker.Call[Primes](ctx, w, limit)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d primes below %d, counted by %d processes; one answer, from pid %d\n",
			answer.Count, limit, len(answer.PIDs), w.PID())
	}
	return nil
}

// share is what one rank is to do: the numbers From, From+Step, … below To.
type share struct{ From, To, Step int }

// rankZero is the program. It starts the other ranks, and then it is a worker
// like any other.
func rankZero() error {
	const n = 4
	answer := Primes{PIDs: []int{os.Getpid()}}
	var others []*pipe.Conn
	for range n - 1 {
		front, err := startRank()
		if err != nil {
			return err
		}
		pid, err := pipe.Receive[int](front)
		if err != nil {
			return err
		}
		others = append(others, front)
		answer.PIDs = append(answer.PIDs, pid)
	}
	return worker.Serve(func(_ context.Context, in pipe.Inputs) (any, error) {
		limit, err := pipe.Arg[int](in, 0)
		if err != nil {
			return nil, err
		}
		for i, other := range others {
			if err := pipe.Send(other, share{i + 1, limit, n}); err != nil {
				return nil, err
			}
		}
		answer.Count = countPrimes(share{0, limit, n})
		for _, other := range others {
			count, err := pipe.Receive[int](other)
			if err != nil {
				return nil, err
			}
			answer.Count += count
		}
		return answer, nil
	})
}

func startRank() (*pipe.Conn, error) {
	front, back, err := pipe.Pair()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"=rank")
	// Nobody stops it: it goes when rank 0 does, at the end of its input at the latest.
	_, err = child.Start(cmd, child.Options{Name: "rank", Channel: back})
	return front, err
}

// rank is one of the others. It never touches stdin and stdout.
func rank() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	if err := pipe.Send(c, os.Getpid()); err != nil {
		return err
	}
	for {
		s, err := pipe.Receive[share](c)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pipe.Send(c, countPrimes(s)); err != nil {
			return err
		}
	}
}

func countPrimes(s share) (count int) {
	for n := s.From; n < s.To; n += s.Step {
		if isPrime(n) {
			count++
		}
	}
	return count
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
