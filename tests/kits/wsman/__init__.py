"""A WS-Management endpoint on loopback: the WinRS subset that pypsrp's cmd shell uses, and it really runs the commands.

    with Endpoint(folder, wine=Runner.of(winlab_host)) as endpoint:
        endpoint.http, endpoint.https      # ports; the account is USER, its password endpoint.password
        endpoint.files.authority           # what signed its certificate
        endpoint.requests()                # every request that came, headers and body as they came

Create, Command, Send, Receive, Signal, Delete; faults with Windows' codes; OperationTimeout; idle timeouts; output in
pieces that end in the midst of a character. Login by Negotiate (NTLM) with message encryption and channel bindings,
Basic over TLS, client certificates. What a path after /wsman does: `silent` never answers, `stalled` never answers a
Receive, `echo` shows the request in an error 500, `redirect` sends elsewhere, `open` asks for no login, `forged`
answers an encrypted request in plaintext, `garbage` answers no SOAP, `forgets` knows no shell at the first command.

source/certutil.c stands in for Windows' certutil, of which Wine has a stub that answers 0 and does nothing.

It is not Windows: no PowerShell, no Kerberos, no CredSSP, no quotas, no WINRS_CODEPAGE, no ACLs.
"""

from .endpoint import USER, Endpoint, Runner

__all__ = ["USER", "Endpoint", "Runner"]
