#include "CCollationTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char elements[] = {
#embed "Tables/elements.bin"
};

struct CCollationTable ccollation_elements(void) {
    return (struct CCollationTable){elements, sizeof elements};
}
