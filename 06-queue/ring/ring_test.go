//go:build unix

package ring_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/ring"
)

func newRing(t testing.TB, c ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func newWriter(t testing.TB, r *ring.Ring) *ring.Writer {
	t.Helper()
	w, err := r.Writer(processtest.Within(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func newReader(t testing.TB, r *ring.Ring) *ring.Reader {
	t.Helper()
	reader, err := r.Reader(processtest.Within(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, reader.Close()) })
	return reader
}

// frame returns one that shows which it is, and whether it is whole.
func frame(n, size int) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(n)), size/8)
}

// numberOf is the inverse.
func numberOf(t testing.TB, frame []byte) int {
	t.Helper()
	for i := 0; i < len(frame); i += 8 {
		if !bytes.Equal(frame[:8], frame[i:i+8]) {
			t.Fatalf("a frame of %d bytes begins as %x, and goes on at %d with %x", len(frame), frame[:8], i, frame[i:i+8])
		}
	}
	return int(binary.BigEndian.Uint64(frame))
}

func TestFramesInOrder(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 3, MaxFrame: 1 << 20})
	w, reader := newWriter(t, r), newReader(t, r)
	var buf []byte
	for n, size := range []int{0, 1, 63, 64, 65, 4095, 1 << 20, 0, 300 << 10, 1<<20 - 1} {
		want := bytes.Repeat([]byte{byte(n + 1)}, size)
		require.NoError(t, w.Write(processtest.Within(t), want))
		got, err := reader.Read(processtest.Within(t), buf)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "frame %d", n)
		buf = got
	}
	require.ErrorContains(t, w.Write(t.Context(), make([]byte, 1<<20+1)), "see Config.MaxFrame")
	buf = make([]byte, 0, 100)
	require.NoError(t, w.Write(t.Context(), []byte("there")))
	got, err := reader.Read(t.Context(), buf)
	require.NoError(t, err)
	require.Equal(t, "there", string(got))
	require.Same(t, &buf[:1][0], &got[0], "buf is used")
	require.Zero(t, reader.Lost())
}

// A slow reader makes the writer wait.
func TestFull(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 2, MaxFrame: 8})
	w, reader := newWriter(t, r), newReader(t, r)
	for n := range 2 {
		require.NoError(t, w.Write(processtest.Past(t), frame(n, 8)), "there is room, so a context that has ended does not matter")
	}
	require.ErrorIs(t, w.Write(processtest.Past(t), frame(2, 8)), pipe.ErrTimeout)
	wrote := make(chan error)
	go func() { wrote <- w.Write(context.Background(), frame(2, 8)) }()
	for n := range 3 {
		got, err := reader.Read(processtest.Within(t), nil)
		require.NoError(t, err)
		require.Equal(t, n, numberOf(t, got))
	}
	require.NoError(t, <-wrote)
	_, err := reader.Read(processtest.Past(t), nil)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = reader.Read(ctx, nil)
	require.ErrorIs(t, err, pipe.ErrTimeout)
}

func TestOverwrite(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 4, MaxFrame: 8, Overwrite: true})
	w, reader := newWriter(t, r), newReader(t, r)
	for n := range 20 {
		require.NoError(t, w.Write(t.Context(), frame(n, 8)))
	}
	for n := 16; n < 20; n++ {
		got, err := reader.Read(processtest.Past(t), nil)
		require.NoError(t, err)
		require.Equal(t, n, numberOf(t, got))
	}
	require.EqualValues(t, 16, reader.Lost())
}

// The end of the writer is the end of the input, once everything is read. Another one may
// go on.
func TestEnd(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 2, MaxFrame: 8})
	w, reader := newWriter(t, r), newReader(t, r)
	require.NoError(t, w.Write(t.Context(), frame(1, 8)))
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.ErrorIs(t, w.Write(t.Context(), nil), pipe.ErrClosed)
	got, err := reader.Read(processtest.Within(t), nil)
	require.NoError(t, err)
	require.Equal(t, 1, numberOf(t, got))
	_, err = reader.Read(processtest.Within(t), nil)
	require.Equal(t, io.EOF, err)

	w = newWriter(t, r)
	read := make(chan error)
	go func() { _, err := reader.Read(context.Background(), nil); read <- err }()
	require.NoError(t, w.Close())
	require.Equal(t, io.EOF, <-read, "also for a reader that waits")
}

