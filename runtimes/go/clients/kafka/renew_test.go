package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func (h *host) makeAgain(options table, topic string, partitions int) {
	h.t.Helper()
	admin := with(options, table{"client_id": "admin"})
	h.call("delete_topic", admin, table{"topic": topic})
	h.call("create_topic", admin, table{"topic": topic, "partitions": partitions})
}

func TestATopicThatIsMadeAgainIsWritten(t *testing.T) {
	for _, acks := range []string{"all", "1", "0"} {
		t.Run(acks, func(t *testing.T) {
			h := load(t)
			_, brokers := fake(t, kfake.SeedTopics(3, "t"))
			options := with(brokers, table{"acks": acks, "metadata_max_age": 1})
			for k := range 3 { // a partition that the new topic does not have is known, too
				h.call("send", options, table{"topic": "t", "partition": k, "value": "old"})
			}
			for range 2 {
				h.makeAgain(brokers, "t", 1)
				// What is sent without being acknowledged is lost until the client has noticed.
				for end := time.Now().Add(soonSeconds * time.Second); ; {
					h.call("send", options, table{"topic": "t", "value": "new"})
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
func (h *host) next(options table, topic string) int {
	h.t.Helper()
	list := h.call("offsets", with(options, table{"client_id": "admin"}), table{"topic": topic}).([]any)
	return int(toInt(list[0].(table)["next"]))
}

func toInt(v any) (n int64) {
	_, _ = fmt.Sscan(fmt.Sprint(v), &n)
	return n
}

func TestRecordsForATopicThatIsMadeAgainKeepTheirOrder(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	h.call("send", options, table{"topic": "t", "value": "old"})
	h.makeAgain(options, "t", 1)
	want := ""
	for k := range 200 {
		h.call("enqueue", options, table{"topic": "t", "value": fmt.Sprint(k)})
		want += fmt.Sprint(" ", k)
	}
	h.call("flush", options, table{})
	s := h.open("consume", options, table{"id": "1", "topics": []string{"t"}})
	if got := " " + s.values(200); got != want {
		t.Error(got)
	}
}

func TestATopicThatIsGone(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	h.call("send", options, table{"topic": "t", "value": "old"})
	h.call("delete_topic", with(options, table{"client_id": "admin"}), table{"topic": "t"})
	_, failure := h.try("send", options, table{"topic": "t", "value": "x"}, soonSeconds*time.Second)
	if failure == nil || failure.Code != 3 {
		t.Errorf("%v; want 3", failure)
	}
	h.call("create_topic", with(options, table{"client_id": "admin"}), table{"topic": "t"})
	h.call("send", options, table{"topic": "t", "value": "new"})
}

func TestATopicThatIsMadeAgainIsRead(t *testing.T) {
	for name, how := range map[string]table{
		"in a group":         {"group": "g", "topics": []string{"t"}},
		"without one":        {"topics": []string{"t"}},
		"by a pattern":       {"pattern": "t"},
		"certain partitions": {"partitions": []table{{"topic": "t", "partition": 0, "from": 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := load(t)
			_, brokers := fake(t, kfake.SeedTopics(1, "t"))
			options := with(brokers, table{"metadata_max_age": 1})
			h.call("send", options, table{"topic": "t", "value": "skipped"})
			h.call("send", options, table{"topic": "t", "value": "old"})
			s := h.open("consume", options, with(how, table{"id": "1"}))
			if name == "certain partitions" {
				s.records(1)
			} else {
				s.records(2)
			}
			h.makeAgain(options, "t", 1)
			for k := range 3 {
				h.call("send", options, table{"topic": "t", "value": fmt.Sprint("new", k)})
			}
			if values := s.values(3); values != "new0 new1 new2" {
				t.Error(values)
			}
		})
	}
}
