/* Crashes in the requested way and writes a dump, as programs do whose exception filter calls MiniDumpWriteDump.
 *
 * crash.exe exe|dll|mapped|private[+OFFSET] read|write|execute STATUS DUMP [full]
 *     raises the in-page error that Windows raises when this access to a page in this place fails with STATUS.
 *     OFFSET selects the address and is hexadecimal.
 * crash.exe access-violation DUMP [full]
 *     writes to the null pointer
 * crash.exe none DUMP [full]
 *     writes a dump of itself without an exception
 *
 * Prints the address, if there is one, and ends with the exception's code. */

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>
/* This header needs windows.h. */
#include <dbghelp.h>

/* The first parameter of an in-page error in EXCEPTION_RECORD. */
enum { READ = 0, WRITE = 1, EXECUTE = 8 };

static const wchar_t *dump;
static MINIDUMP_TYPE type = MiniDumpNormal;

static BOOL write_dump(EXCEPTION_POINTERS *pointers)
{
    MINIDUMP_EXCEPTION_INFORMATION exception = {GetCurrentThreadId(), pointers, FALSE};
    HANDLE file = CreateFileW(dump, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    BOOL written = MiniDumpWriteDump(GetCurrentProcess(), GetCurrentProcessId(), file, type,
                                     pointers ? &exception : NULL, NULL, NULL);
    CloseHandle(file);
    return written;
}

static LONG WINAPI filter(EXCEPTION_POINTERS *pointers)
{
    DWORD code = pointers->ExceptionRecord->ExceptionCode;
    TerminateProcess(GetCurrentProcess(), write_dump(pointers) ? code : 3);
    return EXCEPTION_EXECUTE_HANDLER;
}

/* Maps a file in the program's folder as data. Gets the program's path from its arguments, because Wine's
 * GetModuleFileName returns a path on a share that can't be opened. */
static const char *map_file(const wchar_t *program, const wchar_t *name)
{
    wchar_t path[MAX_PATH];
    const wchar_t *separator = wcsrchr(program, L'\\');
    int length = separator ? (int)(separator + 1 - program) : 0;
    if (swprintf(path, MAX_PATH, L"%.*ls%ls", length, program, name) < 0)
        return NULL;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    return mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : NULL;
}

/* Returns an address in this place, or 0 if there is none. */
static ULONG_PTR address_in(const wchar_t *place, const wchar_t *program)
{
    HMODULE rates = LoadLibraryW(L"rates.dll");
    const char *data = map_file(program, L"data.bin");
    const char *private = VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!rates || !data || !private)
        return 0;
    wchar_t *plus = wcschr(place, L'+');
    ULONG_PTR offset = plus ? wcstoul(plus + 1, NULL, 16) : 0;
    size_t length = plus ? (size_t)(plus - place) : wcslen(place);
    if (!wcsncmp(place, L"exe", length))
        return (ULONG_PTR)&address_in + offset;
    if (!wcsncmp(place, L"dll", length))
        return (ULONG_PTR)GetProcAddress(rates, "rate") + offset;
    if (!wcsncmp(place, L"mapped", length))
        return (ULONG_PTR)data + 0x1234 + offset;
    if (!wcsncmp(place, L"private", length))
        return (ULONG_PTR)private + 0x1234 + offset;
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    if (argc > 2 && !wcscmp(argv[argc - 1], L"full")) {
        type = MiniDumpWithFullMemory;
        argc--;
    }
    if (argc != 3 && argc != 5)
        return 2;
    dump = argv[argc - 1];
    SetUnhandledExceptionFilter(filter);
    if (argc == 3 && !wcscmp(argv[1], L"none"))
        return write_dump(NULL) ? 0 : 3;
    if (argc == 3 && !wcscmp(argv[1], L"access-violation")) {
        puts("0");
        fflush(stdout);
        *(volatile int *)NULL = 0;
    }
    if (argc == 3)
        return 2;
    ULONG_PTR access = !wcscmp(argv[2], L"write") ? WRITE : !wcscmp(argv[2], L"execute") ? EXECUTE : READ;
    ULONG_PTR address = address_in(argv[1], argv[0]);
    /* Windows sign-extends an NTSTATUS. */
    ULONG_PTR status = (ULONG_PTR)(LONG)wcstoul(argv[3], NULL, 16);
    ULONG_PTR parameters[] = {access, address, status};
    if (!address)
        return 4;
    printf("%llx\n", (unsigned long long)address);
    fflush(stdout);
    RaiseException(EXCEPTION_IN_PAGE_ERROR, 0, 3, parameters);
    return 2;
}
