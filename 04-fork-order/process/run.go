package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// Run calls the function by way of a command line: it starts a program with
// [Target.CommandLine], waits for its end, and reads the result from its stdout.
// There is no channel between the two, only what every program has: arguments, an
// output, an exit code. So the other side may be anything that prints such output,
// and each such process is a command that people can use too.
//
// program is its path; empty means this very program, whose main must call
// [Command]. Of cfg the fields Name, Grace, CPUs, Env, Dir and Stderr count.
// A program that does not exit with 0 is a [*child.DiedError], with its stderr.
// When ctx ends, the program is stopped, and the error is [pipe.ErrTimeout] or the
// context's cause.
func (t *Target[In, Out]) Run(ctx context.Context, program string, in In, cfg Config) (Out, error) {
	var none Out
	if cfg.Name == "" {
		cfg.Name = fmt.Sprintf("%s-%d", t.name, t.count.Add(1))
	}
	args, err := t.CommandLine(in)
	if err != nil {
		return none, err
	}
	p := &Process{target: t.registration, name: cfg.Name, id: objects.Add(1), cfg: cfg}
	p.log("created", "target", t.name, "by", Current().Name)
	p.log("received", "what", "Start", "from", Current().Name)
	stdout, status, err := p.runProgram(ctx, program, args)
	if err != nil {
		return none, fmt.Errorf("process: %q: %w", cfg.Name, err)
	}
	if status.ExitCode != 0 {
		return none, fmt.Errorf("process: %q (pid %d): %w", cfg.Name, status.PID, &died{"failed", status})
	}
	out, err := t.ParseOutput(stdout)
	if err == nil {
		p.log("received", "what", "Returned", "from", p.name, "bytes", len(stdout))
	}
	return out, err
}

func (p *Process) runProgram(ctx context.Context, program string, args []string) (stdout []byte, status *child.DiedError, err error) {
	me := Current()
	if err := notTooDeep(me); err != nil {
		return nil, nil, err
	}
	if program == "" && !commandCalled.Load() {
		return nil, nil, errors.New("this program has not called process.Command: call it in main behind process.Main, or the new process would run all of main instead of the function")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	out, err := pipe.Files(r, nil)
	if err != nil {
		return nil, nil, err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	if program == "" {
		cmd = exec.Command(image(), args...)
	}
	cmd.Env = append(environment(p.cfg.Env), depthVariable+"="+strconv.Itoa(me.Depth+1))
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.cfg.Dir, w, p.cfg.Stderr
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if logging() {
		cmd.Env = append(cmd.Env, logVariable+"="+p.name)
	}
	c, err := child.Start(cmd, child.Options{
		Name: p.name, Grace: p.cfg.Grace, CPUs: p.cfg.CPUs,
		WatchesLifeline: program == "",
		Gone:            func() { _ = out.SetReadDeadline(time.Unix(1, 0)) },
	})
	if err != nil {
		return nil, nil, errors.Unwrap(err)
	}
	_ = w.Close() // or the output would never end
	if p.cfg.Running != nil {
		p.cfg.Running(c.PID())
	}
	p.log("started", "child", c.PID(), "command", cmd.Path+" "+strings.Join(args, " "))
	stopped := context.AfterFunc(ctx, func() { _ = c.Stop(context.Background()) })
	stdout, err = io.ReadAll(io.LimitReader(out, pipe.DefaultLimit+1))
	if len(stdout) > pipe.DefaultLimit {
		c.Kill()
	}
	<-c.Done()
	p.log("destroyed", "exit", c.Died().ExitCode)
	switch {
	case !stopped():
		return nil, nil, pipe.Cause(ctx)
	case len(stdout) > pipe.DefaultLimit:
		return nil, nil, fmt.Errorf("%w: it has printed more than %d bytes", pipe.ErrTooLarge, pipe.DefaultLimit)
	case err != nil && !errors.Is(err, pipe.ErrTimeout): // ErrTimeout: it is dead, and that was all
		return nil, nil, err
	}
	return stdout, c.Died(), nil
}
