package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/twmb/franz-go/pkg/kfake"
)

func (h *host) makeAgain(options lua.Table, topic string, partitions int) {
	h.t.Helper()
	admin := lua.With(options, lua.Table{"client_id": "admin"})
	h.call("delete_topic", admin, lua.Table{"topic": topic})
	h.call("create_topic", admin, lua.Table{"topic": topic, "partitions": partitions})
}

func TestATopicThatIsMadeAgainIsWritten(t *testing.T) {
	for _, acks := range []string{"all", "1", "0"} {
		t.Run(acks, func(t *testing.T) {
			h := load(t)
			_, brokers := fake(t, kfake.SeedTopics(3, "t"))
			options := lua.With(brokers, lua.Table{"acks": acks, "metadata_max_age": 1})
			for k := range 3 { // a partition that the new topic does not have is known, too
				h.call("send", options, lua.Table{"topic": "t", "partition": k, "value": "old"})
			}
			for range 2 {
				h.makeAgain(brokers, "t", 1)
				// What is sent without being acknowledged is lost until the client has noticed.
				for end := time.Now().Add(soonSeconds * time.Second); ; {
					h.call("send", options, lua.Table{"topic": "t", "value": "new"})
					if next := h.next(brokers, "t"); next > 0 {
						break
					} else if acks != "0" || time.Now().After(end) {
						t.Fatal("a record that was acknowledged is not there")
					}
				}
			}
		})
	}
}

// next is the offset that a topic of one partition goes on with.
func (h *host) next(options lua.Table, topic string) int {
	h.t.Helper()
	list := h.call("offsets", lua.With(options, lua.Table{"client_id": "admin"}), lua.Table{"topic": topic}).([]any)
	return int(toInt(list[0].(lua.Table)["next"]))
}

func toInt(v any) (n int64) {
	_, _ = fmt.Sscan(fmt.Sprint(v), &n)
	return n
}

func TestRecordsForATopicThatIsMadeAgainKeepTheirOrder(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	h.call("send", options, lua.Table{"topic": "t", "value": "old"})
	h.makeAgain(options, "t", 1)
	want := ""
	for k := range 200 {
		h.call("enqueue", options, lua.Table{"topic": "t", "value": fmt.Sprint(k)})
		want += fmt.Sprint(" ", k)
	}
	h.call("flush", options, lua.Table{})
	s := h.open("consume", options, lua.Table{"id": "1", "topics": []string{"t"}})
	if got := " " + s.values(200); got != want {
		t.Error(got)
	}
}

func TestATopicThatIsGone(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	h.call("send", options, lua.Table{"topic": "t", "value": "old"})
	h.call("delete_topic", lua.With(options, lua.Table{"client_id": "admin"}), lua.Table{"topic": "t"})
	_, failure := h.try("send", options, lua.Table{"topic": "t", "value": "x"}, soonSeconds*time.Second)
	if failure == nil || failure.Code != 3 {
		t.Errorf("%v; want 3", failure)
	}
	h.call("create_topic", lua.With(options, lua.Table{"client_id": "admin"}), lua.Table{"topic": "t"})
	h.call("send", options, lua.Table{"topic": "t", "value": "new"})
}

func TestATopicThatIsMadeAgainIsRead(t *testing.T) {
	for name, how := range map[string]lua.Table{
		"in a group":         {"group": "g", "topics": []string{"t"}},
		"without one":        {"topics": []string{"t"}},
		"by a pattern":       {"pattern": "t"},
		"certain partitions": {"partitions": []lua.Table{{"topic": "t", "partition": 0, "from": 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := load(t)
			_, brokers := fake(t, kfake.SeedTopics(1, "t"))
			options := lua.With(brokers, lua.Table{"metadata_max_age": 1})
			h.call("send", options, lua.Table{"topic": "t", "value": "skipped"})
			h.call("send", options, lua.Table{"topic": "t", "value": "old"})
			s := h.open("consume", options, lua.With(how, lua.Table{"id": "1"}))
			if name == "certain partitions" {
				s.records(1)
			} else {
				s.records(2)
			}
			h.makeAgain(options, "t", 1)
			for k := range 3 {
				h.call("send", options, lua.Table{"topic": "t", "value": fmt.Sprint("new", k)})
			}
			if values := s.values(3); values != "new0 new1 new2" {
				t.Error(values)
			}
		})
	}
}
