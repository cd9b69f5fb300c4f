/* A DLL between netswap.exe and kernel32.dll. It gives files the attributes of a file whose content is in the
 * cloud or on tape, as their names say. Wine stores none of these attributes. All other functions are forwarded.
 *
 * For each file that the program opens to read or write it, a line in C:\opened.txt has the flags and the name. */

#include <stdio.h>
#include <windows.h>

#define LISTED 1
#define OPENED 2

/* The attributes of a file whose name contains the word, and where Windows shows them. Windows shows
 * FILE_ATTRIBUTE_RECALL_ON_OPEN only in the list of a folder. There, a link has no attributes of its target. */
static const struct { const wchar_t *word; DWORD attributes; int shown; } FILES[] = {
    {L"tape-", FILE_ATTRIBUTE_OFFLINE, LISTED | OPENED},
    {L"cloud-", 0x00400000, LISTED | OPENED},
    {L"open-", 0x00040000, LISTED},
    {L"link-", FILE_ATTRIBUTE_REPARSE_POINT, LISTED},
};

static const wchar_t *name_of(const wchar_t *path)
{
    const wchar_t *slash = wcsrchr(path, '\\');
    return slash ? slash + 1 : path;
}

static DWORD attributes(const wchar_t *path, int shown)
{
    const wchar_t *name = name_of(path);
    DWORD all = 0;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        if ((FILES[i].shown & shown) && wcsstr(name, FILES[i].word))
            all |= FILES[i].attributes;
    if (all & FILE_ATTRIBUTE_REPARSE_POINT)
        all = FILE_ATTRIBUTE_REPARSE_POINT;
    return all;
}

static void list(WIN32_FIND_DATAW *entry)
{
    entry->dwFileAttributes |= attributes(entry->cFileName, LISTED);
    if (entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        entry->dwReserved0 = IO_REPARSE_TAG_SYMLINK;
}

HANDLE WINAPI offline_FindFirstFileExW(const wchar_t *path, FINDEX_INFO_LEVELS level, void *entry,
                                       FINDEX_SEARCH_OPS operation, void *filter, DWORD flags)
{
    HANDLE find = FindFirstFileExW(path, level, entry, operation, filter, flags);
    if (find != INVALID_HANDLE_VALUE)
        list(entry);
    return find;
}

BOOL WINAPI offline_FindNextFileW(HANDLE find, WIN32_FIND_DATAW *entry)
{
    BOOL found = FindNextFileW(find, entry);
    if (found)
        list(entry);
    return found;
}

BOOL WINAPI offline_GetFileInformationByHandle(HANDLE file, BY_HANDLE_FILE_INFORMATION *information)
{
    wchar_t path[MAX_PATH] = L"";
    BOOL done = GetFileInformationByHandle(file, information);
    if (done && GetFinalPathNameByHandleW(file, path, MAX_PATH, 0) < MAX_PATH)
        information->dwFileAttributes |= attributes(path, OPENED);
    return done;
}

/* Wine finds the end of a file and writes there in two steps, so threads could overwrite each other's lines. */
static SRWLOCK recording = SRWLOCK_INIT;

static void record(const wchar_t *path, DWORD flags)
{
    char line[MAX_PATH];
    DWORD count;
    AcquireSRWLockExclusive(&recording);
    HANDLE file = CreateFileW(L"C:\\opened.txt", FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_ALWAYS, 0, NULL);
    int length = snprintf(line, sizeof line, "%08lx %ls\n", flags, name_of(path));
    WriteFile(file, line, (DWORD)length, &count, NULL);
    CloseHandle(file);
    ReleaseSRWLockExclusive(&recording);
}

HANDLE WINAPI offline_CreateFileW(const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                  DWORD disposition, DWORD flags, HANDLE template)
{
    const DWORD content = GENERIC_READ | GENERIC_WRITE | FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA;
    if (access & content)
        record(path, flags);
    return CreateFileW(path, access, share, security, disposition, flags, template);
}
