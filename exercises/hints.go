package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/multiprocessing/exercises/kit"
)

var hintBlocks = regexp.MustCompile(`(?s)<details><summary>Hint ([123])([^<]*)</summary>(.*?)</details>`)

// hint prints a hint of the exercise's README.
func (c *course) hint(_ context.Context, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("a hint for which exercise? %w", errUsage)
	}
	e, err := find(args[0])
	if err != nil {
		return err
	}
	level := "1"
	if len(args) > 1 {
		level = args[1]
	}
	text, err := c.readme(e)
	if err != nil {
		return err
	}
	for _, m := range hintBlocks.FindAllStringSubmatch(text, -1) {
		if m[1] != level {
			continue
		}
		fmt.Fprintf(c.stdout, "Hint %s%s\n\n%s\n", m[1], m[2], strings.TrimSpace(m[3]))
		if level != "3" {
			fmt.Fprintf(c.stdout, "\nThe next one says more: go run ./exercises hint %s %c\n", e.Name[:2], level[0]+1)
		}
		return nil
	}
	return fmt.Errorf("there is no hint %q, there are 1, 2 and 3: %w", level, errUsage)
}

// reset puts the stub in the place of the answer, which is kept beside it.
func (c *course) reset(_ context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("reset which exercise? %w", errUsage)
	}
	e, err := find(args[0])
	if err != nil {
		return err
	}
	if c.untouched(e) {
		fmt.Fprintf(c.stdout, "%s is untouched; there is nothing to reset.\n", e.Name)
		return nil
	}
	stub, err := os.ReadFile(c.stub(e))
	if err != nil {
		return err
	}
	kept, err := keep(c.answer(e))
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.answer(e), stub, 0o644); err != nil {
		return err
	}
	if kept != "" {
		fmt.Fprintf(c.stdout, "Your answer is kept as %s\n", c.short(kept))
	}
	fmt.Fprintf(c.stdout, "%s is as it was at the beginning.\n", c.short(c.answer(e)))
	return nil
}

// keep copies a file to a name beside it that nothing has. Its name begins with a dot, so
// that go does not compile it.
func keep(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // there is nothing to keep
	}
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name := filepath.Join(filepath.Dir(file), fmt.Sprintf(".answer-%d.go", n))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(text)
		return name, errors.Join(err, f.Close())
	}
}

// solution shows the worked solution, and compares the answer with it.
func (c *course) solution(ctx context.Context, args []string) error {
	show := slices.Contains(args, "-show") || slices.Contains(args, "--show")
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return strings.TrimLeft(arg, "-") == "show" })
	if len(args) != 1 {
		return fmt.Errorf("the solution of which exercise? %w", errUsage)
	}
	e, err := find(args[0])
	if err != nil {
		return err
	}
	dir := c.path("solutions", e.Name)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return errors.New("this copy of the course has no solutions in it")
	}
	if !show {
		s, err := c.look(ctx, e, "", nil)
		if err != nil {
			return err
		}
		if !s.done() {
			fmt.Fprintf(c.stdout, "%s: %s\n", e.Name, s)
			return fmt.Errorf("your answer has not passed yet. If you want to see the solution all the same: go run ./exercises solution %s -show", e.Name[:2])
		}
	}
	if err := c.printFiles(e, "README.md", "answer.go"); err != nil || c.untouched(e) {
		return err
	}
	return c.compare(e)
}

func (c *course) printFiles(e kit.Exercise, names ...string) error {
	for _, name := range names {
		f, err := os.Open(c.path("solutions", e.Name, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "== %s\n", c.short(c.path("solutions", e.Name, name)))
		_, err = io.Copy(c.stdout, f)
		_ = f.Close()
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout)
	}
	return nil
}
