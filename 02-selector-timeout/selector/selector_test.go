package selector_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

func newSelector(t testing.TB) *selector.Selector[string] {
	t.Helper()
	s, err := selector.New[string]()
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// sel selects with a hang detector.
func sel[K any](t testing.TB, s *selector.Selector[K]) []K {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	keys, err := s.Select(ctx)
	require.NoError(t, err)
	return keys
}

// nothing wants a look to find nothing.
func nothing[K any](t testing.TB, s *selector.Selector[K]) {
	t.Helper()
	keys, err := s.Select(past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout, "%v", keys)
}

// past is a context whose time is over: Select only looks.
func past(t testing.TB) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	t.Cleanup(cancel)
	return ctx
}

func TestSelectTellsWhoIsReady(t *testing.T) {
	s := newSelector(t)
	a, toA := newPipe(t)
	b, toB := newPair(t)
	require.NoError(t, s.Register(a, "a"))
	require.NoError(t, s.Register(b, "b"))
	require.Equal(t, 2, s.Len())
	nothing(t, s)

	require.NoError(t, pipe.Send(toB, 1))
	require.Equal(t, []string{"b"}, sel(t, s))
	require.NoError(t, pipe.Send(toA, 1))
	require.Equal(t, []string{"a", "b"}, sel(t, s)) // b was not read: it is still ready
	_, err := pipe.Receive[int](b)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, sel(t, s))
	_, err = pipe.Receive[int](a)
	require.NoError(t, err)
	nothing(t, s)

	require.NoError(t, toA.Close()) // the end of the input is news
	require.Equal(t, []string{"a"}, sel(t, s))
	require.Equal(t, []string{"a"}, sel(t, s))
	s.Unregister(a)
	s.Unregister(a)
	require.Equal(t, 1, s.Len())
	nothing(t, s)
}

// One read brought two messages. The descriptor knows of none any more.
func TestBufferedDataIsReady(t *testing.T) {
	s := newSelector(t)
	r, w := newPipe(t)
	quiet, loud := newPipe(t)
	require.NoError(t, s.Register(r, "r"))
	require.NoError(t, s.Register(quiet, "quiet"))
	_, err := w.Write([]byte("1\n2\n3"))
	require.NoError(t, err)
	for want := 1; want <= 2; want++ {
		require.Equal(t, []string{"r"}, sel(t, s))
		got, err := pipe.Receive[int](r)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	// Half a message is in the buffer. It has not been looked at, so it counts once …
	require.Equal(t, []string{"r"}, sel(t, s))
	require.NoError(t, r.SetReadDeadline(time.Unix(1, 0)))
	_, err = r.ReceiveLine()
	require.ErrorIs(t, err, pipe.ErrTimeout)
	nothing(t, s) // … and no more: only the descriptor can bring the rest.

	_, err = w.Write([]byte("\n4\n"))
	require.NoError(t, err)
	_, err = r.ReceiveLine()
	require.NoError(t, err)
	require.NoError(t, pipe.Send(loud, 1))
	require.Equal(t, []string{"r", "quiet"}, sel(t, s)) // a buffer does not hide the others
}

func TestTheEndOfAContext(t *testing.T) {
	s := newSelector(t)
	r, w := newPipe(t)
	require.NoError(t, s.Register(r, "r"))

	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	_, err := s.Select(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.EqualError(t, err, "selector: select: time limit reached")

	why := errors.New("no reason")
	ctx2, cancel2 := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Select(ctx2)
		result <- err
	}()
	cancel2(why)
	require.ErrorIs(t, <-result, why)

	// Afterwards it is as good as before, and what is ready beats what has expired.
	nothing(t, s)
	require.NoError(t, pipe.Send(w, 1))
	keys, err := s.Select(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"r"}, keys)
	keys, err = s.Select(ctx2)
	require.NoError(t, err)
	require.Equal(t, []string{"r"}, keys)
}

func TestCloseWakesSelect(t *testing.T) {
	s := newSelector(t)
	r, _ := newPipe(t)
	require.NoError(t, s.Register(r, "r"))
	result := make(chan error, 1)
	go func() {
		_, err := s.Select(t.Context())
		result <- err
	}()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-result, pipe.ErrClosed)
	_, err := s.Select(t.Context())
	require.ErrorIs(t, err, pipe.ErrClosed)
	require.ErrorIs(t, s.Register(r, "r"), pipe.ErrClosed)
	s.Unregister(r)
	require.NoError(t, s.Close())
	require.NoError(t, r.Close())
}

func TestRegisterReachesASelectThatWaits(t *testing.T) {
	for _, name := range []string{"pipe", "buffered", "file"} {
		t.Run(name, func(t *testing.T) {
			s := newSelector(t)
			result := make(chan []string, 1)
			go func() {
				keys, _ := s.Select(t.Context())
				result <- keys
			}()
			r, w := newPipe(t)
			switch name {
			case "pipe":
				require.NoError(t, pipe.Send(w, 1))
			case "buffered":
				_, err := w.Write([]byte("1\n2\n"))
				require.NoError(t, err)
				_, err = r.ReceiveLine()
				require.NoError(t, err)
			case "file":
				r = newFile(t)
			}
			require.NoError(t, s.Register(r, name))
			require.Equal(t, []string{name}, <-result)
		})
	}
}

