// Misconception: between two lines nothing can come.
// Rejected by: repair

//go:build unix

package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Bank is a directory with a file for each account. A process that works with it is a
// teller; there are many at the same time.
type Bank struct {
	Dir string

	// Approve is asked with the balances of both accounts, before anything is changed.
	// It may take long. If it returns an error, nothing is changed.
	Approve func(from, to int) error

	// Wrote is told after each change of an account's file.
	Wrote func(account string)
}

// ErrPoor is what Transfer returns if there is not enough money.
var ErrPoor = errors.New("not enough money")

// Transfer moves amount from one account to another.
func (b Bank) Transfer(ctx context.Context, from, to string, amount int) error {
	// In the order of the names: two tellers who want the same two never have one each.
	first, second := min(from, to), max(from, to)
	for _, account := range []string{first, second} {
		unlock, err := b.lock(ctx, account)
		if err != nil {
			return fmt.Errorf("%s: %w", account, err)
		}
		defer unlock()
	}
	// From here on nobody else reads or changes these two.
	journal := filepath.Join(b.Dir, ".journal "+first+" "+second)
	if err := b.repair(journal); err != nil {
		return err
	}
	has, err := b.balance(from)
	if err != nil {
		return err
	}
	gets, err := b.balance(to)
	if err != nil {
		return err
	}
	if has < amount {
		return fmt.Errorf("%s has %d: %w", from, has, ErrPoor)
	}
	if err := b.Approve(has, gets); err != nil {
		return err
	}
	// What is to stand in the files at the end, not what to add: whoever repairs may be
	// killed too, and to write the same number twice does no harm.
	plan := map[string]int{from: has - amount, to: gets + amount}
	return b.carryOut(plan, journal)
}

// repair does what a killed teller has not come to.
func (b Bank) repair(journal string) error {
	text, err := os.ReadFile(journal)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var plan map[string]int
	if err == nil {
		err = json.Unmarshal(text, &plan)
	}
	if err != nil {
		return err
	}
	return b.carryOut(plan, journal)
}

func (b Bank) carryOut(plan map[string]int, journal string) error {
	for _, account := range slices.Sorted(maps.Keys(plan)) {
		if err := write(filepath.Join(b.Dir, account), plan[account]); err != nil {
			return err
		}
		b.Wrote(account)
	}
	return nil
}

// write replaces a file by a new one, in one step: whoever reads it finds the old
// content or the new, and not the first half of it.
func write(path string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	hidden := filepath.Join(filepath.Dir(path), ".new "+filepath.Base(path))
	if err := os.WriteFile(hidden, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(hidden, path)
}

func (b Bank) balance(account string) (int, error) {
	text, err := os.ReadFile(filepath.Join(b.Dir, account))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// lock takes the lock of an account. The kernel gives it back when the file is closed,
// and it closes the files of the dead.
func (b Bank) lock(ctx context.Context, account string) (unlock func(), err error) {
	path := filepath.Join(b.Dir, account)
	if _, err := os.Stat(path); err != nil {
		return nil, err // no account, no lock
	}
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err == syscall.EWOULDBLOCK {
			// flock cannot wait with a limit, so ask again. (A goroutine that waits in
			// it would go on waiting when we have given up, and get it.)
			select {
			case <-time.After(2 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != syscall.EINTR {
			file.Close()
			return nil, err
		}
	}
}
