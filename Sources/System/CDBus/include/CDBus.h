// The few calls over a user's message bus that Swift needs, through sd-bus of libsystemd, which is opened on first use. A
// connection belongs to one thread at a time; only `mm_bus_stop` may be called by another one meanwhile.
#ifndef CDBUS_H
#define CDBUS_H

#include <stddef.h>
#include <stdint.h>

enum { MM_BUS_REASON = 512 };

// Why a call came to nothing: D-Bus's own name of the error, empty where there is none, and a sentence.
struct mm_bus_fault {
    char name[MM_BUS_REASON];
    char text[MM_BUS_REASON];
};

// Opens libsystemd, once for the process. Null on success, else why it could not be opened.
const char *mm_bus_load(void);

// Connects to the bus at an address such as unix:path=/run/user/1000/bus; null with the reason in `fault`.
void *mm_bus_open(const char *address, struct mm_bus_fault *fault);
void mm_bus_close(void *bus);
// Ends the call that another thread waits for; it fails with the name `mm.stopped`.
void mm_bus_stop(void *bus);

// Calls a method that takes texts and answers with one. Returns the text, to be freed by the caller, or null.
char *mm_bus_call(void *bus, const char *service, const char *path, const char *interface, const char *method,
                  const char *const *texts, int count, int64_t milliseconds, struct mm_bus_fault *fault);

// Finds the secret with this attribute in the user's Secret Service (org.freedesktop.secrets), unlocking its collection
// where that needs nobody. Its length, 0 where there is none, or -1.
int mm_secret_find(void *bus, const char *attribute, const char *value, uint8_t *room, int size, int64_t milliseconds,
                   struct mm_bus_fault *fault);
// Keeps a secret with this attribute in the default collection; 0, or -1.
int mm_secret_keep(void *bus, const char *label, const char *attribute, const char *value, const uint8_t *secret,
                   int count, int64_t milliseconds, struct mm_bus_fault *fault);

#endif
