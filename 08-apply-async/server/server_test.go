//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/04-fork-order/texture"
)

const asProgram = "SERVER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	process.Main()
	process.Command()
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stderr))
	}
	leaktest.Main(m)
}

// freePort returns a port on which nobody listens at this moment.
func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// A running server, in this process.
type running struct {
	url    string
	client *http.Client
	stop   func() error // and wait
}

func start(t testing.TB, cfg Config) *running {
	t.Helper()
	cfg, err := cfg.withDefaults()
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := newServer(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, listener, io.Discard) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	r := &running{url: "http://" + listener.Addr().String(), client: &http.Client{Transport: transport, Timeout: processtest.Patience}}
	r.stop = sync.OnceValue(func() error {
		cancel(process.ErrAborted)
		transport.CloseIdleConnections()
		return <-served
	})
	t.Cleanup(func() { require.ErrorIs(t, r.stop(), process.ErrAborted) })
	return r
}

// get returns the status and the answer.
func (r *running) get(t testing.TB, path string) (int, string) {
	t.Helper()
	resp, err := r.client.Get(r.url + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func (r *running) report(t testing.TB) (report Report) {
	t.Helper()
	_, body := r.get(t, "/stats")
	require.NoError(t, json.Unmarshal([]byte(body), &report))
	return report
}

// want returns what the server ought to answer.
func want(t testing.TB, x, y int, seed uint64) string {
	t.Helper()
	in, err := texture.Texture.Append(nil, texture.Size{X: x, Y: y, Seed: seed})
	require.NoError(t, err)
	rows, err := process.Invoke(t.Context(), "texture", in)
	require.NoError(t, err)
	return `{"value":["vector<vector<float8>>",` + string(rows) + ",[]]}\n"
}

func eachMode(t *testing.T, test func(t *testing.T, name string)) {
	for _, name := range []string{"process", "callback", "delegate", "spool"} {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

func TestAnswers(t *testing.T) {
	eachMode(t, func(t *testing.T, name string) {
		r := start(t, Config{Mode: name, Workers: 2})
		status, body := r.get(t, "/Xy?x=2&y=3")
		require.Equal(t, 200, status, body)
		require.Equal(t, want(t, 2, 3, 0), body)
		_, body = r.get(t, "/Xy?x=2&y=1&seed=7&plain=true")
		require.Equal(t, "["+body[1:len(body)-2]+"]\n", body)
		require.Contains(t, want(t, 2, 1, 7), strings.TrimSpace(body))

		resp, err := r.client.Post(r.url+"/Xy", "application/json", strings.NewReader(`{"x":3,"y":2,"seed":5}`))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		require.NoError(t, err)
		require.Equal(t, want(t, 3, 2, 5), string(text))

		report := r.report(t)
		require.Equal(t, name, report.Mode)
		require.Equal(t, 3, report.Requests)
		require.Equal(t, map[int]int{200: 3}, report.Statuses)
		require.Positive(t, report.Latency["p50"])
		switch name {
		case "process", "callback":
			require.Equal(t, 3, report.Started)
		case "delegate":
			require.Equal(t, 1, report.Started)
		default:
			require.Equal(t, 2, report.Started)
		}
	})
}

// Many clients at the same time: each gets his own answer.
func TestEachAnswerFindsItsClient(t *testing.T) {
	eachMode(t, func(t *testing.T, name string) {
		r := start(t, Config{Mode: name, Workers: 2, Queue: 100})
		n := 64
		if name == "process" || name == "callback" {
			n = 16 // processes
		}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				status, body := r.get(t, fmt.Sprintf("/Xy?x=2&y=2&seed=%d", i))
				if status != 200 || body != want(t, 2, 2, uint64(i)) {
					t.Errorf("seed %d: %d %s", i, status, body)
				}
			})
		}
		wg.Wait()
	})
}

func TestBadInput(t *testing.T) {
	r := start(t, Config{Workers: 1})
	for path, part := range map[string]string{
		"/Xy":                           `"field":"x"`,
		"/Xy?x=2":                       `"field":"y"`,
		"/Xy?x=2&y=0":                   `"field":"y"`,
		"/Xy?x=two&y=3":                 `"field":"x"`,
		"/Xy?x=2&x=3&y=3":               `"field":"x"`,
		"/Xy?x=2&y=3&z=4":               `"field":"z"`,
		"/Xy?x=2&y=3&seed=-1":           `"field":"seed"`,
		"/Xy?x=1048577&y=1":             `"field":"x"`,
		"/Xy?x=1048576&y=2":             `"field":"y"`,
		"/Xy?x=9223372036854775807&y=3": `"field":"x"`,
		"/Xy?x=2&y=4611686018427387905": `"field":"y"`,
	} {
		status, body := r.get(t, path)
		require.Equal(t, 400, status, path)
		require.Contains(t, body, part, path)
		require.True(t, json.Valid([]byte(body)))
	}
	for body, status := range map[string]int{
		``: 400, `{`: 400, `[]`: 400, `{"x":"2","y":3}`: 400, `{"x":2,"y":3,"w":1}`: 400, `{"x":2,"y":3}{}`: 400, `{"x":1e3,"y":1}`: 400,
		`{"x":2,"y":3,"plain":` + strings.Repeat(" ", bodyLimit) + `true}`: 413,
	} {
		resp, err := r.client.Post(r.url+"/Xy", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		require.Equal(t, status, resp.StatusCode, "%.50s: %.200s", body, text)
	}
	status, _ := r.get(t, "/nothing")
	require.Equal(t, 404, status)
	req, err := http.NewRequest(http.MethodDelete, r.url+"/Xy", nil)
	require.NoError(t, err)
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, 405, resp.StatusCode)
	for _, cfg := range []Config{{Mode: "magic"}, {Workers: -1}} {
		require.Error(t, Serve(t.Context(), cfg, io.Discard))
	}
}

// Workers are killed all the time. No answer is wrong, nothing hangs, and only who was being
// served by one that died gets an error, which says so.
func TestWorkersAreKilled(t *testing.T) {
	lasts, every := 2*time.Second, 100*time.Millisecond
	if testing.Short() {
		lasts = time.Second
	} else if os.Getenv("SOAK") != "" {
		lasts = time.Minute
	}
	eachMode(t, func(t *testing.T, name string) {
		if testing.Short() && (name == "process" || name == "callback") {
			t.Skip("a start of a process for each request takes long with the race detector")
		}
		r := start(t, Config{Mode: name, Workers: 2, Queue: 100})
		answers := want(t, 40, 40, 1)
		var good, bad atomic.Int64
		ctx, cancel := context.WithTimeout(t.Context(), lasts)
		defer cancel()
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for ctx.Err() == nil {
					switch status, body := r.get(t, "/Xy?x=40&y=40&seed=1"); {
					case status == 200 && body == answers:
						good.Add(1)
					case status == 502 || status == 503:
						bad.Add(1)
					default:
						t.Errorf("%d %.200s", status, body)
						return
					}
				}
			})
		}
		for ctx.Err() == nil {
			time.Sleep(every)
			if pids := processtest.Children(t, ""); len(pids) > 0 {
				_ = syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL)
			}
		}
		wg.Wait()
		require.Positive(t, good.Load())
		t.Logf("answers: %d, errors: %d, %+v", good.Load(), bad.Load(), r.report(t).state)
	})
}

