#define PY_SSIZE_T_CLEAN
#include "tls.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { TICKETS = 1 };   /* for a session to be resumed with; each costs the handshake a record */

/* --- the bytes between OpenSSL and the engine -------------------------------------------------------------------- */

static BIO_METHOD *through_engine;

static int take_in(BIO *bio, char *to, int size)
{
    Engine *engine = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!engine->inside_size) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const size_t part = (size_t)size < engine->inside_size ? (size_t)size : engine->inside_size;
    memcpy(to, engine->inside, part);
    engine->inside += part;
    engine->inside_size -= part;
    return (int)part;
}

static int give_out(BIO *bio, const char *bytes, int size)
{
    Outgoing *outside = &((Engine *)BIO_get_data(bio))->outside;
    BIO_clear_retry_flags(bio);
    const size_t needed = outside->size + (size_t)size;
    if (needed > outside->room) {
        uint8_t *grown = realloc(outside->bytes, needed + CHUNK);
        if (!grown)
            return -1;
        outside->bytes = grown;
        outside->room = needed + CHUNK;
    }
    memcpy(outside->bytes + outside->size, bytes, (size_t)size);
    outside->size = needed;
    return size;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;   /* everything else is for descriptors and datagrams */
}

bool tls_prepare(void)
{
    through_engine = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gateway");
    return through_engine && BIO_meth_set_read(through_engine, take_in) &&
           BIO_meth_set_write(through_engine, give_out) && BIO_meth_set_ctrl(through_engine, control);
}

static bool is_ip(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return address != NULL;
}

/* A client asks for a name, unless it is an address, and expects it in the certificate where it verifies that. */
static bool ask_for(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    const bool verifies = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    if (is_ip(name))
        return !verifies || X509_VERIFY_PARAM_set1_ip_asc(wanted, name);
    if (!SSL_set_tlsext_host_name(ssl, name))
        return false;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !verifies || X509_VERIFY_PARAM_set1_host(wanted, name, 0);
}

SSL *tls_new(Tls *tls, Engine *engine, const char *server_name)
{
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = ssl ? BIO_new(through_engine) : NULL;
    if (bio) {
        BIO_set_data(bio, engine);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl, bio, bio);
        if (tls->is_server)
            SSL_set_accept_state(ssl);
        else
            SSL_set_connect_state(ssl);
        if (!server_name || ask_for(ssl, server_name))
            return ssl;
        PyErr_SetString(PyExc_ValueError, "a certificate cannot be for this name");
    } else {
        PyErr_NoMemory();
    }
    ERR_clear_error();
    SSL_free(ssl);
    return NULL;
}

/* --- what went wrong --------------------------------------------------------------------------------------------- */

/* An exception of Python's own module for TLS, with OpenSSL's words, as a new reference. */
static PyObject *error_of(const char *kind, const char *words)
{
    PyObject *module = PyImport_ImportModule("ssl"), *type = NULL, *error = NULL;
    if (module)
        type = PyObject_GetAttrString(module, kind);
    if (type)
        error = PyObject_CallFunction(type, "is", 1, words);
    if (!error) {
        PyErr_Clear();
        error = PyObject_CallFunction(PyExc_OSError, "is", 1, words);
    }
    Py_XDECREF(type);
    Py_XDECREF(module);
    return error;
}

PyObject *tls_error(SSL *ssl, unsigned long code)
{
    const long verdict = SSL_get_verify_result(ssl);
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    const bool is_distrust = !SSL_is_server(ssl) && verdict != X509_V_OK && ERR_GET_LIB(code) == ERR_LIB_SSL &&
                             ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    ERR_clear_error();
    if (!is_distrust)
        return error_of("SSLError", reason ? reason : "the TLS handshake failed");
    PyObject *words, *error = error_of("SSLCertVerificationError", X509_verify_cert_error_string(verdict));
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH && name)
        words = PyUnicode_FromFormat("Hostname mismatch, certificate is not valid for '%s'.", name);
    else
        words = PyUnicode_FromString(X509_verify_cert_error_string(verdict));
    if (error && words && PyObject_SetAttrString(error, "verify_message", words))
        PyErr_Clear();
    Py_XDECREF(words);
    return error;
}

/* --- the type ---------------------------------------------------------------------------------------------------- */

static int no_password(char *buffer, int size, int is_writing, void *data)
{
    (void)buffer, (void)size, (void)is_writing, (void)data;
    return 0;   /* an encrypted key is refused, not asked about */
}

