// Services on a message bus for tests: an identity broker whose answers a test gives, and a Secret Service that keeps one
// secret. Each runs on a thread of its own until it is ended.
#ifndef CTESTBUS_H
#define CTESTBUS_H

// What the broker answers: a text that `free` takes, or null for no answer at all.
typedef char *(*mm_test_answer)(const char *method, const char *request, void *context);

void *mm_test_broker(const char *address, mm_test_answer answer, void *context);
void *mm_test_secrets(const char *address);
// Whether the Secret Service refuses to open its collection.
void mm_test_secrets_lock(void *service, int locked);
// How many secrets were made.
int mm_test_secrets_made(void *service);
void mm_test_service_end(void *service);

#endif
