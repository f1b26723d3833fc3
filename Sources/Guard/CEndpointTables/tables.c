#include "CEndpointTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char calls[] = {
#embed "Tables/endpoints.bin"
};

static const _Alignas(8) unsigned char types[] = {
#embed "Tables/types.bin"
};

struct CEndpointTable cendpoint_calls(void) {
    return (struct CEndpointTable){calls, sizeof calls};
}

struct CEndpointTable cendpoint_types(void) {
    return (struct CEndpointTable){types, sizeof types};
}
