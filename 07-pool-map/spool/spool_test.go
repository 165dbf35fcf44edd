//go:build unix

package spool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/07-pool-map/spool"
)

const role = "MULTIPROCESSING_SPOOL_ROLE"

// The test binary is the program of the workers, too.
func TestMain(m *testing.M) {
	if os.Getenv(role) != "" {
		if err := worker.Serve(act); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

// act does what its arguments say, and returns its pid.
func act(_ context.Context, in pipe.Inputs) (any, error) {
	if len(in.Args) == 0 {
		return os.Getpid(), nil
	}
	switch in.Args[0] {
	case "meet": // as many as that are here at the same time, each in its own process
		dir, n := in.Args[1].(string), in.Args[2].(json.Number)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(os.Getpid())), nil, 0o600); err != nil {
			return nil, err
		}
		for {
			entries, err := os.ReadDir(dir)
			if err != nil || fmt.Sprint(len(entries)) == n.String() {
				return os.Getpid(), err
			}
			time.Sleep(20 * time.Millisecond) // hundreds of them look
		}
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "fail":
		return nil, errors.New("as you said")
	case "gate": // wait until the file is there
		for {
			if _, err := os.Stat(in.Args[1].(string)); err == nil {
				return os.Getpid(), nil
			}
			time.Sleep(time.Millisecond)
		}
	}
	return os.Getpid(), nil
}

func config(n int) spool.Config {
	return spool.Config{Workers: n, Worker: worker.Config{
		Program: os.Args[0], Name: "actor", Env: []string{role + "=worker", "GORACE=atexit_sleep_ms=0"},
		Channel: worker.Descriptor3, Dialect: worker.Envelope,
	}}
}

func newSpool(t testing.TB, cfg spool.Config) *spool.Spool {
	t.Helper()
	s, err := spool.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), processtest.Patience)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		require.Empty(t, s.PIDs())
	})
	return s
}

// meet returns the pids of all workers, which have been busy at the same time.
func meet(t *testing.T, s *spool.Spool, n int) []int {
	t.Helper()
	dir, pids, errs := t.TempDir(), make([]int, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { pids[i], errs[i] = spool.Call[int](processtest.Within(t), s, "meet", dir, n) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	return pids
}

func TestCallsAreSpread(t *testing.T) {
	s := newSpool(t, config(3))
	pids := meet(t, s, 3)
	require.NotEqual(t, pids[0], pids[1])
	require.ElementsMatch(t, pids, s.PIDs())
	seen := map[int]bool{}
	for range 3 { // one after the other, too
		pid, err := spool.Call[int](processtest.Within(t), s)
		require.NoError(t, err)
		seen[pid] = true
	}
	require.Len(t, seen, 3)
	_, err := spool.Call[int](processtest.Within(t), s, "fail")
	remote, ok := errors.AsType[*worker.RemoteError](err)
	require.True(t, ok, err)
	require.Equal(t, "as you said", remote.Message)
	require.Zero(t, s.Restarts())
}

// A worker that dies costs its call. It is replaced, whether it was busy or idle.
func TestTheDeadAreReplaced(t *testing.T) {
	s := newSpool(t, config(2))
	before := meet(t, s, 2)
	_, err := spool.Call[int](processtest.Within(t), s, "die")
	died, ok := errors.AsType[*child.DiedError](err)
	require.True(t, ok, err)
	require.Equal(t, syscall.SIGKILL, died.Signal)
	after := meet(t, s, 2)
	require.NotContains(t, after, died.PID)

	for _, pid := range after {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.Eventually(t, func() bool { return s.Restarts() == 3 }, processtest.Patience, time.Millisecond)
	for _, pid := range meet(t, s, 2) {
		require.NotContains(t, append(before, after...), pid)
	}
}

func TestQueueLimit(t *testing.T) {
	for _, limit := range []int{-1, 1, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			cfg := config(2)
			cfg.QueueLimit = limit
			s := newSpool(t, cfg)
			for range 2 { // both are there
				_, err := spool.Call[int](processtest.Within(t), s)
				for errors.Is(err, pool.ErrFull) {
					time.Sleep(time.Millisecond)
					_, err = spool.Call[int](processtest.Within(t), s)
				}
				require.NoError(t, err)
			}
			for len(s.PIDs()) < 2 {
				time.Sleep(time.Millisecond)
			}
			gate := filepath.Join(t.TempDir(), "gate")
			ends := make(chan error)
			n, full := 0, 0
			for ; n < 10; n++ {
				go func() {
					_, err := spool.Call[int](processtest.Within(t), s, "gate", gate)
					ends <- err
				}()
			}
			for ; full < 10-2-max(limit, 0); full++ {
				require.ErrorIs(t, <-ends, pool.ErrFull)
			}
			require.NoError(t, os.WriteFile(gate, nil, 0o600))
			for range n - full {
				require.NoError(t, <-ends)
			}
		})
	}
}

// Who gives up frees his place in the queue at once, and the worker when it has answered,
// or when the spool has no patience any more.
func TestGivingUp(t *testing.T) {
	cfg := config(1)
	cfg.Patience = 20 * time.Millisecond
	s := newSpool(t, cfg)
	before, err := spool.Call[int](processtest.Within(t), s)
	require.NoError(t, err)
	_, err = spool.Call[int](processtest.Past(t), s)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	pid, err := spool.Call[int](processtest.Within(t), s)
	require.NoError(t, err)
	require.Equal(t, before, pid)

	ctx, cancel := context.WithCancelCause(t.Context())
	begun := make(chan struct{})
	enough := errors.New("enough")
	go func() {
		close(begun)
		time.Sleep(5 * time.Millisecond)
		cancel(enough)
	}()
	<-begun
	never := filepath.Join(t.TempDir(), "never")
	_, err = spool.Call[int](ctx, s, "gate", never)
	require.ErrorIs(t, err, enough)
	pid, err = spool.Call[int](processtest.Within(t), s)
	require.NoError(t, err)
	require.NotEqual(t, before, pid, "it was killed and replaced")
	require.Equal(t, 1, s.Restarts())
}

func TestBroken(t *testing.T) {
	for what, cfg := range map[string]worker.Config{
		"exits": {Program: "sh", Args: []string{"-c", "echo no licence >&2; exit 7"}},
		"is ok": {Program: "true"},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSpool(t, spool.Config{Worker: cfg, Workers: 2})
			var err error
			for !errors.Is(err, pool.ErrBroken) {
				_, err = spool.Call[int](processtest.Within(t), s, 1)
				require.Error(t, err)
			}
			_, err = spool.Call[int](processtest.Within(t), s, 1)
			require.ErrorIs(t, err, pool.ErrBroken)
			if what == "exits" {
				require.ErrorContains(t, err, "no licence")
			}
		})
	}
	_, err := spool.New(spool.Config{Worker: worker.Config{Program: "no such program"}})
	require.ErrorContains(t, err, "no such program")
	_, err = spool.New(spool.Config{Workers: -1})
	require.Error(t, err)
}

