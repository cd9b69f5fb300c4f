/* The interface of the helper DLL. */
#ifndef HELPER_H
#define HELPER_H

/* helper.c exports the function. All other files import it. */
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
