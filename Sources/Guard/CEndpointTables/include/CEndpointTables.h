#ifndef CENDPOINTTABLES_H
#define CENDPOINTTABLES_H

#include <stddef.h>

/// A table compiled into read-only data and read in place. Tools/EndpointTables makes the files.
struct CEndpointTable {
    const void *_Nonnull bytes;
    size_t length;
};

/// The calls of Microsoft Graph, and the words by which they are found.
struct CEndpointTable cendpoint_calls(void);
/// The types of Microsoft Graph, and what a query may do with their properties.
struct CEndpointTable cendpoint_types(void);
#endif
