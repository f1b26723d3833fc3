// Secrets in the user's Secret Service (Secret Service API, draft 0.2). The session uses no encryption: only this user's
// processes can reach the bus's socket, just like this user's files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CDBus.h"
#include "library.h"

#define SERVICE "org.freedesktop.secrets"
#define ROOT "/org/freedesktop/secrets"

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

static int is_object(const char *path) { return path && strcmp(path, "/") != 0; }

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct completion {
    int is_done, is_dismissed;
};

static int keep_completion(sd_bus_message *message, void *data, sd_bus_error *error) {
    (void)error;
    struct completion *completion = data;
    completion->is_dismissed = 1;
    bus_library.sd_bus_message_read_basic(message, 'b', &completion->is_dismissed);
    completion->is_done = 1;
    return 0;
}

static sd_bus_message *call_prompt(struct connection *connection, const char *path, const char *method,
                                   const char *window, int64_t wait, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, path, "org.freedesktop.Secret.Prompt", method);
    if (window) STEP(sd_bus_message_append_basic(message, 's', window));
    return mm_bus_exchange(connection, message, result, wait, fault);
}

// Lets a person answer the prompt that an answer of the service names. Returns 0 if they agree, otherwise -1.
static int prompt(struct connection *connection, sd_bus_message *answer, const char *path, struct mm_secret_waits waits,
                  struct mm_bus_fault *fault) {
    const char *locked = "org.freedesktop.Secret.Error.IsLocked";
    if (!is_object(path)) {
        mm_bus_say(fault, locked, "the collection is locked");
        return -1;
    }
    struct completion completion = {0, 0};
    sd_bus_slot *slot = NULL;
    // Only the service itself may say that the person agreed.
    int result = bus_library.sd_bus_match_signal(
        connection->bus, &slot, bus_library.sd_bus_message_get_sender(answer), path, "org.freedesktop.Secret.Prompt",
        "Completed", keep_completion, &completion);
    sd_bus_message *begun = NULL;
    if (result < 0) mm_bus_say(fault, "", "the service's prompts can't be followed");
    else begun = call_prompt(connection, path, "Prompt", "", waits.service, fault);
    int64_t end = now() + waits.person;
    int is_alive = begun != NULL;
    while (is_alive && !completion.is_done && now() < end) is_alive = mm_bus_step(connection, fault) == 0;
    if (begun) bus_library.sd_bus_message_unref(begun);
    if (slot) bus_library.sd_bus_slot_unref(slot);
    if (!is_alive) return -1;
    if (completion.is_done && !completion.is_dismissed) return 0;
    if (!completion.is_done) {
        // A window that nobody waits for any more would ask for nothing.
        struct mm_bus_fault ignored;
        sd_bus_message *closed = call_prompt(connection, path, "Dismiss", NULL, 1000, &ignored);
        if (closed) bus_library.sd_bus_message_unref(closed);
    }
    mm_bus_say(fault, locked,
               completion.is_done ? "it is locked, and nobody unlocked it or its window can't be shown"
                                  : "it is locked, and nobody has answered its window");
    return -1;
}

// Unlocks an object, which may need a person. Returns 0 or -1.
static int unlock(struct connection *connection, const char *path, struct mm_secret_waits waits,
                  struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "Unlock");
    STEP(sd_bus_message_open_container(message, 'a', "o"));
    STEP(sd_bus_message_append_basic(message, 'o', path));
    STEP(sd_bus_message_close_container(message));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, waits.service, fault);
    if (!answer) return -1;
    char *unlocked = first_path(answer);
    const char *question = NULL;
    bus_library.sd_bus_message_read_basic(answer, 'o', &question);
    int done = unlocked ? 0 : prompt(connection, answer, question, waits, fault);
    bus_library.sd_bus_message_unref(answer);
    free(unlocked);
    return done;
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

int mm_secret_find(void *raw, const char *attribute, const char *value, uint8_t *room, int size,
                   struct mm_secret_waits waits, struct mm_bus_fault *fault) {
    struct connection *connection = raw;
    // A service that doesn't answer at all shows here, before a call that may wait for a person.
    char *session = open_session(connection, waits.service, fault);
    if (!session) return -1;
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "SearchItems");
    if (result >= 0) result = append_attribute(message, attribute, value);
    // KeePassXC asks its person to open the database before it answers.
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, waits.person, fault);
    char *open = answer ? first_path(answer) : NULL;
    char *locked = answer ? first_path(answer) : NULL;
    int found = answer ? 0 : -1;
    if (answer) bus_library.sd_bus_message_unref(answer);
    const char *item = open ? open : locked;
    if (item && !open) found = unlock(connection, item, waits, fault);
    if (item && found == 0) found = read_secret(connection, item, session, room, size, waits.service, fault);
    free(session);
    free(open);
    free(locked);
    return found;
}

// Returns the path of the default collection, to be freed by the caller.
static char *default_collection(struct connection *connection, int64_t wait, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, ROOT, "org.freedesktop.Secret.Service", "ReadAlias");
    STEP(sd_bus_message_append_basic(message, 's', "default"));
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, wait, fault);
    if (!answer) return NULL;
    const char *path = NULL;
    bus_library.sd_bus_message_read_basic(answer, 'o', &path);
    char *copy = is_object(path) ? strdup(path) : NULL;
    if (!copy) mm_bus_say(fault, "org.freedesktop.Secret.Error.NoSuchObject", "it has no default collection");
    bus_library.sd_bus_message_unref(answer);
    return copy;
}

static int append_property(sd_bus_message *message, const char *name) {
    int result = bus_library.sd_bus_message_open_container(message, 'e', "sv");
    STEP(sd_bus_message_append_basic(message, 's', name));
    return result;
}

static int create_item(struct connection *connection, const char *collection, const char *session, const char *label,
                       const char *attribute, const char *value, const uint8_t *secret, int count,
                       struct mm_secret_waits waits, struct mm_bus_fault *fault) {
    sd_bus_message *message = NULL;
    int result = begin(connection, &message, collection, "org.freedesktop.Secret.Collection", "CreateItem");
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
    sd_bus_message *answer = mm_bus_exchange(connection, message, result, waits.service, fault);
    if (!answer) return -1;
    const char *item = NULL, *question = NULL;
    bus_library.sd_bus_message_read_basic(answer, 'o', &item);
    bus_library.sd_bus_message_read_basic(answer, 'o', &question);
    // KeePassXC stores nothing before its prompt is called, even if that shows no window.
    int kept = is_object(item) ? 0 : prompt(connection, answer, question, waits, fault);
    bus_library.sd_bus_message_unref(answer);
    return kept;
}

int mm_secret_keep(void *raw, const char *label, const char *attribute, const char *value, const uint8_t *secret,
                   int count, struct mm_secret_waits waits, struct mm_bus_fault *fault) {
    struct connection *connection = raw;
    char *session = open_session(connection, waits.service, fault);
    char *collection = session ? default_collection(connection, waits.service, fault) : NULL;
    int kept = collection ? unlock(connection, collection, waits, fault) : -1;
    if (kept == 0)
        kept = create_item(connection, collection, session, label, attribute, value, secret, count, waits, fault);
    free(session);
    free(collection);
    return kept;
}
