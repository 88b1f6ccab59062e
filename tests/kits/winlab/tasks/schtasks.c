/* schtasks.exe of the test kit: hands its words and its folder to the stand-in task service over a named pipe, prints what comes back.
 * The service does all the work (schtasks.py); this is C only because a Python under Wine takes 0.3 s to start.
 * Request: UTF-16, "folder NUL token NUL word NUL ...": the token is "elevated" or not. Answer: exit code and length of stdout in UTF-16 units (32 bits each), stdout, stderr. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

#define PIPE L"\\\\.\\pipe\\winlab-schtasks"
#define ROOM (4u << 20)
/* the service starts with the host: a command that comes early waits for it */
#define PATIENCE_MS 20000

static void print(DWORD which, const wchar_t *text, int units)
{
    /* as the real one: in the console's code page, or the OEM one where there is no console; CRLF */
    UINT page = GetConsoleOutputCP();
    int n, i;
    DWORD done;
    char *bytes, *out, *p;
    if (!page) page = GetOEMCP();
    if (units <= 0) return;
    bytes = malloc((size_t)units * 4 + 4);
    out = malloc((size_t)units * 8 + 8);
    n = WideCharToMultiByte(page, 0, text, units, bytes, units * 4, NULL, NULL);
    for (i = 0, p = out; i < n; i++) { if (bytes[i] == '\n') *p++ = '\r'; *p++ = bytes[i]; }
    for (n = (int)(p - out), p = out; n > 0 && WriteFile(GetStdHandle(which), p, (DWORD)n, &done, NULL) && done; n -= (int)done, p += done) ;
}

int wmain(int argc, wchar_t **argv)
{
    static wchar_t ask[1 << 16];
    char *reply = malloc(ROOM);
    DWORD got = 0, units, waited = 0, head[2];
    int i;
    units = GetCurrentDirectoryW(1 << 15, ask) + 1;
    /* the caller's integrity level, which Wine does not know: session.py and process.py give it, children inherit it */
    units += GetEnvironmentVariableW(L"WINLAB_TOKEN", ask + units, 64) + 1;
    for (i = 1; i < argc; i++) {
        size_t n = wcslen(argv[i]) + 1;
        if (units + n > sizeof ask / sizeof *ask) return 1;
        wcscpy(ask + units, argv[i]);
        units += (DWORD)n;
    }
    while (!CallNamedPipeW(PIPE, ask, units * sizeof *ask, reply, ROOM, &got, 30000)) {
        if (waited >= PATIENCE_MS) { fprintf(stderr, "ERROR: The Task Scheduler service is not running.\r\n"); return 1; }
        Sleep(50);
        waited += 50;
    }
    if (got < sizeof head) return 1;
    memcpy(head, reply, sizeof head);
    print(STD_OUTPUT_HANDLE, (wchar_t *)(reply + sizeof head), (int)head[1]);
    print(STD_ERROR_HANDLE, (wchar_t *)(reply + sizeof head) + head[1], (int)((got - sizeof head) / sizeof(wchar_t)) - (int)head[1]);
    return (int)head[0];
}