// When it is stopped, running requests come to their end, and the port is free at once.
func TestStop(t *testing.T) {
	eachMode(t, func(t *testing.T, name string) {
		r := start(t, Config{Mode: name, Workers: 2, Grace: processtest.Patience})
		ends := make(chan string)
		go func() {
			status, _ := r.get(t, "/Xy?x=300&y=300")
			ends <- fmt.Sprint(status)
		}()
		for r.report(t).Running == 0 {
			time.Sleep(time.Millisecond)
		}
		require.ErrorIs(t, r.stop(), process.ErrAborted)
		require.Equal(t, "200", <-ends)
		l, err := net.Listen("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		require.NoError(t, l.Close())
	})
}

// Another program can start it, and stop it.
func TestAsAProcess(t *testing.T) {
	port := freePort(t)
	task := Server.New(Config{ServerAddress: texture.Address{Port: port}, Workers: 1}, process.Config{})
	require.NoError(t, task.Start())
	for {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", port))
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		require.True(t, task.IsAlive(), "%v", task.Err())
		time.Sleep(time.Millisecond)
	}
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, task.Stop(processtest.Within(t)))
	_, err := task.Result(processtest.Within(t))
	require.ErrorIs(t, err, process.ErrAborted)
	leaktest.ReapOrphans()
}

