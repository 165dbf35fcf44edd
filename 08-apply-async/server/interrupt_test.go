//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process/processtest"
)

// The first Ctrl-C waits for a request that hangs, since its grace is long. The second does
// not wait, and the workers go all the same.
func TestASecondCtrlC(t *testing.T) {
	port := freePort(t)
	cmd := exec.CommandContext(processtest.Within(t), os.Args[0], "-workers", "1", "-grace", "1h", "-server-address", fmt.Sprintf(`{"host":"127.0.0.1","port":%d}`, port))
	cmd.Env = append(os.Environ(), asProgram+"=1")
	require.NoError(t, cmd.Start())
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	var report Report
	for len(report.Workers) == 0 {
		resp, err := http.Get(url + "/stats")
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&report))
		_ = resp.Body.Close()
	}
	worker := report.Workers[0].PID
	require.NoError(t, syscall.Kill(worker, syscall.SIGSTOP)) // so that the request hangs
	ended := make(chan error)
	go func() {
		resp, err := http.Get(url + "/Xy?x=1&y=1")
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	for report.Running == 0 {
		resp, err := http.Get(url + "/stats")
		require.NoError(t, err)
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&report))
		_ = resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	for { // until it listens no more
		resp, err := http.Get(url + "/healthz")
		if err != nil {
			break
		}
		_ = resp.Body.Close()
		time.Sleep(time.Millisecond)
	}
	waited := make(chan error)
	go func() { waited <- cmd.Wait() }()
	var err error
	for err == nil { // it may come in the moment in which the first one is still being dealt with
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err = <-waited:
		case <-time.After(10 * time.Millisecond):
		}
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok)
	require.Equal(t, syscall.SIGINT, exit.Sys().(syscall.WaitStatus).Signal())
	require.Error(t, <-ended)
	leaktest.ReapOrphans()
	require.Eventually(t, func() bool { return syscall.Kill(worker, 0) != nil }, processtest.Patience, time.Millisecond)
}