/* The certificates of a PEM text: the first is a server's or client's own, or all of them are trusted. */
static bool read_certificates(SSL_CTX *context, const char *pem, Py_ssize_t size, bool are_trusted)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    bool is_first = true, is_good = bio != NULL;
    while (is_good) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (!certificate)
            break;
        if (are_trusted)
            is_good = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1;
        else if (is_first)
            is_good = SSL_CTX_use_certificate(context, certificate) == 1;
        else
            is_good = SSL_CTX_add1_chain_cert(context, certificate) == 1;
        X509_free(certificate);
        is_first = false;
    }
    const unsigned long last = ERR_peek_last_error();   /* how the text ends when there is no more in it */
    is_good = is_good && !is_first && ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    return is_good;
}

static bool read_key(SSL_CTX *context, const char *pem, Py_ssize_t size)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    const bool is_good =
        key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return is_good;
}

static const unsigned char HTTP_1_1[] = "\x08http/1.1";

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                           unsigned int offered_size, void *data)
{
    (void)ssl, (void)data;
    unsigned char *found;
    if (SSL_select_next_proto(&found, size, HTTP_1_1, sizeof HTTP_1_1 - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(Tls *tls, const char *ciphers, unsigned long options)
{
    SSL_CTX *context = tls->context = SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());
    if (!context)
        return false;
    options |= SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    options |= SSL_OP_IGNORE_UNEXPECTED_EOF;   /* the frames say whether something is missing */
#endif
    SSL_CTX_set_options(context, options);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);   /* idle connections keep no buffers */
    SSL_CTX_set_read_ahead(context, 1);                    /* the engine has read it already */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);   /* tickets need none */
    if (tls->is_server) {
        SSL_CTX_set_num_tickets(context, TICKETS);
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    } else if (SSL_CTX_set_alpn_protos(context, HTTP_1_1, sizeof HTTP_1_1 - 1)) {
        return false;
    }
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(context, ciphers) &&
           SSL_CTX_set_session_id_context(context, (const unsigned char *)"gateway", 7);
}

/* Tls(is_server, ciphers, options, certificate, key, verifies, flags, authorities): all texts are PEM in bytes, None
 * where there is none; without authorities a client that verifies trusts whom the system trusts. */
static int tls_init(Tls *tls, PyObject *args, PyObject *names)
{
    int is_server, verifies;
    const char *ciphers, *certificate, *key, *authorities;
    Py_ssize_t certificate_size, key_size, authorities_size;
    unsigned long options, flags;
    (void)names;
    if (!PyArg_ParseTuple(args, "pskz#z#pkz#", &is_server, &ciphers, &options, &certificate, &certificate_size, &key,
                          &key_size, &verifies, &flags, &authorities, &authorities_size))
        return -1;
    if (certificate_size > INT_MAX || key_size > INT_MAX || authorities_size > INT_MAX || tls->context) {
        PyErr_SetString(PyExc_ValueError, "too long, or made already");
        return -1;
    }
    tls->is_server = is_server;
    const char *problem = NULL;
    bool trusts_system = true;
    if (!set_up(tls, ciphers, options))
        problem = "TLS cannot be set up";
    else if (certificate && !read_certificates(tls->context, certificate, certificate_size, false))
        problem = "the certificate cannot be used";
    else if (key && !read_key(tls->context, key, key_size))
        problem = "the key cannot be used";
    else if (authorities && !read_certificates(tls->context, authorities, authorities_size, true))
        problem = "the authorities' certificates cannot be used";
    if (!problem && verifies && !authorities) {
        Py_BEGIN_ALLOW_THREADS   /* there are hundreds of them to be read */
        trusts_system = SSL_CTX_set_default_verify_paths(tls->context) == 1;
        Py_END_ALLOW_THREADS
    }
    if (!trusts_system)
        problem = "the system's authorities cannot be used";
    ERR_clear_error();
    if (problem) {
        PyErr_SetString(PyExc_ValueError, problem);
        return -1;
    }
    if (verifies) {
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->context), flags);
    }
    return 0;
}

static void tls_dealloc(Tls *tls)
{
    SSL_CTX_free(tls->context);
    Py_TYPE(tls)->tp_free((PyObject *)tls);
}

PyTypeObject TlsType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.Tls",
    .tp_doc = "How TLS is spoken: by whom, with which certificates, and who is trusted.",
    .tp_basicsize = sizeof(Tls),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)tls_init,
    .tp_dealloc = (destructor)tls_dealloc,
};
