/*
 * Sockets of the control socket. What is asked and answered stands in control_commands.c.
 *
 * A client sends a line, gets a line, sends the next. Only one request of a client is under way,
 * and while its reply is not sent nothing more is read from it. Long replies are made piece by
 * piece, one a turn of the loop, so that they hold up nobody.
 */
#include "tools/holdfastd/control.h"

#include "tools/holdfastd/control_commands.h"

#define LISTEN_BACKLOG 16
#define ACCEPT_PAUSE_S 0.5 /* after running out of descriptors */
#define READ_PIECE     4096
#define SEND_AHEAD_MAX (64 * 1024) /* bytes made before they can be sent */
#define FOLLOW_POLL_S  0.05	   /* how often a follower looks for more */

struct control_client {
	struct control *control;
	struct control_client *prev, *next;
	int fd;
	ev_io readable, writable;
	ev_timer timeout;
	char *line; /* CONTROL_REQUEST_MAX bytes */
	size_t line_len;
	struct control_reply reply; /* active while one is under way */
	bool close_after_reply;
};

struct control {
	struct service *service;
	char path[STATE_FILE_MAX];
	int fd;
	ev_io acceptable;
	ev_timer pause;
	struct control_client *clients;
	unsigned client_count;
};

/* ---- one client ----------------------------------------------------------------------------- */

static void client_free(struct control_client *client)
{
	struct ev_loop *loop = client->control->service->loop;

	ev_io_stop(loop, &client->readable);
	ev_io_stop(loop, &client->writable);
	ev_timer_stop(loop, &client->timeout);
	if (client->prev)
		client->prev->next = client->next;
	else
		client->control->clients = client->next;
	if (client->next)
		client->next->prev = client->prev;
	client->control->client_count--;
	control_reply_clear(&client->reply);
	close(client->fd);
	free(client->line);
	free(client);
}

/* Who follows may take its time: it loses events, and holds up nobody. */
static void client_set_timeout(struct control_client *client, double seconds)
{
	client->timeout.repeat = client->reply.follows ? 0.0 : seconds;
	ev_timer_again(client->control->service->loop, &client->timeout);
}

/* While a reply is under way it is sent; else the next request is read. */
static void client_watch(struct control_client *client)
{
	struct ev_loop *loop = client->control->service->loop;

	if (client->reply.active) {
		/* Who follows has nothing more to say, but leaves one day. */
		if (!client->reply.follows || client->reply.ends)
			ev_io_stop(loop, &client->readable);
		ev_io_start(loop, &client->writable);
		client_set_timeout(client, CONTROL_STALL_TIMEOUT_S);
	} else {
		ev_io_stop(loop, &client->writable);
		ev_io_start(loop, &client->readable);
		client_set_timeout(client, CONTROL_IDLE_TIMEOUT_S);
	}
}

/* Takes the first whole line out of what has come, and starts its reply. */
static void client_next_request(struct control_client *client)
{
	char *newline = memchr(client->line, '\n', client->line_len);

	if (newline) {
		size_t len = (size_t)(newline - client->line);
		control_command_run(client->control->service, client->line, len, &client->reply);
		client->line_len -= len + 1;
		memmove(client->line, newline + 1, client->line_len);
	} else if (client->line_len == CONTROL_REQUEST_MAX) {
		control_reply_error(&client->reply, "the request is longer than %d bytes",
				    CONTROL_REQUEST_MAX);
		client->close_after_reply = true;
	}
	client_watch(client);
}

static void client_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct control_client *client = watcher->data;
	(void)events;

	if (client->reply.follows)
		client->line_len = 0;
	size_t room = CONTROL_REQUEST_MAX - client->line_len;
	ssize_t n = recv(client->fd, client->line + client->line_len,
			 room < READ_PIECE ? room : READ_PIECE, 0);
	if (n > 0) {
		client->line_len += (size_t)n;
		if (!client->reply.follows)
			client_next_request(client);
	} else if (n == 0 && client->reply.follows) {
		client->reply.ends = true;
		ev_io_stop(loop, &client->readable);
		client_watch(client);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		client_free(client);
	}
}

/* Nothing has happened since: it waits, and looks again later. */
static void client_pause(struct control_client *client)
{
	struct ev_loop *loop = client->control->service->loop;

	ev_io_stop(loop, &client->writable);
	client->timeout.repeat = client->reply.pause_s > 0 ? client->reply.pause_s : FOLLOW_POLL_S;
	ev_timer_again(loop, &client->timeout);
}

