#include <stdio.h>

int main(void)
{
    fputs("reeve " REEVE_VERSION "\n", stdout);
    return 0;
}
