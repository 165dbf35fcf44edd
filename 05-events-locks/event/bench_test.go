//go:build unix

package event_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/event"
)

type match struct {
	Ping, Pong *event.Event
	Times      int
}

var player = process.Service("player", func(ctx context.Context, m match, front *pipe.Conn) error {
	if err := pipe.Send(front, "here"); err != nil {
		return err
	}
	return play(m.Ping, m.Pong, m.Times)
})

func play(waits, sets *event.Event, times int) error {
	for range times {
		if err := waits.Wait(context.Background()); err != nil {
			return err
		}
		if err := waits.Clear(); err != nil {
			return err
		}
		if err := sets.Set(); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkWake is the way from Set in one process until Wait has returned in another,
// and it has cleared the event: half of a ping-pong with two events.
func BenchmarkWake(b *testing.B) {
	m := match{newEvent(b), newEvent(b), (b.N + 1) / 2}
	s := processtest.Start(b, player, m)
	s.Says(b, "here")
	b.ResetTimer()
	require.NoError(b, m.Ping.Set())
	require.NoError(b, play(m.Pong, m.Ping, m.Times-1))
	require.NoError(b, m.Pong.Wait(context.Background()))
	b.StopTimer()
	_, err := s.Result(context.Background())
	require.NoError(b, err)
}

// BenchmarkCPython is the same with Python's multiprocessing.Event.
func BenchmarkCPython(b *testing.B) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	n := max(b.N, 1000)
	cmd := exec.Command(path, "testdata/cpython.py", strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(b, err)
	elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
	require.NoError(b, err)
	b.ReportMetric(float64(elapsed)/float64(n), "ns/op")
}
