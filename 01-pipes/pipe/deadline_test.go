package pipe_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

func TestATimeoutHasEveryName(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, r.SetDeadline(time.Now().Add(time.Millisecond)))
	_, err := r.ReceiveLine()
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, os.IsTimeout(pipe.ErrTimeout))
	require.EqualError(t, err, "pipe: receive line: time limit reached")
	require.NotErrorIs(t, err, pipe.ErrClosed)

	// The pipe is as good as before.
	require.NoError(t, r.SetDeadline(time.Time{}))
	require.NoError(t, pipe.SendInputs(w, pipe.Args{1, 2}, nil))
	in, err := pipe.Receive[pipe.Inputs](r)
	require.NoError(t, err)
	require.Len(t, in.Args, 2)
}

func TestADeadlineReachesAReaderThatWaitsAlready(t *testing.T) {
	r, _ := newPipe(t)
	result := make(chan error, 1)
	go func() {
		_, err := r.ReceiveLine()
		result <- err
	}()
	mustBlock(t, result)
	require.NoError(t, r.SetDeadline(time.Unix(1, 0)))
	require.ErrorIs(t, <-result, pipe.ErrTimeout)
}

// mustBlock shows that nothing has come yet. On a loaded machine it may show
// nothing at all; it never fails without a reason.
func mustBlock(t *testing.T, result <-chan error) {
	t.Helper()
	select {
	case err := <-result:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
}

func TestCloseWakesAReader(t *testing.T) {
	r, _ := newPipe(t)
	front, _ := newPair(t)
	blocking, _ := newPair(t)
	ends := []*pipe.Conn{r, front}
	if err := blocking.SetBlocking(); !errors.Is(err, errors.ErrUnsupported) {
		require.NoError(t, err)
		ends = append(ends, blocking)
	}
	for _, c := range ends {
		result := make(chan error, 1)
		go func() {
			_, err := c.ReceiveFrame()
			result <- err
		}()
		mustBlock(t, result)
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-result, pipe.ErrClosed)
	}
}

func TestCloseWakesAWriter(t *testing.T) {
	_, w := newPipe(t)
	result := make(chan error, 1)
	go func() { result <- w.SendFrame(make([]byte, 64<<20)) }()
	mustBlock(t, result)
	require.NoError(t, w.Close())
	require.ErrorIs(t, <-result, pipe.ErrClosed)
}

func TestABlockingConnHasNoDeadline(t *testing.T) {
	front, back := newPair(t)
	if err := front.SetBlocking(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else {
		require.NoError(t, err)
	}
	require.ErrorIs(t, front.SetDeadline(time.Now()), os.ErrNoDeadline)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.ErrorIs(t, front.Within(ctx, func() error { panic("not reached") }), os.ErrNoDeadline)
	require.NoError(t, front.Within(context.Background(), func() error { return nil }), "nothing to wait for")

	go back.SendFrame([]byte("x"))
	_, err := front.ReceiveFrame()
	require.NoError(t, err)
}

func TestWithin(t *testing.T) {
	r, w := newPipe(t)
	receive := func() error {
		_, err := r.ReceiveLine()
		return err
	}

	t.Run("time over", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, r.Within(ctx, receive), pipe.ErrTimeout)
	})
	t.Run("time over, with a cause", func(t *testing.T) {
		cause := errors.New("the user has left")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
		defer cancel()
		err := r.Within(ctx, receive)
		require.ErrorIs(t, err, pipe.ErrTimeout)
		require.ErrorIs(t, err, cause)
	})
	t.Run("cancelled", func(t *testing.T) {
		cause := errors.New("ctrl-c")
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.Within(ctx, receive) }()
		mustBlock(t, result)
		cancel(cause)
		err := <-result
		require.ErrorIs(t, err, cause)
		require.NotErrorIs(t, err, pipe.ErrTimeout)
	})
	t.Run("ready beats ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 200 {
			require.NoError(t, w.SendLine([]byte("here")))
			require.NoError(t, r.Within(ctx, receive))
		}
	})
	t.Run("the deadline of before holds again", func(t *testing.T) {
		limit(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, r.Within(ctx, receive), context.Canceled)
		go w.SendLine([]byte("later"))
		require.NoError(t, receive(), "the alarm of an ended context went off in the next call")
	})
	t.Run("an error of another kind stays", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		other := errors.New("other")
		require.ErrorIs(t, r.Within(ctx, func() error { cancel(); return other }), other)
	})
}

// A time limit for a poll must not cost a byte: 1,000 of them, and the message
// that was on its way is whole.
func TestAThousandTimeouts(t *testing.T) {
	r, w := newPipe(t)
	for i := range 1000 {
		poll(t, r, pipe.ErrTimeout)
		if i%100 == 0 {
			_, err := w.Write([]byte("x"))
			require.NoError(t, err)
		}
	}
	_, err := w.Write([]byte("\n"))
	require.NoError(t, err)
	line, err := r.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "xxxxxxxxxx\n", string(line))
}

func TestASendThatTimesOut(t *testing.T) {
	front, back := newPair(t)
	require.NoError(t, front.SetWriteDeadline(time.Unix(1, 0)))
	require.NoError(t, front.SendFrame([]byte("there is room: ready beats expired")))
	sent := 1
	var err error
	for err == nil {
		if err = front.SendFrame(make([]byte, 1000)); err == nil {
			sent++
		}
	}
	require.ErrorIs(t, err, pipe.ErrTimeout)
	if !errors.Is(err, pipe.ErrCutShort) {
		// Cut between two messages. Nothing is lost and sending can go on.
		for range sent {
			_, err := back.ReceiveFrame()
			require.NoError(t, err)
		}
		require.NoError(t, front.SendFrame([]byte("again")))
		frame, err := back.ReceiveFrame()
		require.NoError(t, err)
		require.Equal(t, "again", string(frame))
	}

	// Cut inside a message: this end must not send another one.
	err = front.SendFrame(make([]byte, 64<<20))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorIs(t, err, pipe.ErrCutShort)
	require.NoError(t, front.SetWriteDeadline(time.Time{}))
	err = front.SendFrame([]byte("x"))
	require.ErrorIs(t, err, pipe.ErrCutShort)
	require.NotErrorIs(t, err, pipe.ErrTimeout)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other, _ := newPair(t)
	err = other.Within(ctx, func() error { return other.SendFrame(make([]byte, 64<<20)) })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, pipe.ErrCutShort)
}

func TestCloseRead(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		for range 50 { // it may come before the receive, or while that waits
			front, back := newPair(t)
			if blocking {
				if err := front.SetBlocking(); errors.Is(err, errors.ErrUnsupported) {
					t.Skip(err)
				}
			}
			ended := make(chan error)
			go func() {
				_, err := front.ReceiveFrame()
				ended <- err
			}()
			err := front.CloseRead()
			if errors.Is(err, errors.ErrUnsupported) {
				back.Close()
				<-ended
				t.Skip(err)
			}
			require.NoError(t, err)
			require.ErrorIs(t, <-ended, io.EOF)
			require.NoError(t, front.SendFrame([]byte("the last word")))
			word, err := back.ReceiveFrame()
			require.NoError(t, err)
			require.Equal(t, "the last word", string(word))
			require.Error(t, back.SendFrame([]byte("too late")))
			require.NoError(t, front.Close())
			require.ErrorIs(t, front.CloseRead(), pipe.ErrClosed)
		}
	}
	r, _ := newPipe(t)
	require.ErrorIs(t, r.CloseRead(), errors.ErrUnsupported)
}
