package main

func (r report) chart() ([]byte, error) { return nil, nil }
