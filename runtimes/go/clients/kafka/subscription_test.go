package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/twmb/franz-go/pkg/kfake"
)

// numbered sends n records, 0, 1, 2 …, a second after each other.
func (h *host) numbered(options lua.Table, topic string, n int) {
	h.t.Helper()
	var list []lua.Table
	for k := range n {
		list = append(list, lua.Table{"topic": topic, "partition": 0, "value": fmt.Sprint(k), "timestamp": 1700000000000 + 1000*k})
	}
	h.call("send_all", options, lua.Table{"records": list})
}

func TestWhereReadingBegins(t *testing.T) {
	topics := []string{"t"}
	for name, c := range map[string]struct {
		how  lua.Table
		want string
	}{
		"nothing said":          {lua.Table{"topics": topics}, "0 1 2 3 4 last"},
		"earliest":              {lua.Table{"topics": topics, "from": "earliest"}, "0 1 2 3 4 last"},
		"a time":                {lua.Table{"topics": topics, "from": lua.Table{"time": 1700000003000}}, "3 4 last"},
		"a time between":        {lua.Table{"topics": topics, "from": lua.Table{"time": 1700000002001}}, "3 4 last"},
		"a time, in a group":    {lua.Table{"topics": topics, "group": "time", "from": lua.Table{"time": 1700000004000}}, "4 last"},
		"an offset":             {lua.Table{"partitions": []lua.Table{{"topic": "t", "partition": 0, "from": 3}}}, "3 4 last"},
		"the offset of the end": {lua.Table{"partitions": []lua.Table{{"topic": "t", "partition": 0, "from": 5}}}, "last"},
		"a partition's own": {lua.Table{"from": "latest", "partitions": []lua.Table{
			{"topic": "t", "partition": 0, "from": lua.Table{"time": 1700000003000}}, {"topic": "t", "partition": 1},
		}}, "3 4 last"},
		"all partitions at an offset": {lua.Table{"topics": topics, "from": 0}, "0 1 2 3 4 last"},
		"a pattern":                   {lua.Table{"pattern": "[st]"}, "0 1 2 3 4 last"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := load(t)
			_, options := fake(t, kfake.SeedTopics(2, "t"), kfake.SeedTopics(1, "tt"))
			h.numbered(options, "t", 5)
			h.numbered(options, "tt", 1)
			s := h.open("consume", options, lua.With(c.how, lua.Table{"id": name}))
			got := ""
			if n := strings.Count(c.want, " "); n > 0 {
				got = s.values(n) + " "
			}
			h.call("send", options, lua.Table{"topic": "t", "partition": 0, "value": "last"})
			if got += s.values(1); got != c.want {
				t.Errorf("%s; want %s", got, c.want)
			}
		})
	}
}

func TestAnOffsetThatIsNotThere(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	h.numbered(options, "t", 5)
	s := h.open("consume", options, lua.Table{"id": "1", "topics": []string{"t"}, "from": 7})
	_, err := s.next()
	failure, _ := err.(*testhost.CallError)
	if failure == nil || failure.Code != 1 {
		t.Errorf("%v; want 1 OFFSET_OUT_OF_RANGE", err)
	}
}

func TestRecordsThatWereDeleted(t *testing.T) {
	h := load(t)
	cluster, options := fake(t, kfake.SeedTopics(1, "t"))
	h.numbered(options, "t", 5)
	member := lua.Table{"id": "1", "group": "g", "topics": []string{"t"}}
	s := h.open("consume", options, member)
	s.records(5)
	h.call("commit", options, lua.Table{"id": "1", "records": []lua.Table{{"topic": "t", "partition": 0, "offset": 0}}})
	s.Close()
	deleteRecords(t, cluster, "t", 3)
	member["id"] = "2"
	if values := h.open("consume", options, member).values(2); values != "3 4" {
		t.Error(values)
	}
}

