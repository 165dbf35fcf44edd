//go:build unix

package process_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// parent starts four processes that do not end by themselves: one that listens, one
// that computes, one that has started a program, and one that is stopped. All have
// the file open that the frontend sends.
var parent = process.Service("parent", func(ctx context.Context, how string, front *pipe.Conn) error {
	w, err := front.ReceiveFile()
	if err != nil {
		return err
	}
	cfg := process.Config{Stdout: w}
	for _, task := range []*process.Task[int]{busyChild.New(0, cfg), busyChild.New(1, cfg), busyChild.New(2, cfg), busyChild.New(3, cfg)} {
		if err := task.Start(); err != nil {
			return err
		}
		if err := task.Ready(ctx); err != nil {
			return err
		}
	}
	if err := pipe.Send(front, "ready"); err != nil {
		return err
	}
	switch how {
	case "return":
		return nil
	case "exit":
		os.Exit(0)
	case "panic":
		go panic("on purpose")
	}
	<-ctx.Done()
	return context.Cause(ctx)
})

var busyChild = process.Func("busy-child", func(ctx context.Context, kind int) (int, error) {
	switch kind {
	case 0:
		<-ctx.Done()
	case 1:
		for i := 0; ; i++ {
			busy = i
		}
	case 2:
		cmd := exec.Command("sleep", "3600")
		cmd.Stdout = os.Stdout
		return 0, cmd.Run()
	case 3:
		return 0, syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
	return 0, ctx.Err()
})

// startParent returns when the children of the process run, with the reading end of
// a pipe that ends when all of them are dead.
func startParent(t *testing.T, how string) (*process.Task[struct{}], *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	task := start(t, parent.New(how, quiet(t, process.Config{})))
	c := task.Conn()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	require.NoError(t, c.SendFile(w))
	require.NoError(t, w.Close())
	ready, err := pipe.Receive[string](c)
	require.NoError(t, err)
	require.Equal(t, "ready", ready)
	return task, r
}

func allGone(t *testing.T, r *os.File) {
	t.Helper()
	require.NoError(t, r.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.Copy(io.Discard, r)
	require.NoError(t, err, "a process that should be dead is alive")
}

// However a process ends, what it has started ends with it.
func TestTheDeathOfAParent(t *testing.T) {
	for _, how := range []string{"return", "exit", "panic", "stop", "terminate", "kill"} {
		t.Run(how, func(t *testing.T) {
			task, r := startParent(t, how)
			switch how {
			case "stop":
				require.NoError(t, task.Stop(within(t)))
			case "terminate":
				require.NoError(t, task.Terminate())
			case "kill":
				require.NoError(t, task.Kill())
			}
			allGone(t, r)
			join(t, task)
			leaktest.ReapOrphans()
		})
	}
}

func TestAParentKilledAtAnyMoment(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for range rounds {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		task := start(t, parent.New("wait", quiet(t, process.Config{})))
		_ = task.Conn().SendFile(w)
		require.NoError(t, w.Close())
		// Some time within the first milliseconds, while it starts its own.
		for range rand.IntN(30_000) {
			runtime.Gosched()
		}
		require.NoError(t, task.Kill())
		join(t, task)
		allGone(t, r)
		require.NoError(t, r.Close())
		leaktest.ReapOrphans()
	}
}

// Start works from anywhere: a thousand goroutines around it, threads locked, locks
// held, a goroutine that ends with its thread.
func TestStartFromAnywhere(t *testing.T) {
	release := make(chan struct{})
	var around sync.WaitGroup
	for range 300 {
		around.Go(func() { <-release })
	}
	for range 20 {
		around.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			<-release
		})
	}
	var mu sync.Mutex
	mu.Lock()
	tasks := make(chan *process.Task[string])
	for range 10 {
		go func() {
			runtime.LockOSThread()
			task := wait.New(struct{}{}, quiet(t, process.Config{}))
			isNil(t, task.Start())
			tasks <- task
			// The thread that has asked for the start ends here.
		}()
	}
	for range 10 {
		task := <-tasks
		if isNil(t, task.Ready(within(t))) {
			isNil(t, task.Stop(within(t)))
		}
		isNil(t, task.Join(within(t)))
	}
	mu.Unlock()
	close(release)
	around.Wait()
}

// Healthy processes do not die because a thread does.
func TestThreadsThatEnd(t *testing.T) {
	var tasks []*process.Task[string]
	for range 10 {
		started := make(chan struct{})
		task := wait.New(struct{}{}, quiet(t, process.Config{}))
		go func() {
			defer close(started)
			runtime.LockOSThread()
			isNil(t, task.Start())
		}()
		<-started
		tasks = append(tasks, task)
	}
	for _, task := range tasks {
		require.NoError(t, task.Ready(within(t)))
		require.True(t, task.IsAlive())
		require.NoError(t, task.Stop(within(t)))
		require.Equal(t, process.ExitAborted, join(t, task))
	}
}

