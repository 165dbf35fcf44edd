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

// A count is what is in a file.
type count struct{ Lines, Words, Longest int }

func (c count) plus(other count) count {
	return count{c.Lines + other.Lines, c.Words + other.Words, max(c.Longest, other.Longest)}
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
			c = c.plus(count{1, len(strings.Fields(line)), len(line)})
		}
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
})

// words counts in one goroutine, in two, and in two processes.
func words(ctx context.Context, out io.Writer) error {
	files, err := goFiles(ctx)
	if err != nil {
		return err
	}
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	if _, err := pool.Map(ctx, p, countFile, files[:2]); err != nil { // the workers are there
		return err
	}
	fmt.Fprintf(out, "%d files\n", len(files))
	for _, way := range []struct {
		name string
		run  func() ([]count, error)
	}{
		{"one goroutine", func() ([]count, error) { return inGoroutines(ctx, files, 1) }},
		{"two goroutines", func() ([]count, error) { return inGoroutines(ctx, files, 2) }},
		{"two processes", func() ([]count, error) { return pool.Map(ctx, p, countFile, files) }},
	} {
		start := time.Now()
		counts, err := way.run()
		if err != nil {
			return err
		}
		var sum count
		for _, c := range counts {
			sum = sum.plus(c)
		}
		fmt.Fprintf(out, "%-14s %v: %d lines, %d words, the longest line has %d bytes\n", way.name, time.Since(start).Round(time.Millisecond), sum.Lines, sum.Words, sum.Longest)
	}
	return nil
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
