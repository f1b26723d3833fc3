// Ends what a test process has started when whoever started the test process is gone. There is nothing to call: linking
// it in is enough.
