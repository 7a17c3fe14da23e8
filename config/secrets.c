#include "config/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/problem.h"

/* What config_secrets_load maps: the accounts in front, the text of the file behind them. */
struct vault {
	struct config_secrets secrets; /* what the caller sees */
	struct config_account accounts[CONFIG_ACCOUNTS_MAX];
	char text[CONFIG_SECRETS_FILE_MAX + 1]; /* names and secrets lie in here */
};

static struct vault *vault_create(void)
{
	void *memory = mmap(NULL, sizeof(struct vault), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Not in core dumps, nor in children. Locking needs a limit that not everybody has. */
	madvise(memory, sizeof(struct vault), MADV_DONTDUMP);
	madvise(memory, sizeof(struct vault), MADV_DONTFORK);
	return memory;
}

static void vault_lock(struct vault *vault, size_t text_len)
{
	(void)mlock(vault, offsetof(struct vault, text) + text_len);
}

static void vault_free(struct vault *vault)
{
	explicit_bzero(vault, sizeof(*vault));
	munmap(vault, sizeof(*vault));
}

/* --- the file --------------------------------------------------------------------------------- */

/* May the file be trusted to have kept its secrets? */
static bool file_is_private(struct config_problems *problems, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		config_problem(problems, "cannot be read: %s", strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		config_problem(problems, "it is no regular file");
		return false;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		config_problem(problems,
			       "it belongs to user %u, who could change it: it must be a file of "
			       "the daemon's own user, or of root",
			       (unsigned)st.st_uid);
		return false;
	}
	if ((st.st_mode & 077) != 0) {
		config_problem(problems,
			       "its mode is %04o, so others than its owner can get at the "
			       "secrets: chmod 0600 %s, and choose new secrets if somebody may "
			       "have seen these",
			       st.st_mode & 07777, problems->name);
		return false;
	}
	return true;
}

/* Without the buffers of stdio, which nobody would wipe. */
static bool file_read(struct config_problems *problems, int fd, struct vault *vault,
		      size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, vault->text + len, sizeof(vault->text) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			config_problem(problems, "cannot be read: %s", strerror(errno));
			return false;
		}
		len += (size_t)n;
		if (n == 0)
			break;
		if (len > CONFIG_SECRETS_FILE_MAX) {
			config_problem(problems, "cannot be read: it is larger than 1 MiB");
			return false;
		}
	}
	if (memchr(vault->text, '\0', len)) {
		config_problem(problems, "cannot be read: it holds a NUL byte, so it is not text");
		return false;
	}
	vault->text[len] = '\0';
	*ret_len = len;
	return true;
}

/* --- a line ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

static char *end_of_word(char *at)
{
	while (*at != '\0' && !is_blank(*at))
		at++;
	return at;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* Base64 in place; -1: it is none. */
static int decode_base64(char *text)
{
	size_t len = strlen(text), padding = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len == 0 || len % 4 != 0 || len > 4 * CONFIG_SECRET_MAX ||
	    memchr(text, '=', len - padding))
		return -1;
	int n = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)text, (int)len);
	return n < 0 ? -1 : n - (int)padding;
}

/* Hexadecimal in place; -1: it is none. An odd digit in front stands for a byte of its own. */
static int decode_hex(char *text)
{
	size_t count = strlen(text), nibble = count % 2, high = 0;

	for (size_t i = 0; i < count; i++, nibble++) {
		int digit = OPENSSL_hexchar2int((unsigned char)text[i]);
		if (digit < 0)
			return -1;
		if (nibble % 2 == 1)
			text[nibble / 2] = (char)(high << 4 | (size_t)digit);
		high = (size_t)digit;
		if (nibble % 2 == 1)
			high = 0;
	}
	return count > 0 ? (int)(nibble / 2) : -1;
}

/* Bytes behind 0x or 0b, else the word itself; the length, or -1. */
static int take_word(char *word, const uint8_t **ret_bytes)
{
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	bool base64 = word[0] == '0' && (word[1] == 'b' || word[1] == 'B');

	*ret_bytes = (const uint8_t *)(hex || base64 ? word + 2 : word);
	if (hex)
		return decode_hex(word + 2);
	return base64 ? decode_base64(word + 2) : (int)strlen(word);
}

