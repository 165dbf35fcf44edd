package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// A member is one of the children that are waited for.
type member struct {
	number int
	conn   *pipe.Conn
	cmd    *exec.Cmd
	exited *selector.Exited
}

// news is what can happen: a member says something, or is no more.
type news struct {
	from  *member
	ended bool
}

// many asks fifty children at once. Each answers after a random time; one of
// them dies instead. One goroutine waits for all of it.
func many(ctx context.Context, out io.Writer) error {
	s, err := selector.New[news]()
	if err != nil {
		return err
	}
	defer s.Close()
	const n, victim = 50, 13
	members, err := startMembers(s, n)
	defer func() {
		for _, m := range members {
			m.end()
		}
	}()
	if err != nil {
		return err
	}

	for _, m := range members {
		if m.number == victim {
			err = m.cmd.Process.Kill()
		} else {
			err = pipe.Send(m.conn, m.number)
		}
		if err != nil {
			return err
		}
	}
	var answers, deaths, waits int
	var order []int
	begin, cpu := time.Now(), cpuTime()
	for answers+deaths < n {
		ready, err := s.Select(ctx)
		if err != nil {
			return err
		}
		waits++
		for _, event := range ready {
			m := event.from
			if event.ended {
				s.Unregister(m.exited)
				deaths++
				fmt.Fprintf(out, "child %d has ended without an answer\n", m.number)
				continue
			}
			s.Unregister(m.conn) // one answer, or the end, is all that comes
			if got, err := pipe.Receive[int](m.conn); err == nil && got == m.number {
				answers++
				s.Unregister(m.exited)
				order = append(order, got)
			}
		}
	}
	fmt.Fprintf(out, "%d answers and %d death in %d waits: %d ms, %.1f ms of CPU\n", answers, deaths, waits,
		time.Since(begin).Milliseconds(), (cpuTime()-cpu).Seconds()*1000)
	fmt.Fprintf(out, "the first to answer: %v\n", order[:5])
	return nil
}

func startMembers(s *selector.Selector[news], n int) (members []*member, err error) {
	for number := range n {
		front, back, err := pipe.Pair()
		if err != nil {
			return members, err
		}
		m := &member{number: number, conn: front}
		members = append(members, m)
		m.cmd, err = command("answer-late")
		if err == nil {
			back.Give(m.cmd)
			err = m.cmd.Start()
		}
		back.Close()
		if err == nil {
			m.exited, err = selector.Exit(m.cmd.Process)
		}
		if err == nil {
			err = s.Register(m.conn, news{m, false})
		}
		if err == nil {
			err = s.Register(m.exited, news{m, true})
		}
		if err != nil {
			return members, err
		}
	}
	return members, nil
}

// end closes the channel, which ends the child, and waits for it.
func (m *member) end() {
	m.conn.Close()
	if m.exited != nil {
		m.exited.Close()
	}
	if m.cmd != nil && m.cmd.Process != nil {
		m.cmd.Wait()
	}
}

// answerLate waits for a number and sends it back after a random time.
func answerLate() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		number, err := pipe.Receive[int](c)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		time.Sleep(rand.N(500 * time.Millisecond)) // the work
		if err := pipe.Send(c, number); err != nil {
			return err
		}
	}
}
