//go:build unix

package ring_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/06-queue/ring"
)

type film struct {
	Ring        *ring.Ring
	Times, Size int
}

// shoot writes so many frames when it is told to.
var shoot = process.Service("shoot", func(ctx context.Context, f film, front *pipe.Conn) error {
	w, err := f.Ring.Writer(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	frame := make([]byte, f.Size)
	for range f.Times {
		if err := w.Write(ctx, frame); err != nil {
			return err
		}
	}
	return nil
})

var sizes = []struct {
	name  string
	bytes int
}{{"64KiB", 64 << 10}, {"1MiB", 1 << 20}}

// BenchmarkRing is one frame on its way from one process to another, copied in and copied
// out.
func BenchmarkRing(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			r := newRing(b, ring.Config{MaxFrame: size.bytes})
			reader, err := r.Reader(context.Background())
			require.NoError(b, err)
			defer reader.Close()
			s := processtest.Start(b, shoot, film{r, b.N, size.bytes})
			require.NoError(b, s.Ready(context.Background()))
			buf := make([]byte, size.bytes)
			b.SetBytes(int64(size.bytes))
			b.ResetTimer()
			require.NoError(b, pipe.Send(s.Conn, "go"))
			for range b.N {
				if buf, err = reader.Read(context.Background(), buf); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
		})
	}
}

// BenchmarkCPython sends the same with Python's Connection.send_bytes.
func BenchmarkCPython(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	benchmarkCommand(b, func(size, times int) *exec.Cmd {
		return exec.Command(python, "testdata/cpython.py", strconv.Itoa(size), strconv.Itoa(times))
	})
}

// BenchmarkC is the same ring in C: what the machine can do.
func BenchmarkC(b *testing.B) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		b.Skipf("no C compiler here to compare with: %v", err)
	}
	program := filepath.Join(b.TempDir(), "ring")
	out, err := exec.Command(cc, "-O2", "-o", program, "testdata/ring.c").CombinedOutput()
	if err != nil {
		b.Skipf("testdata/ring.c is for Linux: %s", out)
	}
	benchmarkCommand(b, func(size, times int) *exec.Cmd {
		return exec.Command(program, strconv.Itoa(size), strconv.Itoa(times))
	})
}

// benchmarkCommand runs a program that prints how many seconds it took.
func benchmarkCommand(b *testing.B, command func(size, times int) *exec.Cmd) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			times := max(b.N, 100)
			cmd := command(size.bytes, times)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(b, err)
			elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
			require.NoError(b, err)
			perFrame := float64(elapsed) / float64(times)
			b.ReportMetric(perFrame, "ns/op")
			b.ReportMetric(float64(size.bytes)/perFrame*1e3, "MB/s")
		})
	}
}
