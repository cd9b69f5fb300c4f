/* A DLL in the folder of its program, with one function. */

__declspec(dllexport) int rate(void)
{
    return 1;
}
