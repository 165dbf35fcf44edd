package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	pipes "example.com/multiprocessing/exercises/01-pipes/suite"
	selectors "example.com/multiprocessing/exercises/02-selector-timeout/suite"
	workers "example.com/multiprocessing/exercises/03-persistent-worker/suite"
	forks "example.com/multiprocessing/exercises/04-fork-order/suite"
	locks "example.com/multiprocessing/exercises/05-events-locks/suite"
	queues "example.com/multiprocessing/exercises/06-queue/suite"
	pools "example.com/multiprocessing/exercises/07-pool-map/suite"
	asyncs "example.com/multiprocessing/exercises/08-apply-async/suite"
	"example.com/multiprocessing/exercises/kit"
)

// exercises are all of them, in order. What is linked in here are the checks, never an answer.
var exercises = []kit.Exercise{
	pipes.Exercise, selectors.Exercise, workers.Exercise, forks.Exercise,
	locks.Exercise, queues.Exercise, pools.Exercise, asyncs.Exercise,
}

// A course is the folder in which everything is.
type course struct {
	root           string
	answers        string // folder with the learner's NN-name/answer/answer.go
	stdout, stderr io.Writer
}

func newCourse(stdout, stderr io.Writer) (*course, error) {
	root, err := kit.Root()
	return &course{root, filepath.Join(root, "exercises"), stdout, stderr}, err
}

// find finds an exercise by its number or its name, or by the beginning of it.
func find(name string) (kit.Exercise, error) {
	if len(name) == 1 {
		name = "0" + name
	}
	for _, e := range exercises {
		if name != "" && strings.HasPrefix(e.Name, name) {
			return e, nil
		}
	}
	return kit.Exercise{}, fmt.Errorf("there is no exercise %q, there are 01 to %02d: %w", name, len(exercises), errUsage)
}

func (c *course) path(parts ...string) string {
	return filepath.Join(append([]string{c.root}, parts...)...)
}

func (c *course) answer(e kit.Exercise) string {
	return filepath.Join(c.answers, e.Name, "answer", "answer.go")
}

func (c *course) stub(e kit.Exercise) string {
	return c.path("exercises", e.Name, "testdata", "stub", "answer.go")
}

// untouched tells whether the answer is what the course has come with. (Another one that
// does nothing is found out by the checks.)
func (c *course) untouched(e kit.Exercise) bool {
	answer, err := os.ReadFile(c.answer(e))
	stub, err2 := os.ReadFile(c.stub(e))
	return err == nil && err2 == nil && bytes.Equal(answer, stub)
}

func (c *course) readme(e kit.Exercise) (string, error) {
	text, err := os.ReadFile(c.path("exercises", e.Name, "README.md"))
	return string(text), err
}

var heading = regexp.MustCompile(`(?m)^# Exercise \d+: (.*)$`)

// title is that of the exercise's README.
func (c *course) title(e kit.Exercise) string {
	text, _ := c.readme(e)
	if m := heading.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return e.Name
}
