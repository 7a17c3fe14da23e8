/* The secrets file: any bytes, in a file that lives in memory. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/secrets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

static void report(void *context, const char *problem)
{
	unsigned *count = context;

	require(problem[0] != '\0' && !strchr(problem, '\n'));
	(*count)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned problems = 0;
	char path[64];
	int fd = memfd_create("secrets", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct config_secrets *secrets = config_secrets_load(path, report, &problems);
	close(fd);
	require(!secrets == (problems > 0));
	for (uint32_t i = 0; secrets && i < secrets->count; i++) {
		const struct config_account *account = &secrets->accounts[i];
		require(account->name[0] != '\0' &&
			strlen(account->name) <= CONFIG_ACCOUNT_NAME_MAX);
		require(account->secret_len >= 1 && account->secret_len <= CONFIG_SECRET_MAX);
		require(config_secrets_find(secrets, account->name) == account);
		/* All of it can be read. */
		unsigned sum = 0;
		for (size_t j = 0; j < account->secret_len; j++)
			sum += account->secret[j];
		require(sum <= 255 * CONFIG_SECRET_MAX);
	}
	config_secrets_free(&secrets);
	return 0;
}
