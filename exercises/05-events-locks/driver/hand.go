package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/exercises/05-events-locks/answer"
)

var accounts = []string{"alice", "bob", "carol", "dave"}

const each = 100

// byHand opens a bank, starts tellers, and counts the money when they have gone.
func byHand() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "bank-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, a := range accounts {
		if err := os.WriteFile(filepath.Join(dir, a), fmt.Appendln(nil, each), 0o600); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var tellers []*exec.Cmd
	var pids []string
	for range 4 {
		cmd := exec.CommandContext(ctx, self, "teller", dir)
		cmd.Stderr = os.Stderr
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 2 * time.Second
		if err := cmd.Start(); err != nil {
			return err
		}
		tellers = append(tellers, cmd)
		pids = append(pids, strconv.Itoa(cmd.Process.Pid))
	}
	fmt.Printf("The bank is open: %s. Four tellers (pids %s) move money. Ctrl-C closes it; kill a teller.\n", dir, strings.Join(pids, ", "))
	for i, cmd := range tellers {
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			fmt.Printf("teller %s: %v\n", pids[i], err)
		}
	}
	sum := 0
	for _, a := range accounts {
		text, err := os.ReadFile(filepath.Join(dir, a))
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return err
		}
		fmt.Printf("%-6s %4d\n", a, n)
		sum += n
	}
	fmt.Printf("sum    %4d of %d (what a killed teller has left undone is repaired by the next transfer between these two)\n", sum, each*len(accounts))
	return nil
}

func teller(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bank := answer.Bank{Dir: dir, Approve: func(int, int) error { return nil }, Wrote: func(string) {}}
	for ctx.Err() == nil {
		from := rand.IntN(len(accounts))
		to := (from + 1 + rand.IntN(len(accounts)-1)) % len(accounts)
		err := bank.Transfer(ctx, accounts[from], accounts[to], 1+rand.IntN(20))
		if err != nil && !errors.Is(err, answer.ErrPoor) && ctx.Err() == nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
