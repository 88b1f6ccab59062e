"""Whose process this is on Windows: its user, by SID as the token has it, and the package it was started from, if any.

A name is no way to call a user to the system: AzureAD and Microsoft accounts have names it does not resolve.
"""

from __future__ import annotations

import os
import sys

#: TOKEN_QUERY and TokenUser. Source: winnt.h.
_QUERY, _TOKEN_USER = 0x0008, 1
_NAME_SAM_COMPATIBLE = 2


def user_name() -> str:
    r"""Return `DOMAIN\name` of this process's user, for people to read."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - no such library elsewhere

        name, size = ctypes.create_unicode_buffer(512), ctypes.c_ulong(512)
        ask = ctypes.WinDLL("secur32").GetUserNameExW
        ask.restype = ctypes.c_ubyte  # a BOOLEAN, whose upper bits say nothing
        if ask(_NAME_SAM_COMPATIBLE, name, ctypes.byref(size)):
            return name.value
    return f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"


def user_sid() -> str:
    """Return the SID of this process's user, the same whether it is elevated or not. Raises OSError."""
    if sys.platform != "win32":
        raise OSError("Windows alone has SIDs")
    import ctypes  # noqa: PLC0415 - no such library elsewhere
    from ctypes import wintypes  # noqa: PLC0415 - as above

    kernel, security = (ctypes.WinDLL(name, use_last_error=True) for name in ("kernel32", "advapi32"))
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    security.OpenProcessToken.argtypes = [wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE)]
    security.GetTokenInformation.argtypes = [
        *(wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD, ctypes.POINTER(wintypes.DWORD)),
    ]
    security.ConvertSidToStringSidW.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_wchar_p)]
    kernel.LocalFree.argtypes = kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    token, size, text = wintypes.HANDLE(), wintypes.DWORD(), ctypes.c_wchar_p()
    user = (ctypes.c_void_p * 64)()  # a TOKEN_USER begins with a pointer to the SID that follows it
    if not security.OpenProcessToken(kernel.GetCurrentProcess(), _QUERY, ctypes.byref(token)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        known = security.GetTokenInformation(token, _TOKEN_USER, user, ctypes.sizeof(user), ctypes.byref(size))
        if not known or not security.ConvertSidToStringSidW(user[0], ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        found = str(text.value)
        kernel.LocalFree(text)
        return found
    finally:
        kernel.CloseHandle(token)
