#include "CTestBus.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;
typedef int (*handler)(sd_bus_message *, void *, void *);

static struct {
    int (*new)(sd_bus **);
    int (*set_address)(sd_bus *, const char *);
    int (*set_bus_client)(sd_bus *, int);
    int (*start)(sd_bus *);
    int (*request_name)(sd_bus *, const char *, uint64_t);
    int (*add_object)(sd_bus *, sd_bus_slot **, const char *, handler, void *);
    int (*add_fallback)(sd_bus *, sd_bus_slot **, const char *, handler, void *);
    int (*process)(sd_bus *, sd_bus_message **);
    int (*wait)(sd_bus *, uint64_t);
    sd_bus *(*close_unref)(sd_bus *);
    const char *(*message_get_member)(sd_bus_message *);
    int (*message_read)(sd_bus_message *, const char *, ...);
    int (*message_skip)(sd_bus_message *, const char *);
    int (*message_enter_container)(sd_bus_message *, char, const char *);
    int (*message_read_array)(sd_bus_message *, char, const void **, size_t *);
    int (*message_new_method_return)(sd_bus_message *, sd_bus_message **);
    int (*message_open_container)(sd_bus_message *, char, const char *);
    int (*message_close_container)(sd_bus_message *);
    int (*message_append)(sd_bus_message *, const char *, ...);
    int (*message_append_array)(sd_bus_message *, char, const void *, size_t);
    sd_bus_message *(*message_unref)(sd_bus_message *);
    int (*send)(sd_bus *, sd_bus_message *, uint64_t *);
    int (*reply_method_return)(sd_bus_message *, const char *, ...);
    int (*emit_signal)(sd_bus *, const char *, const char *, const char *, const char *, ...);
} bus;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_loaded;

