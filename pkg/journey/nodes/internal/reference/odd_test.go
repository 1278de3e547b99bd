package main

import (
	"net/netip"
	"time"
)

// Odd is settings of all kinds. It is a text "with" quotes and [Odd] links.
type Odd struct {
	common `yaml:",inline"`
	// Limit is how many | bars, "few" or "many"; 3 if it is left out.
	Limit *int `yaml:"limit"`
	// Wait is how long, see `a "b"`. <b>Bold</b> is *not* meant.
	Wait time.Duration `yaml:"wait,omitempty"`
	// Results are lists.
	Results [][]string `yaml:"outcomes"`
	// Headers are maps.
	Headers map[string]map[string]string `yaml:"headers"`
	// Algorithm is any; SHA1 if it is left out, which all know.
	Algorithm string `yaml:"algorithm"`
	// Networks are some.
	Networks []netip.Prefix `yaml:"networks"`
	// TLS is a map.
	TLS *Server `yaml:"tls"`
	// Servers are many.
	Servers []Server
	// Skipped is not a setting.
	Skipped func() `yaml:"-"`
}

// Server is one.
type Server struct {
	// Host is where.
	Host string `yaml:"host" reference:"required"`
}

type common struct {
	// Strict is what others share.
	Strict bool `yaml:"strict"`
}
