// This target is empty. It depends on `mm-cli` and `mm-sandbox`, so that one build plan compiles both in parallel.
