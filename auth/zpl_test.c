/* SPDX-License-Identifier: ISC */
#include "auth/zpl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tree as text: name[line:column]=value[column]{children}; */
static size_t dump(char *to, size_t room, const struct auth_zpl *node)
{
    size_t size = 0;

    for (const struct auth_zpl *at = node->child; at; at = at->next) {
        size += (size_t)snprintf(to + size, room - size, "%s@%u:%u", at->name, at->line, at->column);
        if (*at->value != '\0')
            size += (size_t)snprintf(to + size, room - size, "=<%s>@%u", at->value, at->value_column);
        if (at->child) {
            size += (size_t)snprintf(to + size, room - size, "{");
            size += dump(to + size, room - size, at);
            size += (size_t)snprintf(to + size, room - size, "}");
        }
        size += (size_t)snprintf(to + size, room - size, ";");
    }
    to[size] = '\0';
    return size;
}

/* The text in memory of its own size, so that a sanitizer sees who reads behind it. */
static int parse(struct auth_zpl **root, const char *text, size_t size, struct auth_mistake *mistake)
{
    char *copy = malloc(size > 0 ? size : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, text, size);
    rc = auth_zpl_parse(root, copy, size, mistake);
    free(copy);
    return rc;
}

static void check(const char *text, const char *expected)
{
    struct auth_mistake mistake;
    struct auth_zpl *root;
    char tree[4096];

    if (parse(&root, text, strlen(text), &mistake) != 0)
        fail_msg("%s: %u:%u: %s", text, mistake.line, mistake.column, mistake.text);
    (void)dump(tree, sizeof tree, root);
    assert_string_equal(tree, expected);
    auth_zpl_free(root);
}

/* RFC 4's own example. */
static void test_example(void **state)
{
    (void)state;
    check("#   ZPL configuration file example\n"
          "#   This format is designed to be trivial to write and parse\n"
          "#\n"
          "context\n"
          "    iothreads = 1\n"
          "    verbose = 1      #   Ask for a trace\n"
          "\n"
          "main\n"
          "    type = zmq_queue\n"
          "    frontend\n"
          "        option\n"
          "            hwm = 1000\n"
          "            swap = 25000000\n"
          "            subscribe = \"#2\"\n"
          "        bind = tcp://eth0:5555\n"
          "    backend\n"
          "        bind = tcp://eth0:5556\n",
          "context@4:1{iothreads@5:5=<1>@17;verbose@6:5=<1>@15;};main@8:1{type@9:5=<zmq_queue>@12;frontend@10:5{"
          "option@11:9{hwm@12:13=<1000>@19;swap@13:13=<25000000>@20;subscribe@14:13=<#2>@26;};"
          "bind@15:9=<tcp://eth0:5555>@16;};backend@16:5{bind@17:9=<tcp://eth0:5556>@16;};};");
}

static void test_lines(void **state)
{
    (void)state;
    check("", "");
    check("\n\n  \n\t\n# only this\n      # and this", "");
    check("a", "a@1:1;");
    check("a\rb\r\nc\n\rd", "a@1:1;b@2:1;c@3:1;d@5:1;");
    check("a\n    b\n# back at the margin\n    c\nd", "a@1:1{b@2:5;c@4:5;};d@5:1;");
    check("$-_@.&+/aZ09", "$-_@.&+/aZ09@1:1;");
    check("a = 1\na = 2", "a@1:1=<1>@5;a@2:1=<2>@5;");
}

static void test_values(void **state)
{
    (void)state;
    check("a=1", "a@1:1=<1>@3;");
    check("a \t=\t 1 \t", "a@1:1=<1>@7;");
    check("a = b c  d", "a@1:1=<b c  d>@5;");
    check("a = b=c", "a@1:1=<b=c>@5;");
    check("a =", "a@1:1;");
    check("a = # none", "a@1:1;");
    check("a# none", "a@1:1;");
    check("a = 1 # one", "a@1:1=<1>@5;");
    check("a = \"1\" # one", "a@1:1=<1>@6;");
    check("a = \"1\"# one", "a@1:1=<1>@6;");
    check("a = \"\"", "a@1:1;");
    check("a = \" 1 # 2 ' \"", "a@1:1=< 1 # 2 ' >@6;");
    check("a = ' \" '", "a@1:1=< \" >@6;");
    /* No matching quote at the end: unquoted. */
    check("a = \"1", "a@1:1=<\"1>@5;");
    check("a = \"1'", "a@1:1=<\"1'>@5;");
    check("a = \"1\" 2", "a@1:1=<\"1\" 2>@5;");
    check("a = 1\"", "a@1:1=<1\">@5;");
    check("a = \"", "a@1:1=<\">@5;");
    check("a = Zo\xc3\xab # \xe2\x82\xac", "a@1:1=<Zo\xc3\xab>@5;");
}

