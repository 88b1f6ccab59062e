/* shell.exe: starts one command for the kit, in one of two ways.
 *
 * WINLAB_CMD   what Win32-OpenSSH's do_exec_windows() does for a command without a terminal, DefaultShell being cmd.exe:
 *              "c:\windows\system32\cmd.exe" /c "<command>" in %USERPROFILE%, inside a job object that ends everything
 *              in it when the session ends, unless a child breaks away. An empty command is a bare cmd.exe.
 * WINLAB_LINE  the console: exactly this command line, in no job.
 *
 * The text comes through the environment, so nobody quotes it again on the way. The whole 32-bit exit code goes to the
 * file WINLAB_CODE, since a Unix exit status has eight bits. None of the three reaches the command. */
#include <windows.h>
#include <stdio.h>

#define LONGEST 32768
#define SHELL L"c:\\windows\\system32\\cmd.exe"

static wchar_t text[LONGEST], line[LONGEST + 64], home[1024], code_file[1024];

/* Take a variable out of the environment; returns whether it was there. */
static BOOL take(const wchar_t *name, wchar_t *value, DWORD size)
{
    SetLastError(ERROR_SUCCESS);
    value[0] = 0;
    if (!GetEnvironmentVariableW(name, value, size) && GetLastError() == ERROR_ENVVAR_NOT_FOUND)
        return FALSE;
    SetEnvironmentVariableW(name, NULL);
    return TRUE;
}

static HANDLE session_job(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

/* Wine answers ERROR_INTERNAL_ERROR where the new process died before its first instruction, as happens on a busy
 * machine. Windows has no such answer, and nothing has run, so it is started again. */
static BOOL start_suspended(STARTUPINFOW *start, PROCESS_INFORMATION *process)
{
    for (int left = 5; !CreateProcessW(NULL, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, home, start, process); left--) {
        if (GetLastError() != ERROR_INTERNAL_ERROR || !left)
            return FALSE;
        Sleep(500);
    }
    return TRUE;
}

static void write_code(DWORD code)
{
    FILE *file = code_file[0] ? _wfopen(code_file, L"w") : NULL;
    if (file) {
        fprintf(file, "%lu", code);
        fclose(file);
    }
}

int wmain(void)
{
    STARTUPINFOW start = { .cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION process;
    HANDLE job = NULL;
    DWORD code = 255;

    take(L"WINLAB_CODE", code_file, 1024);
    SetEnvironmentVariableW(L"SSH_ORIGINAL_COMMAND", NULL);
    if (!take(L"WINLAB_LINE", line, LONGEST)) {
        job = session_job();
        take(L"WINLAB_CMD", text, LONGEST);
        if (text[0])
            _snwprintf(line, LONGEST + 64, L"\"" SHELL L"\" /c \"%ls\"", text);
        else
            wcscpy(line, L"\"" SHELL L"\"");
    }
    if (!GetEnvironmentVariableW(L"USERPROFILE", home, 1024))
        wcscpy(home, L"C:\\");
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!start_suspended(&start, &process)) {
        fwprintf(stderr, L"winlab: cannot start %ls: error %lu\n", line, GetLastError());
        write_code(127);
        return 127;
    }
    if (job && !AssignProcessToJobObject(job, process.hProcess))
        fwprintf(stderr, L"winlab: no job object: error %lu\n", GetLastError());
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    write_code(code);
    if (job)
        CloseHandle(job);   /* ends what is left in it */
    return (int)code;
}
