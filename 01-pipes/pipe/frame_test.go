package pipe_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

func TestFramesOfEverySize(t *testing.T) {
	front, back := newPair(t)
	for _, size := range []int{0, 1, 3, 4, 5, 4096, 16<<10 - 1, 16 << 10, 64<<10 - 4, 64 << 10, 64<<10 + 1, 1 << 20, 3<<20 + 1} {
		want := noise(size)
		go front.SendFrame(want)
		got, err := back.ReceiveFrame()
		require.NoError(t, err)
		require.NotNil(t, got, "an empty message is not no message")
		require.True(t, bytes.Equal(want, got), "a frame of %d bytes came back different (%d bytes)", size, len(got))
	}
	poll(t, back, pipe.ErrTimeout)
}

// noise is bytes of every kind, newlines and zeros among them, the same each time.
func noise(size int) []byte {
	p := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(p)
	return p
}

func TestABatchOfFrames(t *testing.T) {
	front, back := newPair(t)
	batch := [][]byte{[]byte("one"), {}, noise(70 << 10), []byte("four")}
	go front.SendFrames(batch)
	var buf []byte
	for _, want := range batch {
		var err error
		buf, err = back.ReceiveFrameInto(buf)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, buf))
	}
	require.NoError(t, front.SendFrames(nil))
	poll(t, back, pipe.ErrTimeout)
}

func TestReceiveFrameIntoUsesTheMemoryItIsGiven(t *testing.T) {
	front, back := newPair(t)
	buf := make([]byte, 0, 128<<10)
	for _, size := range []int{100, 100 << 10} {
		go front.SendFrame(noise(size))
		got, err := back.ReceiveFrameInto(buf)
		require.NoError(t, err)
		require.Len(t, got, size)
		require.Same(t, &buf[:1][0], &got[0], "no new memory for %d bytes", size)
	}
}

// Every cut through a stream of frames, with a time-out at the cut.
func TestAFrameSurvivesATimeoutAtEveryByte(t *testing.T) {
	stream := binary.BigEndian.AppendUint32(nil, 5)
	stream = append(stream, "hello"...)
	stream = binary.BigEndian.AppendUint32(stream, 0)
	stream = binary.BigEndian.AppendUint32(stream, 6)
	stream = append(stream, "world!"...)
	for cut := range len(stream) {
		front, back, err := pipe.Pair()
		require.NoError(t, err)
		var got []string
		receive := func() {
			require.NoError(t, back.SetReadDeadline(time.Unix(1, 0)))
			scratch := make([]byte, 0, 100)
			for {
				frame, err := back.ReceiveFrameInto(scratch)
				if err != nil {
					require.ErrorIs(t, err, pipe.ErrTimeout)
					clear(scratch[:100]) // it is ours again: what came must not be in it
					return
				}
				got = append(got, string(frame))
			}
		}
		_, err = front.Write(stream[:cut])
		require.NoError(t, err)
		receive()
		_, err = front.Write(stream[cut:])
		require.NoError(t, err)
		receive()
		require.Equal(t, []string{"hello", "", "world!"}, got, "cut at byte %d", cut)
		require.NoError(t, front.Close())
		require.NoError(t, back.Close())
	}
}

func TestALargeFrameSurvivesATimeout(t *testing.T) {
	front, back := newPair(t)
	want := noise(5 << 20)
	sent := make(chan error, 1)
	timeouts := 0
	go func() { sent <- front.SendFrame(want) }()
	for {
		require.NoError(t, back.SetReadDeadline(time.Now().Add(50*time.Microsecond)))
		got, err := back.ReceiveFrame()
		if err == nil {
			require.True(t, bytes.Equal(want, got))
			break
		}
		require.ErrorIs(t, err, pipe.ErrTimeout)
		timeouts++
	}
	require.NoError(t, <-sent)
	t.Logf("%d time-outs on the way", timeouts)
}

func TestInTheMiddleOfAFrameOnlyTheFrameCanBeReceived(t *testing.T) {
	front, back := newPair(t)
	_, err := front.Write(append(binary.BigEndian.AppendUint32(nil, 4), "ab"...))
	require.NoError(t, err)
	require.NoError(t, back.SetReadDeadline(time.Unix(1, 0)))
	_, err = back.ReceiveFrame()
	require.ErrorIs(t, err, pipe.ErrTimeout)
	_, err = back.ReceiveLine()
	require.ErrorContains(t, err, "half a frame")
	_, err = front.Write([]byte("cd"))
	require.NoError(t, err)
	got, err := back.ReceiveFrame()
	require.NoError(t, err)
	require.Equal(t, "abcd", string(got))
}

func TestEndInsideAFrame(t *testing.T) {
	stream := append(binary.BigEndian.AppendUint32(nil, 5), "hello"...)
	for cut := 1; cut < len(stream); cut++ {
		front, back, err := pipe.Pair()
		require.NoError(t, err)
		_, err = front.Write(stream[:cut])
		require.NoError(t, err)
		require.NoError(t, front.Close())
		for range 2 {
			_, err = back.ReceiveFrame()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at byte %d", cut)
		}
		require.NoError(t, back.Close())
	}
}

// Four bytes from outside must not buy 256 MiB of our memory.
func TestHostileLengths(t *testing.T) {
	var before, after runtime.MemStats
	for _, size := range []uint32{pipe.DefaultLimit, pipe.DefaultLimit + 1, 1<<31 - 1, 1<<32 - 1} {
		front, back, err := pipe.Pair()
		require.NoError(t, err)
		_, err = front.Write(append(binary.BigEndian.AppendUint32(nil, size), "and no more"...))
		require.NoError(t, err)
		require.NoError(t, front.Close())
		runtime.ReadMemStats(&before)
		for range 2 {
			_, err = back.ReceiveFrame()
			if size == pipe.DefaultLimit {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			} else {
				require.ErrorIs(t, err, pipe.ErrTooLarge)
			}
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "announced: %d bytes", size)
		require.NoError(t, back.Close())
	}
}

func TestTheLimitHoldsAtBothEnds(t *testing.T) {
	front, back := newPair(t)
	front.SetLimit(10)
	back.SetLimit(8)
	require.ErrorIs(t, front.SendFrame(make([]byte, 11)), pipe.ErrTooLarge)
	require.ErrorIs(t, front.SendFrames([][]byte{{1}, make([]byte, 11)}), pipe.ErrTooLarge)
	require.ErrorIs(t, pipe.Send(front, "more than ten"), pipe.ErrTooLarge)
	require.ErrorIs(t, front.SendLine(make([]byte, 10)), pipe.ErrTooLarge, "the newline counts")

	// Nothing of these has left, and the Conn is as good as before.
	require.NoError(t, front.SendFrame(make([]byte, 8)))
	_, err := back.ReceiveFrame()
	require.NoError(t, err)

	require.NoError(t, front.SendFrame(make([]byte, 10)))
	require.NoError(t, front.SendFrame([]byte("fine")))
	for range 2 {
		_, err = back.ReceiveFrame()
		require.ErrorIs(t, err, pipe.ErrTooLarge, "the stream is lost for good")
	}
	back.SetLimit(0)
	front.SetLimit(1 << 40)
}
