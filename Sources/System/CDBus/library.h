// The functions of sd-bus in use (sd-bus(3)). Their types are declared here, because systemd's development package
// would be needed for nothing else.
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "CDBus.h"

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;
typedef struct {
    const char *name;
    const char *message;
    int _need_free;
} sd_bus_error;
typedef int (*sd_bus_message_handler_t)(sd_bus_message *message, void *data, sd_bus_error *error);

#define FUNCTIONS(F) \
    F(int, sd_bus_new, (sd_bus * *bus)) \
    F(int, sd_bus_set_address, (sd_bus * bus, const char *address)) \
    F(int, sd_bus_set_bus_client, (sd_bus * bus, int yes)) \
    F(int, sd_bus_start, (sd_bus * bus)) \
    F(sd_bus *, sd_bus_flush_close_unref, (sd_bus * bus)) \
    F(sd_bus *, sd_bus_close_unref, (sd_bus * bus)) \
    F(int, sd_bus_process, (sd_bus * bus, sd_bus_message * *message)) \
    F(int, sd_bus_wait, (sd_bus * bus, uint64_t microseconds)) \
    F(int, sd_bus_call_async, \
      (sd_bus * bus, sd_bus_slot * *slot, sd_bus_message * message, sd_bus_message_handler_t handler, void *data, \
       uint64_t microseconds)) \
    F(int, sd_bus_match_signal, \
      (sd_bus * bus, sd_bus_slot * *slot, const char *sender, const char *path, const char *interface, \
       const char *member, sd_bus_message_handler_t handler, void *data)) \
    F(sd_bus_slot *, sd_bus_slot_unref, (sd_bus_slot * slot)) \
    F(int, sd_bus_message_new_method_call, \
      (sd_bus * bus, sd_bus_message * *message, const char *service, const char *path, const char *interface, \
       const char *member)) \
    F(sd_bus_message *, sd_bus_message_ref, (sd_bus_message * message)) \
    F(sd_bus_message *, sd_bus_message_unref, (sd_bus_message * message)) \
    F(const char *, sd_bus_message_get_sender, (sd_bus_message * message)) \
    F(int, sd_bus_message_append_basic, (sd_bus_message * message, char type, const void *value)) \
    F(int, sd_bus_message_append_array, (sd_bus_message * message, char type, const void *bytes, size_t size)) \
    F(int, sd_bus_message_open_container, (sd_bus_message * message, char type, const char *contents)) \
    F(int, sd_bus_message_close_container, (sd_bus_message * message)) \
    F(int, sd_bus_message_read_basic, (sd_bus_message * message, char type, void *value)) \
    F(int, sd_bus_message_read_array, (sd_bus_message * message, char type, const void **bytes, size_t *size)) \
    F(int, sd_bus_message_enter_container, (sd_bus_message * message, char type, const char *contents)) \
    F(int, sd_bus_message_exit_container, (sd_bus_message * message)) \
    F(int, sd_bus_message_skip, (sd_bus_message * message, const char *types)) \
    F(int, sd_bus_message_is_method_error, (sd_bus_message * message, const char *name)) \
    F(const sd_bus_error *, sd_bus_message_get_error, (sd_bus_message * message))

struct bus_functions {
#define POINTER(result, name, parameters) result (*name) parameters;
    FUNCTIONS(POINTER)
#undef POINTER
};
extern struct bus_functions bus_library __attribute__((visibility("hidden")));

struct connection {
    sd_bus *bus;
    int stopped;
};

// Sends a message, which it takes over, and waits for the answer. Returns null with the reason in `fault` on failure.
// `built` is negative if the message could not be built.
sd_bus_message *mm_bus_exchange(struct connection *connection, sd_bus_message *message, int built, int64_t milliseconds,
                                struct mm_bus_fault *fault) __attribute__((visibility("hidden")));
// Takes what the bus has sent, waiting briefly if there is nothing. Returns 0, or -1 with the reason in `fault` if the
// connection failed or the call is to be stopped.
int mm_bus_step(struct connection *connection, struct mm_bus_fault *fault) __attribute__((visibility("hidden")));
void mm_bus_say(struct mm_bus_fault *fault, const char *name, const char *text) __attribute__((visibility("hidden")));

#endif
