package worker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// What a program is told by its environment. One that does not ask is no worse
// for it: Serve and executable.py do.
const (
	dialectVariable  = "MULTIPROCESSING_DIALECT"  // bare, envelope, flagged
	flagVariable     = "MULTIPROCESSING_FLAG"     // of the dialect flagged
	idleVariable     = "MULTIPROCESSING_IDLE"     // seconds; 0: for ever
	announceVariable = "MULTIPROCESSING_ANNOUNCE" // 1: announce yourself
	ourVariables     = "MULTIPROCESSING_"
)

// launch starts the program.
func launch(w *Worker) (*run, error) {
	c := &w.config
	cmd := exec.Command(w.path, c.Args...)
	cmd.Env = c.environment()
	cmd.Dir = c.Dir
	o := child.Options{Name: c.Name, Grace: c.Grace, Tail: c.Tail, StderrFile: c.StderrFile}
	if c.Stderr != nil {
		cmd.Stderr = c.Stderr
	}
	if c.Dir == "" {
		// Package child makes it, and removes it. Until then it is a name that nobody
		// guesses: these numbers are ChaCha8's. (With crypto/rand, each process of lesson
		// 04 would initialise all ciphers of the library when it starts.)
		o.TempDir = filepath.Join(os.TempDir(), fmt.Sprintf("worker-%016x%016x", rand.Uint64(), rand.Uint64()))
		cmd.Dir = o.TempDir
	}
	r := &run{config: c, over: make(chan struct{})}
	if err := r.connect(cmd, &o); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if c.StartTimeout > 0 {
		r.startLimit = time.Now().Add(c.StartTimeout)
	}
	o.HangUp = func() {
		_ = r.requests.CloseWrite()
		// It may be in the middle of a message to a stdout that is full. Nobody
		// will call it any more, so somebody else has to read, or it would not
		// come to see the end of its input.
		go r.drain()
	}
	o.Gone = func() {
		// What it has sent is there. Who reads looks once more, and does not wait.
		r.gone.Store(true)
		_ = r.answers.SetReadDeadline(time.Unix(1, 0))
		_ = r.requests.SetWriteDeadline(time.Unix(1, 0))
	}
	r.used()
	started, err := child.Start(cmd, o)
	if f, ok := cmd.Stdout.(*os.File); ok && c.Channel == Stdio {
		f.Close() // it is the program's now
	}
	if err != nil {
		r.free()
		return nil, err
	}
	r.child = started
	go w.mind(r)
	return r, nil
}

// connect makes the channel.
func (r *run) connect(cmd *exec.Cmd, o *child.Options) error {
	if r.config.Channel == Descriptor3 {
		front, back, err := pipe.Pair()
		if err != nil {
			return err
		}
		r.requests, r.answers, o.Channel = front, front, back
		r.answers.SetLimit(r.config.MaxAnswer)
		return nil
	}
	stdin, toStdin, err := os.Pipe()
	if err != nil {
		return err
	}
	fromStdout, stdout, err := os.Pipe()
	if err != nil {
		stdin.Close()
		toStdin.Close()
		return err
	}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	r.stdin = stdin // see wasRead
	if r.requests, err = pipe.Files(nil, toStdin); err != nil {
		return err
	}
	if r.answers, err = pipe.Files(fromStdout, nil); err != nil {
		return err
	}
	r.answers.SetLimit(r.config.MaxAnswer)
	return nil
}

func (c *Config) environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		// What our own parent has told us is not meant for our children.
		if !strings.HasPrefix(variable, ourVariables) {
			env = append(env, variable)
		}
	}
	env = append(env, c.Env...)
	env = append(env, dialectVariable+"="+[]string{"bare", "envelope", "flagged"}[c.Dialect])
	if c.Dialect == Flagged {
		env = append(env, flagVariable+"="+c.Flag)
	}
	if c.Announces {
		env = append(env, announceVariable+"=1")
	}
	return append(env, fmt.Sprintf("%s=%g", idleVariable, max(c.Idle.Seconds(), 0)))
}
