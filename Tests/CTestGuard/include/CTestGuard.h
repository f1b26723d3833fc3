// Ends a test process and its children if the process that started it is gone. Linking this target suffices; there is nothing
// to call.
#ifndef CTESTGUARD_H
#define CTESTGUARD_H

// Runs work on its own thread and counts its calls of fsync and fdatasync. Returns -1 if the kernel doesn't allow counting.
int mm_test_disk_syncs(void (*work)(void *), void *context);

#endif
