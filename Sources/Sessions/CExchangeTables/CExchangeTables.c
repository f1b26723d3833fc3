#include "CExchangeTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char cmdlets[] = {
#embed "Tables/exchange.json"
};

struct CExchangeTable cexchange_cmdlets(void) {
    return (struct CExchangeTable){cmdlets, sizeof cmdlets};
}
