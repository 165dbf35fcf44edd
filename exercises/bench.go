package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A comparison is a benchmark of the course beside another one.
type comparison struct {
	dir, what    string
	ours, theirs string // names, without Benchmark
	name         string // what theirs is
}

// comparisons are the rows of the table. Each operation is one item, so times compare
// directly.
var comparisons = []comparison{
	{"01-pipes/pipe", "round trip, 60 bytes", "RoundTrip/bytes", "CPython/roundtrip/bytes", "CPython"},
	{"01-pipes/pipe", "round trip, 60 bytes, blocking", "RoundTrip/blocking", "CPython/roundtrip/bytes", "CPython"},
	{"01-pipes/pipe", "round trip, a small JSON object", "RoundTrip/json", "CPython/roundtrip/json", "CPython"},
	{"01-pipes/pipe", "a message of 64 KiB, in a stream", "Stream/64KiB", "CPython/stream/64KiB", "CPython"},
	{"01-pipes/pipe", "a message of 1 MiB, in a stream", "Stream/1MiB", "CPython/stream/1MiB", "CPython"},
	{"01-pipes/pipe", "64 bytes, one by one", "Small/single", "CPython/small/single", "CPython"},
	{"01-pipes/pipe", "64 bytes, in batches", "Small/batched", "CPython/small/single", "CPython"},
	{"02-selector-timeout/selector", "a read with a limit, satisfied at once", "TimedRead/timed", "CPython", "CPython"},
	{"02-selector-timeout/selector", "the same", "TimedRead/timed", "TimedRead/untimed", "the read without a limit"},
	{"03-persistent-worker/worker", "a call of a warm worker", "WarmCall/fd3-envelope", "CPython", "CPython"},
	{"04-fork-order/process", "a process, from its start to its first reply", "Start", "CPython/spawn", "CPython, spawn"},
	{"04-fork-order/process", "the same", "Start", "CPython/forkserver", "CPython, forkserver"},
	{"04-fork-order/process", "the same", "Start", "CPython/fork", "CPython, fork"},
	{"05-events-locks/event", "an event, from set to wake", "Wake", "CPython", "CPython"},
	{"05-events-locks/lock", "lock and unlock, one process", "Lock/procs=1", "Lock/bare/procs=1", "flock(2) alone"},
	{"05-events-locks/lock", "the same, two processes", "Lock/procs=2", "Lock/bare/procs=2", "flock(2) alone"},
	{"05-events-locks/lock", "the same, four processes", "Lock/procs=4", "Lock/bare/procs=4", "flock(2) alone"},
	{"05-events-locks/lock", "lock and unlock, one process", "Lock/procs=1", "Lock/cpython/procs=1", "CPython"},
	{"06-queue/queue", "an item of 64 bytes through the kernel's queue", "Queue/kernel/1to1", "CPython/1to1", "CPython"},
	{"06-queue/queue", "the same, two to two", "Queue/kernel/2to2", "CPython/2to2", "CPython"},
	{"06-queue/queue", "an item through the broker, one by one", "Queue/broker/1to1", "CPython/1to1", "CPython"},
	{"06-queue/queue", "an item through the broker, in batches", "Queue/broker/batch/1to1", "CPython/1to1", "CPython"},
	{"06-queue/ring", "a frame of 64 KiB", "Ring/64KiB", "CPython/64KiB", "CPython"},
	{"06-queue/ring", "a frame of 1 MiB", "Ring/1MiB", "CPython/1MiB", "CPython"},
	{"07-pool-map/pool", "a tiny task of a Map, a number", "Map/chunked", "CPython/chunked", "CPython"},
	{"07-pool-map/pool", "the same, any JSON value", "Map/json", "CPython/chunked", "CPython"},
	{"07-pool-map/pool", "a struct", "Map/json-struct", "CPython/chunked-struct", "CPython"},
	{"07-pool-map/pool", "a tiny task, each by itself", "Map/chunk=1", "CPython/chunk=1", "CPython"},
	{"07-pool-map/pool", "a task that computes", "Map/primes", "Map/primes/one-goroutine", "one goroutine"},
	{"08-apply-async/async", "a task, one on its way", "Apply/inflight=1", "CPython/inflight=1", "CPython"},
	{"08-apply-async/async", "a task, 64 on their way", "Apply/inflight=64", "CPython/inflight=64", "CPython"},
	{"08-apply-async/server", "an HTTP request, 64 clients, a spool of two", "HTTP/mode=spool", "HTTP/mode=goroutine", "goroutines"},
}

