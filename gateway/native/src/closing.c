#define PY_SSIZE_T_CLEAN
#include "closing.h"

#include <stdlib.h>

enum { CLOSE_HEAD = 0x88, MASKED = 0x80, MASK_SIZE = 4, SHORT_HEAD = 2, MOST = 125, NO_CODE = 1005 };
static const double PATIENCE = 0.1;   /* seconds; from then on the relay's own clock decides */

static PyObject *name_take_over, *name_over;

bool closing_prepare(void)
{
    return (name_take_over = PyUnicode_InternFromString("take_over")) && (name_over = PyUnicode_InternFromString("over"));
}

/* --- how it ends ------------------------------------------------------------------------------------------------- */

void closing_forget(Closing *closing)
{
    Engine *engine = closing->engine;
    if (closing->before)
        closing->before->after = closing->after;
    else
        engine->closings = closing->after;
    if (closing->after)
        closing->after->before = closing->before;
    else
        engine->last_closing = closing->before;
    closing->client->closing = closing->backend->closing = NULL;
    closing->first->is_ahead = closing->second->is_ahead = 0;
    Py_DECREF(closing->client);
    Py_DECREF(closing->backend);
    Py_DECREF(closing->first);
    Py_DECREF(closing->second);
    Py_DECREF(closing->reason);
    free(closing);
}

/* Tell the side whose Close came first, by this name, how far it has come. */
static void tell(Closing *closing, PyObject *name, PyObject *told)
{
    Engine *engine = closing->engine;
    PyObject *first = Py_NewRef((PyObject *)closing->first);
    PyObject *client = Py_NewRef((PyObject *)closing->client), *backend = Py_NewRef((PyObject *)closing->backend);
    closing_forget(closing);
    if (!told)
        PyErr_WriteUnraisable(first);
    if (!told || !engine_call(engine, first, name, told)) {
        transport_lose((Transport *)client);
        transport_lose((Transport *)backend);
    }
    Py_XDECREF(told);
    Py_DECREF(first);
    Py_DECREF(client);
    Py_DECREF(backend);
}

void closing_give_back(Closing *closing)
{
    engine_hold(closing->engine);
    tell(closing, name_take_over,
         Py_BuildValue("(dNNNiO)", closing->begun, PyBool_FromLong(closing->is_answered),
                       PyBool_FromLong(closing->is_client_lost), PyBool_FromLong(closing->is_backend_lost),
                       closing->code, closing->reason));
}

bool closing_loses(Transport *transport)
{
    Closing *closing = transport->closing;
    if (!closing)
        return false;
    if (!closing->is_answered) {
        closing_give_back(closing);
        return false;
    }
    if (transport == closing->client)
        closing->is_client_lost = true;
    else
        closing->is_backend_lost = true;
    if (closing->is_client_lost && closing->is_backend_lost)
        tell(closing, name_over, Py_BuildValue("(iO)", closing->code, closing->reason));
    return true;
}

bool closing_ends(Transport *transport)
{
    Closing *closing = transport->closing;
    if (closing && closing->is_answered && transport == closing->backend)
        return true;
    if (closing)
        closing_give_back(closing);
    return false;
}

/* --- how long it may take ---------------------------------------------------------------------------------------- */

int closing_wait(const Engine *engine, int milliseconds)
{
    if (!engine->closings)
        return milliseconds;
    const double left = engine->closings->begun + PATIENCE - engine_now();
    const int most = left <= 0 ? 0 : (int)(left * 1000) + 1;
    return milliseconds < 0 || milliseconds > most ? most : milliseconds;
}

void closing_look(Engine *engine)
{
    if (!engine->closings)
        return;
    const double since = engine_now() - PATIENCE;
    while (engine->closings && engine->closings->begun <= since)
        closing_give_back(engine->closings);
}

/* --- how it begins ----------------------------------------------------------------------------------------------- */

