#ifndef CEXCHANGETABLES_H
#define CEXCHANGETABLES_H

#include <stddef.h>

/// A table that is compiled into read-only data and read in place.
struct CExchangeTable {
    const void *_Nonnull bytes;
    size_t length;
};

/// Names, sets and parameters of the cmdlets of Exchange and of the compliance service, as JSON (form cmdlet-table-1).
struct CExchangeTable cexchange_cmdlets(void);
#endif
