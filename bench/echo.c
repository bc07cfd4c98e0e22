/* echo: a WebSocket backend that sends back what it gets. One thread, epoll, libc only.
 *
 *     echo PORT            listens on 127.0.0.1:PORT until SIGTERM
 *
 * Frames are turned round as they stream through: a client frame comes in masked, the same frame goes out
 * unmasked, whether or not all of it has arrived. Ping comes back as Pong, Close as Close. `GET /authorize`
 * (also with a path behind it) answers 200 when the request carries an Authorization header and 401 when not: nginx,
 * Envoy and Caddy ask it about each handshake. Any other plain request gets 426. RFC 6455.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, REQUEST_MAX = 8192, HEAD_MAX = 14 };
enum { PING = 0x9, PONG = 0xA, CLOSE = 0x8 };

struct peer {
    int fd;
    int open;                       /* the handshake is done */
    int ending;                     /* close the socket once everything is written */
    char *request;                  /* the handshake as far as it has come */
    size_t request_len;
    unsigned char head[HEAD_MAX];   /* the frame header as far as it has come */
    size_t head_len;
    uint64_t left;                  /* payload bytes of the current frame still to come */
    unsigned char mask[8];          /* the mask twice, turned so that [0] is for the next byte */
    int opcode;
    unsigned char *unsent;          /* what the socket would not take; reading rests until it is gone */
    size_t unsent_len;
};

static int poller;
static unsigned char incoming[CHUNK], outgoing[CHUNK + HEAD_MAX];

/* ---- SHA-1 (FIPS 180-4) and base64 (RFC 4648), for Sec-WebSocket-Accept only --------------------------- */

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void sha1_block(uint32_t h[5], const unsigned char *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha1(const char *text, size_t len, unsigned char digest[20])
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    unsigned char padded[128] = {0};                      /* key and GUID are 60 bytes: two blocks */
    size_t total = len + 9 <= 64 ? 64 : 128;
    memcpy(padded, text, len);
    padded[len] = 0x80;
    padded[total - 2] = (unsigned char)(len * 8 >> 8);
    padded[total - 1] = (unsigned char)(len * 8);
    for (size_t at = 0; at < total; at += 64)
        sha1_block(h, padded + at);
    for (int i = 0; i < 20; i++)
        digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64_of_digest(const unsigned char digest[20], char text[29])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char padded[21] = {0};
    memcpy(padded, digest, 20);
    for (int i = 0; i < 7; i++) {
        const unsigned char *p = padded + 3 * i;
        uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int j = 0; j < 4; j++)
            text[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    text[27] = '=';
    text[28] = 0;
}

/* ---- sockets ------------------------------------------------------------------------------------------- */

static void watch(struct peer *p, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = p};
    epoll_ctl(poller, operation, p->fd, &event);
}

static void drop(struct peer *p)
{
    close(p->fd);
    free(p->request);
    free(p->unsent);
    free(p);
}

/* Writes, and keeps what the socket would not take. False when the peer is gone. */
static int put(struct peer *p, const void *data, size_t len)
{
    ssize_t done = p->unsent_len ? 0 : send(p->fd, data, len, MSG_NOSIGNAL);
    if (done < 0 && errno != EAGAIN)
        return 0;
    size_t taken = done < 0 ? 0 : (size_t)done;
    if (taken == len)
        return 1;
    p->unsent = realloc(p->unsent, p->unsent_len + len - taken);
    memcpy(p->unsent + p->unsent_len, (const char *)data + taken, len - taken);
    p->unsent_len += len - taken;
    watch(p, EPOLL_CTL_MOD, EPOLLOUT);
    return 1;
}

static int flush(struct peer *p)
{
    ssize_t done = send(p->fd, p->unsent, p->unsent_len, MSG_NOSIGNAL);
    if (done < 0)
        return errno == EAGAIN;
    p->unsent_len -= (size_t)done;
    memmove(p->unsent, p->unsent + done, p->unsent_len);
    if (!p->unsent_len)
        watch(p, EPOLL_CTL_MOD, EPOLLIN);
    return 1;
}

/* ---- frames -------------------------------------------------------------------------------------------- */

static void unmask(unsigned char *to, const unsigned char *from, size_t len, const unsigned char mask[8])
{
    uint64_t key, word;
    memcpy(&key, mask, 8);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= key;
        memcpy(to + i, &word, 8);
    }
    for (; i < len; i++)
        to[i] = from[i] ^ mask[i & 7];
}

static void turn_mask(unsigned char mask[8], size_t by)
{
    unsigned char old[8];
    memcpy(old, mask, 8);
    for (size_t i = 0; i < 8; i++)
        mask[i] = old[(i + by) & 3];
}

static size_t head_size(const unsigned char *head)
{
    int length = head[1] & 0x7F;
    return 2 + (length == 127 ? 8u : length == 126 ? 2u : 0u) + 4;
}

/* Writes the answering header to `to` and makes ready for the payload. Returns its length. */
static size_t begin_frame(struct peer *p, unsigned char *to)
{
    size_t plain = p->head_len - 4;
    p->left = p->head[1] & 0x7F;
    if (plain > 2)
        p->left = 0;
    for (size_t i = 2; i < plain; i++)
        p->left = p->left << 8 | p->head[i];
    memcpy(p->mask, p->head + plain, 4);
    memcpy(p->mask + 4, p->head + plain, 4);
    p->opcode = p->head[0] & 0x0F;
    p->head_len = 0;
    if (p->opcode == PONG)
        return 0;
    memcpy(to, p->head, plain);
    to[1] &= 0x7F;
    if (p->opcode == PING)
        to[0] = 0x80 | PONG;
    return plain;
}

