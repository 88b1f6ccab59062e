/* certutil.exe: a stand-in. Wine's own answers 0 and does nothing. As Windows: -f -decode IN OUT; -hashfile FILE SHA256 */
#include <windows.h>
#include <wincrypt.h>
#include <stdio.h>

static BYTE *contents(const wchar_t *path, DWORD *size)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    BYTE *data;
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    *size = GetFileSize(file, NULL);
    data = malloc(*size + 1);
    if (!ReadFile(file, data, *size, size, NULL))
        return NULL;
    CloseHandle(file);
    return data;
}

static int decode(const wchar_t *from, const wchar_t *to)
{
    DWORD size = 0, decoded = 0, written;
    BYTE *text = contents(from, &size), *data;
    HANDLE file;
    if (!text || !CryptStringToBinaryA((char *)text, size, CRYPT_STRING_BASE64, NULL, &decoded, NULL, NULL))
        return 1;
    data = malloc(decoded + 1);
    CryptStringToBinaryA((char *)text, size, CRYPT_STRING_BASE64, data, &decoded, NULL, NULL);
    file = CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !WriteFile(file, data, decoded, &written, NULL))
        return 1;
    CloseHandle(file);
    printf("Input Length = %lu\r\nOutput Length = %lu\r\n", size, decoded);
    return 0;
}

static int hash(const wchar_t *path)
{
    HCRYPTPROV provider;
    HCRYPTHASH digest;
    BYTE value[32], *data;
    DWORD size = 0, length = sizeof value;
    if (!(data = contents(path, &size)) || !CryptAcquireContextW(&provider, NULL, NULL, PROV_RSA_AES, CRYPT_VERIFYCONTEXT)
        || !CryptCreateHash(provider, CALG_SHA_256, 0, 0, &digest) || !CryptHashData(digest, data, size, 0)
        || !CryptGetHashParam(digest, HP_HASHVAL, value, &length, 0))
        return 1;
    printf("SHA256 hash of %ls:\n", path);
    for (DWORD at = 0; at < length; at++)
        printf("%02x", value[at]);
    printf("\nCertUtil: -hashfile command completed successfully.\n");
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    if (argc == 5 && !wcscmp(argv[1], L"-f") && !wcscmp(argv[2], L"-decode"))
        return decode(argv[3], argv[4]);
    if (argc == 4 && !wcscmp(argv[1], L"-hashfile") && !wcscmp(argv[3], L"SHA256"))
        return hash(argv[2]);
    return 87;
}
