package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

// serveWitness runs the witness of github.com/transparency-dev/witness for one log, until the process is ended.
// It prints the witness's key, then its address.
func serveWitness(logKey string) {
	verifier := must(note.NewVerifier(logKey))
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example/independent")
	need(err)
	served := must(witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{must(fnote.NewSignerForCosignatureV1(skey))},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return verifier, origin == verifier.Name(), nil
		},
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(served).AddCheckpoint)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(must(fnote.VKeyToCosignatureV1(vkey)))
	fmt.Printf("http://%s\n", listener.Addr())
	need(http.Serve(listener, mux))
}
