/* Runs the command line that follows its own name, and presses Ctrl-C when that program has printed its
 * first byte. Until then nobody reads the output, so the program waits if it prints more than fits into the
 * pipe. Prints the output, and ends with the program's exit code. */

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
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE), reader, writer;
    STARTUPINFOW startup = {0};
    PROCESS_INFORMATION process;
    DWORD code = 1, count;
    char bytes[4096];
    if (!GetConsoleCP())
        return 122; /* There is no console. */
    if (!CreatePipe(&reader, &writer, &inherited, sizeof bytes))
        return 123;
    SetHandleInformation(reader, HANDLE_FLAG_INHERIT, 0);
    startup.cb = sizeof startup;
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = writer;
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, rest(GetCommandLineW()), NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return 126;
    CloseHandle(writer);
    if (ReadFile(reader, bytes, 1, &count, NULL))
        WriteFile(out, bytes, count, &count, NULL);
    /* Ctrl-C goes to every program of the console. A child would inherit this if it was set before. */
    SetConsoleCtrlHandler(NULL, TRUE);
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
        return 124;
    Sleep(1000);
    while (ReadFile(reader, bytes, sizeof bytes, &count, NULL) && count)
        WriteFile(out, bytes, count, &count, NULL);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
