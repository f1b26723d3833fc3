// Services on a message bus for tests: an identity broker with the test's answers, and a Secret Service with one secret. Each
// runs on its own thread until it is ended.
#ifndef CTESTBUS_H
#define CTESTBUS_H

// Returns the broker's answer: a text allocated with malloc, or null to send none.
typedef char *(*mm_test_answer)(const char *method, const char *request, void *context);

void *mm_test_broker(const char *address, mm_test_answer answer, void *context);
void *mm_test_secrets(const char *address);
// Sets whether the Secret Service refuses to open its collection.
void mm_test_secrets_lock(void *service, int locked);
// The number of secrets that were created.
int mm_test_secrets_made(void *service);
void mm_test_service_end(void *service);

#endif