static void load(void) {
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
#define RESOLVE(name) \
    if (!(*(void **)&bus.name = dlsym(library, "sd_bus_" #name))) return
    RESOLVE(new);
    RESOLVE(set_address);
    RESOLVE(set_bus_client);
    RESOLVE(start);
    RESOLVE(request_name);
    RESOLVE(add_object);
    RESOLVE(add_fallback);
    RESOLVE(process);
    RESOLVE(wait);
    RESOLVE(close_unref);
    RESOLVE(message_get_member);
    RESOLVE(message_read);
    RESOLVE(message_skip);
    RESOLVE(message_enter_container);
    RESOLVE(message_read_array);
    RESOLVE(message_new_method_return);
    RESOLVE(message_open_container);
    RESOLVE(message_close_container);
    RESOLVE(message_append);
    RESOLVE(message_append_array);
    RESOLVE(message_unref);
    RESOLVE(send);
    RESOLVE(reply_method_return);
    RESOLVE(emit_signal);
#undef RESOLVE
    is_loaded = 1;
}

struct service {
    sd_bus *bus;
    pthread_t thread;
    atomic_int ended, mode, made, prompts;
    // Whether the person has agreed to a prompt, and whether that stores the secret that waits for it.
    int agreed, waiting;
    mm_test_answer answer;
    void *context;
    uint8_t secret[256];
    size_t count;
};

static void *serve(void *raw) {
    struct service *service = raw;
    while (!atomic_load(&service->ended)) {
        int done = bus.process(service->bus, NULL);
        if (done < 0) break;
        if (done == 0) bus.wait(service->bus, 20000);
    }
    return NULL;
}

static struct service *open_service(const char *address) {
    pthread_once(&once, load);
    struct service *service = is_loaded ? calloc(1, sizeof *service) : NULL;
    if (!service) return NULL;
    if (bus.new(&service->bus) >= 0 && bus.set_address(service->bus, address) >= 0 &&
        bus.set_bus_client(service->bus, 1) >= 0 && bus.start(service->bus) >= 0)
        return service;
    free(service);
    return NULL;
}

static void *begin(struct service *service, const char *name) {
    if (bus.request_name(service->bus, name, 0) >= 0 && pthread_create(&service->thread, NULL, serve, service) == 0)
        return service;
    bus.close_unref(service->bus);
    free(service);
    return NULL;
}

void mm_test_service_end(void *raw) {
    struct service *service = raw;
    if (!service) return;
    atomic_store(&service->ended, 1);
    pthread_join(service->thread, NULL);
    bus.close_unref(service->bus);
    free(service);
}

static int answer_broker(sd_bus_message *message, void *raw, void *error) {
    (void)error;
    struct service *service = raw;
    const char *version = NULL, *correlation = NULL, *request = NULL;
    if (bus.message_read(message, "sss", &version, &correlation, &request) < 0) return 0;
    char *text = service->answer(bus.message_get_member(message), request, service->context);
    if (!text) return 1;
    int result = bus.reply_method_return(message, "s", text);
    free(text);
    return result;
}

void *mm_test_broker(const char *address, mm_test_answer answer, void *context) {
    struct service *service = open_service(address);
    if (!service) return NULL;
    service->answer = answer;
    service->context = context;
    bus.add_object(service->bus, NULL, "/com/microsoft/identity/broker1", answer_broker, service);
    return begin(service, "com.microsoft.identity.broker1");
}

#define ITEM "/org/freedesktop/secrets/collection/login/1"
#define COLLECTION "/org/freedesktop/secrets/collection/login"
#define PROMPT "/org/freedesktop/secrets/prompt/1"

static int give_secret(struct service *service, sd_bus_message *message) {
    sd_bus_message *reply = NULL;
    if (atomic_load(&service->mode) == MM_TEST_SECRETS_ASKING && !service->agreed) return 0;
    int result = bus.message_new_method_return(message, &reply);
    if (result >= 0) result = bus.message_open_container(reply, 'r', "oayays");
    if (result >= 0) result = bus.message_append(reply, "o", "/org/freedesktop/secrets/session/1");
    if (result >= 0) result = bus.message_append_array(reply, 'y', "", 0);
    if (result >= 0) result = bus.message_append_array(reply, 'y', service->secret, service->count);
    if (result >= 0) result = bus.message_append(reply, "s", "application/octet-stream");
    if (result >= 0) result = bus.message_close_container(reply);
    if (result >= 0) result = bus.send(service->bus, reply, NULL);
    if (reply) bus.message_unref(reply);
    return result;
}

static int take_secret(struct service *service, sd_bus_message *message) {
    const void *bytes = NULL;
    size_t count = 0;
    if (bus.message_skip(message, "a{sv}") < 0 || bus.message_enter_container(message, 'r', "oayays") < 0 ||
        bus.message_skip(message, "oay") < 0 || bus.message_read_array(message, 'y', &bytes, &count) < 0 ||
        count > sizeof service->secret)
        return 0;
    memcpy(service->secret, bytes, count);
    service->count = count;
    service->waiting = atomic_load(&service->mode) == MM_TEST_SECRETS_ASKING;
    if (service->waiting) return bus.reply_method_return(message, "oo", "/", PROMPT);
    atomic_fetch_add(&service->made, 1);
    return bus.reply_method_return(message, "oo", ITEM, "/");
}

static int unlock(struct service *service, sd_bus_message *message) {
    const char *path = NULL;
    bus.message_read(message, "ao", 1, &path);
    int mode = atomic_load(&service->mode);
    int asks = mode == MM_TEST_SECRETS_LOCKED || (mode == MM_TEST_SECRETS_ASKING && path && strcmp(path, ITEM) == 0);
    return asks ? bus.reply_method_return(message, "aoo", 0, PROMPT)
                : bus.reply_method_return(message, "aoo", 1, path ? path : ITEM, "/");
}

static int show_prompt(struct service *service, sd_bus_message *message) {
    int dismissed = atomic_load(&service->mode) == MM_TEST_SECRETS_LOCKED;
    atomic_fetch_add(&service->prompts, 1);
    service->agreed = !dismissed;
    if (!dismissed && service->waiting) atomic_fetch_add(&service->made, 1);
    service->waiting = 0;
    int result = bus.reply_method_return(message, "");
    if (result >= 0)
        result = bus.emit_signal(service->bus, PROMPT, "org.freedesktop.Secret.Prompt", "Completed", "bv", dismissed,
                                 "s", "");
    return result < 0 ? result : 1;
}

static int answer_secrets(sd_bus_message *message, void *raw, void *error) {
    (void)error;
    struct service *service = raw;
    const char *member = bus.message_get_member(message);
    int mode = atomic_load(&service->mode);
    if (!member) return 0;
    if (strcmp(member, "OpenSession") == 0)
        return bus.reply_method_return(message, "vo", "s", "", "/org/freedesktop/secrets/session/1");
    if (strcmp(member, "ReadAlias") == 0)
        return bus.reply_method_return(message, "o", mode == MM_TEST_SECRETS_NONE ? "/" : COLLECTION);
    if (strcmp(member, "SearchItems") == 0) {
        if (atomic_load(&service->made) == 0) return bus.reply_method_return(message, "aoao", 0, 0);
        return mode == MM_TEST_SECRETS_OPEN ? bus.reply_method_return(message, "aoao", 1, ITEM, 0)
                                            : bus.reply_method_return(message, "aoao", 0, 1, ITEM);
    }
    if (strcmp(member, "Unlock") == 0) return unlock(service, message);
    if (strcmp(member, "Prompt") == 0) return show_prompt(service, message);
    if (strcmp(member, "GetSecret") == 0) return give_secret(service, message);
    if (strcmp(member, "CreateItem") == 0) return take_secret(service, message);
    return 0;
}

void *mm_test_secrets(const char *address) {
    struct service *service = open_service(address);
    if (!service) return NULL;
    bus.add_fallback(service->bus, NULL, "/org/freedesktop/secrets", answer_secrets, service);
    return begin(service, "org.freedesktop.secrets");
}

void mm_test_secrets_mode(void *raw, int mode) {
    struct service *service = raw;
    atomic_store(&service->mode, mode);
}

int mm_test_secrets_prompts(void *raw) { return atomic_load(&((struct service *)raw)->prompts); }

int mm_test_secrets_made(void *raw) { return atomic_load(&((struct service *)raw)->made); }