static void check_mistake(const char *text, size_t size, unsigned line, unsigned column, const char *what)
{
    struct auth_mistake mistake;
    struct auth_zpl *root = NULL;

    assert_int_equal(parse(&root, text, size, &mistake), -EINVAL);
    assert_null(root);
    if (mistake.line != line || mistake.column != column || !strstr(mistake.text, what))
        fail_msg("%s: %u:%u: %s", text, mistake.line, mistake.column, mistake.text);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *what;
    } cases[] = {
        {"a\n  b", 2, 3, "four"},
        {"a\n     b", 2, 6, "four"},
        {"    a", 1, 5, "further"},
        {"a\n        b", 2, 9, "further"},
        {"a\n    b\nc\n        d", 4, 9, "further"},
        {"\ta", 1, 1, "tab"},
        {"a\n  \tb", 2, 3, "tab"},
        {"a b", 1, 3, "'='"},
        {"a \"b\"", 1, 3, "'='"},
        {"= b", 1, 1, "name is missing"},
        {"\"a\" = b", 1, 1, "name is missing"},
        {"a: b", 1, 2, "no name"},
        {"a* = b", 1, 2, "no name"},
        {"\xc3\xab = b", 1, 1, "name is missing"},
        {"a = b#c", 1, 6, "quotes"},
        {"a = \xc3\xab#c", 1, 6, "quotes"},
        {"a = \"b#c", 1, 7, "quotes"},
        {"a = b\tc", 1, 6, "tab"},
        {"a = \"b\tc\"", 1, 7, "tab"},
        {"a = \x1b[2J", 1, 5, "control"},
        {"# \x07", 1, 3, "control"},
        {"a\v= b", 1, 2, "control"},
        {"a = b\xff", 1, 6, "UTF-8"},
        {"# \xed\xa0\x80", 1, 3, "UTF-8"},
        {"a = \xc3", 1, 5, "UTF-8"},
        {"\xef\xbb\xbf"
         "a = 1",
         1, 1, "name is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_mistake(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column, cases[i].what);
    check_mistake("a = b\0c", 7, 1, 6, "control");
    check_mistake("\0", 1, 1, 1, "control");
}

static void test_depth(void **state)
{
    struct auth_mistake mistake;
    struct auth_zpl *root;
    char text[2048] = "";
    size_t size = 0;

    (void)state;
    for (int depth = 0; depth < 16; depth++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%*sa\n", 4 * depth, "");
    assert_int_equal(parse(&root, text, size, &mistake), 0);
    auth_zpl_free(root);
    size += (size_t)snprintf(text + size, sizeof text - size, "%*sa\n", 4 * 16, "");
    check_mistake(text, size, 17, 65, "16 levels");
}

static void test_find(void **state)
{
    static const char text[] = "a = 1\nb = 2\na = 3\nc\n    d = 4\n";
    struct auth_mistake mistake;
    struct auth_zpl *root;

    (void)state;
    assert_int_equal(parse(&root, text, strlen(text), &mistake), 0);
    assert_string_equal(auth_zpl_find(root, "a")->value, "1");
    assert_string_equal(auth_zpl_find(root, "b")->value, "2");
    assert_string_equal(auth_zpl_find(auth_zpl_find(root, "c"), "d")->value, "4");
    assert_null(auth_zpl_find(root, "d"));
    assert_null(auth_zpl_find(root, ""));
    auth_zpl_free(root);
    auth_zpl_free(NULL);
}

static void test_nearest(void **state)
{
    static const char *const names[] = {
        "timeout", "url", "name", "sessions", "a-name-that-is-longer-than-32-characters", NULL};

    (void)state;
    assert_string_equal(auth_mistake_nearest("timeuot", names), "timeout");
    assert_string_equal(auth_mistake_nearest("session", names), "sessions");
    assert_string_equal(auth_mistake_nearest("Name", names), "name");
    assert_string_equal(auth_mistake_nearest("ur", names), "url");
    assert_null(auth_mistake_nearest("wholly", names));
    assert_null(auth_mistake_nearest("", names));
    assert_null(auth_mistake_nearest("a-name-that-is-longer-than-32-characters", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),  cmocka_unit_test(test_lines), cmocka_unit_test(test_values),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_depth), cmocka_unit_test(test_find),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