func TestOutputGoesWhereItIsTold(t *testing.T) {
	var out, errOut bytes.Buffer
	task := start(t, printer.New("hello", quiet(t, process.Config{Stdout: &out, Stderr: &errOut})))
	require.Zero(t, join(t, task))
	require.Equal(t, "out hello\n", out.String())
	require.Equal(t, "err hello\n", errOut.String())
	require.Equal(t, "err hello\n", task.Died().StderrTail)

	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	task = start(t, printer.New("file", quiet(t, process.Config{Stdout: file})))
	require.Zero(t, join(t, task))
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Equal(t, "out file\n", string(text))
}

var printer = process.Func("printer", func(_ context.Context, s string) (struct{}, error) {
	fmt.Println("out", s)
	fmt.Fprintln(os.Stderr, "err", s)
	return struct{}{}, nil
})

func TestEnvironmentAndDirectory(t *testing.T) {
	dir := t.TempDir()
	task := start(t, environ.New("GREETING", quiet(t, process.Config{Dir: dir, Env: []string{"GREETING=hi", "MULTIPROCESSING_X=1"}})))
	got, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, []string{"hi", dir}, got[:2])
	require.Empty(t, got[2:], "what the parent says to its child is not for the grandchildren")
}

var environ = process.Func("environ", func(_ context.Context, name string) ([]string, error) {
	dir, err := os.Getwd()
	all := []string{os.Getenv(name), dir}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "MULTIPROCESSING_") {
			all = append(all, v)
		}
	}
	return all, err
})

func TestNamesInPs(t *testing.T) {
	task := start(t, wait.New(struct{}{}, quiet(t, process.Config{Name: "night-watchman-7"})))
	require.NoError(t, task.Ready(within(t)))
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "args=", "-p", strconv.Itoa(task.PID())).Output()
	if err != nil {
		t.Skipf("no ps here: %v", err)
	}
	require.Equal(t, "night-watchman-7", strings.TrimSpace(string(out)))
	if runtime.GOOS == "linux" {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", task.PID()))
		require.NoError(t, err)
		require.Equal(t, "night-watchman-\n", string(comm)) // 15 bytes
	}
}

func TestCPUs(t *testing.T) {
	cpus := process.Config{CPUs: []int{0}}
	task := cpuCount.New(struct{}{}, quiet(t, cpus))
	if runtime.GOOS != "linux" {
		require.ErrorContains(t, task.Start(), "unsupported")
		return
	}
	start(t, task)
	counts, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, counts, "CPUCount, GOMAXPROCS, and CPUCount of a child of it")

	all := start(t, cpuCount.New(struct{}{}, quiet(t, process.Config{})))
	counts, err = all.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, process.CPUCount(), counts[0], "the thread that starts processes has its processors back")

	for _, wrong := range []int{-1, 1023, 5000} {
		err := cpuCount.New(struct{}{}, process.Config{CPUs: []int{wrong}}).Start()
		require.ErrorContains(t, err, fmt.Sprintf("processor %d is none that this program may use", wrong))
	}
}

var cpuCount = process.Func("cpu-count", func(ctx context.Context, _ struct{}) ([]int, error) {
	counts := []int{process.CPUCount(), runtime.GOMAXPROCS(0)}
	if process.Current().Depth > 1 {
		return counts, nil
	}
	task := cpuCountTarget.New(struct{}{}, process.Config{})
	if err := task.Start(); err != nil {
		return nil, err
	}
	nested, err := task.Result(ctx)
	if err != nil {
		return nil, err
	}
	return append(counts, nested[0]), task.Join(ctx)
})

var cpuCountTarget *process.Target[struct{}, []int]

func init() { cpuCountTarget = cpuCount }

// One launch must cost nothing that stays. (leaktest has looked at the descriptors
// before the tests and looks again after them; this is for memory as well.)
func TestAThousandLaunches(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: a thousand processes")
	}
	leaktest.Check(t)
	launch := func(n int) {
		for i := range n {
			task := square.New(i, quiet(t, process.Config{}))
			require.NoError(t, task.Start())
			y, err := task.Result(within(t))
			require.NoError(t, err)
			require.Equal(t, i*i, y)
			require.Zero(t, join(t, task))
		}
	}
	launch(100)
	before := memoryInUse()
	launch(900)
	require.Less(t, memoryInUse(), before+2<<20, "memory grows with the number of launches")
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC() // finalisers of the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
