/* py.exe: the part of the Python launcher for Windows that people use. `py [-3|-3.11] ARGUMENTS...` runs the Python
 * registered in HKEY_LOCAL_MACHINE\Software\Python\PythonCore\3.11\InstallPath, waits for it and takes its exit code;
 * `py -0p` lists it. Any other version answers 103, as the real one does for a version that is not there. */
#include <windows.h>
#include <stdio.h>

#define KEY L"Software\\Python\\PythonCore\\3.11\\InstallPath"

static wchar_t path[4096], line[33000];

static const wchar_t *after_own_name(const wchar_t *rest)
{
    if (*rest == L'"') {
        for (++rest; *rest && *rest != L'"'; ++rest) ;
        if (*rest) ++rest;
    } else {
        while (*rest && *rest != L' ') ++rest;
    }
    while (*rest == L' ') ++rest;
    return rest;
}

int wmain(int argc, wchar_t **argv)
{
    STARTUPINFOW start = { .cb = sizeof start };
    PROCESS_INFORMATION process;
    DWORD size = sizeof path, code = 103;
    const wchar_t *rest = after_own_name(GetCommandLineW());
    BOOL made;
    int tries = 5;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, KEY, L"ExecutablePath", RRF_RT_REG_SZ, NULL, path, &size)) {
        fwprintf(stderr, L"No installed Python found!\n");
        return 103;
    }
    if (argc > 1 && (!wcscmp(argv[1], L"-0p") || !wcscmp(argv[1], L"--list-paths"))) {
        wprintf(L" -V:3.11 *        %ls\n", path);
        return 0;
    }
    if (argc > 1 && (!wcscmp(argv[1], L"-3") || !wcscmp(argv[1], L"-3.11"))) {
        rest = after_own_name(rest);
    } else if (argc > 1 && argv[1][0] == L'-' && argv[1][1] >= L'0' && argv[1][1] <= L'9') {
        fwprintf(stderr, L"No suitable Python runtime found\n");
        return 103;
    }
    _snwprintf(line, 33000, L"\"%ls\" %ls", path, rest);
    /* Wine's internal error: the new process died before its first instruction, so it is started again (see shell.c) */
    while (!(made = CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) && tries--
           && GetLastError() == ERROR_INTERNAL_ERROR)
        Sleep(500);
    if (!made) {
        fwprintf(stderr, L"Unable to create process using '%ls': error %lu\n", line, GetLastError());
        return 101;
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
