/* The parts of the C runtime for x64 that Rust's std needs: the entry points, thread-local storage and the
 * stack probe. The names are those of Microsoft's linker and compiler. */

typedef void (*callback)(void *image, unsigned long reason, void *reserved);

/* A DLL has no `main`. */
__attribute__((weak)) extern int main(int argc, char **argv);
__declspec(dllimport) void ExitProcess(unsigned code);

/* Links kernel32, which contains ExitProcess, even if the link does not name it. */
__asm__(".section .drectve, \"yn\"\n"
        ".ascii \" /DEFAULTLIB:kernel32\"\n"
        ".text\n");

/* The constructors of C++'s static objects. The linker sorts the sections by the text after `$`. */
__attribute__((section(".CRT$XCA"))) void (*__xc_a)(void);
__attribute__((section(".CRT$XCZ"))) void (*__xc_z)(void);

/* std gets the arguments from the system. */
void mainCRTStartup(void)
{
    for (void (**constructor)(void) = &__xc_a; constructor < &__xc_z; constructor++)
        if (*constructor)
            (*constructor)();
    ExitProcess((unsigned)main(0, 0));
}

int _DllMainCRTStartup(void *image, unsigned long reason, void *reserved)
{
    (void)image, (void)reason, (void)reserved;
    return 1;
}

/* Microsoft's compiler refers to this symbol if a program uses floating point. */
int _fltused = 1;

/* The TLS directory (PE format, "The .tls Section"). */
unsigned long _tls_index;
__attribute__((section(".tls"))) char _tls_start;
__attribute__((section(".tls$ZZZ"))) char _tls_end;
__attribute__((section(".CRT$XLA"))) callback __xl_a;
__attribute__((section(".CRT$XLZ"))) callback __xl_z;

__attribute__((section(".rdata$T"))) const struct {
    void *start, *end;
    unsigned long *index;
    callback *callbacks;
    unsigned zero_fill, characteristics;
} _tls_used = { &_tls_start, &_tls_end, &_tls_index, &__xl_a + 1, 0, 0 };

/* Touches each page of the RAX bytes below the caller's frame. Preserves all registers. */
__asm__(".globl __chkstk\n"
        "__chkstk:\n"
        "    pushq %rcx\n"
        "    pushq %rax\n"
        "    leaq 24(%rsp), %rcx\n"
        "1:  cmpq $4096, %rax\n"
        "    jb 2f\n"
        "    subq $4096, %rcx\n"
        "    testq %rcx, (%rcx)\n"
        "    subq $4096, %rax\n"
        "    jmp 1b\n"
        "2:  subq %rax, %rcx\n"
        "    testq %rcx, (%rcx)\n"
        "    popq %rax\n"
        "    popq %rcx\n"
        "    ret\n");
