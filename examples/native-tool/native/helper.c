/* The helper: linked by build.rs, and loaded when the program is started. */
#ifdef _WIN32
#define HELPER __declspec(dllexport)
#endif
#include "helper.h"

const char *helper_name(void)
{
    return "helper 1";
}
