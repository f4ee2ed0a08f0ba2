/* Answers every HTTP request with the same few probabilities and computes nothing: what a server on the same cores could reach at most
 * beside what asks it, with one thread and epoll.
 *
 *     sockets PORT
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, EVENTS = 256 };

typedef struct {
    int socket;
    size_t held;
    char buffer[BUFFER];
} Connection;

static const char BODY[] = "[[0.125,0.0625,0.0625,0.125,0.125,0.125,0.125,0.0625,0.0625,0.125]]";
static char answer[256];
static ssize_t answer_size;

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

/* How many bytes the first request has, or 0 while its end has not come. */
static size_t request_size(const Connection *connection) {
    const char *end = memmem(connection->buffer, connection->held, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end + 4 - connection->buffer, body = 0;
    for (const char *at = connection->buffer; at < end; at++) {
        if (strncasecmp(at, "\r\nContent-Length:", 17) == 0) body = strtoul(at + 17, NULL, 10);
    }
    return connection->held >= head + body ? head + body : 0;
}

/* Reads what has come and answers what is whole; returns 0 once the connection has ended. */
static int serve(Connection *connection) {
    ssize_t came = read(connection->socket, connection->buffer + connection->held, BUFFER - connection->held);
    if (came <= 0) return 0;
    connection->held += came;
    for (size_t size; (size = request_size(connection)) > 0;) {
        if (write(connection->socket, answer, answer_size) != answer_size) return 0;
        connection->held -= size;
        memmove(connection->buffer, connection->buffer + size, connection->held);
    }
    return connection->held < BUFFER;
}

int main(int count, char **words) {
    if (count != 2) return fprintf(stderr, "usage: sockets PORT\n"), 2;
    answer_size = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           sizeof BODY - 1, BODY);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) give_up("bind");
    if (listen(listener, 1024) != 0) give_up("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) give_up("epoll_ctl");
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int at = 0; at < ready; at++) {
            Connection *connection = events[at].data.ptr;
            if (connection) {
                if (!serve(connection)) close(connection->socket), free(connection);
                continue;
            }
            int socket = accept(listener, NULL, NULL);
            if (socket < 0) continue;
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            connection = malloc(sizeof *connection);
            if (!connection) give_up("malloc");
            connection->socket = socket, connection->held = 0;
            event = (struct epoll_event){.events = EPOLLIN, .data.ptr = connection};
            if (epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) != 0) give_up("epoll_ctl");
        }
    }
}
