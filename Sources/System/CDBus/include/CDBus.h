// The calls over a user's message bus that Swift needs, through sd-bus of libsystemd, which is opened on first use. A
// connection belongs to one thread at a time; only `mm_bus_stop` may be called by another thread meanwhile.
#ifndef CDBUS_H
#define CDBUS_H

#include <stddef.h>
#include <stdint.h>

enum { MM_BUS_REASON = 512 };

// Why a call failed: D-Bus's name of the error, empty if there is none, and a sentence.
struct mm_bus_fault {
    char name[MM_BUS_REASON];
    char text[MM_BUS_REASON];
};

// Opens libsystemd, once per process. Returns null on success, otherwise why it could not be opened.
const char *mm_bus_load(void);

// Connects to the bus at an address such as unix:path=/run/user/1000/bus. Returns null with the reason in `fault` on
// failure.
void *mm_bus_open(const char *address, struct mm_bus_fault *fault);
void mm_bus_close(void *bus);
// Ends the call that another thread waits for; it fails with the error name `mm.stopped`.
void mm_bus_stop(void *bus);

// Calls a method that takes texts and returns one. Returns the text, to be freed by the caller, or null.
char *mm_bus_call(void *bus, const char *service, const char *path, const char *interface, const char *method,
                  const char *const *texts, int count, int64_t milliseconds, struct mm_bus_fault *fault);

// How long to wait for answers of the Secret Service, in milliseconds, and for those that need a person.
struct mm_secret_waits {
    int64_t service, person;
};

// Finds the secret with this attribute in the user's Secret Service (org.freedesktop.secrets), which asks its person if
// it is locked. Returns its length, 0 if there is none, or -1.
int mm_secret_find(void *bus, const char *attribute, const char *value, uint8_t *room, int size,
                   struct mm_secret_waits waits, struct mm_bus_fault *fault);
// Stores a secret with this attribute in the default collection. Returns 0 or -1.
int mm_secret_keep(void *bus, const char *label, const char *attribute, const char *value, const uint8_t *secret,
                   int count, struct mm_secret_waits waits, struct mm_bus_fault *fault);

#endif
