#include "CDBus.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

struct bus_functions bus_library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

static void load(void) {
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : "libsystemd.so.0 can't be opened");
        return;
    }
#define RESOLVE(result, name, parameters) \
    if (!(*(void **)&bus_library.name = dlsym(library, #name))) { \
        snprintf(reason, sizeof reason, "libsystemd.so.0 has no " #name); \
        return; \
    }
    FUNCTIONS(RESOLVE)
#undef RESOLVE
}

const char *mm_bus_load(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

void mm_bus_say(struct mm_bus_fault *fault, const char *name, const char *text) {
    snprintf(fault->name, sizeof fault->name, "%s", name ? name : "");
    snprintf(fault->text, sizeof fault->text, "%s", text ? text : "");
}

static void say_number(struct mm_bus_fault *fault, int result) { mm_bus_say(fault, "", strerror(-result)); }

void *mm_bus_open(const char *address, struct mm_bus_fault *fault) {
    const char *missing = mm_bus_load();
    if (missing) {
        mm_bus_say(fault, "mm.library", missing);
        return NULL;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    int result = bus_library.sd_bus_new(&connection->bus);
    if (result >= 0) result = bus_library.sd_bus_set_address(connection->bus, address);
    if (result >= 0) result = bus_library.sd_bus_set_bus_client(connection->bus, 1);
    if (result >= 0) result = bus_library.sd_bus_start(connection->bus);
    if (result >= 0) return connection;
    say_number(fault, result);
    mm_bus_close(connection);
    return NULL;
}

void mm_bus_close(void *raw) {
    struct connection *connection = raw;
    if (!connection) return;
    if (connection->bus) bus_library.sd_bus_close_unref(connection->bus);
    free(connection);
}

void mm_bus_stop(void *raw) {
    struct connection *connection = raw;
    __atomic_store_n(&connection->stopped, 1, __ATOMIC_SEQ_CST);
}

static int keep_answer(sd_bus_message *message, void *data, sd_bus_error *error) {
    (void)error;
    *(sd_bus_message **)data = bus_library.sd_bus_message_ref(message);
    return 1;
}

int mm_bus_step(struct connection *connection, struct mm_bus_fault *fault) {
    if (__atomic_load_n(&connection->stopped, __ATOMIC_SEQ_CST)) {
        mm_bus_say(fault, "mm.stopped", "the call was stopped");
        return -1;
    }
    int result = bus_library.sd_bus_process(connection->bus, NULL);
    // Wakes regularly, to check whether the call is to be stopped.
    if (result == 0) result = bus_library.sd_bus_wait(connection->bus, 100000);
    if (result >= 0 || result == -EINTR) return 0;
    say_number(fault, result);
    return -1;
}

sd_bus_message *mm_bus_exchange(struct connection *connection, sd_bus_message *message, int built, int64_t milliseconds,
                                struct mm_bus_fault *fault) {
    sd_bus_message *answer = NULL;
    sd_bus_slot *slot = NULL;
    int result = built;
    if (result >= 0)
        result = bus_library.sd_bus_call_async(connection->bus, &slot, message, keep_answer, &answer,
                                               (uint64_t)milliseconds * 1000);
    if (result < 0) say_number(fault, result);
    while (result >= 0 && !answer) result = mm_bus_step(connection, fault);
    if (slot) bus_library.sd_bus_slot_unref(slot);
    if (message) bus_library.sd_bus_message_unref(message);
    if (!answer || !bus_library.sd_bus_message_is_method_error(answer, NULL)) return answer;
    const sd_bus_error *error = bus_library.sd_bus_message_get_error(answer);
    mm_bus_say(fault, error ? error->name : "", error ? error->message : "");
    bus_library.sd_bus_message_unref(answer);
    return NULL;
}

char *mm_bus_call(void *raw, const char *service, const char *path, const char *interface, const char *method,
                  const char *const *texts, int count, int64_t milliseconds, struct mm_bus_fault *fault) {
    struct connection *connection = raw;
    sd_bus_message *message = NULL;
    int result = bus_library.sd_bus_message_new_method_call(connection->bus, &message, service, path, interface, method);
    for (int at = 0; result >= 0 && at < count; at++)
        result = bus_library.sd_bus_message_append_basic(message, 's', texts[at]);
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, milliseconds, fault);
    if (!answer) return NULL;
    const char *text = NULL;
    char *copy = NULL;
    if (bus_library.sd_bus_message_read_basic(answer, 's', &text) > 0 && text) copy = strdup(text);
    if (!copy) mm_bus_say(fault, "", "the answer is no text");
    bus_library.sd_bus_message_unref(answer);
    return copy;
}