// From a shell: Ctrl-C ends it with few words, and who cannot listen says who does.
func TestAsAProgram(t *testing.T) {
	port := freePort(t)
	address := fmt.Sprintf(`{"host":"127.0.0.1","port":%d}`, port)
	program := func(args ...string) (*exec.Cmd, *strings.Builder) {
		cmd := exec.CommandContext(processtest.Within(t), os.Args[0], args...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		return cmd, &stderr
	}
	cmd, stderr := program("-server-address", address, "-workers", "2")
	require.NoError(t, cmd.Start())
	for {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/Xy?x=1&y=1", port))
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	http.DefaultClient.CloseIdleConnections()

	other, words := program("-server-address", address)
	err := other.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, words.String(), "cannot listen on 127.0.0.1:")
	require.Contains(t, words.String(), fmt.Sprintf("pid %d does already", cmd.Process.Pid))
	require.Equal(t, 1, strings.Count(words.String(), "\n"))

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
	require.LessOrEqual(t, strings.Count(stderr.String(), "\n"), 5, stderr.String())

	for _, args := range [][]string{{"-mode", "magic"}, {"what"}, {"-workers", "x"}, {"-server-address", "here"}} {
		cmd, stderr := program(args...)
		err := cmd.Run()
		_, ok := errors.AsType[*exec.ExitError](err)
		require.True(t, ok, "%v", args)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
	}
}

// Who finds the queue full is told so at once, and when to come again.
func TestFull(t *testing.T) {
	for _, name := range []string{"callback", "delegate", "spool"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Config{Mode: name, Workers: 1, Queue: 1})
			var good, full atomic.Int64
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					resp, err := r.client.Get(r.url + "/Xy?x=100&y=100")
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					_, _ = io.Copy(io.Discard, resp.Body)
					switch resp.StatusCode {
					case 200:
						good.Add(1)
					case 503:
						full.Add(1)
						if resp.Header.Get("Retry-After") == "" {
							t.Error("it does not say when to come again")
						}
					default:
						t.Error(resp.Status)
					}
				})
			}
			wg.Wait()
			require.Positive(t, good.Load())
			require.Positive(t, full.Load())
			require.Equal(t, int64(40), good.Load()+full.Load())
		})
	}
}

// Who sends half a request, or nothing, keeps nobody else waiting, and the server from
// nothing when it stops.
func TestSilentClients(t *testing.T) {
	r := start(t, Config{Workers: 1})
	for _, text := range []string{"", "GET /Xy?x=1", "POST /Xy HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
	}
	status, _ := r.get(t, "/Xy?x=1&y=1")
	require.Equal(t, 200, status)
	start := time.Now()
	require.ErrorIs(t, r.stop(), process.ErrAborted)
	require.Less(t, time.Since(start), DefaultGrace+processtest.Patience) // it does stop
}

// A client that hangs up frees the process that works for it.
func TestTheClientHangsUp(t *testing.T) {
	for _, name := range []string{"process", "callback"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Config{Mode: name})
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/Xy?x=1000&y=1000", nil)
			require.NoError(t, err)
			ended := make(chan error)
			go func() {
				resp, err := r.client.Do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			for len(processtest.Children(t, "")) == 0 {
				time.Sleep(time.Millisecond)
			}
			for len(r.report(t).Workers) == 0 {
				time.Sleep(time.Millisecond)
			}
			worker := r.report(t).Workers[0]
			require.Contains(t, processtest.Children(t, ""), worker.PID)
			require.Equal(t, "texture", worker.Task)
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			for r.report(t).Running > 0 {
				time.Sleep(time.Millisecond)
			}
			require.Empty(t, r.report(t).Workers)
		})
	}
}

func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads the machine")
	}
	var out strings.Builder
	require.NoError(t, compare(processtest.Within(t), Config{Workers: 2}, &out, 100*time.Millisecond))
	require.Equal(t, 7, strings.Count(out.String(), "\n"), out.String())
	for _, name := range []string{"process", "callback", "delegate", "spool", "goroutine"} {
		require.Regexp(t, `(?m)^`+name+` +[1-9]\d* +\S+ +\S+ +\d+ +0$`, out.String())
	}
}

// BenchmarkHTTP is one request, of 64 clients.
func BenchmarkHTTP(b *testing.B) {
	for _, name := range []string{"process", "callback", "delegate", "spool", "goroutine"} {
		b.Run("mode="+name, func(b *testing.B) {
			r := start(b, Config{Mode: name, Workers: 2, Queue: 100})
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !get(context.Background(), r.client, r.url+"/Xy?x=2&y=3") {
						b.Error("no answer")
					}
				}
			})
			b.StopTimer()
			require.ErrorIs(b, r.stop(), process.ErrAborted)
		})
	}
}
