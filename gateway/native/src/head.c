#define PY_SSIZE_T_CLEAN
#include "head.h"

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
           only(head, TEXT("sec-websocket-accept"), &once) && once.at && only(head, TEXT("sec-websocket-protocol"), &once);
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

bool head_prepare(void)
{
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

static PyObject *read_head(PyObject *args, bool is_request)
{
    Py_buffer data;
    Py_ssize_t limit;
    Head head;
    if (!PyArg_ParseTuple(args, "y*n", &data, &limit))
        return NULL;
    PyObject *found = NULL;
    const size_t size = (size_t)data.len, most = limit > 0 ? (size_t)limit : 0;
    if (!(is_request ? head_read_request : head_read_switch)(data.buf, size, most, &head)) {
        found = Py_NewRef(Py_None);
    } else {
        PyObject *fields = pairs(&head), *target = is_request ? bytes_of(head.target) : NULL;
        if (fields && target)
            found = Py_BuildValue("(OOn)", target, fields, (Py_ssize_t)head.end);
        else if (fields && !is_request)
            found = Py_BuildValue("(On)", fields, (Py_ssize_t)head.end);
        Py_XDECREF(fields);
        Py_XDECREF(target);
    }
    PyBuffer_Release(&data);
    return found;
}

static PyObject *read_request(PyObject *module, PyObject *args)
{
    (void)module;
    return read_head(args, true);
}

static PyObject *read_switch(PyObject *module, PyObject *args)
{
    (void)module;
    return read_head(args, false);
}

PyMethodDef head_methods[] = {
    {"read_request", read_request, METH_VARARGS,
     "read_request(data, limit): target, fields and length of the head of an ordinary handshake, or None."},
    {"read_switch", read_switch, METH_VARARGS,
     "read_switch(data, limit): fields and length of the head of an ordinary 101, or None."},
    {NULL, NULL, 0, NULL},
};
