package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A count is what is in a file, or in many.
type count struct {
	Lines, Words, Longest int
	Where                 string // the longest line is
}

func (c count) plus(other count) count {
	sum := count{c.Lines + other.Lines, c.Words + other.Words, c.Longest, c.Where}
	if other.Longest > c.Longest {
		sum.Longest, sum.Where = other.Longest, other.Where
	}
	return sum
}

func sum(counts []count) (all count) {
	for _, c := range counts {
		all = all.plus(c)
	}
	return all
}

func (c count) String() string {
	return fmt.Sprintf("%d lines, %d words; the longest line: %d bytes, in %s", c.Lines, c.Words, c.Longest, filepath.Base(c.Where))
}

// countFile reads a file and counts.
var countFile = process.Func("count", func(_ context.Context, path string) (c count, err error) {
	file, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer file.Close()
	for in := bufio.NewReader(file); ; {
		line, err := in.ReadString('\n')
		if line != "" {
			c = c.plus(count{1, len(strings.Fields(line)), len(line), path})
		}
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
})

// words counts in one goroutine, in as many as there are processors, and in as many processes.
func words(ctx context.Context, out io.Writer) error {
	files, err := goFiles(ctx)
	if err != nil {
		return err
	}
	p, err := pool.New(pool.Config{})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	if _, err := pool.Map(ctx, p, countFile, files[:2]); err != nil { // the workers are there
		return err
	}
	n := p.Workers()
	fmt.Fprintf(out, "%d files\n", len(files))
	var counted count
	for _, way := range []struct {
		name string
		run  func() ([]count, error)
	}{
		{"1 goroutine", func() ([]count, error) { return inGoroutines(ctx, files, 1) }},
		{fmt.Sprint(n, " goroutines"), func() ([]count, error) { return inGoroutines(ctx, files, n) }},
		{fmt.Sprint(n, " processes"), func() ([]count, error) { return pool.Map(ctx, p, countFile, files, onTerminal()) }},
	} {
		start := time.Now()
		counts, err := way.run()
		if err != nil {
			return err
		}
		took := time.Since(start).Round(time.Millisecond)
		all := sum(counts)
		if counted != (count{}) && all != counted {
			return fmt.Errorf("%s have counted %v, and not %v", way.name, all, counted)
		}
		counted = all
		fmt.Fprintf(out, "%-13s %v\n", way.name, took)
	}
	fmt.Fprintln(out, counted)
	return nil
}

// onTerminal shows how far Map is, if somebody looks.
func onTerminal() pool.Option {
	info, err := os.Stderr.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return pool.Progress(func(int, int) {})
	}
	return pool.Progress(func(done, of int) {
		fmt.Fprintf(os.Stderr, "\r%d of %d files", done, of)
		if done == of {
			fmt.Fprint(os.Stderr, "\r                              \r")
		}
	})
}

func inGoroutines(ctx context.Context, files []string, n int) ([]count, error) {
	counts, errs := make([]count, len(files)), make([]error, n)
	var wg sync.WaitGroup
	for g := range n {
		wg.Go(func() {
			for i := g; i < len(files) && errs[g] == nil; i += n {
				counts[i], errs[g] = countHere(ctx, files[i])
			}
		})
	}
	wg.Wait()
	return counts, errors.Join(errs...)
}

// countHere calls the function of the workers in this process.
func countHere(ctx context.Context, path string) (count, error) {
	arg, err := countFile.Append(nil, path)
	if err != nil {
		return count{}, err
	}
	result, err := process.Invoke(ctx, countFile.Name(), arg)
	if err != nil {
		return count{}, err
	}
	return countFile.Decode(result)
}

// goFiles returns the Go files of the toolchain's source tree.
func goFiles(ctx context.Context) (files []string, err error) {
	text, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(strings.TrimSpace(string(text)), "src")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}