static void client_on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct control_client *client = watcher->data;
	struct control_reply *reply = &client->reply;
	(void)loop;
	(void)events;

	if (reply->len - reply->sent < SEND_AHEAD_MAX)
		control_reply_make_more(reply);
	if (reply->follows && reply->len == reply->sent && !reply->failed) {
		if (reply->more)
			client_pause(client);
		else
			client_free(client);
		return;
	}
	ssize_t n =
		send(client->fd, reply->text + reply->sent, reply->len - reply->sent, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || reply->failed) {
		client_free(client);
		return;
	}
	reply->sent += (size_t)n;
	if (reply->more || reply->sent < reply->len) {
		client_set_timeout(client, CONTROL_STALL_TIMEOUT_S);
		return;
	}
	client->close_after_reply |= reply->follows;
	control_reply_clear(reply);
	if (client->close_after_reply)
		client_free(client);
	else
		client_next_request(client);
}

static void client_on_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct control_client *client = watcher->data;
	(void)loop;
	(void)events;

	if (client->reply.follows)
		client_watch(client);
	else
		client_free(client);
}

static void client_create(struct control *control, int fd)
{
	struct control_client *client = calloc(1, sizeof(*client));
	char *line = malloc(CONTROL_REQUEST_MAX);

	if (!client || !line) {
		free(client);
		free(line);
		close(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	client->line = line;
	client->next = control->clients;
	if (client->next)
		client->next->prev = client;
	control->clients = client;
	control->client_count++;
	ev_io_init(&client->readable, client_on_readable, fd, EV_READ);
	ev_io_init(&client->writable, client_on_writable, fd, EV_WRITE);
	ev_init(&client->timeout, client_on_timeout);
	client->readable.data = client;
	client->writable.data = client;
	client->timeout.data = client;
	client_watch(client);
}

/* ---- the listening socket ------------------------------------------------------------------- */

/* One line, as far as the socket takes it at once. */
static void refuse_client(int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":\"too many control clients at a time: "
				   "try again\"}\n";

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0; /* it does not listen either */
	close(fd);
}

static void control_on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct control *control = watcher->data;
	(void)events;

	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && control->client_count < CONTROL_CLIENTS_MAX) {
		client_create(control, fd);
	} else if (fd >= 0) {
		refuse_client(fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* Asking again at once would only spin. */
		ev_io_stop(loop, &control->acceptable);
		ev_timer_set(&control->pause, ACCEPT_PAUSE_S, 0.0);
		ev_timer_start(loop, &control->pause);
	}
}

static void control_on_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct control *control = watcher->data;
	(void)events;

	ev_io_start(loop, &control->acceptable);
}

/* The lock is held: a socket of that name is a dead predecessor's. */
static int bind_socket(int fd, const char *path)
{
	struct sockaddr_un address;
	int dir_fd = -1;

	int error = state_socket_address(path, &address, &dir_fd);
	if (error)
		return error;
	/* The umask keeps others out from its first moment; what is left is the execute bit. */
	if ((unlink(path) != 0 && errno != ENOENT) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(address.sun_path, S_IRUSR | S_IWUSR) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
		error = -errno;
	if (dir_fd >= 0)
		close(dir_fd);
	return error;
}

struct control *control_open(struct service *service, char ret_error[STATE_ERROR_MAX])
{
	struct control *control = calloc(1, sizeof(*control));
	int error = control ? 0 : -ENOMEM;

	if (control) {
		control->service = service;
		snprintf(control->path, sizeof(control->path), "%s/%s", service->state.path,
			 STATE_CONTROL_SOCKET);
		control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		error = control->fd < 0 ? -errno : bind_socket(control->fd, control->path);
	}
	if (error) {
		snprintf(ret_error, STATE_ERROR_MAX, "control socket %s: %s",
			 control ? control->path : "", strerror(-error));
		if (control && control->fd >= 0)
			close(control->fd);
		free(control);
		return NULL;
	}
	ev_io_init(&control->acceptable, control_on_acceptable, control->fd, EV_READ);
	ev_init(&control->pause, control_on_pause_over);
	control->acceptable.data = control;
	control->pause.data = control;
	ev_io_start(service->loop, &control->acceptable);
	return control;
}

void control_unlink(const struct control *control)
{
	if (control)
		unlink(control->path);
}

void control_close(struct control **control)
{
	struct control *c = *control;

	*control = NULL;
	if (!c)
		return;
	for (struct control_client *client = c->clients, *next; client; client = next) {
		next = client->next;
		client_free(client);
	}
	ev_io_stop(c->service->loop, &c->acceptable);
	ev_timer_stop(c->service->loop, &c->pause);
	control_unlink(c);
	close(c->fd);
	free(c);
}

const char *control_path(const struct control *control)
{
	return control->path;
}