// One writes and one reads; the next one waits until the place is free.
func TestTurns(t *testing.T) {
	r := newRing(t, ring.Config{})
	w, reader := newWriter(t, r), newReader(t, r)
	_, err := r.Writer(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	_, err = r.Reader(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	next := make(chan error)
	go func() {
		w, err := r.Writer(context.Background())
		if err == nil {
			err = w.Write(context.Background(), []byte("next"))
			_ = w.Close()
		}
		next <- err
	}()
	require.NoError(t, w.Write(t.Context(), []byte("first")))
	require.NoError(t, w.Close())
	for _, want := range []string{"first", "next"} {
		got, err := reader.Read(processtest.Within(t), nil)
		if err == io.EOF { // it may come between the two
			got, err = readNext(t, reader)
		}
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	require.NoError(t, <-next)
}

// readNext waits for the next writer. Read would return io.EOF until there is one.
func readNext(t *testing.T, r *ring.Reader) (got []byte, err error) {
	err = io.EOF
	for within := processtest.Within(t); err == io.EOF && within.Err() == nil; {
		got, err = r.Read(within, nil)
	}
	return got, err
}

func TestWakesWhoWaits(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 1, MaxFrame: 8})
	w, reader := newWriter(t, r), newReader(t, r)
	read, wrote := make(chan error), make(chan error)
	go func() { _, err := reader.Read(context.Background(), nil); read <- err }()
	require.NoError(t, reader.Close())
	require.ErrorIs(t, <-read, pipe.ErrClosed)
	require.NoError(t, w.Write(t.Context(), nil))
	go func() { wrote <- w.Write(context.Background(), nil) }()
	require.NoError(t, w.Close())
	require.ErrorIs(t, <-wrote, pipe.ErrClosed)
	_, err := reader.Read(t.Context(), nil)
	require.ErrorIs(t, err, pipe.ErrClosed)
	_, err = reader.SyscallConn()
	require.ErrorIs(t, err, pipe.ErrClosed)
	require.Zero(t, reader.Buffered())
}

// The process that has made the ring closes it.
func TestGone(t *testing.T) {
	r, err := ring.New(ring.Config{Slots: 1, MaxFrame: 8})
	require.NoError(t, err)
	defer r.Close()
	w, reader := newWriter(t, r), newReader(t, r)
	require.NoError(t, w.Write(t.Context(), frame(7, 8)))
	wrote := make(chan error)
	go func() { wrote <- w.Write(context.Background(), frame(8, 8)) }()
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-wrote, hub.ErrGone)
	got, err := reader.Read(processtest.Within(t), nil)
	require.NoError(t, err, "what is there can still be read")
	require.Equal(t, 7, numberOf(t, got))
	_, err = reader.Read(processtest.Within(t), nil)
	require.ErrorIs(t, err, hub.ErrGone)
	_, err = r.Writer(processtest.Within(t))
	require.Error(t, err)
	var none ring.Ring
	_, err = none.Reader(t.Context())
	require.ErrorContains(t, err, "was not made with New")
	require.NoError(t, none.Close())
	_, err = none.MarshalText()
	require.Error(t, err)
	for _, c := range []ring.Config{{Slots: -1}, {MaxFrame: -1}, {MaxFrame: 1 << 62}, {Slots: 1 << 40, MaxFrame: 1 << 40}} {
		_, err = ring.New(c)
		require.Error(t, err, c)
	}
}

// One wait covers messages and frames.
func TestSelector(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 4, MaxFrame: 8})
	w, reader := newWriter(t, r), newReader(t, r)
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	defer front.Close()
	defer back.Close()
	s, err := selector.New[string]()
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Register(reader, "frame"))
	require.NoError(t, s.Register(front, "message"))
	_, err = s.Select(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	for n := range 50 {
		if n%3 == 0 {
			require.NoError(t, pipe.Send(back, n))
			ready, err := s.Select(processtest.Within(t))
			require.NoError(t, err)
			require.Equal(t, []string{"message"}, ready)
			_, err = pipe.Receive[int](front)
			require.NoError(t, err)
		}
		wrote := make(chan error)
		go func() { wrote <- w.Write(context.Background(), frame(n, 8)) }()
		ready, err := s.Select(processtest.Within(t))
		require.NoError(t, err)
		require.Equal(t, []string{"frame"}, ready)
		require.NoError(t, <-wrote)
		got, err := reader.Read(processtest.Past(t), nil)
		require.NoError(t, err)
		require.Equal(t, n, numberOf(t, got))
	}
	_, err = s.Select(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.NoError(t, w.Close())
	ready, err := s.Select(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, []string{"frame"}, ready, "the end, too")
	_, err = reader.Read(processtest.Past(t), nil)
	require.Equal(t, io.EOF, err)
	s.Unregister(reader)
}

// Both sides run as quickly as they can, and as they like.
func TestBothAtOnce(t *testing.T) {
	for _, c := range []ring.Config{{Slots: 1}, {Slots: 3}, {Slots: 1, Overwrite: true}, {Slots: 3, Overwrite: true}} {
		c.MaxFrame = 64 << 10
		const times = 5000
		r := newRing(t, c)
		w, reader := newWriter(t, r), newReader(t, r)
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := range times {
				if err := w.Write(context.Background(), frame(n, 8*(1+rand.IntN(1000)))); err != nil {
					t.Error(err)
				}
			}
			_ = w.Close()
		})
		var buf []byte
		last, got := -1, 0
		for {
			var err error
			if buf, err = reader.Read(processtest.Within(t), buf); err == io.EOF {
				break
			}
			require.NoError(t, err)
			n := numberOf(t, buf)
			require.Greater(t, n, last)
			last, got = n, got+1
		}
		wg.Wait()
		require.Equal(t, times-1, last, "the newest frame is never lost")
		require.EqualValues(t, times, got+int(reader.Lost()))
		if !c.Overwrite {
			require.Equal(t, times, got)
		}
	}
}
