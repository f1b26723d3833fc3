#ifndef CCOLLATIONTABLES_H
#define CCOLLATIONTABLES_H

#include <stddef.h>

/// A table compiled into read-only data and read in place. Tools/CollationTables makes the file.
struct CCollationTable {
    const void *_Nonnull bytes;
    size_t length;
};

/// The collation elements of characters.
struct CCollationTable ccollation_elements(void);
#endif
