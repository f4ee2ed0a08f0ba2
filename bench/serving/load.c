/* Sends one HTTP request at a constant rate, whether it is answered or not (an open loop), and says how that went.
 *
 *     load PORT CONNECTIONS RATE SECONDS FILE
 *
 * FILE holds the bytes of the request. One thread with epoll serves all connections, each of which has one request under way at
 * most; a request that is scheduled while none is free is sent as soon as one is, or never. Prints a line of JSON; times are in
 * microseconds, `us` from when a request was sent and `scheduled_us` from when it was scheduled; `answered_s` is how long it took
 * until the last answer. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, EVENTS = 256, STATUSES = 600, DRAIN_S = 5 };

typedef struct {
    int socket;
    size_t written, held;
    double scheduled, sent;
    int busy;
    char *buffer;
} Connection;

typedef struct {
    float *us, *scheduled_us;
    size_t count, room;
} Answers;

static int port, poller;
static char *request;
static size_t request_size;
static Answers answers[STATUSES];
static Connection *connections, **idle;
static size_t idle_count, failed;
static double last_answer;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

static void watch(Connection *connection, int how, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, how, connection->socket, &event) != 0) give_up("epoll_ctl");
}

static void open_connection(Connection *connection) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->socket < 0) give_up("socket");
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0) give_up("connect");
    int on = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    connection->busy = 0;
    connection->held = 0;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    idle[idle_count++] = connection;
}

/* A connection that the server closed. It is among the idle ones only if it has nothing under way. */
static void reopen(Connection *connection) {
    if (connection->busy) failed++;
    for (size_t at = 0; at < idle_count; at++)
        if (idle[at] == connection) idle[at--] = idle[--idle_count];
    close(connection->socket);
    open_connection(connection);
}

static void write_on(Connection *connection) {
    while (connection->written < request_size) {
        size_t left = request_size - connection->written;
        ssize_t done = send(connection->socket, request + connection->written, left, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (done < 0) {
            reopen(connection);
            return;
        }
        connection->written += done;
    }
}

static void note(int status, double sent, double scheduled) {
    Answers *of = &answers[status > 0 && status < STATUSES ? status : 0];
    if (of->count == of->room) {
        of->room = of->room ? 2 * of->room : 4096;
        of->us = realloc(of->us, of->room * sizeof *of->us);
        of->scheduled_us = realloc(of->scheduled_us, of->room * sizeof *of->scheduled_us);
        if (!of->us || !of->scheduled_us) give_up("realloc");
    }
    double time = last_answer = now();
    of->us[of->count] = (time - sent) * 1e6;
    of->scheduled_us[of->count++] = (time - scheduled) * 1e6;
}

/* The size of the answer that the buffer begins with, or 0 if its headers are not whole. */
static size_t answer_size(Connection *connection) {
    connection->buffer[connection->held] = 0;
    char *end = strstr(connection->buffer, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(connection->buffer, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return end + 4 - connection->buffer + body;
}

static void read_on(Connection *connection) {
    for (;;) {
        ssize_t got = recv(connection->socket, connection->buffer + connection->held, BUFFER - 1 - connection->held, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            reopen(connection);
            return;
        }
        connection->held += got;
        size_t size = answer_size(connection);
        if (size == 0 || connection->held < size) continue;
        note(atoi(connection->buffer + 9), connection->sent, connection->scheduled);
        connection->held = 0;
        connection->busy = 0;
        idle[idle_count++] = connection;
        return;
    }
}

static int by_size(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static void print_times(const char *name, float *times, size_t count) {
    qsort(times, count, sizeof *times, by_size);
    float p50 = times[count / 2], p99 = times[count * 99 / 100], most = times[count - 1];
    printf("\"%s\": {\"p50\": %.0f, \"p99\": %.0f, \"max\": %.0f}", name, p50, p99, most);
}

int main(int count, char **words) {
    if (count != 6) {
        fprintf(stderr, "usage: load PORT CONNECTIONS RATE SECONDS FILE\n");
        return 2;
    }
    port = atoi(words[1]);
    size_t most = strtoul(words[2], NULL, 10);
    double rate = atof(words[3]), seconds = atof(words[4]);
    FILE *file = fopen(words[5], "rb");
    if (!file) give_up(words[5]);
    request = malloc(1 << 24);
    request_size = fread(request, 1, 1 << 24, file);
    fclose(file);

    poller = epoll_create1(0);
    connections = calloc(most, sizeof *connections);
    idle = calloc(most, sizeof *idle);
    for (size_t at = 0; at < most; at++) {
        connections[at].buffer = malloc(BUFFER);
        open_connection(&connections[at]);
    }

    size_t sent = 0;
    double start = now(), end = start + seconds, time;
    while ((time = now()) < end + DRAIN_S) {
        while (time < end && idle_count > 0 && sent < (time - start) * rate) {
            Connection *connection = idle[--idle_count];
            connection->scheduled = start + sent++ / rate;
            connection->sent = now();
            connection->busy = 1;
            connection->written = 0;
            write_on(connection);
        }
        if (time >= end && idle_count == most) break;
        double next = idle_count > 0 && time < end ? start + sent / rate - now() : 1e-3;
        next = next < 0 ? 0 : next > 1e-3 ? 1e-3 : next;
        struct timespec pause = {.tv_sec = 0, .tv_nsec = next * 1e9};
        struct epoll_event events[EVENTS];
        int ready = epoll_pwait2(poller, events, EVENTS, &pause, NULL);
        for (int at = 0; at < ready; at++) {
            Connection *connection = events[at].data.ptr;
            if (events[at].events & EPOLLOUT) {
                watch(connection, EPOLL_CTL_MOD, EPOLLIN);
                write_on(connection);
            }
            if (events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_on(connection);
        }
    }

    printf("{\"seconds\": %g, \"answered_s\": %.3f, \"offered\": %.0f, \"sent\": %zu, \"failed\": %zu, \"unanswered\": %zu, \"answers\": {", seconds,
           last_answer - start, rate * seconds, sent, failed, most - idle_count);
    const char *between = "";
    for (int status = 0; status < STATUSES; status++) {
        Answers *of = &answers[status];
        if (of->count == 0) continue;
        printf("%s\"%d\": {\"count\": %zu, ", between, status, of->count);
        print_times("us", of->us, of->count);
        printf(", ");
        print_times("scheduled_us", of->scheduled_us, of->count);
        printf("}");
        between = ", ";
    }
    printf("}}\n");
    return 0;
}
