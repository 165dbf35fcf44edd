package main

func readable(int) bool { return false }
