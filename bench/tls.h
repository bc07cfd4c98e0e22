/* TLS 1.3 as a client, by whichever libssl the machine has: looked up when it is wanted, so that compiling needs no
 * header and a machine without it still measures ws. OpenSSL 1.1.1 or newer; the numbers below are part of its ABI.
 *
 * The certificate is the benchmark's own and is not verified. Every server gets the same offer, AES-128-GCM and X25519,
 * so that no one does more arithmetic than another.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

enum { TLS_1_3 = 0x0304, SET_MODE = 33, SET_READ_AHEAD = 41, SET_GROUPS = 92, SET_LOWEST = 123 };
enum { PARTIAL_WRITE = 1, MOVING_BUFFER = 2, RELEASE_BUFFERS = 16, IGNORE_UNEXPECTED_END = 1 << 7 };
enum { WANT_READ = 2, WANT_WRITE = 3, ENDED_CLEANLY = 6 };
enum { READ_BUFFER = 64 * 1024, HAS_ENDED = 2 };

#define TLS_FUNCTIONS(_) \
    _(const char *, OpenSSL_version, (int)) \
    _(const void *, TLS_client_method, (void)) \
    _(void *, SSL_CTX_new, (const void *)) \
    _(long, SSL_CTX_ctrl, (void *, int, long, void *)) \
    _(uint64_t, SSL_CTX_set_options, (void *, uint64_t)) \
    _(int, SSL_CTX_set_ciphersuites, (void *, const char *)) \
    _(void, SSL_CTX_set_default_read_buffer_len, (void *, size_t)) \
    _(void *, SSL_new, (void *)) \
    _(int, SSL_set_fd, (void *, int)) \
    _(int, SSL_connect, (void *)) \
    _(int, SSL_read, (void *, void *, int)) \
    _(int, SSL_write, (void *, const void *, int)) \
    _(int, SSL_has_pending, (const void *)) \
    _(int, SSL_get_error, (const void *, int)) \
    _(int, SSL_get_shutdown, (const void *)) \
    _(int, SSL_shutdown, (void *)) \
    _(void, SSL_free, (void *)) \
    _(void, ERR_clear_error, (void))

#define DECLARE(result, name, arguments) result (*name) arguments;
static struct { void *context; TLS_FUNCTIONS(DECLARE) } tls;

/* What libssl calls itself; NULL when there is none that can be used. */
static const char *tls_load(void)
{
    static const char *const names[] = {"libssl.so.4", "libssl.so.3", "libssl.so.1.1", "libssl.so"};
    void *library = NULL;
    for (unsigned i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
#define LOOK_UP(result, name, arguments) \
    if (!library || !(*(void **)&tls.name = dlsym(library, #name))) \
        return NULL;
    TLS_FUNCTIONS(LOOK_UP)
    tls.context = tls.SSL_CTX_new(tls.TLS_client_method());
    tls.SSL_CTX_ctrl(tls.context, SET_LOWEST, TLS_1_3, NULL);
    tls.SSL_CTX_ctrl(tls.context, SET_GROUPS, 0, (void *)"X25519");
    tls.SSL_CTX_ctrl(tls.context, SET_MODE, PARTIAL_WRITE | MOVING_BUFFER | RELEASE_BUFFERS, NULL);
    tls.SSL_CTX_ctrl(tls.context, SET_READ_AHEAD, 1, NULL);
    tls.SSL_CTX_set_default_read_buffer_len(tls.context, READ_BUFFER);
    tls.SSL_CTX_set_options(tls.context, IGNORE_UNEXPECTED_END);
    if (!tls.SSL_CTX_set_ciphersuites(tls.context, "TLS_AES_128_GCM_SHA256"))
        return NULL;
    return tls.OpenSSL_version(0);
}

static void *tls_open(int fd)
{
    void *session = tls.SSL_new(tls.context);
    tls.SSL_set_fd(session, fd);
    return session;
}

static void tls_close(void *session)
{
    tls.SSL_shutdown(session);
    tls.ERR_clear_error();
    tls.SSL_free(session);
}

/* What a result at or below 0 means: 0 for the end, else -1 with EAGAIN (wait) or EIO (broken). */
static ssize_t tls_problem(void *session, int result)
{
    int problem = tls.SSL_get_error(session, result);
    tls.ERR_clear_error();
    errno = problem == WANT_READ || problem == WANT_WRITE ? EAGAIN : EIO;
    return problem == ENDED_CLEANLY ? 0 : -1;
}

/* 1 once the handshake is done, else as tls_problem says. */
static ssize_t tls_connect(void *session)
{
    int result = tls.SSL_connect(session);
    return result == 1 ? 1 : tls_problem(session, result);
}

/* Reads all that has come, as far as there is room. */
static ssize_t tls_read(void *session, unsigned char *to, size_t len)
{
    size_t got = 0;
    while (got < len) {
        int result = tls.SSL_read(session, to + got, (int)(len - got));
        if (result <= 0)
            return got ? (tls.ERR_clear_error(), (ssize_t)got) : tls_problem(session, result);
        got += (size_t)result;
        if (!tls.SSL_has_pending(session))
            break;
    }
    return (ssize_t)got;
}

/* Whether there is something to read of which the socket says nothing any more: data or the end. */
static int tls_has_more(void *session)
{
    return tls.SSL_has_pending(session) || tls.SSL_get_shutdown(session) & HAS_ENDED;
}

/* Writes as many records as the socket takes; what was not taken has to be offered again, unchanged and no shorter. */
static ssize_t tls_write(void *session, const unsigned char *from, size_t len)
{
    size_t done = 0;
    while (done < len) {
        int result = tls.SSL_write(session, from + done, (int)(len - done));
        if (result <= 0)
            return tls_problem(session, result) < 0 && errno == EAGAIN ? (ssize_t)done : -1;
        done += (size_t)result;
    }
    return (ssize_t)done;
}
