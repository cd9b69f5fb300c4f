/* A DLL that lies beside a program, and has one function. */

__declspec(dllexport) int rate(void)
{
    return 1;
}