func newFile(t *testing.T) *pipe.Conn {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("1\n"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	c, err := pipe.Files(f, nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// epoll refuses files. They are always ready.
func TestAFileIsAlwaysReady(t *testing.T) {
	s := newSelector(t)
	c := newFile(t)
	require.NoError(t, s.Register(c, "file"))
	for range 3 {
		require.Equal(t, []string{"file"}, sel(t, s))
		_, _ = c.ReceiveLine()
	}
	s.Unregister(c)
	nothing(t, s)
}

func TestMisuse(t *testing.T) {
	s := newSelector(t)
	r, _ := newPipe(t)
	require.NoError(t, s.Register(r, "one"))
	require.ErrorContains(t, s.Register(r, "two"), "registered already")
	require.NoError(t, r.Close())
	require.Equal(t, []string{"one"}, sel(t, s)) // a read would not wait: it says that r is closed
	s.Unregister(r)
	require.ErrorIs(t, s.Register(r, "three"), pipe.ErrClosed)
}

func TestAThousandSources(t *testing.T) {
	const n = 1000
	s, err := selector.New[int]()
	require.NoError(t, err)
	defer s.Close()
	var readers, writers []*pipe.Conn
	for i := range n {
		r, w := newPipe(t)
		require.NoError(t, s.Register(r, i))
		readers, writers = append(readers, r), append(writers, w)
	}
	nothing(t, s)
	before := s.Looks()
	ctx, cancel := context.WithTimeout(t.Context(), 10*short)
	defer cancel()
	_, err = s.Select(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	if runtime.GOOS != "windows" {
		// It slept. (A loop that looks every millisecond would have looked 200 times.)
		require.LessOrEqual(t, s.Looks()-before, int64(20))
	}
	for i := range n {
		if i%3 == 0 {
			require.NoError(t, pipe.Send(writers[i], i))
		}
	}
	seen := map[int]bool{}
	for len(seen) < (n+2)/3 {
		for _, i := range sel(t, s) {
			got, err := pipe.Receive[int](readers[i])
			require.NoError(t, err)
			require.Equal(t, i, got)
			require.False(t, seen[i])
			seen[i] = true
		}
	}
	nothing(t, s)
}

// A thousand waits and not one descriptor more.
func TestAWaitLeavesNothing(t *testing.T) {
	leaktest.Check(t)
	s, err := selector.New[string]()
	require.NoError(t, err)
	r, w, err := pipe.New()
	require.NoError(t, err)
	require.NoError(t, s.Register(r, "r"))
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Microsecond)
		_, err := s.Select(ctx)
		cancel()
		require.ErrorIs(t, err, pipe.ErrTimeout)
	}
	require.NoError(t, s.Close())
	r.Close()
	w.Close()
}

// Everything at once, from everywhere; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	s, err := selector.New[*pipe.Conn]()
	require.NoError(t, err)
	defer s.Close()
	const writers, messages = 8, 50
	var received sync.Map
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var group sync.WaitGroup
	for i := range writers {
		r, w := newPipe(t)
		require.NoError(t, s.Register(r, r))
		group.Go(func() {
			for m := range messages {
				_ = pipe.Send(w, i*messages+m)
				runtime.Gosched()
			}
			w.Close()
		})
		group.Go(func() { // and somebody comes and goes all the time
			for range messages {
				c, d, err := pipe.New()
				if err == nil && s.Register(c, c) == nil {
					s.Unregister(c)
					c.Close()
					d.Close()
				}
			}
		})
	}
	for range 4 {
		group.Go(func() {
			for s.Len() > 0 {
				wait, stop := context.WithTimeout(ctx, short)
				keys, err := s.Select(wait)
				stop()
				if err != nil && (!errors.Is(err, pipe.ErrTimeout) || ctx.Err() != nil) {
					t.Errorf("select: %v", err)
					return
				}
				for _, c := range keys {
					_ = c.SetReadDeadline(time.Unix(1, 0)) // another one may have been faster
					n, err := pipe.Receive[int](c)
					if err == nil {
						if _, twice := received.LoadOrStore(n, true); twice {
							t.Errorf("%d came twice", n)
						}
					} else if err == io.EOF || errors.Is(err, pipe.ErrClosed) {
						s.Unregister(c)
					}
				}
			}
		})
	}
	group.Wait()
	var all []int
	received.Range(func(n, _ any) bool { all = append(all, n.(int)); return true })
	slices.Sort(all)
	require.Len(t, all, writers*messages)
}

func TestManyChildrenInOneWait(t *testing.T) {
	const n = 8
	s, err := selector.New[int]()
	require.NoError(t, err)
	defer s.Close()
	var conns []*pipe.Conn
	for i := range n {
		c, _ := withRole(t, "send", nil)
		require.NoError(t, s.Register(c, i))
		require.NoError(t, pipe.Send(c, i))
		conns = append(conns, c)
	}
	seen := map[int]bool{}
	for len(seen) < n {
		for _, i := range sel(t, s) {
			got, err := pipe.Receive[int](conns[i])
			require.NoError(t, err)
			require.Equal(t, i, got)
			seen[got] = true
		}
	}
}

// A Selector is itself something that a Selector can wait for.
func TestASelectorOfSelectors(t *testing.T) {
	inner, outer := newSelector(t), newSelector(t)
	r, w, err := pipe.New()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	require.NoError(t, inner.Register(r, "message"))
	if err := outer.Register(inner, "inner"); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("a Selector has no descriptor here")
	} else {
		require.NoError(t, err)
	}
	nothing(t, outer)
	require.NoError(t, pipe.Send(w, "one"))
	require.NoError(t, pipe.Send(w, "two"))
	require.Equal(t, []string{"inner"}, sel(t, outer))
	require.Equal(t, []string{"message"}, sel(t, inner))
	_, err = pipe.Receive[string](r)
	require.NoError(t, err)
	require.Equal(t, []string{"inner"}, sel(t, outer), "the next one has left the kernel with the first")
	_, err = pipe.Receive[string](r)
	require.NoError(t, err)
	nothing(t, outer)
	require.NoError(t, inner.Close())
	require.Equal(t, []string{"inner"}, sel(t, outer), "closed: a read says so, and does not wait")
}
