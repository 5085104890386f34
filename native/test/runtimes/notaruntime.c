/* A library that is no runtime. */
int not_a_runtime(void);
int not_a_runtime(void)
{
    return 42;
}
