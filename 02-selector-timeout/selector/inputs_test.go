package selector_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

const short = 20 * time.Millisecond

func TestFourOutcomes(t *testing.T) {
	r, w := newPipe(t)
	require.Equal(t, "timeout", outcome(selector.ReadInputs(r, short)))
	require.NoError(t, pipe.SendInputs(w, pipe.Args{1}, pipe.Kwargs{"test": "hello!"}))
	in, err := selector.ReadInputs(r, patience)
	require.NoError(t, err)
	require.Equal(t, "hello!", in.Kwargs["test"])
	require.NoError(t, w.SendLine([]byte("no JSON")))
	require.Equal(t, "garbage", outcome(selector.ReadInputs(r, patience)))
	require.NoError(t, pipe.SendInputs(w, pipe.Args{2}, nil)) // and the next is fine
	require.Equal(t, "message [2]", outcome(selector.ReadInputs(r, patience)))
	require.NoError(t, w.Close())
	for range 3 { // the end comes at once, long before the limit, and again and again
		_, err = selector.ReadInputs(r, patience)
		require.Equal(t, io.EOF, err)
	}
	require.NoError(t, r.Close())
	require.Equal(t, "closed", outcome(selector.ReadInputs(r, patience)))

	r, w = newPipe(t)
	_, err = w.Write([]byte(`{"args":[25`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, "cut short", outcome(selector.ReadInputs(r, patience)))
}

// Half a line makes the descriptor readable. Who then reads to the end of the
// line waits for ever, whatever limit there was.
func TestTheLimitCoversTheWholeMessage(t *testing.T) {
	r, w := newPipe(t)
	_, err := w.Write([]byte(`{"args":[1`))
	require.NoError(t, err)
	require.Equal(t, "timeout", outcome(selector.ReadInputs(r, short)))
	require.Equal(t, "timeout", outcome(selector.ReadInputs(r, 0)))
	_, err = w.Write([]byte(`,2],"kwargs":{}}` + "\n"))
	require.NoError(t, err)
	require.Equal(t, "message [1 2]", outcome(selector.ReadInputs(r, patience)))
}

// The second message came with the read that brought the first. Its descriptor
// says "nothing there".
func TestBackToBack(t *testing.T) {
	r, w := newPipe(t)
	_, err := w.Write([]byte("{\"args\":[1]}\n{\"args\":[2]}\n"))
	require.NoError(t, err)
	require.Equal(t, "message [1]", outcome(selector.ReadInputs(r, patience)))
	require.NotZero(t, r.Buffered())
	require.Equal(t, "message [2]", outcome(selector.ReadInputs(r, 0)))
	require.Zero(t, r.Buffered())
}

func TestReadyBeatsExpired(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, pipe.SendInputs(w, pipe.Args{1}, nil))
	require.NoError(t, pipe.SendInputs(w, pipe.Args{2}, nil))
	require.Equal(t, "message [1]", outcome(selector.ReadInputs(r, -time.Hour)))
	require.Equal(t, "message [2]", outcome(selector.ReadInputs(r, 0)))
	require.Equal(t, "timeout", outcome(selector.ReadInputs(r, 0)))
	require.NoError(t, w.Close())
	require.Equal(t, "end", outcome(selector.ReadInputs(r, 0)))
}

// A reader that was given up, but not ended, would take the next message.
func TestAThousandTimeoutsLeaveNothing(t *testing.T) {
	leaktest.Check(t)
	r, w := newPipe(t)
	for range 1000 {
		require.Equal(t, "timeout", outcome(selector.ReadInputs(r, 10*time.Microsecond)))
	}
	for n := range 10 {
		require.NoError(t, pipe.SendInputs(w, pipe.Args{n}, nil))
		in, err := selector.ReadInputs(r, patience)
		require.NoError(t, err)
		got, err := pipe.Arg[int](in, 0)
		require.NoError(t, err)
		require.Equal(t, n, got)
	}
	r.Close() // before Check looks
	w.Close()
}

func TestOneLimitReplacesAnother(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, r.SetReadDeadline(time.Unix(1, 0))) // long ago
	result := make(chan string, 1)
	go func() { result <- outcome(selector.ReadInputs(r, patience)) }()
	select {
	case got := <-result:
		t.Fatalf("did not wait: %s", got)
	case <-time.After(short):
	}
	require.NoError(t, pipe.SendInputs(w, pipe.Args{1}, nil))
	require.Equal(t, "message [1]", <-result)
}

func TestTheLimitIsGoneAfterwards(t *testing.T) {
	r, w := newPipe(t)
	require.Equal(t, "timeout", outcome(selector.ReadInputs(r, time.Nanosecond)))
	sent := make(chan error, 1)
	go func() { sent <- pipe.SendInputs(w, pipe.Args{1}, nil) }()
	_, err := pipe.Receive[pipe.Inputs](r) // waits, without a limit
	require.NoError(t, err)
	require.NoError(t, <-sent)
}

func TestInputs(t *testing.T) {
	r, w := newPipe(t)
	_, err := w.Write([]byte("{\"args\":[1]}\nnonsense\n{\"args\":[2]}\n"))
	require.NoError(t, err)
	var got []string
	for in, err := range selector.Inputs(r, short) { // ends because nothing more comes
		got = append(got, outcome(in, err))
	}
	require.Equal(t, []string{"message [1]", "garbage", "message [2]"}, got)

	require.NoError(t, pipe.SendInputs(w, pipe.Args{3}, nil))
	require.NoError(t, pipe.SendInputs(w, pipe.Args{4}, nil))
	for in, err := range selector.Inputs(r, patience) {
		require.Equal(t, "message [3]", outcome(in, err))
		break // what follows stays in the pipe
	}
	require.NoError(t, w.Close())
	got = nil
	for in, err := range selector.Inputs(r, patience) { // ends because the input does
		got = append(got, outcome(in, err))
	}
	require.Equal(t, []string{"message [4]"}, got)

	r, w = newPipe(t)
	_, err = w.Write([]byte(`{"args"`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	got = nil
	for in, err := range selector.Inputs(r, patience) {
		got = append(got, outcome(in, err))
	}
	require.Equal(t, []string{"cut short"}, got)
}

func TestDefaults(t *testing.T) {
	require.Equal(t, 15*time.Second, selector.DefaultTimeout)
	require.Equal(t, 5*time.Second, selector.DefaultIdle)
}
