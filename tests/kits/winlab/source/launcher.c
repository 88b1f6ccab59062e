/* python.exe and pythonw.exe: what CPython's Programs/python.c and PC/WinMain.c do, with python311.dll beside them.
 * Not linked against the DLL, so no import library is needed. */
#include <windows.h>
#include <shellapi.h>
#include <stdio.h>

#define LONGEST_PATH 4096

typedef int (*py_main_t)(int, wchar_t **);

static int run(int argc, wchar_t **argv)
{
    static wchar_t path[LONGEST_PATH];
    wchar_t *name;
    HMODULE python;
    py_main_t py_main;

    GetModuleFileNameW(NULL, path, LONGEST_PATH);
    name = wcsrchr(path, L'\\') + 1;
    wcscpy(name, L"python311.dll");
    python = LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (!python) {
        fwprintf(stderr, L"cannot load %ls: error %lu\n", path, GetLastError());
        return 101;
    }
    py_main = (py_main_t)(void *)GetProcAddress(python, "Py_Main");
    if (!py_main) {
        fwprintf(stderr, L"%ls has no Py_Main: error %lu\n", path, GetLastError());
        return 102;
    }
    return py_main(argc, argv);
}

#ifdef WINDOWED
int WINAPI wWinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR line, int show)
{
    int argc;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    (void)instance, (void)previous, (void)line, (void)show;
    return run(argc, argv);
}
#else
int wmain(int argc, wchar_t **argv)
{
    return run(argc, argv);
}
#endif
