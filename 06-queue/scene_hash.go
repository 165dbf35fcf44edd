package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/queue"
)

// A sum is what a consumer has found out about a file.
type sum struct {
	Path       string
	Hash       [sha256.Size]byte
	Lines      int
	Deliveries int
}

// A shift is what a producer or a consumer works with.
type shift struct {
	Root  string
	Files *queue.Queue[string]
	Sums  *queue.Queue[sum]
	Stop  int // after so many files, stand still with the next one; 0: never
}

// walk puts the path of every Go file.
var walk = process.Func("walk", func(ctx context.Context, s shift) (int, error) {
	defer s.Files.Close()
	n := 0
	var batch []string
	put := func() error {
		n += len(batch)
		err := s.Files.Put(ctx, batch...)
		batch = nil
		return err
	}
	err := filepath.WalkDir(s.Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		if batch = append(batch, path); len(batch) == 100 { // one journey for all of them
			return put()
		}
		return nil
	})
	return n, errors.Join(err, put())
})

// digest takes files, and puts what it has found out.
var digest = process.Service("digest", func(ctx context.Context, s shift, front *pipe.Conn) error {
	defer s.Files.Close()
	defer s.Sums.Close()
	for n := 1; ; n++ {
		file, err := s.Files.Lease(ctx)
		if errors.Is(err, queue.ErrClosed) {
			return nil // that was all
		}
		if err != nil {
			return err
		}
		if n == s.Stop {
			if err := pipe.Send(front, file.Value); err != nil {
				return err
			}
			<-ctx.Done() // it is killed here
		}
		text, err := os.ReadFile(file.Value)
		if err != nil {
			return err
		}
		found := sum{file.Value, sha256.Sum256(text), bytes.Count(text, []byte("\n")), file.Deliveries}
		if err := s.Sums.Put(ctx, found); err != nil {
			return err
		}
		if err := file.Ack(); err != nil { // only now is it done
			return err
		}
	}
})

func hash(ctx context.Context, out io.Writer) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	s := shift{Root: filepath.Join(strings.TrimSpace(string(root)), "src", "cmd", "compile")}
	if s.Files, err = queue.New[string](queue.Config{}); err != nil {
		return err
	}
	defer s.Files.Destroy()
	if s.Sums, err = queue.New[sum](queue.Config{}); err != nil {
		return err
	}
	defer s.Sums.Destroy()

	producer := walk.New(s, process.Config{})
	if err := producer.Start(); err != nil {
		return err
	}
	defer producer.Stop(context.WithoutCancel(ctx))
	for i := range 3 {
		job := s
		if i == 0 {
			job.Stop = 100
		}
		consumer := digest.New(job, process.Config{})
		if err := consumer.Start(); err != nil {
			return err
		}
		defer consumer.Conn().Close()
		defer consumer.Stop(context.WithoutCancel(ctx))
		if i == 0 {
			if _, err := pipe.Receive[string](consumer.Conn()); err != nil {
				return err
			}
			fmt.Fprintln(out, "a consumer has done 99 files, stands still with the next one, and is killed")
			if err := consumer.Kill(); err != nil {
				return err
			}
		}
	}
	go func() {
		// When all is put, and all is done, nothing more will come.
		if _, err := producer.Result(ctx); err == nil && s.Files.Close() == nil && s.Files.Join(ctx) == nil {
			_ = s.Sums.Close()
		}
	}()

	sums := map[string]sum{} // a file that two have done counts once
	again := 0
	for found, err := range s.Sums.All(ctx) {
		if err != nil {
			return err
		}
		sums[found.Path] = found
		if found.Deliveries > 1 {
			again++
		}
	}
	lines := 0
	for _, found := range sums {
		lines += found.Lines
	}
	n, err := producer.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "files that were handed out again: %d\n", again)
	fmt.Fprintf(out, "put: %d files; hashed: %d, with %d lines\n", n, len(sums), lines)
	return nil
}