// bench runs the benchmarks beside those of others, in turns, and prints a table.
func (c *course) bench(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(c.stderr)
	rounds := flags.Int("n", 7, "how many times; the table has the median")
	only := flags.String("only", "", "one lesson, `NN`")
	each := flags.String("benchtime", "1s", "how long each benchmark runs each time, as for go test")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *rounds < 1 {
		return fmt.Errorf("-n must be positive: %w", errUsage)
	}
	var rows []comparison
	for _, row := range comparisons {
		if strings.HasPrefix(row.dir, *only) {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("there is no lesson %q: %w", *only, errUsage)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binaries := map[string]string{}
	for _, row := range rows {
		if binaries[row.dir] != "" {
			continue
		}
		binaries[row.dir] = filepath.Join(dir, strings.ReplaceAll(row.dir, "/", "-"))
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binaries[row.dir], "./"+row.dir)
		build.Dir, build.Stderr = c.root, c.stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the benchmarks of %s: %w", row.dir, err)
		}
	}
	times := map[string][]float64{}
	for round := range *rounds {
		done := map[string]bool{} // in this round
		for _, row := range rows {
			for _, name := range []string{row.ours, row.theirs} {
				key := row.dir + " " + name
				if done[key] {
					continue
				}
				done[key] = true
				fmt.Fprintf(c.stderr, "\rround %d of %d: %-60s", round+1, *rounds, key)
				ns, err := c.benchOnce(ctx, binaries[row.dir], row.dir, name, *each)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				if err != nil {
					fmt.Fprintln(c.stderr)
					return fmt.Errorf("%s: Benchmark%s: %w", row.dir, name, err)
				}
				times[key] = append(times[key], ns...)
			}
		}
	}
	fmt.Fprintf(c.stderr, "\r%80s\r", "")
	writeBench(c.stdout, rows, times, *rounds)
	return nil
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s.*?([\d.]+) ns/op`)

// benchOnce runs one benchmark. It returns nothing if that is skipped, for python3 is missing.
func (c *course) benchOnce(ctx context.Context, binary, dir, name, each string) ([]float64, error) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	parts[0] = "^Benchmark" + parts[0][1:]
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.run", "^$", "-test.bench", strings.Join(parts, "/"), "-test.benchtime", each)
	cmd.Dir = c.path(filepath.FromSlash(dir))
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	for _, m := range benchLine.FindAllSubmatch(text, -1) {
		if string(m[1]) == name {
			ns, err := strconv.ParseFloat(string(m[2]), 64)
			return []float64{ns}, err
		}
	}
	if !strings.Contains(string(text), "--- SKIP") {
		return nil, fmt.Errorf("there is no such benchmark: %s", text)
	}
	return nil, nil
}

// writeBench writes the table.
func writeBench(w io.Writer, rows []comparison, times map[string][]float64, rounds int) {
	fmt.Fprintf(w, "%s, %s, %s, %d processors; the median of %d runs in turns, the ratio with the least and the greatest of the pairs\n\n",
		time.Now().Format(time.DateOnly), runtime.Version(), machine(), runtime.NumCPU(), rounds)
	fmt.Fprintln(w, "| lesson | what | here | beside it | | ratio |\n|---|---|---|---|---|---|")
	for _, row := range rows {
		ours, theirs := times[row.dir+" "+row.ours], times[row.dir+" "+row.theirs]
		here, beside, ratio := "–", "not found", "–"
		if len(ours) > 0 {
			here = duration(median(ours))
		}
		if len(theirs) > 0 {
			beside = duration(median(theirs))
		}
		if len(ours) > 0 && len(ours) == len(theirs) {
			var pairs []float64
			for i := range ours {
				pairs = append(pairs, theirs[i]/ours[i])
			}
			ratio = fmt.Sprintf("%sx (%s to %s)", short(median(pairs)), short(slices.Min(pairs)), short(slices.Max(pairs)))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", row.dir[:2], row.what, here, beside, row.name, ratio)
	}
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// short has two digits that count.
func short(x float64) string {
	if x >= 10 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

func duration(ns float64) string {
	for _, unit := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if ns >= unit.ns {
			return short(ns/unit.ns) + " " + unit.name
		}
	}
	return short(ns) + " ns"
}

var model = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

// machine says what this is, as far as the system tells.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	if m := model.FindSubmatch(text); m != nil {
		return fmt.Sprintf("%s/%s, %s", runtime.GOOS, runtime.GOARCH, m[1])
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}
