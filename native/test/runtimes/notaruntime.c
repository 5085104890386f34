/* A library that is not a runtime. */
int not_a_runtime(void);
int not_a_runtime(void)
{
    return 42;
}