func TestClose(t *testing.T) {
	s := newSpool(t, config(1))
	gate := filepath.Join(t.TempDir(), "never")
	ends := make(chan error)
	for range 3 {
		go func() {
			_, err := spool.Call[int](processtest.Within(t), s, "gate", gate)
			ends <- err
		}()
	}
	for len(s.PIDs()) == 0 {
		time.Sleep(time.Millisecond)
	}
	require.ErrorIs(t, s.Close(processtest.Past(t)), pipe.ErrTimeout)
	for range 3 {
		require.ErrorIs(t, <-ends, pipe.ErrClosed)
	}
	require.NoError(t, s.Close(processtest.Within(t)))
	_, err := spool.Call[int](processtest.Within(t), s)
	require.ErrorIs(t, err, pipe.ErrClosed)
}

// Hundreds of workers cost nothing while they are idle: nobody looks after them in between.
func TestHundreds(t *testing.T) {
	n := 200
	switch {
	case testing.Short():
		n = 10
	case processtest.RaceDetector():
		n = 50
	}
	s := newSpool(t, config(n))
	pids := meet(t, s, n)
	before := cpu(t)
	time.Sleep(200 * time.Millisecond) // as long as somebody who polls would need to be seen
	require.Less(t, cpu(t)-before, 50*time.Millisecond)
	require.NoError(t, syscall.Kill(pids[7], syscall.SIGKILL))
	require.Eventually(t, func() bool { return s.Restarts() == 1 }, processtest.Patience, time.Millisecond)
	meet(t, s, n)
}

// cpu returns how much processor time this process has had.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A spool of Python workers.
func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	script, err := filepath.Abs("testdata/square.py")
	require.NoError(t, err)
	s := newSpool(t, spool.Config{Worker: worker.Config{Program: "python3", Args: []string{script}}, Workers: 2})
	for x := range 10 {
		y, err := spool.Call[int](processtest.Within(t), s, x)
		require.NoError(t, err)
		require.Equal(t, x*x, y)
	}
}
