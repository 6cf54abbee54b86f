"""Verification that trusts nobody: pure, bytes and facts in, verdict, deviations or error out.

replay.Replay                    every rule, recomputed from the facts of the chain
compare.compare_contract/_rows/_documents/_identities/_scores
                                 the replayed state against contracts, index and vault
report.Report                    what was found, for machines and people
evidence.build_evidence          one enterprise's record as a file
verifier.verify_evidence         that file, checked without chain or database
claims.claims_dict/_text         what a verified file says, for machines and people
signed.open_checkpoint           a checkpoint, and whose signatures verified

`python -m ledger.audit FILE` is the verifier as a program of its own.
"""
