/* TLS by OpenSSL, between a transport's bytes and its socket's. */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <Python.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "engine.h"

typedef struct {
    PyObject_HEAD
    SSL_CTX *context;
    bool is_server;
} Tls;

extern PyTypeObject TlsType;

/* Once, when the module is loaded. */
bool tls_prepare(void);

/* A new conversation. `server_name` is whom a client asks for and, where it verifies, whom it expects; NULL, for
 * servers. NULL with an exception where there is no memory, or the name is none. */
SSL *tls_new(Tls *tls, Engine *engine, const char *server_name);

/* The exception for what OpenSSL calls `code`; a new reference. */
PyObject *tls_error(SSL *ssl, unsigned long code);

#endif
