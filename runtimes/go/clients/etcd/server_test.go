package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"
)

// server is a real etcd, Debian's etcd-server.
type server struct {
	t       testing.TB
	address string
	folder  string
	args    []string
	cmd     *exec.Cmd
}

// starts runs what starts processes on a thread that does not end before this program: they are killed when it does.
var starts = func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
}()

// startEtcd starts one with more arguments; it ends with the test.
func startEtcd(t testing.TB, args ...string) *server {
	t.Helper()
	return startMembers(t, 1, args...)[0]
}

// startMembers starts a cluster.
func startMembers(t testing.TB, n int, args ...string) []*server {
	t.Helper()
	ports := testhost.FreePorts(2 * n)
	var cluster []string
	for k := range n {
		cluster = append(cluster, fmt.Sprintf("m%d=http://127.0.0.1:%d", k, ports[n+k]))
	}
	members := make([]*server, n)
	for k := range members {
		folder := t.TempDir()
		client, peer := fmt.Sprintf("http://127.0.0.1:%d", ports[k]), fmt.Sprintf("http://127.0.0.1:%d", ports[n+k])
		members[k] = &server{t: t, folder: folder, address: fmt.Sprintf("127.0.0.1:%d", ports[k]), args: append([]string{
			"--name", fmt.Sprintf("m%d", k), "--data-dir", filepath.Join(folder, "data"), "--logger", "zap",
			"--log-outputs", "stderr", "--listen-client-urls", client, "--advertise-client-urls", client,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
			"--initial-cluster", strings.Join(cluster, ","),
			// Members that do not get the processor at once are not given up.
			"--heartbeat-interval", "300", "--election-timeout", "3000",
		}, args...)}
		t.Cleanup(members[k].kill)
		members[k].spawn()
	}
	for _, s := range members {
		s.serves()
	}
	return members
}

func (s *server) spawn() {
	s.t.Helper()
	out, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command("etcd", s.args...)
	s.cmd.Stderr = out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starts <- func() { started <- s.cmd.Start() }
	if err := <-started; err != nil {
		s.cmd = nil
		s.t.Fatalf("Debian's etcd-server is needed: %v", err)
	}
}

func (s *server) serves() {
	s.t.Helper()
	admin := s.admin("", "")
	testhost.Within(s.t, startTimeout, "etcd", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := admin.Get(ctx, "health")
		return err == nil || refusesToken(err)
	})
}

func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) restart() {
	s.t.Helper()
	s.kill()
	s.spawn()
	s.serves()
}

func (s *server) log() string {
	text, err := os.ReadFile(filepath.Join(s.folder, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// admin is the official client.
func (s *server) admin(user, password string) *clientv3.Client {
	s.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.address}, Username: user, Password: password,
		Logger: zap.NewNop(), DialTimeout: 20 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// startTimeout is how long a server may take to start where much else is going on.
const startTimeout = 3 * time.Minute

// patient is how long the tests wait for an answer.
const patient = 20 * time.Second

func ctx(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	return ctx
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, token)
}
