#include "manager/config.h"

#include "manager/private.h"
#include "unit/config.h"

int manager_read_config(struct manager *m)
{
    return 0;
}

void manager_config_done(struct manager *m)
{
}
