/* One LUN from settings by themselves, and a target's list of LUNs. */
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/config/collect.h"

static struct collected said;
static const struct config nothing; /* no personalities but the built-in ones */

static bool load(uint16_t number, const struct config_setting_text *settings, uint32_t count,
		 struct config_lun *ret_lun)
{
	memset(&said, 0, sizeof(said));
	return config_load_lun(&nothing, number, settings, count, collect_report, &said, ret_lun);
}

#define LOAD(lun_, ...)                                                  \
	load(7, (const struct config_setting_text[]){__VA_ARGS__},       \
	     sizeof((const struct config_setting_text[]){__VA_ARGS__}) / \
		     sizeof(struct config_setting_text),                 \
	     (lun_))

static void assert_refused(const char *name, const char *value, const char *wanted)
{
	struct config_lun lun = {.number = 99};

	ck_assert(!LOAD(&lun, {name, value}));
	ck_assert_uint_eq(lun.number, 99);
	ck_assert_msg(strstr(said.text, wanted) != NULL, "wanted: %s\ngot: %s", wanted, said.text);
	ck_assert_msg(strstr(said.text, "LUN 7") != NULL, "got: %s", said.text);
}

START_TEST(without_settings_it_has_the_defaults)
{
	struct config_lun lun;

	ck_assert(load(7, NULL, 0, &lun));
	ck_assert_uint_eq(lun.number, 7);
	ck_assert_uint_eq(lun.backing, CONFIG_BACKING_FILE);
	ck_assert_uint_eq(lun.block_size, 512);
}
END_TEST

START_TEST(settings_of_every_kind_are_taken)
{
	struct config_lun lun;

	ck_assert(LOAD(&lun, {"backing", "memory"}, {"size", "64M"}, {"block_size", "4096"},
		       {"thin", "false"}, {"serial", "123"}, {"product", "A \\ B"},
		       {"profile", "spc4"}));
	ck_assert_uint_eq(lun.backing, CONFIG_BACKING_MEMORY);
	ck_assert_uint_eq(lun.size, 64 << 20);
	ck_assert_uint_eq(lun.block_size, 4096);
	ck_assert(!lun.thin);
	ck_assert_str_eq(lun.serial, "123");
	ck_assert_str_eq(lun.product, "A \\ B");
	ck_assert_str_eq(lun.profile, "spc4");
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
	assert_refused("profil", "spc4", "did you mean `profile`?");
	assert_refused("size", "much", "`size`");
	assert_refused("thin", "perhaps", "`thin`");
	assert_refused("block_size", "513", "`block_size`");
	assert_refused("block_size", "99999999999999999999", "`block_size`");
	assert_refused("number", "3", "`number` is given apart");
	assert_refused("path", "disk.img", "`path` must be absolute");
}
END_TEST

/* Nothing of a name or a value can become a setting of its own. */
START_TEST(text_stays_text)
{
	struct config_lun lun;

	assert_refused("size = \"1M\"; thin", "false", "is not the name of a setting");
	assert_refused("", "false", "is not the name of a setting");
	assert_refused("serial", "a\nb", "must be one line");
	ck_assert(LOAD(&lun, {"serial", "x\"; thin = false; #"}));
	ck_assert_str_eq(lun.serial, "x\"; thin = false; #");
	ck_assert(lun.thin);
}
END_TEST

START_TEST(a_list_of_luns_grows_and_shrinks)
{
	struct config *config = collect_sound("targets = ({ luns = ({ number = 1; backing = "
					      "\"memory\"; }, { number = 2; }); });");
	struct config_target *target = &config->targets[0];
	struct config_lun lun;

	ck_assert(load(7, NULL, 0, &lun));
	ck_assert(config_put_lun(target, &lun));
	ck_assert_uint_eq(target->lun_count, 3);
	lun.number = 1;
	ck_assert(config_put_lun(target, &lun));
	ck_assert_uint_eq(target->lun_count, 3);
	ck_assert_uint_eq(config_find_lun(target, 1)->backing, CONFIG_BACKING_FILE);
	config_drop_lun(target, 1);
	config_drop_lun(target, 1);
	ck_assert_uint_eq(target->lun_count, 2);
	ck_assert_ptr_null(config_find_lun(target, 1));
	ck_assert_ptr_nonnull(config_find_lun(target, 2));
	ck_assert_ptr_nonnull(config_find_lun(target, 7));
	config_free(&config);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, without_settings_it_has_the_defaults);
	tcase_add_test(tcase, settings_of_every_kind_are_taken);
	tcase_add_test(tcase, what_is_wrong_is_named);
	tcase_add_test(tcase, text_stays_text);
	tcase_add_test(tcase, a_list_of_luns_grows_and_shrinks);
}

int main(void)
{
	return suite_run("config/lun", fill);
}
