"""Removing our folder of tasks once it is empty. schtasks cannot; COM can: ITaskFolder::DeleteFolder."""

from __future__ import annotations

import sys

#: Interfaces and their methods' places, from taskschd.h.
_SCHEDULER = "{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}"
_SERVICE = "{2FABA4C7-4DA9-4013-9697-20CC3FD40F85}"
_RELEASE, _GET_FOLDER, _CONNECT, _DELETE_FOLDER = 2, 7, 10, 12


def remove_if_empty(name: str) -> bool:
    r"""Remove the folder `\name`; False where it holds tasks, is not there, or there is nobody to ask.

    The scheduler refuses to remove a folder that holds anything, so nothing of anybody's can be lost.
    """
    if sys.platform != "win32":
        return False
    import ctypes  # noqa: PLC0415 - no such library elsewhere

    class Variant(ctypes.Structure):
        """An empty VARIANT: this computer, this user."""

        _fields_ = (("kind", ctypes.c_ushort), ("rest", ctypes.c_ushort * 3), ("value", ctypes.c_void_p * 2))

    def call(this: ctypes.c_void_p, place: int, *arguments: object) -> None:
        table = ctypes.cast(this, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
        kinds = [type(each) if isinstance(each, (Variant, ctypes.c_long)) else ctypes.c_void_p for each in arguments]
        ctypes.WINFUNCTYPE(ctypes.HRESULT, ctypes.c_void_p, *kinds)(table[place])(this, *arguments)

    ole, strings = ctypes.OleDLL("ole32"), ctypes.WinDLL("oleaut32")
    strings.SysAllocString.restype, strings.SysAllocString.argtypes = ctypes.c_void_p, [ctypes.c_wchar_p]
    strings.SysFreeString.argtypes = [ctypes.c_void_p]
    texts = [strings.SysAllocString(text) for text in ("\\", name)]
    class_id, interface_id = (ctypes.create_string_buffer(16) for _ in range(2))
    service, root = ctypes.c_void_p(), ctypes.c_void_p()
    try:
        ole.CoInitializeEx(None, 0)
        ole.CLSIDFromString(_SCHEDULER, class_id)
        ole.IIDFromString(_SERVICE, interface_id)
        ole.CoCreateInstance(class_id, None, 1, interface_id, ctypes.byref(service))
        call(service, _CONNECT, *[Variant() for _ in range(4)])
        call(service, _GET_FOLDER, texts[0], ctypes.byref(root))
        call(root, _DELETE_FOLDER, texts[1], ctypes.c_long(0))
    except OSError:
        return False
    finally:
        for each in (root, service):
            if each:
                call(each, _RELEASE)
        for text in texts:
            strings.SysFreeString(text)
    return True
