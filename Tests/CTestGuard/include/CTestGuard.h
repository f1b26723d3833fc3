// Ends what a test process has started when whoever started the test process is gone. For that there is nothing to call:
// linking it in is enough.
#ifndef CTESTGUARD_H
#define CTESTGUARD_H

// Runs work on a thread of its own and counts how often it asks the disk to have what was written (fsync, fdatasync).
// -1 where this kernel lets nobody count.
int mm_test_disk_syncs(void (*work)(void *), void *context);

#endif
