// Package uuid stands in for github.com/hashicorp/go-uuid, whose licence is not permissive: gokrb5 wants one function of it,
// to name what it keeps.
package uuid

import (
	"crypto/rand"
	"fmt"
)

// GenerateUUID makes a random UUID (version 4).
func GenerateUUID() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
