/* What the helper, a DLL of its own, does for the program. */
#ifndef HELPER_H
#define HELPER_H

/* helper.c exports it, all others import it. */
#ifndef HELPER
#ifdef _WIN32
#define HELPER __declspec(dllimport)
#else
#define HELPER
#endif
#endif

#ifdef __cplusplus
extern "C"
#endif
HELPER const char *helper_name(void);

#endif
