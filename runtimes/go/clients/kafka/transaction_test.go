package main

import (
	"fmt"
	"testing"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/twmb/franz-go/pkg/kfake"
)

func transactional(brokers lua.Table, id string) lua.Table {
	return lua.With(brokers, lua.Table{"transactional_id": "tx", "client_id": id})
}

// begin begins a transaction that can be used.
func (h *host) begin(options lua.Table) *stream {
	h.t.Helper()
	s := h.open("transaction", options, lua.Table{})
	if _, err := s.next(); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func sends(topic string, values ...string) lua.Table {
	var list []lua.Table
	for _, value := range values {
		list = append(list, lua.Table{"topic": topic, "value": value})
	}
	return lua.Table{"records": list, "timeout": soonSeconds}
}

var commit = lua.Table{"commit": true, "timeout": soonSeconds}

// answered is what became of a step: its code, 0 if it went well, and all that was said.
func answered(answer any) (code int64, text string) {
	said := answer.(lua.Table)
	code = toInt(said["code"])
	if list, ok := said["sent"].([]any); ok {
		for _, sent := range list {
			if failed := toInt(sent.(lua.Table)["code"]); failed != 0 {
				code = failed
			}
		}
	}
	return code, fmt.Sprint(said)
}

func TestTransactions(t *testing.T) {
	h := load(t)
	_, brokers := fake(t, kfake.SeedTopics(1, "t"))
	options := transactional(brokers, "a")
	for name, end := range map[string]func(*stream){
		"committed": func(s *stream) { s.say(commit) },
		"closed":    func(s *stream) { s.Close() },
		"committed again": func(s *stream) {
			if code, text := answered(s.say(commit)); code != 0 {
				t.Error(text)
			}
		},
		"failed": func(s *stream) {
			s.say(sends("nowhere", "x"))
			if code, text := answered(s.say(commit)); code != 3 {
				t.Error(text)
			}
		},
		"spoken wrongly": func(s *stream) {
			if err := s.Send(lua.Pack(t, lua.Table{"x": 1}), false); err != nil {
				t.Error(err)
			}
			_, err := s.next()
			lua.Fails(t, err, invalidRequest, `no field "x"`)
		},
	} {
		s := h.begin(options)
		if code, text := answered(s.say(sends("t", name, name))); code != 0 {
			t.Fatalf("%s: %s", name, text)
		}
		end(s)
	}
	h.call("send", brokers, lua.Table{"topic": "t", "value": "last"})
	s := h.open("consume", brokers, lua.Table{"id": "1", "topics": []string{"t"}, "read_committed": true})
	seen := map[string]int{}
	for _, r := range s.records(5) {
		seen[fmt.Sprint(r[5])]++
	}
	if fmt.Sprint(seen) != "map[committed:2 committed again:2 last:1]" {
		t.Error(seen)
	}
	h.fails("send", options, lua.Table{"topic": "t"}, invalidRequest, "in transactions only")
	_, err := h.open("transaction", brokers, lua.Table{}).next()
	lua.Fails(t, err, invalidRequest, "transactional_id")
}

func TestAProducerThatIsFencedOff(t *testing.T) {
	h := load(t)
	_, brokers := fake(t, kfake.SeedTopics(1, "t"))
	older, younger := transactional(brokers, "older"), transactional(brokers, "younger")
	a := h.begin(older)
	a.say(sends("t", "older"))
	b := h.begin(younger)
	b.say(sends("t", "younger"))
	if code, text := answered(a.say(commit)); code != 90 && code != 47 {
		t.Error(text)
	}
	if code, text := answered(b.say(commit)); code != 0 {
		t.Error(text)
	}
	// The older producer can begin again, and fences off the other.
	a = h.begin(older)
	a.say(sends("t", "again"))
	if code, text := answered(a.say(commit)); code != 0 {
		t.Error(text)
	}
	s := h.open("consume", brokers, lua.Table{"id": "1", "topics": []string{"t"}, "read_committed": true})
	if values := s.values(2); values != "younger again" {
		t.Error(values)
	}
}

func TestATransactionWhoseTopicIsMadeAgain(t *testing.T) {
	h := load(t)
	_, brokers := fake(t, kfake.SeedTopics(1, "t"))
	options := transactional(brokers, "a")
	s := h.begin(options)
	s.say(sends("t", "old"))
	s.say(commit)
	h.makeAgain(brokers, "t", 1)
	var code int64
	var text string
	for range 3 { // the first may fail
		s := h.begin(options)
		s.say(sends("t", "new"))
		if code, text = answered(s.say(commit)); code == 0 {
			break
		}
	}
	if code != 0 {
		t.Error(text)
	}
	c := h.open("consume", brokers, lua.Table{"id": "1", "topics": []string{"t"}, "read_committed": true})
	if values := c.values(1); values != "new" {
		t.Error(values)
	}
}

func TestATransactionWithoutBrokers(t *testing.T) {
	h := load(t)
	s := h.begin(transactional(lua.Table{"brokers": []string{nobody()}}, "a"))
	code, text := answered(s.say(lua.Table{"records": []lua.Table{{"topic": "t", "value": "x"}}, "timeout": 1}))
	if code != unreachable && code != -1 {
		t.Error(text)
	}
	if code, text := answered(s.say(commit)); code == 0 {
		t.Error(text)
	}
}

// A transaction that was waiting for its turn may get it while the client is closed.
func TestNoTransactionBeginsOnceItsClientIsClosed(t *testing.T) {
	closed := newTransactions(&restyffi.Runtime{}, &options{Brokers: []string{"127.0.0.1:1"}, TransactionalID: "tx"})
	closed.close()
	code, text := codeOf(closed.begin())
	if code != restyffi.CodeUnloaded {
		t.Errorf("it began with %d %q", code, text)
	}
	if closed.kgo != nil {
		t.Error("its client is left behind")
	}
}
