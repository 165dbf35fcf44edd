package worker

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/03-persistent-worker/child"
)

const (
	// DefaultStartTimeout is how long a program has to announce itself.
	DefaultStartTimeout = 30 * time.Second
	// DefaultMaxAnswer is how long a line of the program may be, in bytes.
	DefaultMaxAnswer = 16 << 20
	// DefaultMaxNoise is how much a program may print, in bytes, that is no
	// answer, before it has given its first.
	DefaultMaxNoise = 1 << 20
)

// A Config says which program a worker is and how to talk to it. Only Program
// must be set.
type Config struct {
	// Program is the path of the executable, or a name to be looked up in PATH.
	// A relative path is made absolute when the worker is made.
	Program string
	// Args are its arguments, without the name of the program.
	Args []string
	// Env is added to the environment of this process, as KEY=value.
	Env []string
	// Dir is its working directory. Empty means a new temporary one for each
	// process, removed after its end, so that copies of the program are not in
	// each other's way. Files in Args and in calls are better absolute, then.
	Dir string
	// Name is for errors; empty means the last part of Program.
	Name string

	// Channel says where requests and answers travel.
	Channel Channel
	// Dialect says how an answer looks like.
	Dialect Dialect
	// Flag is what the line of an answer begins with, in the dialect Flagged.
	Flag string

	// Idle is how long the program stays without a call: it is told so, and ended
	// if it does not go by itself soon afterwards. 0 means selector.DefaultIdle,
	// 5 s; negative means that it stays.
	Idle time.Duration
	// Announces says that the program sends {"ready":true,"protocol":1} when it is
	// ready, as a line of its own in every dialect. Then Start waits for that, and StartTimeout is the limit: 0 means
	// DefaultStartTimeout, negative means none.
	Announces    bool
	StartTimeout time.Duration
	// Grace is how long it has to go when it is told to: 0 means
	// child.DefaultGrace, 2 s; negative means none.
	Grace time.Duration

	// Tail is how many bytes of its stderr an error shows, from the end: 0 means
	// child.DefaultTail, 64 KiB; negative means none.
	Tail int
	// StderrFile is a file to which all of its stderr is appended. Empty means
	// none. Give each worker its own.
	StderrFile string
	// Stderr, if not nil, gets all of its stderr as well. It must not block.
	Stderr io.Writer
	// Noise, if not nil, gets the lines that the program prints to stdout and
	// that are no answers. It must not block. stdout is read during calls and at
	// the end; a program that prints much in between waits for the next call.
	Noise io.Writer

	// MaxAnswer limits the length of a line: 0 means DefaultMaxAnswer. A program
	// that prints a longer one is killed. Large data belongs into a file, whose
	// path is the answer.
	MaxAnswer int
	// MaxNoise limits what a program may print in vain before its first answer: 0
	// means DefaultMaxNoise, negative means no limit. Beyond it the program is
	// taken for one that is no worker at all, and killed.
	MaxNoise int
}

// A Channel is where requests and answers travel.
type Channel int

const (
	// Stdio is stdin for requests and stdout for answers: every program has them.
	Stdio Channel = iota
	// Descriptor3 is a socket apart from stdout: nothing that the program prints
	// can be taken for an answer.
	Descriptor3
)

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = filepath.Base(c.Program)
	}
	if c.Idle == 0 {
		c.Idle = selector.DefaultIdle
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if c.Grace == 0 {
		c.Grace = child.DefaultGrace
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = DefaultMaxAnswer
	}
	if c.MaxNoise == 0 {
		c.MaxNoise = DefaultMaxNoise
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Dialect < Bare || c.Dialect > Flagged:
		return fmt.Errorf("config: there is no dialect %d", c.Dialect)
	case c.Channel < Stdio || c.Channel > Descriptor3:
		return fmt.Errorf("config: there is no channel %d", c.Channel)
	case c.Dialect == Flagged && c.Flag == "":
		return errors.New("config: the dialect Flagged needs a Flag")
	}
	return nil
}
