/* The helper. build.rs links it, and Windows loads it when the program starts. */
#ifdef _WIN32
#define HELPER __declspec(dllexport)
#endif
#include "helper.h"

const char *helper_name(void)
{
    return "helper 1";
}