/* Takes the next header bytes; the number consumed, or -1 for a frame that is not masked. */
static ssize_t gather_head(struct peer *p, const unsigned char *data, size_t len)
{
    size_t used = 0;
    while (used < len && (p->head_len < 2 || p->head_len < head_size(p->head))) {
        p->head[p->head_len++] = data[used++];
        if (p->head_len == 2 && !(p->head[1] & 0x80))
            return -1;
    }
    return (ssize_t)used;
}

/* Writes a Close 1002 to `to`. Returns its length. */
static size_t refuse_frame(struct peer *p, unsigned char *to)
{
    static const unsigned char protocol_error[] = {0x88, 2, 1002 >> 8, 1002 & 0xFF};
    p->ending = 1;
    memcpy(to, protocol_error, sizeof protocol_error);
    return sizeof protocol_error;
}

static int turn_round(struct peer *p, const unsigned char *data, size_t len)
{
    size_t out = 0;
    while (len && !p->ending) {
        if (!p->left) {
            ssize_t used = gather_head(p, data, len);
            if (used < 0) {
                out += refuse_frame(p, outgoing + out);
                break;
            }
            data += used, len -= (size_t)used;
            if (p->head_len < 2 || p->head_len < head_size(p->head))
                break;
            out += begin_frame(p, outgoing + out);
        }
        size_t part = p->left < len ? (size_t)p->left : len;
        if (p->opcode != PONG) {
            unmask(outgoing + out, data, part, p->mask);
            turn_mask(p->mask, part);
            out += part;
        }
        data += part, len -= part, p->left -= part;
        p->ending = p->opcode == CLOSE && !p->left;
    }
    return out ? put(p, outgoing, out) : 1;
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

/* Copies a header's value (name with colon, any case) to `value`. False when absent or too long. */
static int header(const char *request, const char *name, char *value, size_t size)
{
    const char *line = request;
    while ((line = strstr(line, "\r\n")) && strncasecmp(line += 2, name, strlen(name)))
        ;
    if (!line)
        return 0;
    line += strlen(name);
    line += strspn(line, " \t");
    size_t len = strcspn(line, "\r");
    if (len >= size)
        return 0;
    memcpy(value, line, len);
    value[len] = 0;
    return 1;
}

static int say(struct peer *p, const char *text) { return put(p, text, strlen(text)); }

static int refuse(struct peer *p, const char *text)
{
    p->ending = 1;
    return say(p, text);
}

static int accept_websocket(struct peer *p, const char *key)
{
    char text[128], accepted[29], protocol[256], answer[512];
    unsigned char digest[20];
    int len = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    sha1(text, (size_t)len, digest);
    base64_of_digest(digest, accepted);
    int chosen = header(p->request, "Sec-WebSocket-Protocol:", protocol, sizeof protocol);
    if (chosen)
        protocol[strcspn(protocol, ", ")] = 0;
    snprintf(answer, sizeof answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
             accepted, chosen ? "Sec-WebSocket-Protocol: " : "", chosen ? protocol : "", chosen ? "\r\n" : "");
    p->open = 1;
    return say(p, answer);
}

static int answer_request(struct peer *p)
{
    char key[64], value[4096];
    if (strncmp(p->request, "GET ", 4))
        return refuse(p, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    if (!strncmp(p->request, "GET /authorize", 14) && strchr(" /?", p->request[14]))
        return say(p, header(p->request, "Authorization:", value, sizeof value)
                          ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                          : "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    if (!header(p->request, "Upgrade:", value, sizeof value) || strcasecmp(value, "websocket"))
        return refuse(p, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
                         "Content-Length: 0\r\n\r\n");
    if (!header(p->request, "Sec-WebSocket-Key:", key, sizeof key) || strlen(key) != 24)
        return refuse(p, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return accept_websocket(p, key);
}

/* Gathers a request; the bytes behind it are frames already. */
static int read_request(struct peer *p, const unsigned char *data, size_t len)
{
    if (!p->request)
        p->request = malloc(REQUEST_MAX + 1);
    size_t taken = len < REQUEST_MAX - p->request_len ? len : REQUEST_MAX - p->request_len;
    size_t before = p->request_len;
    memcpy(p->request + before, data, taken);
    p->request[p->request_len += taken] = 0;
    char *end = strstr(p->request, "\r\n\r\n");
    if (!end && p->request_len == REQUEST_MAX)
        return refuse(p, "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n");
    if (!end)
        return 1;
    size_t used = (size_t)(end + 4 - p->request) - before;
    int alive = answer_request(p);
    free(p->request);
    p->request = NULL;
    p->request_len = 0;
    return alive && (p->open && used < len ? turn_round(p, data + used, len - used) : 1);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static void welcome(int listener)
{
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct peer *p = calloc(1, sizeof *p);
        p->fd = fd;
        watch(p, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void serve(struct peer *p, uint32_t events)
{
    int alive = 1;
    if (events & EPOLLOUT)
        alive = flush(p);
    else {
        ssize_t got = recv(p->fd, incoming, sizeof incoming, 0);
        if (got > 0)
            alive = p->open ? turn_round(p, incoming, (size_t)got) : read_request(p, incoming, (size_t)got);
        else
            alive = got < 0 && errno == EAGAIN;
    }
    if (!alive || (p->ending && !p->unsent_len))
        drop(p);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        fprintf(stderr, "echo: cannot listen on 127.0.0.1:%d: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    int port = argc == 2 ? atoi(argv[1]) : 0;
    if (port <= 0 || port > 65535) {
        fprintf(stderr, "usage: echo PORT\n");
        return 2;
    }
    int listener = listen_on(port);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr)
                serve(ready[i].data.ptr, ready[i].events);
            else
                welcome(listener);
        }
    }
}
