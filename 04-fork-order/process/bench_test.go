//go:build unix

package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
)

// BenchmarkStart is a process from Start to its first reply, while the one before it
// ends, and pss-MiB is the memory of one that waits. A program of its own does it: a test
// binary takes four times as long to start, and is not what anybody starts.
func BenchmarkStart(b *testing.B) {
	defer leaktest.ReapOrphans() // the last one may end after the program
	program := build(b, "program")
	cmd := exec.Command(program, "bench")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	lines := bufio.NewScanner(out)
	starts := func(n int) {
		fmt.Fprintln(in, n)
		require.True(b, lines.Scan())
		require.Equal(b, fmt.Sprintf("done %d", n), lines.Text())
	}
	starts(1)
	b.ResetTimer()
	starts(b.N)
	b.StopTimer()
	require.NoError(b, in.Close())
	require.NoError(b, cmd.Wait())
	if mib, ok := pss(b, program); ok {
		b.ReportMetric(mib, "pss-MiB")
	}
}

// pss returns the memory of an idle process: its own pages, and its share of those
// that it has in common with others, see smaps_rollup in proc(5).
func pss(b *testing.B, program string) (mib float64, ok bool) {
	cmd := exec.Command(program, "pss")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	defer func() {
		in.Close()
		require.NoError(b, cmd.Wait())
	}()
	lines := bufio.NewScanner(out)
	require.True(b, lines.Scan())
	text, err := os.ReadFile("/proc/" + lines.Text() + "/smaps_rollup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "Pss:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err == nil
		}
	}
	return 0, false
}

// BenchmarkInline is the same function in a goroutine, behind the same codec.
func BenchmarkInline(b *testing.B) {
	for b.Loop() {
		task := square.Inline(12, process.Config{})
		if err := task.Start(); err != nil {
			b.Fatal(err)
		}
		if _, err := task.Result(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCPython is the same as BenchmarkStart with Python's multiprocessing.
func BenchmarkCPython(b *testing.B) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	defer leaktest.ReapOrphans() // Python leaves a resource tracker and a fork server to end by themselves
	for _, method := range []string{"spawn", "forkserver", "fork"} {
		b.Run(method, func(b *testing.B) {
			n := max(b.N, 20)
			cmd := exec.Command(path, "testdata/cpython.py", method, strconv.Itoa(n))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(b, err)
			elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
			require.NoError(b, err)
			b.ReportMetric(float64(elapsed)/float64(n), "ns/op")
		})
	}
}
