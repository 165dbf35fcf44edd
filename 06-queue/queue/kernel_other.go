//go:build unix && !linux

package queue

import "errors"

func packetPair() ([2]int, error) { return [2]int{}, errors.ErrUnsupported }
