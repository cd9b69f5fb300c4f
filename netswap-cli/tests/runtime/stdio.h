/* What native-tool needs of the C runtime's <stdio.h>, as the Universal CRT has it. */
typedef struct FILE FILE;

#ifdef __cplusplus
extern "C" {
#endif
FILE *__acrt_iob_func(unsigned);
int fputs(const char *, FILE *);
#ifdef __cplusplus
}
#endif

#define stderr __acrt_iob_func(2)