/* As gateway.relay.frames.is_sendable; a test holds them alike. What is not goes the way of the relay. */
static bool is_ordinary(int code)
{
    return (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/* The reason of a Close that is all of a chunk, and its code; NULL where it is anything else. */
static PyObject *read_close(const Scanner *scanner, const uint8_t *bytes, size_t size, int *code)
{
    uint8_t said[MOST];
    const size_t head = SHORT_HEAD + scanner->mask;
    if (size < head || size - head > MOST || bytes[0] != CLOSE_HEAD ||
        bytes[1] != ((scanner->mask ? MASKED : 0) | (size - head)) || size - head == 1)
        return NULL;
    for (size_t i = 0; i < size - head; i++)
        said[i] = bytes[head + i] ^ (scanner->mask ? bytes[SHORT_HEAD + i % MASK_SIZE] : 0);
    *code = size == head ? NO_CODE : said[0] << 8 | said[1];
    if (size > head && !is_ordinary(*code))
        return NULL;
    PyObject *reason = PyUnicode_DecodeUTF8((const char *)said + 2, size > head ? (Py_ssize_t)(size - head) - 2 : 0, NULL);
    if (!reason)
        PyErr_Clear();
    return reason;
}

static bool is_flowing(const Transport *transport)
{
    return transport->state == OPEN && transport->leg && transport->leg->flows && transport->leg->scanner &&
           transport->leg->meter && transport->protocol == (PyObject *)transport->leg && !transport->wants_eof &&
           !transport->has_ended && !transport->is_full;
}

static void begin(Transport *transport, Transport *peer, int code, PyObject *reason)
{
    Engine *engine = transport->engine;
    Closing *closing = calloc(1, sizeof *closing);
    if (!closing) {   /* Python would have none either */
        transport_lose(transport);
        transport_lose(peer);
        return;
    }
    const bool is_client = transport->leg->scanner->mask;
    closing->engine = engine;
    closing->client = (Transport *)Py_NewRef((PyObject *)(is_client ? transport : peer));
    closing->backend = (Transport *)Py_NewRef((PyObject *)(is_client ? peer : transport));
    closing->first = (Leg *)Py_NewRef((PyObject *)transport->leg);
    closing->second = (Leg *)Py_NewRef((PyObject *)peer->leg);
    closing->code = code;
    closing->reason = Py_NewRef(reason);
    closing->begun = engine_now();
    closing->before = engine->last_closing;
    *(closing->before ? &closing->before->after : &engine->closings) = closing;
    engine->last_closing = closing;
    closing->first->is_ahead = closing->second->is_ahead = 1;
    transport->closing = peer->closing = closing;
}

bool closing_takes(Transport *transport, const uint8_t *bytes, size_t size)
{
    Transport *peer = transport->peer;
    Closing *closing = transport->closing;
    Gathered *gathered = &transport->engine->gathered;
    int code = 0;
    if (bytes[0] != CLOSE_HEAD || !peer)
        return false;
    engine_hold(transport->engine);   /* first, since it sends what passes */
    if (transport->peer != peer || peer->peer != transport || !is_flowing(transport) || !is_flowing(peer) ||
        (closing && (closing->is_answered || closing->first == transport->leg)))
        return false;
    Scanner *scanner = transport->leg->scanner;
    if (scanner->closed || scanner->remaining || !meter_take(transport->leg->meter, 0, 0))
        return false;
    PyObject *reason = read_close(scanner, bytes, size, &code);
    if (!reason)
        return false;
    scanner->closed = 1;
    transport->leg->heard = 1;
    transport->engine->passed++;
    if (closing)
        closing->is_answered = true;
    else
        begin(transport, peer, code, reason);
    Py_DECREF(reason);
    gathered->is_writing = gathered->is_on;
    transport_pass(peer, bytes, size);
    if (closing && transport->closing == closing)   /* nothing has come between */
        transport_finish(closing->client);   /* the server's side closes first (RFC 6455 §7.1.1) */
    gathered->is_writing = false;
    return true;
}