func TestTopicsThatComeLater(t *testing.T) {
	h := load(t)
	_, brokers := fake(t, kfake.SeedTopics(1, "t1"))
	options := lua.With(brokers, lua.Table{"metadata_max_age": 1})
	alone := h.open("consume", options, lua.Table{"id": "1", "pattern": `t\d`})
	member := h.open("consume", options, lua.Table{"id": "2", "group": "g", "pattern": `t\d`})
	for _, topic := range []string{"at2", "t2", "t22"} {
		h.call("create_topic", options, lua.Table{"topic": topic})
		h.call("send", options, lua.Table{"topic": topic, "value": topic})
	}
	h.call("send", options, lua.Table{"topic": "t2", "value": "last"})
	for _, s := range []*stream{alone, member} {
		if values := s.values(2); values != "t2 last" {
			t.Error(values)
		}
	}
}

func TestPartitionsThatComeLater(t *testing.T) {
	h := load(t)
	cluster, brokers := fake(t, kfake.SeedTopics(1, "t"))
	options := lua.With(brokers, lua.Table{"metadata_max_age": 1})
	s := h.open("consume", options, lua.Table{"id": "1", "group": "g", "topics": []string{"t"}})
	h.call("send", options, lua.Table{"topic": "t", "value": "a"})
	s.records(1)
	addPartitions(t, cluster, "t", 3)
	h.call("send", lua.With(options, lua.Table{"client_id": "new"}), lua.Table{"topic": "t", "partition": 2, "value": "b"})
	if values := s.values(1); values != "b" {
		t.Error(values)
	}
	// The producer learns of it, too.
	h.fails("send", options, lua.Table{"topic": "t", "partition": 99, "value": "c"}, clientFailed, "partition")
	h.call("send", options, lua.Table{"topic": "t", "partition": 1, "value": "c"})
}

func TestSubscriptionsThatAreNone(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	part := []lua.Table{{"topic": "t", "partition": 0}}
	for _, c := range []struct {
		how   lua.Table
		words string
	}{
		{lua.Table{"id": "1"}, `one of "topics", "pattern" and "partitions"`},
		{lua.Table{"id": "1", "topics": []string{"t"}, "pattern": "x"}, `one of "topics"`},
		{lua.Table{"topics": []string{"t"}}, `needs an "id"`},
		{lua.Table{"id": "1", "pattern": "("}, "is not a regular expression"},
		{lua.Table{"id": "1", "group": "g", "partitions": part}, "a group shares its partitions"},
		{lua.Table{"id": "1", "group": "g", "topics": []string{"t"}, "from": 7}, `"from" of a group`},
		{lua.Table{"id": "1", "partitions": append(part, part...)}, "twice"},
		{lua.Table{"id": "1", "partitions": []lua.Table{{"partition": 0}}}, `needs a "topic"`},
		{lua.Table{"id": "1", "partitions": []lua.Table{{"topic": "t", "partition": -1}}}, `needs a "topic"`},
		{lua.Table{"id": "1", "topics": []string{"t"}, "from": "soon"}, `"from": must be "earliest"`},
		{lua.Table{"id": "1", "topics": []string{"t"}, "from": -1}, `"from": must be "earliest"`},
		{lua.Table{"id": "1", "topics": []string{"t"}, "from": lua.Table{}}, `"from": must be "earliest"`},
		{lua.Table{"id": "1", "topics": []string{"t"}, "from": lua.Table{"time": -1}}, `"from": must be "earliest"`},
	} {
		_, err := h.open("consume", options, c.how).next()
		lua.Fails(t, err, invalidRequest, c.words)
	}
	s := h.open("consume", options, lua.Table{"id": "2", "topics": []string{"t"}})
	h.fails("commit", options, lua.Table{"id": "2", "records": []lua.Table{{"topic": "t", "partition": 0, "offset": 1}}},
		invalidRequest, "without a group")
	_, err := h.open("consume", options, lua.Table{"id": "2", "topics": []string{"t"}}).next()
	lua.Fails(t, err, invalidRequest, "already")
	s.Close()
	h.fails("trouble", options, lua.Table{"id": "2"}, -8, "closed")
}
