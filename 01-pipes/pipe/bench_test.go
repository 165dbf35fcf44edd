package pipe_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

// One operation is one item: a round trip, a message. Each benchmark has a real
// second process at the other end. How to compare with Python: see
// 01-pipes/README.md, "Figures".

func BenchmarkRoundTrip(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 60)
	frames := func(role string, blocking bool) func(b *testing.B) {
		return func(b *testing.B) {
			c := benchRole(b, role, blocking)
			var buf []byte
			for b.Loop() {
				if err := c.SendFrame(payload); err != nil {
					b.Fatal(err)
				}
				var err error
				if buf, err = c.ReceiveFrameInto(buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	// The parent has deadlines, the worker only waits for its next request.
	b.Run("bytes", frames("echo-blocking", false))
	b.Run("bytes-both-with-deadlines", frames("echo-frames", false))
	b.Run("blocking", frames("echo-blocking", true))
	b.Run("json", func(b *testing.B) {
		c := benchRole(b, "echo-json", false)
		v := request{7, "square", []float64{1, 2.5, 3}}
		for b.Loop() {
			if err := pipe.Send(c, v); err != nil {
				b.Fatal(err)
			}
			if _, err := pipe.Receive[request](c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchRole(b *testing.B, role string, blocking bool) *pipe.Conn {
	front, back, err := pipe.Pair()
	require.NoError(b, err)
	cmd := startRole(b, role, back)
	b.Cleanup(func() {
		front.Close()
		require.NoError(b, cmd.Wait())
	})
	if blocking {
		require.NoError(b, front.SetBlocking())
	}
	return front
}

// benchDrain starts a process that receives everything from a one-way pipe or a
// pair, and returns its writing end.
func benchDrain(b *testing.B, pair bool) *pipe.Conn {
	r, w, err := pipe.New()
	if pair {
		w, r, err = pipe.Pair()
	}
	require.NoError(b, err)
	cmd := startRole(b, "drain", r)
	b.Cleanup(func() {
		w.Close()
		require.NoError(b, cmd.Wait())
	})
	return w
}

func BenchmarkStream(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		name := strings.Replace(strconv.Itoa(size>>10)+"KiB", "1024KiB", "1MiB", 1)
		for _, pair := range []bool{true, false} {
			name := name
			if !pair {
				name += "-pipe" // as in CPython's Pipe(duplex=False)
			}
			b.Run(name, func(b *testing.B) {
				w := benchDrain(b, pair)
				payload := bytes.Repeat([]byte("x"), size)
				b.SetBytes(int64(size))
				for b.Loop() {
					if err := w.SendFrame(payload); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkSmall(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 64)
	for _, pair := range []bool{true, false} {
		suffix := ""
		if !pair {
			suffix = "-pipe"
		}
		b.Run("single"+suffix, func(b *testing.B) {
			w := benchDrain(b, pair)
			for b.Loop() {
				if err := w.SendFrame(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("batched"+suffix, func(b *testing.B) {
			w := benchDrain(b, pair)
			const size = 512
			batch := make([][]byte, size)
			for i := range batch {
				batch[i] = payload
			}
			sent := 0
			for b.Loop() {
				if sent++; sent%size == 0 {
					if err := w.SendFrames(batch); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
