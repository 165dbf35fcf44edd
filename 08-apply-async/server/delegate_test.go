//go:build unix

package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/04-fork-order/texture"
)

// The delegate by itself: it answers Xy, returns on a fault and on Stop, and ignores the rest.
func TestTheDelegate(t *testing.T) {
	for _, end := range []struct {
		last message
		is   func(t *testing.T, err error)
	}{
		{message{Type: "Stop"}, func(t *testing.T, err error) { require.ErrorIs(t, err, process.ErrAborted) }},
		{message{Type: "Faulted", Fault: "the power is gone"}, func(t *testing.T, err error) { require.ErrorContains(t, err, "the power is gone") }},
		{message{}, func(t *testing.T, err error) { require.NoError(t, err) }}, // the pipe is closed
	} {
		t.Run(end.last.Type, func(t *testing.T) {
			task := delegateBackend.New(struct{}{}, processtest.Quiet(t))
			require.NoError(t, task.Start())
			c := task.Conn()
			for _, m := range []message{
				{Type: "Timer"},
				{Type: "Xy", ReturnAddress: 7, Size: texture.Size{X: 2, Y: 1}},
				{Type: "Hello"},
				{Type: "Xy", ReturnAddress: 8, Size: texture.Size{X: 0, Y: 1}},
			} {
				require.NoError(t, pipe.Send(c, m))
			}
			r, err := pipe.Receive[reply](c)
			require.NoError(t, err)
			require.Equal(t, 7, r.ReturnAddress)
			require.JSONEq(t, "[[0,0.8828125]]", string(r.Rows))
			r, err = pipe.Receive[reply](c)
			require.NoError(t, err)
			require.Equal(t, 8, r.ReturnAddress)
			require.Contains(t, r.Error, "must be at least 1")
			if end.last.Type != "" {
				require.NoError(t, pipe.Send(c, end.last))
			}
			require.NoError(t, c.CloseWrite())
			_, err = task.Result(processtest.Within(t))
			end.is(t, err)
			require.NoError(t, task.Join(processtest.Within(t)))
			require.NoError(t, c.Close())
		})
	}
}

// With -log, the server says what has become of each connection, request and process.
func TestLog(t *testing.T) {
	var log processtest.Buffer
	process.SetLogger(process.NewLogger(&log))
	defer process.SetLogger(nil)
	r := start(t, Config{Mode: "delegate", Log: true})
	for range 2 {
		status, _ := r.get(t, "/Xy?x=1&y=1")
		require.Equal(t, 200, status)
	}
	require.ErrorIs(t, r.stop(), process.ErrAborted)
	for _, part := range []string{
		"created", "started", "object=delegate-", "destroyed",
		`msg=created process=main pid=PID object=connection-1 by=127.0.0.1:`,
		`msg=created process=main pid=PID object=request-1 by=connection-1 what="GET /Xy?x=1&y=1"`,
		`object=request-2 by=connection-1`,
		`msg=destroyed process=main pid=PID object=request-2 status=200`,
		`msg=destroyed process=main pid=PID object=connection-1`,
	} {
		part = strings.ReplaceAll(part, "PID", strconv.Itoa(os.Getpid()))
		require.Contains(t, log.String(), part)
	}
}
