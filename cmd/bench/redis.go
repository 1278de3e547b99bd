package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisServer is a redis-server that keeps nothing on disk.
type redisServer struct {
	*child
	addr   string
	client *goredis.Client
}

func startRedis(core int) (*redisServer, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	args := []string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning",
		"--maxmemory-policy", "noeviction",
	}
	c, err := spawn(core, exec.Command("redis-server", args...)) //nolint:noctx // it is killed
	if err != nil {
		return nil, err
	}
	r := &redisServer{child: c, addr: addr, client: redisClient(addr)}
	if err := c.await("redis-server answers", func() bool { return r.client.Ping(context.Background()).Err() == nil }); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// redisClient is one like that of storage/redis, for the ceilings to be of the same library.
func redisClient(addr string) *goredis.Client {
	return goredis.NewClient(&goredis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true, PipelinePoolSize: -1, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

func (r *redisServer) close() {
	_ = r.client.Close()
	r.kill()
}

// marksLive is longer than the marks live that the store leaves of what was written, such as new owners.
const marksLive = 12 * time.Second

// settle waits until nothing is left of what lives for seconds only.
func (b *bench) settle(ctx context.Context) {
	if b.quick {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(marksLive):
	}
}

// used is the memory that Redis has allocated, but for its clients' buffers.
func (r *redisServer) used(ctx context.Context) (figure, error) {
	info, err := r.client.InfoMap(ctx, "memory").Result()
	if err != nil {
		return unknown, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	memory := info["Memory"]
	all, err := strconv.Atoi(memory["used_memory"])
	clients, errClients := strconv.Atoi(memory["mem_clients_normal"])
	if err = errors.Join(err, errClients); err != nil {
		return unknown, fmt.Errorf("read Redis' memory: %w", err)
	}
	return figure(all - clients), nil
}

// storage is the section of config.yaml. The timeout stays as it is: a longer one keeps epochs from being remembered.
func (r *redisServer) storage() string {
	return fmt.Sprintf("{driver: redis, redis: {addrs: [%q]}}", r.addr)
}

// boltAt is the section of config.yaml for a file.
func boltAt(path string) string {
	return fmt.Sprintf("{driver: bolt, bolt: {path: %q}}", filepath.ToSlash(path))
}

// freeAddr is one of the loopback interface that nobody listens on, at the moment.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
