package selector_test

import (
	_ "embed"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// BenchmarkTimedRead reads messages that are there already: what does a limit
// cost that is not needed? One operation is one message, sent and read in one
// process. "untimed" is the same without a limit, "stdin" the way of a
// descriptor that has no deadlines, and "select" one wait of a Selector before
// each read.
func BenchmarkTimedRead(b *testing.B) {
	read := func(b *testing.B, receive func(r *pipe.Conn) error) {
		r, w := newPair(b)
		for b.Loop() {
			if err := pipe.SendInputs(w, pipe.Args{1}, nil); err != nil {
				b.Fatal(err)
			}
			if err := receive(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("untimed", func(b *testing.B) {
		read(b, func(r *pipe.Conn) error {
			_, err := pipe.Receive[pipe.Inputs](r)
			return err
		})
	})
	b.Run("timed", func(b *testing.B) {
		read(b, func(r *pipe.Conn) error {
			_, err := selector.ReadInputs(r, selector.DefaultTimeout)
			return err
		})
	})
	b.Run("stdin", func(b *testing.B) {
		blocking := false
		read(b, func(r *pipe.Conn) error {
			if !blocking {
				blocking = true
				if err := r.SetBlocking(); err != nil {
					b.Skip(err)
				}
			}
			_, err := selector.ReadInputs(r, selector.DefaultTimeout)
			return err
		})
	})
	b.Run("select", func(b *testing.B) {
		s := newSelector(b)
		read(b, func(r *pipe.Conn) error {
			if s.Len() == 0 {
				if err := s.Register(r, "r"); err != nil {
					return err
				}
			}
			if _, err := s.Select(b.Context()); err != nil {
				return err
			}
			_, err := pipe.Receive[pipe.Inputs](r)
			return err
		})
	})
}

//go:embed testdata/cpython.py
var cpythonScript string

// BenchmarkCPython does the same with Python's selectors, as its documentation
// shows it: a selector for each wait, and a line of JSON.
func BenchmarkCPython(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	n := max(b.N, 20_000)
	out, err := exec.Command(python, "-c", cpythonScript, strconv.Itoa(n)).Output()
	if err != nil {
		b.Fatal(err)
	}
	seconds, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(seconds)/float64(n), "ns/op")
}
