package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"example.com/multiprocessing/exercises/kit"
)

// A standing is what there is to say about an answer.
type standing struct {
	exercise kit.Exercise
	kind     string // isUntouched, isRefused, isBroken, or isEnd
	message  string
	verdicts map[string]news
}

// look marks the learner's answer.
func (c *course) look(ctx context.Context, e kit.Exercise, check string, say func(news)) (standing, error) {
	s := standing{exercise: e, kind: isUntouched, verdicts: map[string]news{}}
	if c.untouched(e) {
		return s, nil
	}
	err := c.mark(ctx, job{Exercise: e.Name, File: c.answer(e), Check: check}, nil, ordinary, func(n news) {
		if n.Kind == isVerdict {
			s.verdicts[n.Check] = n
		} else {
			s.kind, s.message = n.Kind, n.Message
		}
		if say != nil {
			say(n)
		}
	})
	if ctx.Err() != nil {
		return s, errors.New("interrupted")
	}
	return s, err
}

func (s standing) points(part kit.Part) (points int) {
	for _, check := range s.exercise.Checks {
		if s.verdicts[check.Name].Passed && (part == "" || part == check.Part) {
			points += check.Points
		}
	}
	return points
}

func (s standing) done() bool { return s.points("") == s.exercise.Points("") }

// parts is "core 60/60, robust 10/30, hard 0/10".
func (s standing) parts() string {
	var parts []string
	for _, part := range []kit.Part{kit.Core, kit.Robust, kit.Hard} {
		parts = append(parts, fmt.Sprintf("%s %d/%d", part, s.points(part), s.exercise.Points(part)))
	}
	return strings.Join(parts, ", ")
}

func (s standing) String() string {
	switch {
	case s.kind != isEnd:
		return s.kind
	case s.done():
		return "done"
	}
	return fmt.Sprintf("%d of %d points: %s", s.points(""), s.exercise.Points(""), s.parts())
}

// status says where the learner stands.
func (c *course) status(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("status knows no %q: %w", args[0], errUsage)
	}
	done := 0
	for _, e := range exercises {
		s, err := c.look(ctx, e, "", nil)
		if err != nil {
			return err
		}
		if s.done() {
			done++
		}
		fmt.Fprintf(c.stdout, "%-20s  %-28s  %s\n", e.Name, c.title(e), s)
	}
	switch done {
	case len(exercises):
		fmt.Fprintln(c.stdout, "\nAll exercises are done.")
	default:
		fmt.Fprintf(c.stdout, "\n%d of %d are done. What is next says: go run ./exercises next\n", done, len(exercises))
	}
	return nil
}

// next finds the first exercise that is not done, and says what is missing.
func (c *course) next(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("next knows no %q: %w", args[0], errUsage)
	}
	for _, e := range exercises {
		s, err := c.look(ctx, e, "", nil)
		if err != nil {
			return err
		}
		if s.done() {
			continue
		}
		number := e.Name[:2]
		fmt.Fprintf(c.stdout, "%s: %s\n", e.Name, c.title(e))
		if s.kind == isUntouched {
			fmt.Fprintf(c.stdout, "Read  %s\nwrite %s\nand then: go run ./exercises check %s\n",
				c.short(c.path("exercises", e.Name, "README.md")), c.short(c.answer(e)), number)
			return nil
		}
		c.explain(s)
		fmt.Fprintf(c.stdout, "A hint: go run ./exercises hint %s\n", number)
		return nil
	}
	fmt.Fprintln(c.stdout, "All exercises are done. There is no next one.")
	return nil
}

// short is a path as the learner would type it.
func (c *course) short(path string) string {
	if at, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(at, path); err == nil && len(relative) < len(path) {
			return relative
		}
	}
	return path
}

// check marks one exercise, or one check of it.
func (c *course) check(ctx context.Context, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("check which exercise? %w", errUsage)
	}
	e, err := find(args[0])
	if err != nil {
		return err
	}
	only := ""
	if len(args) > 1 {
		only = args[1]
		if !has(e, only) {
			return fmt.Errorf("%s has no check %q; its README lists them: %w", e.Name, only, errUsage)
		}
	}
	fmt.Fprintf(c.stdout, "%s: %s\n", e.Name, c.title(e))
	s, err := c.look(ctx, e, only, func(n news) {
		if n.Kind == isVerdict && n.Passed {
			fmt.Fprintf(c.stdout, "  passed   %s\n", n.Check)
		} else if n.Kind == isVerdict {
			fmt.Fprintf(c.stdout, "  not yet  %s\n", n.Check)
		}
	})
	if err != nil {
		return err
	}
	c.explain(s)
	if only != "" && s.verdicts[only].Passed || only == "" && s.done() {
		return nil
	}
	return errNotYet
}

func has(e kit.Exercise, check string) bool {
	for _, one := range e.Checks {
		if one.Name == check {
			return true
		}
	}
	return false
}

// explain says what there is to say after the list of checks: the first thing that is wrong,
// and no more. The second one may well be the first one in another dress.
func (c *course) explain(s standing) {
	number := s.exercise.Name[:2]
	switch s.kind {
	case isUntouched:
		fmt.Fprintf(c.stdout, "not attempted: read %s, and write %s\n",
			c.short(c.path("exercises", s.exercise.Name, "README.md")), c.short(c.answer(s.exercise)))
		return
	case isRefused:
		fmt.Fprintf(c.stdout, "It was not built: %s\n", s.message)
		return
	case isBroken:
		fmt.Fprintf(c.stdout, "It does not compile:\n%s\n", kit.Quote(s.message))
		return
	}
	for _, check := range s.exercise.Checks {
		if n, ok := s.verdicts[check.Name]; ok && !n.Passed {
			fmt.Fprintf(c.stdout, "\n%s:\n%s\n", check.Name, indent(n.Message))
			break
		}
	}
	if len(s.verdicts) < len(s.exercise.Checks) {
		return // one check alone says nothing about points
	}
	fmt.Fprintf(c.stdout, "%d of %d points: %s.", s.points(""), s.exercise.Points(""), s.parts())
	switch {
	case s.done():
		fmt.Fprintf(c.stdout, " Done. Compare with the solution: go run ./exercises solution %s", number)
	case s.points(kit.Core) == s.exercise.Points(kit.Core):
		fmt.Fprint(c.stdout, " The core works; what is left makes it robust.")
	}
	fmt.Fprintln(c.stdout)
}

func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return "  " + strings.Join(lines, "\n  ")
}
