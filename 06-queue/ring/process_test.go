//go:build unix

package ring_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/ring"
)

type shots struct {
	Ring              *ring.Ring
	First, Last, Size int
}

// count writes frames with these numbers.
var count = process.Service("count", func(ctx context.Context, s shots, _ *pipe.Conn) error {
	w, err := s.Ring.Writer(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	for n := s.First; n <= s.Last; n++ {
		if err := w.Write(ctx, frame(n, s.Size)); err != nil {
			return err
		}
	}
	return nil
})

// watch takes frames and says their numbers.
var watch = process.Service("watch", func(ctx context.Context, s shots, front *pipe.Conn) error {
	r, err := s.Ring.Reader(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		got, err := r.Read(ctx, nil)
		if err != nil {
			return err
		}
		if err := pipe.Send(front, int(got[7])); err != nil {
			return err
		}
	}
})

// keep makes a ring and says where.
var keep = process.Service("keep", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	r, err := ring.New(ring.Config{Slots: 1, MaxFrame: 8})
	if err != nil {
		return err
	}
	defer r.Close()
	if err := pipe.Send(front, r); err != nil {
		return err
	}
	_, _ = front.ReceiveFrame()
	return nil
})

// Writers are killed in the middle of a frame, whenever. What the reader sees is whole,
// and in order, and the next one takes the place at once.
func TestWritersKilled(t *testing.T) {
	const size = 1 << 20
	r := newRing(t, ring.Config{Slots: 4, MaxFrame: size})
	reader := newReader(t, r)
	var buf []byte
	next, deaths := 0, 0
	times := 20
	if testing.Short() {
		times = 5
	}
	for i := range times {
		s := processtest.Start(t, count, shots{r, next, 1 << 40, size})
		for range 1 + i%7 { // some of its frames, then no more: it fills the ring, or is at it
			got, err := reader.Read(processtest.Within(t), buf)
			require.NoError(t, err)
			require.Equal(t, next, numberOf(t, got))
			next, buf = next+1, got
		}
		s.Dies(t)
		for {
			got, err := reader.Read(processtest.Within(t), buf)
			if errors.Is(err, ring.ErrDied) {
				deaths++
				break
			}
			require.NoError(t, err)
			require.Equal(t, next, numberOf(t, got))
			next, buf = next+1, got
		}
	}
	require.Equal(t, times, deaths)
	s := processtest.Start(t, count, shots{r, next, next + 9, size})
	for range 10 {
		got, err := reader.Read(processtest.Within(t), buf)
		require.NoError(t, err)
		require.Equal(t, next, numberOf(t, got))
		next, buf = next+1, got
	}
	_, err := reader.Read(processtest.Within(t), buf)
	require.Equal(t, io.EOF, err)
	require.NoError(t, s.Join(processtest.Within(t)))
	require.Zero(t, reader.Lost())
}

// A writer that overwrites, in a process of its own, at full speed: no frame is torn.
func TestOverwriteBesideAProcess(t *testing.T) {
	const size = 64 << 10
	last := 20_000
	if testing.Short() {
		last = 2000
	}
	r := newRing(t, ring.Config{Slots: 3, MaxFrame: size, Overwrite: true})
	reader := newReader(t, r)
	s := processtest.Start(t, count, shots{r, 0, last, size})
	var buf []byte
	got, n := 0, -1
	for {
		var err error
		if buf, err = reader.Read(processtest.Within(t), buf); err == io.EOF {
			break
		}
		require.NoError(t, err)
		one := numberOf(t, buf)
		require.Greater(t, one, n)
		n, got = one, got+1
	}
	require.NoError(t, s.Join(processtest.Within(t)))
	require.Equal(t, last, n)
	require.EqualValues(t, last+1, got+int(reader.Lost()))
	t.Logf("%d of %d frames seen", got, last+1)
}

// Readers are killed; the writer is told, and the next reader goes on.
func TestReadersKilled(t *testing.T) {
	r := newRing(t, ring.Config{Slots: 2, MaxFrame: 8})
	w := newWriter(t, r)
	for range 5 {
		s := processtest.Start(t, watch, shots{Ring: r})
		require.NoError(t, w.Write(processtest.Within(t), frame(1, 8)))
		got, err := pipe.Receive[int](s.Conn)
		require.NoError(t, err)
		require.Equal(t, 1, got)
		s.Dies(t)
		for err = nil; err == nil; { // until it is full and the death is known
			err = w.Write(processtest.Within(t), frame(2, 8))
		}
		require.ErrorIs(t, err, ring.ErrDied)
		require.ErrorIs(t, w.Write(processtest.Past(t), frame(2, 8)), pipe.ErrTimeout, "it is said once")
		reader, err := r.Reader(processtest.Within(t))
		require.NoError(t, err)
		for range 2 {
			got, err := reader.Read(processtest.Past(t), nil)
			require.NoError(t, err)
			require.Equal(t, 2, numberOf(t, got))
		}
		require.NoError(t, reader.Close())
	}
}

// The process that has made the ring is killed.
func TestKeeperKilled(t *testing.T) {
	s := processtest.Start(t, keep, struct{}{})
	r, err := pipe.Receive[*ring.Ring](s.Conn)
	require.NoError(t, err)
	w, reader := newWriter(t, r), newReader(t, r)
	read := make(chan error)
	go func() {
		_, err := reader.Read(context.Background(), nil)
		if err == nil {
			_, err = reader.Read(context.Background(), nil)
		}
		read <- err
	}()
	require.NoError(t, w.Write(processtest.Within(t), frame(1, 8)))
	s.Dies(t)
	require.ErrorIs(t, <-read, hub.ErrGone)
	require.NoError(t, w.Write(processtest.Past(t), frame(1, 8)), "as long as nobody has to wait")
	require.ErrorIs(t, w.Write(processtest.Within(t), frame(2, 8)), hub.ErrGone)
	newRing(t, ring.Config{}) // it sweeps up what the killed one has left
}
