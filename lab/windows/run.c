/* Runs the command line that follows its own name, and ends with that program's exit code. Under Wine,
 * the process of a program with threads can be killed while it ends, and then Linux sees another exit code. */

#include <windows.h>

/* Returns the command line after the first argument. */
static wchar_t *rest(wchar_t *line)
{
    BOOL quoted = FALSE;
    for (; *line && (quoted || *line != ' '); line++)
        quoted ^= *line == '"';
    while (*line == ' ')
        line++;
    return line;
}

int main(void)
{
    STARTUPINFOW startup;
    PROCESS_INFORMATION process;
    DWORD code = 1;
    GetStartupInfoW(&startup);
    startup.dwFlags |= STARTF_USESTDHANDLES;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    wchar_t *line = rest(GetCommandLineW());
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return 126;
    /* Ctrl-C ends only the program, whose exit code counts. */
    SetConsoleCtrlHandler(NULL, TRUE);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
