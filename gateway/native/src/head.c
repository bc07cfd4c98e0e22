#define PY_SSIZE_T_CLEAN
#include "head.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define TEXT(literal) ((Text){(const uint8_t *)(literal), sizeof(literal) - 1})

enum { KEY_SIZE = 24, KEY_LETTERS = 22 };   /* 16 bytes in base64, and how much of it is not padding */

static bool is_text(Text text, Text other)
{
    return text.size == other.size && !memcmp(text.at, other.at, text.size);
}

static bool is_word(Text text, Text other)
{
    return text.size == other.size && !strncasecmp((const char *)text.at, (const char *)other.at, text.size);
}

static bool begins_with(const uint8_t *data, size_t size, Text text)
{
    return size >= text.size && !memcmp(data, text.at, text.size);
}

static bool is_letter_of_token(uint8_t byte)   /* RFC 9110 §5.6.2 */
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_base64(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '+' || byte == '/';
}

/* Read the header lines from `at` on, each of them `name: value` or `name:value`, up to the empty one. */
static bool read_fields(const uint8_t *data, size_t size, size_t at, Head *head)
{
    head->count = 0;
    while (at < size && data[at] != '\r') {
        const size_t name = at;
        while (at < size && is_letter_of_token(data[at]))
            at++;
        if (at == name || at >= size || data[at] != ':' || head->count == MOST_FIELDS)
            return false;
        const size_t colon = at++;
        if (at < size && data[at] == ' ')
            at++;
        const size_t value = at;
        while (at < size && data[at] >= ' ' && data[at] != 0x7F)
            at++;
        if (size - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
            return false;
        if (at > value && (data[value] == ' ' || data[at - 1] == ' '))
            return false;
        head->fields[head->count].name = (Text){data + name, colon - name};
        head->fields[head->count++].value = (Text){data + value, at - value};
        at += 2;
    }
    if (at > size || size - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
        return false;
    head->end = at + 2;
    return true;
}

/* The one value of a field; without `at` where there is none, and false where there are several. */
static bool only(const Head *head, Text name, Text *value)
{
    *value = (Text){NULL, 0};
    for (size_t i = 0; i < head->count; i++) {
        if (!is_word(head->fields[i].name, name))
            continue;
        if (value->at)
            return false;
        *value = head->fields[i].value;
    }
    return true;
}

static bool has(const Head *head, Text name)
{
    Text value;
    return !only(head, name, &value) || value.at;
}

static bool switches(const Head *head)
{
    Text upgrade, connection;
    return only(head, TEXT("upgrade"), &upgrade) && is_word(upgrade, TEXT("websocket")) &&
           only(head, TEXT("connection"), &connection) &&
           (is_word(connection, TEXT("upgrade")) || is_word(connection, TEXT("keep-alive, upgrade"))) &&
           !has(head, TEXT("content-length")) && !has(head, TEXT("transfer-encoding"));
}

bool head_read_request(const uint8_t *data, size_t size, size_t limit, Head *head)
{
    const Text method = TEXT("GET "), version = TEXT(" HTTP/1.1\r\n");
    size_t at = method.size;
    Text host, key, number, once;
    if (!begins_with(data, size, method) || size <= at || data[at] != '/')
        return false;
    while (at < size && data[at] > ' ' && data[at] < 0x7F && data[at] != '#')
        at++;
    if (!begins_with(data + at, size - at, version))
        return false;
    head->target = (Text){data + method.size, at - method.size};
    if (!read_fields(data, size, at + version.size, head) || head->end > limit || !switches(head))
        return false;
    if (!only(head, TEXT("host"), &host) || !host.at || !only(head, TEXT("sec-websocket-version"), &number) ||
        !is_text(number, TEXT("13")) || !only(head, TEXT("sec-websocket-key"), &key) || key.size != KEY_SIZE)
        return false;
    head->proof = key;
    for (size_t i = 0; i < KEY_LETTERS; i++)
        if (!is_base64(key.at[i]))
            return false;
    return key.at[KEY_LETTERS] == '=' && key.at[KEY_LETTERS + 1] == '=' && only(head, TEXT("origin"), &once) &&
           only(head, TEXT("authorization"), &once) && only(head, TEXT("sec-websocket-protocol"), &once) &&
           only(head, TEXT("sec-websocket-extensions"), &once);
}

bool head_read_switch(const uint8_t *data, size_t size, size_t limit, Head *head)
{
    const Text status = TEXT("HTTP/1.1 101 ");
    size_t at = status.size;
    Text once;
    if (!begins_with(data, size, status))
        return false;
    while (at < size && data[at] >= ' ' && data[at] < 0x7F)
        at++;
    if (size - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
        return false;
    head->target = (Text){NULL, 0};
    return read_fields(data, size, at + 2, head) && head->end <= limit && switches(head) &&
           only(head, TEXT("sec-websocket-accept"), &head->proof) && head->proof.at && only(head, TEXT("sec-websocket-protocol"), &once);
}

/* --- for Python -------------------------------------------------------------------------------------------------- */

/* Names that most heads have, in lower case: one object for all. */
static const char *const COMMON[] = {
    "host", "upgrade", "connection", "origin", "authorization", "cookie", "user-agent", "accept-encoding",
    "accept-language", "cache-control", "pragma", "sec-websocket-key", "sec-websocket-version",
    "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-accept", "date", "server",
};
enum { COMMON_COUNT = sizeof COMMON / sizeof *COMMON };
static PyObject *common[COMMON_COUNT];
static size_t common_sizes[COMMON_COUNT];

static EVP_MD *sha1;
static EVP_MD_CTX *digest;

bool head_prepare(void)
{
    if (!sha1)   /* not for security: where policy forbids it for that, the handshake still needs it */
        sha1 = EVP_MD_fetch(NULL, "SHA1", "-fips");
    if (!digest)
        digest = EVP_MD_CTX_new();
    if (!sha1 || !digest)
        return false;
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        common_sizes[i] = strlen(COMMON[i]);
        if (!common[i] && !(common[i] = PyBytes_FromString(COMMON[i])))
            return false;
    }
    return true;
}

static PyObject *bytes_of(Text text)
{
    return PyBytes_FromStringAndSize((const char *)text.at, (Py_ssize_t)text.size);
}

static PyObject *lower(Text name)
{
    for (size_t i = 0; i < COMMON_COUNT; i++)
        if (common_sizes[i] == name.size && is_word(name, (Text){(const uint8_t *)COMMON[i], name.size}))
            return Py_NewRef(common[i]);
    PyObject *made = bytes_of(name);
    char *letters = made ? PyBytes_AS_STRING(made) : NULL;
    for (size_t i = 0; made && i < name.size; i++)
        if (letters[i] >= 'A' && letters[i] <= 'Z')
            letters[i] = (char)(letters[i] | 0x20);
    return made;
}

static PyObject *pairs(const Head *head)
{
    PyObject *fields = PyTuple_New((Py_ssize_t)head->count);
    for (size_t i = 0; fields && i < head->count; i++) {
        PyObject *name = lower(head->fields[i].name), *value = bytes_of(head->fields[i].value);
        PyObject *pair = name && value ? PyTuple_Pack(2, name, value) : NULL;
        Py_XDECREF(name);
        Py_XDECREF(value);
        if (pair)
            PyTuple_SET_ITEM(fields, (Py_ssize_t)i, pair);
        else
            Py_CLEAR(fields);
    }
    return fields;
}

typedef bool (*Reader)(const uint8_t *data, size_t size, size_t limit, Head *head);
typedef PyObject *(*Maker)(const Head *head, const uint8_t *data);

static PyObject *read_head(PyObject *args, Reader reader, Maker make)
{
    Py_buffer data;
    Py_ssize_t limit;
    Head head;
    if (!PyArg_ParseTuple(args, "y*n", &data, &limit))
        return NULL;
    const bool is_read = reader(data.buf, (size_t)data.len, limit > 0 ? (size_t)limit : 0, &head);
    PyObject *made = is_read ? make(&head, data.buf) : Py_NewRef(Py_None);
    PyBuffer_Release(&data);
    return made;
}

static PyObject *make_request(const Head *head, const uint8_t *data)
{
    (void)data;
    return Py_BuildValue("(NNn)", bytes_of(head->target), pairs(head), (Py_ssize_t)head->end);
}

static PyObject *make_switch(const Head *head, const uint8_t *data)
{
    (void)data;
    return Py_BuildValue("(Nn)", pairs(head), (Py_ssize_t)head->end);
}

/* The rest of the head, which is mostly the same; what differs; and where the head ends. */
static PyObject *make_parts(const Head *head, const uint8_t *data)
{
    const size_t before = (size_t)(head->proof.at - data), after = before + head->proof.size;
    PyObject *rest = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(head->end - head->proof.size));
    if (!rest)
        return NULL;
    memcpy(PyBytes_AS_STRING(rest), data, before);
    memcpy(PyBytes_AS_STRING(rest) + before, data + after, head->end - after);
    return Py_BuildValue("(NNn)", rest, bytes_of(head->proof), (Py_ssize_t)head->end);
}

/* What a server makes of a key (RFC 6455 §4.2.2). */
static PyObject *proof_of(PyObject *module, PyObject *key)
{
    (void)module;
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char made[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned made_size = 0;
    char *letters;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(key, &letters, &size))
        return NULL;
    if (EVP_DigestInit_ex(digest, sha1, NULL) != 1 || EVP_DigestUpdate(digest, letters, (size_t)size) != 1 ||
        EVP_DigestUpdate(digest, guid, sizeof guid - 1) != 1 || EVP_DigestFinal_ex(digest, made, &made_size) != 1)
        return PyErr_NoMemory();
    const int length = EVP_EncodeBlock(text, made, (int)made_size);
    return PyBytes_FromStringAndSize((const char *)text, length);
}

#define FUNCTION(name, reader, maker) \
    static PyObject *name(PyObject *module, PyObject *args) \
    { \
        (void)module; \
        return read_head(args, reader, maker); \
    }
FUNCTION(read_request, head_read_request, make_request)
FUNCTION(read_switch, head_read_switch, make_switch)
FUNCTION(part_request, head_read_request, make_parts)
FUNCTION(part_switch, head_read_switch, make_parts)

PyMethodDef head_methods[] = {
    {"read_request", read_request, METH_VARARGS,
     "read_request(data, limit): target, fields and length of the head of an ordinary handshake, or None."},
    {"read_switch", read_switch, METH_VARARGS,
     "read_switch(data, limit): fields and length of the head of an ordinary 101, or None."},
    {"part_request", part_request, METH_VARARGS,
     "part_request(data, limit): the same head without its key, the key, and its length, or None."},
    {"part_switch", part_switch, METH_VARARGS,
     "part_switch(data, limit): the same head without its proof, the proof, and its length, or None."},
    {"proof_of", proof_of, METH_O, "proof_of(key): the only right `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."},
    {NULL, NULL, 0, NULL},
};
