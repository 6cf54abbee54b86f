// Command c2sp speaks for implementations that are not ours: golang.org/x/mod/sumdb (note, tlog) and
// github.com/transparency-dev (formats, merkle).
//
//	c2sp check   reads a checkpoint, keys and proofs from standard input and ends 0 if all of them hold
//	c2sp make    prints a signed and cosigned checkpoint and proofs of its own, from fixed keys
//	c2sp witness KEY  runs github.com/transparency-dev/witness for the log of that key
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	fnote "github.com/transparency-dev/formats/note"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index uint64   `json:"index"`
	Size  uint64   `json:"size"`
	Leaf  []byte   `json:"leaf"` // data, not hash
	Root  []byte   `json:"root"`
	Proof [][]byte `json:"proof"`
}

type consistency struct {
	First      uint64   `json:"first"`
	Second     uint64   `json:"second"`
	FirstRoot  []byte   `json:"first_root"`
	SecondRoot []byte   `json:"second_root"`
	Proof      [][]byte `json:"proof"`
}

type bundle struct {
	Note        string        `json:"note"`
	Origin      string        `json:"origin"`
	Key         string        `json:"key"`
	Witnesses   []string      `json:"witnesses"`
	Size        uint64        `json:"size"`
	Root        []byte        `json:"root"`
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

func must[T any](value T, err error) T {
	need(err)
	return value
}

func need(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hashOf(raw []byte) (h tlog.Hash) {
	if copy(h[:], raw) != len(h) || len(raw) != len(h) {
		need(fmt.Errorf("a hash of %d bytes", len(raw)))
	}
	return h
}

func hashes(raw [][]byte) (found []tlog.Hash) {
	for _, each := range raw {
		found = append(found, hashOf(each))
	}
	return found
}

func check(given bundle) {
	verifier := must(note.NewVerifier(given.Key))
	opened := must(note.Open([]byte(given.Note), note.VerifierList(verifier)))
	if len(opened.Sigs) != 1 {
		need(fmt.Errorf("%d signatures of the log", len(opened.Sigs)))
	}
	var witnesses []note.Verifier
	for _, key := range given.Witnesses {
		witnesses = append(witnesses, must(fnote.NewVerifierForCosignatureV1(key)))
	}
	checkpoint, _, signed, err := log.ParseCheckpoint([]byte(given.Note), given.Origin, verifier, witnesses...)
	need(err)
	if len(signed.Sigs) != 1+len(witnesses) {
		need(fmt.Errorf("%d signatures, and %d witnesses were asked for", len(signed.Sigs), len(witnesses)))
	}
	if checkpoint.Size != given.Size || !bytes.Equal(checkpoint.Hash, given.Root) {
		need(fmt.Errorf("checkpoint of size %d, root %x", checkpoint.Size, checkpoint.Hash))
	}
	for _, each := range given.Inclusion {
		leaf := rfc6962.DefaultHasher.HashLeaf(each.Leaf)
		need(proof.VerifyInclusion(rfc6962.DefaultHasher, each.Index, each.Size, leaf, each.Proof, each.Root))
		need(tlog.CheckRecord(hashes(each.Proof), int64(each.Size), hashOf(each.Root), int64(each.Index),
			tlog.RecordHash(each.Leaf)))
	}
	for _, each := range given.Consistency {
		need(proof.VerifyConsistency(rfc6962.DefaultHasher, each.First, each.Second, each.Proof, each.FirstRoot,
			each.SecondRoot))
		need(tlog.CheckTree(hashes(each.Proof), int64(each.Second), hashOf(each.SecondRoot), int64(each.First),
			hashOf(each.FirstRoot)))
	}
	fmt.Printf("ok: %d signatures, %d inclusion proofs, %d consistency proofs\n", len(signed.Sigs),
		len(given.Inclusion), len(given.Consistency))
}

// stored is a log of golang.org/x/mod/sumdb/tlog in memory; leaf i is i in 8 bytes, big endian.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = s[index]
	}
	return found, nil
}

func leaf(index int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(index))
}

func raw(hashes []tlog.Hash) [][]byte {
	found := [][]byte{}
	for i := range hashes {
		found = append(found, hashes[i][:])
	}
	return found
}

func root(size int64, log stored) []byte {
	hash := must(tlog.TreeHash(size, log))
	return hash[:]
}

// fixed is a source of key material that is the same every time: these keys guard nothing.
type fixed byte

func (f fixed) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = byte(f)
	}
	return len(into), nil
}

func makeBundle() bundle {
	var log stored
	sizes := []int64{}
	for size := int64(1); size <= 70; size++ {
		sizes = append(sizes, size)
	}
	sizes = append(sizes, 255, 256, 257, 1000, 4097, 65535, 100003)
	last := sizes[len(sizes)-1]
	for index := int64(0); index < last; index++ {
		log = append(log, must(tlog.StoredHashes(index, leaf(index), log))...)
	}
	made := bundle{Origin: "go.example/log", Size: uint64(last), Root: root(last, log)}
	for _, size := range sizes {
		at := root(size, log)
		for _, index := range []int64{0, size / 2, size - 1} {
			path := raw(must(tlog.ProveRecord(size, index, log)))
			made.Inclusion = append(made.Inclusion, inclusion{uint64(index), uint64(size), leaf(index), at, path})
		}
		for _, first := range []int64{(size + 2) / 3, size} {
			path := raw(must(tlog.ProveTree(size, first, log)))
			made.Consistency = append(made.Consistency,
				consistency{uint64(first), uint64(size), root(first, log), at, path})
		}
	}
	skey, vkey, err := note.GenerateKey(fixed(1), made.Origin)
	need(err)
	wskey, wvkey, err := note.GenerateKey(fixed(2), "witness.example/w1")
	need(err)
	made.Key = vkey
	made.Witnesses = []string{must(fnote.VKeyToCosignatureV1(wvkey))}
	text := checkpointText(made)
	signed := must(note.Sign(&note.Note{Text: text}, must(note.NewSigner(skey)),
		must(fnote.NewSignerForCosignatureV1(wskey))))
	made.Note = string(signed)
	return made
}

func checkpointText(made bundle) string {
	return string(log.Checkpoint{Origin: made.Origin, Size: made.Size, Hash: made.Root}.Marshal())
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "check":
		var given bundle
		need(json.NewDecoder(os.Stdin).Decode(&given))
		check(given)
	case len(os.Args) == 2 && os.Args[1] == "make":
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", " ")
		need(encoder.Encode(makeBundle()))
	case len(os.Args) == 3 && os.Args[1] == "witness":
		serveWitness(os.Args[2])
	default:
		need(fmt.Errorf("usage: c2sp check|make|witness KEY"))
	}
}
