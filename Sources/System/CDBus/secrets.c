// Secrets in the user's Secret Service (Secret Service API, draft 0.2). The session uses no encryption: only this user's
// processes can reach the bus's socket, just like this user's files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CDBus.h"
#include "library.h"

#define SERVICE "org.freedesktop.secrets"
#define ROOT "/org/freedesktop/secrets"
#define COLLECTION "/org/freedesktop/secrets/aliases/default"

static int begin(struct connection *connection, sd_bus_message **message, const char *path, const char *interface,
                 const char *method) {
    return bus_library.sd_bus_message_new_method_call(connection->bus, message, SERVICE, path, interface, method);
}

#define STEP(call) \
    if (result >= 0) result = bus_library.call

static int append_attribute(sd_bus_message *message, const char *attribute, const char *value) {
    int result = bus_library.sd_bus_message_open_container(message, 'a', "{ss}");
    STEP(sd_bus_message_open_container(message, 'e', "ss"));
    STEP(sd_bus_message_append_basic(message, 's', attribute));
    STEP(sd_bus_message_append_basic(message, 's', value));
    STEP(sd_bus_message_close_container(message));
    STEP(sd_bus_message_close_container(message));
    return result;
}

// Returns the path of a new session, to be freed by the caller.
static char *open_session(struct connection *connection, int64_t wait, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "OpenSession");
    STEP(sd_bus_message_append_basic(message, 's', "plain"));
    STEP(sd_bus_message_open_container(message, 'v', "s"));
    STEP(sd_bus_message_append_basic(message, 's', ""));
    STEP(sd_bus_message_close_container(message));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    if (!answer) return NULL;
    const char *path = NULL;
    char *copy = NULL;
    if (bus_library.sd_bus_message_skip(answer, "v") >= 0 &&
        bus_library.sd_bus_message_read_basic(answer, 'o', &path) > 0)
        copy = strdup(path);
    if (!copy) mm_bus_say(fault, "", "the service opened no session");
    bus_library.sd_bus_message_unref(answer);
    return copy;
}

// Returns the first path of the next array in an answer, to be freed by the caller; null if the array is empty.
static char *first_path(sd_bus_message *answer) {
    const char *path = NULL;
    char *copy = NULL;
    if (bus_library.sd_bus_message_enter_container(answer, 'a', "o") < 0) return NULL;
    while (bus_library.sd_bus_message_read_basic(answer, 'o', &path) > 0)
        if (!copy) copy = strdup(path);
    bus_library.sd_bus_message_exit_container(answer);
    return copy;
}

// Unlocks an object if that needs no person. Returns 0 or -1.
static int unlock(struct connection *connection, const char *path, int64_t wait, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "Unlock");
    STEP(sd_bus_message_open_container(message, 'a', "o"));
    STEP(sd_bus_message_append_basic(message, 'o', path));
    STEP(sd_bus_message_close_container(message));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    if (!answer) return -1;
    char *unlocked = first_path(answer);
    bus_library.sd_bus_message_unref(answer);
    if (!unlocked) mm_bus_say(fault, "org.freedesktop.Secret.Error.IsLocked", "the collection is locked");
    free(unlocked);
    return unlocked ? 0 : -1;
}

static int read_secret(struct connection *connection, const char *item, const char *session, uint8_t *room, int size,
                       int64_t wait, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, item, "org.freedesktop.Secret.Item", "GetSecret");
    STEP(sd_bus_message_append_basic(message, 'o', session));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    if (!answer) return -1;
    const void *bytes = NULL;
    size_t count = 0;
    int found = -1;
    if (bus_library.sd_bus_message_enter_container(answer, 'r', "oayays") >= 0 &&
        bus_library.sd_bus_message_skip(answer, "oay") >= 0 &&
        bus_library.sd_bus_message_read_array(answer, 'y', &bytes, &count) >= 0 && count <= (size_t)size) {
        memcpy(room, bytes, count);
        found = (int)count;
    } else {
        mm_bus_say(fault, "", "the secret can't be read");
    }
    bus_library.sd_bus_message_unref(answer);
    return found;
}

int mm_secret_find(void *raw, const char *attribute, const char *value, uint8_t *room, int size, int64_t wait,
                   struct mm_bus_fault *fault) {
    struct connection *connection = raw;
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "SearchItems");
    if (result >= 0) result = append_attribute(message, attribute, value);
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    if (!answer) return -1;
    char *open = first_path(answer);
    char *locked = first_path(answer);
    bus_library.sd_bus_message_unref(answer);
    int found = 0;
    const char *item = open ? open : locked;
    if (item && !open) found = unlock(connection, item, wait, fault);
    if (item && found == 0) {
        char *session = open_session(connection, wait, fault);
        found = session ? read_secret(connection, item, session, room, size, wait, fault) : -1;
        free(session);
    }
    free(open);
    free(locked);
    return found;
}

static int append_property(sd_bus_message *message, const char *name) {
    int result = bus_library.sd_bus_message_open_container(message, 'e', "sv");
    STEP(sd_bus_message_append_basic(message, 's', name));
    return result;
}

int mm_secret_keep(void *raw, const char *label, const char *attribute, const char *value, const uint8_t *secret,
                   int count, int64_t wait, struct mm_bus_fault *fault) {
    struct connection *connection = raw;
    if (unlock(connection, COLLECTION, wait, fault) < 0) return -1;
    char *session = open_session(connection, wait, fault);
    if (!session) return -1;
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, COLLECTION, "org.freedesktop.Secret.Collection", "CreateItem");
    STEP(sd_bus_message_open_container(message, 'a', "{sv}"));
    if (result >= 0) result = append_property(message, "org.freedesktop.Secret.Item.Label");
    STEP(sd_bus_message_open_container(message, 'v', "s"));
    STEP(sd_bus_message_append_basic(message, 's', label));
    STEP(sd_bus_message_close_container(message));
    STEP(sd_bus_message_close_container(message));
    if (result >= 0) result = append_property(message, "org.freedesktop.Secret.Item.Attributes");
    STEP(sd_bus_message_open_container(message, 'v', "a{ss}"));
    if (result >= 0) result = append_attribute(message, attribute, value);
    STEP(sd_bus_message_close_container(message));
    STEP(sd_bus_message_close_container(message));
    STEP(sd_bus_message_close_container(message));
    STEP(sd_bus_message_open_container(message, 'r', "oayays"));
    STEP(sd_bus_message_append_basic(message, 'o', session));
    STEP(sd_bus_message_append_array(message, 'y', "", 0));
    STEP(sd_bus_message_append_array(message, 'y', secret, (size_t)count));
    STEP(sd_bus_message_append_basic(message, 's', "application/octet-stream"));
    STEP(sd_bus_message_close_container(message));
    int replace = 0;
    STEP(sd_bus_message_append_basic(message, 'b', &replace));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    free(session);
    if (!answer) return -1;
    const char *item = NULL;
    int kept = bus_library.sd_bus_message_read_basic(answer, 'o', &item) > 0 && strcmp(item, "/") != 0;
    bus_library.sd_bus_message_unref(answer);
    if (!kept) mm_bus_say(fault, "org.freedesktop.Secret.Error.IsLocked", "the service wants to ask a person first");
    return kept ? 0 : -1;
}