/* What is wrong with the secret that begins at `text`, or NULL. */
static const char *take_secret(char *text, struct config_account *account)
{
	bool quoted = text[0] == '"';
	char *end = quoted ? strrchr(text, '"') : end_of_word(text);
	int len;

	if (quoted && (end == text || *skip_blanks(end + 1) != '\0'))
		return "a secret that begins with a quote ends with one, and with it the line";
	if (!quoted && *skip_blanks(end) != '\0')
		return "a line is NAME SECRET; a secret with blanks stands in double quotes";
	*end = '\0';
	if (quoted) {
		account->secret = (const uint8_t *)text + 1;
		len = (int)(end - text - 1);
	} else {
		len = take_word(text, &account->secret);
	}
	if (len < 0)
		return "its secret is neither hexadecimal behind 0x nor base64 behind 0b; a text "
		       "that begins like that stands in double quotes";
	if (len == 0 || len > CONFIG_SECRET_MAX)
		return "a secret has 1 to 1024 bytes, better 16 or more";
	account->secret_len = (size_t)len;
	return NULL;
}

static const char *take_line(char *line, struct config_account *account)
{
	char *end = end_of_word(line);
	char *secret = skip_blanks(end);

	account->name = line;
	if (*secret == '\0')
		return "a line is NAME SECRET; this one has a single word";
	*end = '\0';
	if (end - line > CONFIG_ACCOUNT_NAME_MAX)
		return "its name is longer than 255 characters";
	if (!is_printable(line))
		return "only printable ASCII characters may stand in a name";
	return take_secret(secret, account);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void add_account(struct config_problems *problems, struct vault *vault,
			const struct config_account *account)
{
	const struct config_account *same = config_secrets_find(&vault->secrets, account->name);

	if (same) {
		config_problem(problems, "`%s` is there twice, lines %u and %u: remove one",
			       account->name, same->line, account->line);
		return;
	}
	if (vault->secrets.count == CONFIG_ACCOUNTS_MAX) {
		config_problem(problems, "line %u: %u names are the most", account->line,
			       CONFIG_ACCOUNTS_MAX);
		return;
	}
	vault->accounts[vault->secrets.count++] = *account;
}

static void take_lines(struct config_problems *problems, struct vault *vault)
{
	uint32_t number = 0;
	char *next;

	for (char *line = vault->text; line; line = next) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		next = end ? end + 1 : NULL;
		number++;
		line = skip_blanks(line);
		if (*line == '\0' || *line == '#')
			continue;
		struct config_account account = {.line = number};
		const char *wrong = take_line(line, &account);
		if (wrong)
			config_problem(problems, "line %u: %s", number, wrong);
		else
			add_account(problems, vault, &account);
	}
}

struct config_secrets *config_secrets_load(const char *path, config_report report, void *context)
{
	struct config_problems problems = {path, report, context, 0};
	size_t len = 0;

	/* Without O_NONBLOCK a FIFO of that name would hold the daemon up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		config_problem(&problems, "cannot be opened: %s", strerror(errno));
		return NULL;
	}
	struct vault *vault = vault_create();
	if (!vault)
		config_problem(&problems, "no memory");
	bool sound =
		vault && file_is_private(&problems, fd) && file_read(&problems, fd, vault, &len);
	close(fd);
	if (sound) {
		vault_lock(vault, len);
		vault->secrets.accounts = vault->accounts;
		take_lines(&problems, vault);
	}
	if (problems.count == 0)
		return &vault->secrets;
	if (vault)
		vault_free(vault);
	return NULL;
}

void config_secrets_free(struct config_secrets **secrets)
{
	if (*secrets)
		vault_free((struct vault *)*secrets); /* its first member */
	*secrets = NULL;
}

const struct config_account *config_secrets_find(const struct config_secrets *secrets,
						 const char *name)
{
	for (uint32_t i = 0; secrets && i < secrets->count; i++)
		if (strcmp(secrets->accounts[i].name, name) == 0)
			return &secrets->accounts[i];
	return NULL;
}
