/* SPDX-License-Identifier: ISC */
/* Lines of input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ironchat/command.h"

static char line[256];

static struct chat_command parse(const char *text)
{
    struct chat_command command;

    (void)snprintf(line, sizeof line, "%s", text);
    chat_command_parse(&command, line);
    return command;
}

static void tells_text_from_commands(void **state)
{
    struct chat_command command = parse("hello  there \n");

    (void)state;
    assert_int_equal(command.verb, CHAT_VERB_SAY);
    assert_string_equal(command.words[0], "hello  there");
    command = parse("//etc/hosts");
    assert_int_equal(command.verb, CHAT_VERB_SAY);
    assert_string_equal(command.words[0], "/etc/hosts");
    assert_int_equal(parse("  \t ").verb, CHAT_VERB_NONE);
    command = parse("/qiut now");
    assert_int_equal(command.verb, CHAT_VERB_UNKNOWN);
    assert_string_equal(command.words[0], "/qiut");
}

static void cuts_words(void **state)
{
    struct chat_command command = parse("/room #lunch  bob\tcarol");

    (void)state;
    assert_int_equal(command.verb, CHAT_VERB_ROOM);
    assert_int_equal(command.count, 3);
    assert_string_equal(command.words[0], "#lunch");
    assert_string_equal(command.words[1], "bob");
    assert_string_equal(command.words[2], "carol");
    assert_null(command.usage);
    command = parse("/msg bob two  words ");
    assert_int_equal(command.count, 2);
    assert_string_equal(command.words[1], "two  words");
    command = parse("/send bob my file.txt");
    assert_string_equal(command.words[1], "my file.txt");
}

static void says_how_it_is_written(void **state)
{
    char long_line[256] = "/room #x";

    (void)state;
    assert_non_null(parse("/msg bob").usage);
    assert_non_null(parse("/join").usage);
    assert_non_null(parse("/join #a #b").usage);
    assert_non_null(parse("/quit now").usage);
    assert_null(parse("/accept").usage);
    assert_null(parse("/accept 3").usage);
    for (int i = 0; i < CHAT_WORDS_MAX; i++)
        (void)snprintf(long_line + strlen(long_line), 4, " a");
    assert_non_null(parse(long_line).usage);
}

static void helps(void **state)
{
    size_t count = 0;

    (void)state;
    for (const char *text; (text = chat_command_help(count)) != NULL; count++)
        assert_true(text[0] == '/' && strlen(text) < 80);
    assert_int_equal(count, CHAT_VERB_UNKNOWN - CHAT_VERB_ACCEPT);
    assert_string_equal(chat_command_complete("/ac", 0), "/accept");
    assert_null(chat_command_complete("/ac", 1));
    assert_non_null(chat_command_complete("/", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_text_from_commands),
        cmocka_unit_test(cuts_words),
        cmocka_unit_test(says_how_it_is_written),
        cmocka_unit_test(helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
