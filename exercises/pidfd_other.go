//go:build unix && !linux

package main

func pidfd() error { return nil }
