// Services on a message bus for tests: an identity broker with the test's answers, and a Secret Service with one secret. Each
// runs on its own thread until it is ended.
#ifndef CTESTBUS_H
#define CTESTBUS_H

// Returns the broker's answer: a text allocated with malloc, or null to send none.
typedef char *(*mm_test_answer)(const char *method, const char *request, void *context);

void *mm_test_broker(const char *address, mm_test_answer answer, void *context);
void *mm_test_secrets(const char *address);
// What the Secret Service does: its collection is open; it is locked, and its person dismisses the prompt; each use of a
// secret needs a prompt, to which the person agrees (as in KeePassXC); it has no collection yet.
enum { MM_TEST_SECRETS_OPEN, MM_TEST_SECRETS_LOCKED, MM_TEST_SECRETS_ASKING, MM_TEST_SECRETS_NONE };
void mm_test_secrets_mode(void *service, int mode);
// The number of prompts that were shown.
int mm_test_secrets_prompts(void *service);
// The number of secrets that were created.
int mm_test_secrets_made(void *service);
void mm_test_service_end(void *service);

#endif
