/* bad_plain.c - a shared object, but no plugin: somebody's library in the wrong folder. */
__attribute__((visibility("default"))) int plain(void);

int plain(void)
{
    return 1;
}

__attribute__((constructor)) static void constructor(void)
{
    __builtin_trap(); /* must not be run to find out */
}
