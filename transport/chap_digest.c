#include "transport/chap_digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const struct iscsi_chap_algorithm algorithms[] = {
	{5, 16, "MD5"},
	{6, 20, "SHA1"},
	{7, 32, "SHA256"},
	{8, 32, "SHA3-256"},
};

const struct iscsi_chap_algorithm *iscsi_chap_algorithm_find(uint64_t number)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].number != number)
			continue;
		/* A hardened host may have taken MD5 away. */
		EVP_MD *digest = EVP_MD_fetch(NULL, algorithms[i].digest, NULL);
		EVP_MD_free(digest);
		return digest ? &algorithms[i] : NULL;
	}
	return NULL;
}

bool iscsi_chap_response(const struct iscsi_chap_algorithm *algorithm, uint8_t id,
			 const uint8_t *secret, size_t secret_len, const uint8_t *challenge,
			 size_t challenge_len, uint8_t ret_response[ISCSI_CHAP_DIGEST_MAX])
{
	uint8_t response[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD *digest = EVP_MD_fetch(NULL, algorithm->digest, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	/* Freeing the context wipes what it has seen of the secret. */
	bool done = digest && context && EVP_DigestInit_ex(context, digest, NULL) &&
		    EVP_DigestUpdate(context, &id, sizeof(id)) &&
		    EVP_DigestUpdate(context, secret, secret_len) &&
		    EVP_DigestUpdate(context, challenge, challenge_len) &&
		    EVP_DigestFinal_ex(context, response, &len) && len == algorithm->len;
	if (done)
		memcpy(ret_response, response, algorithm->len);
	EVP_MD_CTX_free(context);
	EVP_MD_free(digest);
	explicit_bzero(response, sizeof(response));
	return done;
}

bool iscsi_chap_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
